//! Bytes that were a message once: real transcripts of both sides with something changed in them, fed to whatever reads
//! them. Nothing panics, nothing grows beyond what came, and what is still well formed is read as it stands.

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::super::house::*;
use super::postgres::{CANARY, TEXTS};
use crate::wire::backend;
use crate::wire::frame::Head;
use crate::wire::frontend::Frontend;
use crate::wire::startup::{FirstPacket, options};

/// One change.
#[derive(Clone, Debug)]
enum Change {
    Byte(prop::sample::Index, u8),
    Remove(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Again(prop::sample::Index, u8),
    /// Four bytes that lengths go wrong at.
    Length(prop::sample::Index, usize),
}

const LENGTHS: [u32; 10] = [0, 1, 3, 4, 5, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<prop::sample::Index>;
    let change = prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        2 => (at(), any::<u8>()).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (at(), prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (at(), any::<u8>()).prop_map(|(at, count)| Change::Again(at, count)),
        3 => (at(), 0..LENGTHS.len()).prop_map(|(at, length)| Change::Length(at, length)),
    ];
    prop::collection::vec(change, 0..4)
}

fn change(bytes: &mut Vec<u8>, changes: &[Change]) {
    for change in changes {
        let at = |index: &prop::sample::Index| index.index(bytes.len() + 1);
        match change {
            Change::Byte(index, byte) => {
                let at = at(index);
                bytes.get_mut(at).into_iter().for_each(|place| *place = *byte);
            }
            Change::Remove(index, count) => {
                let at = at(index);
                bytes.drain(at..bytes.len().min(at + usize::from(*count)));
            }
            Change::Insert(index, more) => {
                let at = at(index);
                bytes.splice(at..at, more.iter().copied());
            }
            Change::Again(index, count) => {
                let at = at(index);
                let again = bytes[at..bytes.len().min(at + usize::from(*count))].to_vec();
                bytes.splice(at..at, again);
            }
            Change::Length(index, length) => {
                let at = at(index);
                let end = bytes.len().min(at + 4);
                bytes.splice(at..end, LENGTHS[*length].to_be_bytes());
            }
        }
    }
}

/// A message of a caller's.
fn asked() -> impl Strategy<Value = Vec<u8>> {
    let name = || prop_oneof![Just(String::new()), Just("a".to_owned()), "[a-z]{0,70}"];
    let text = || (0..TEXTS.len()).prop_map(|at| TEXTS[at].sql);
    prop_oneof![
        text().prop_map(query),
        (name(), text()).prop_map(|(name, text)| parse(&name, text)),
        (name(), name(), any::<bool>()).prop_map(|(portal, name, binary)| if binary {
            bind_binary(&portal, &name)
        } else {
            bind(&portal, &name)
        }),
        (name(), any::<i32>()).prop_map(|(name, most)| named(b'E', &[&name], &most.to_be_bytes())),
        name().prop_map(|name| describe_statement(&name)),
        name().prop_map(|name| describe_portal(&name)),
        name().prop_map(|name| close(&name)),
        prop::sample::select(vec![b'S', b'H', b'c', b'F', b'X']).prop_map(plain),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|data| named(b'd', &[], &data)),
    ]
}

/// A message of a target's.
fn said() -> impl Strategy<Value = Vec<u8>> {
    let all = [("id", CUSTOMERS, 1, 23), ("ssn", CUSTOMERS, 3, 25), ("city", CUSTOMERS, 4, 25)];
    prop_oneof![
        2 => Just(shape(&all)),
        1 => Just(shape(&all[..1])),
        3 => Just(row(&["1", CANARY, "Leeds"])),
        1 => Just(row(&["1"])),
        1 => Just(error("22012")),
        1 => Just(named(b'N', &["SNOTICE", "C00000", "Mword"], b"\0")),
        1 => Just(named(b'S', &["application_name", "x"], b"")),
        1 => Just(named(b'A', &[], b"\0\0\0\x01channel\0payload\0")),
        2 => Just(complete()),
        2 => prop::sample::select(vec![b'I', b'T', b'E']).prop_map(ready),
        3 => prop::sample::select(vec![b'1', b'2', b'3', b'n', b's', b'I', b't', b'G', b'H', b'W', b'c', b'V']).prop_map(plain),
    ]
}

/// Every reader of a message's body. What can be read is all of the message, and nothing beside it.
fn read(kind: u8, body: &[u8]) -> TestCaseResult {
    if let Ok(message) = Frontend::read(kind, body) {
        prop_assert_eq!(Frontend::read(kind, body), Ok(message));
        let more = [body, b"x"].concat();
        let open = matches!(message, Frontend::Copy);
        prop_assert!(open || Frontend::read(kind, &more) != Ok(message), "what stands behind it is not seen");
    }
    if let Ok(columns) = backend::row_description(body) {
        prop_assert!(columns.len() * 19 <= body.len());
    }
    if let Ok(report) = backend::Report::read(body) {
        prop_assert_eq!(report.sqlstate().len(), 5);
    }
    let _ = backend::parameter_status(body);
    let _ = backend::backend_key(body);
    let _ = backend::ready_for_query(body);
    if let Ok(mut cells) = backend::data_row(body) {
        let mut rebuilt = body.get(..2).unwrap_or_default().to_vec();
        let mut whole = true;
        while cells.left() > 0 && whole {
            match cells.next_cell() {
                Ok(Some(cell)) => {
                    rebuilt.extend(i32::try_from(cell.len()).unwrap().to_be_bytes());
                    rebuilt.extend(cell);
                }
                Ok(None) => rebuilt.extend((-1_i32).to_be_bytes()),
                Err(_) => whole = false,
            }
        }
        if whole && cells.end().is_ok() {
            prop_assert_eq!(rebuilt.as_slice(), body, "a row that was read is the row that was sent");
        }
    }
    if let Ok(FirstPacket::Startup(startup)) = FirstPacket::read(body) {
        let pairs: usize = startup.parameters.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        prop_assert_eq!(pairs + 5, body.len());
    }
    if let Ok(settings) = options(&String::from_utf8_lossy(body)) {
        prop_assert!(settings.iter().all(|(name, _)| !name.is_empty()));
    }
    Ok(())
}

type Case = (Vec<Vec<u8>>, Vec<Change>, Vec<Vec<u8>>, Vec<Change>, Vec<prop::sample::Index>);

fn cases() -> impl Strategy<Value = Case> {
    (
        prop::collection::vec(asked(), 1..8),
        changes(),
        prop::collection::vec(said(), 0..10),
        changes(),
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    )
}

fn check((asked, asked_changes, said, said_changes, cuts): Case) -> TestCaseResult {
    let (mut asked, mut said) = (asked.concat(), said.concat());
    change(&mut asked, &asked_changes);
    change(&mut said, &said_changes);
    for bytes in [&asked, &said] {
        let mut rest = bytes.as_slice();
        while let Ok(Some(head)) = Head::read(rest) {
            let Some((message, behind)) = rest.split_at_checked(head.frame_bytes) else { break };
            read(head.kind, &message[5..])?;
            rest = behind;
        }
        read(bytes.first().copied().unwrap_or_default(), bytes)?;
    }
    let mut house = House::new();
    let mut forwarded = 0;
    for bytes in pieces(&asked, &cuts) {
        if house.conversation.takes_more() && house.conversation.ended().is_none() {
            house.conversation.take_from_caller(bytes, NOW);
            forwarded += house.forwarded_bytes().len();
        }
    }
    for bytes in pieces(&said, &cuts) {
        if house.conversation.ended().is_none() {
            house.conversation.take_from_target(bytes, NOW);
            forwarded += house.forwarded_bytes().len();
        }
    }
    // What is refused and what Weir asks itself are a little more than what came, for each message.
    let most = asked.len() * 20 + 2_000;
    prop_assert!(forwarded <= most, "{} bytes became {}", asked.len(), forwarded);
    let shown = house.conversation.to_caller.len();
    prop_assert!(
        shown <= (asked.len() + said.len()) * 120 + 4_000,
        "{} and {} bytes became {}",
        asked.len(),
        said.len(),
        shown
    );
    Ok(())
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

#[test]
fn whatever_the_bytes_nothing_panics_or_grows() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conversation/tests/fuzz/bytes.seeds");
    super::fuzz("bytes", seeds, &cases(), check);
}

/// Startup packets: valid ones, with something changed in them.
#[test]
fn whatever_the_first_packet_is_it_is_read_whole_or_not_at_all() {
    let word = || "[a-zA-Z_.]{0,12}";
    let pairs = prop::collection::vec((word(), "[ -~]{0,20}"), 0..6);
    let code =
        prop::sample::select(vec![196_608, 196_610, 196_608 + 9_999, 80_877_102, 80_877_103, 80_877_104, 131_072, -1]);
    let packets = (code, pairs, changes()).prop_map(|(code, pairs, changes)| {
        let mut body = i32::to_be_bytes(code).to_vec();
        for (name, value) in pairs {
            body.extend([name.as_bytes(), &[0], value.as_bytes(), &[0]].concat());
        }
        body.push(0);
        change(&mut body, &changes);
        body
    });
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conversation/tests/fuzz/startup.seeds");
    super::fuzz("startup", seeds, &packets, |body| read(0, &body));
}
