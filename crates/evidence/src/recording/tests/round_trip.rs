//! What is added is read back, however it was cut.

use std::sync::Arc;

use gate::{Event, Frame, Record, ShownField};
use model::{RecordingLevel, SessionId, Sight, UnixMicros};
use proptest::prelude::*;

use crate::recording::reader::{Kept, KeptFrame};
use crate::recording::testing::{Book, DAY, OPENED, Stop, keys, read, shelved, show, still};
use crate::testing::{decided, ended};

/// A frame to add.
#[derive(Clone, Debug)]
enum Given {
    Record(usize),
    About(u64),
    Shape(Vec<(Option<String>, usize, usize)>),
    Shown(Vec<u8>),
    Instead(u64, Vec<u8>),
    /// Nothing is added, and all that waits is written.
    Flush,
}

/// What is compared: pieces of what may be cut anywhere are joined.
#[derive(Clone, Debug, PartialEq)]
enum Item {
    Record(String),
    About(u64),
    Shape(Vec<(Option<String>, Sight, Sight)>),
    Shown(Vec<u8>),
    Instead(u64, Vec<u8>),
}

const SIGHTS: [Sight; 4] = [Sight::Nothing, Sight::Token, Sight::Partial, Sight::Clear];

fn record(detail_bytes: usize, at: u64) -> Record {
    let event = Event::Noticed { what: "cancel", detail: "é\"".repeat(detail_bytes / 3) };
    Record { at: UnixMicros(at), session: Some(SessionId("s".into())), event }
}

fn joined(items: impl IntoIterator<Item = (u64, Item)>) -> Vec<(u64, Item)> {
    let mut all: Vec<(u64, Item)> = Vec::new();
    for (at, item) in items {
        match (all.last_mut().map(|(_, last)| last), item) {
            (Some(Item::Shown(before)), Item::Shown(bytes)) => before.extend(bytes),
            (Some(Item::Instead(count, before)), Item::Instead(more, kept)) => {
                *count += more;
                before.extend(kept);
            }
            (_, Item::Shown(bytes)) if bytes.is_empty() => {}
            (_, Item::Instead(0, kept)) if kept.is_empty() => {}
            (_, item) => all.push((at, item)),
        }
    }
    all
}

fn item(kept: Kept) -> (u64, Item) {
    let item = match kept.frame {
        KeptFrame::Record(json) => Item::Record(json),
        KeptFrame::About(op) => Item::About(op),
        KeptFrame::Shape(fields) => {
            Item::Shape(fields.into_iter().map(|field| (field.class, field.sight, field.kept)).collect())
        }
        KeptFrame::Shown(bytes) => Item::Shown(bytes),
        KeptFrame::Instead { bytes, kept } => Item::Instead(bytes, kept),
        KeptFrame::Other { kind, .. } => panic!("kind {kind}"),
    };
    (kept.at.0, item)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    // Each length up to that of a few pages; what is in it is easy to tell apart and quick to make.
    (prop_oneof![4 => 0..200_usize, 2 => 0..5000_usize, 1 => 60_000..70_000_usize, 1 => 0..300_000_usize], any::<u8>())
        .prop_map(|(length, from)| (0..length).map(|n| (n / 7) as u8 ^ (n as u8).wrapping_mul(from)).collect())
}

fn given() -> impl Strategy<Value = Given> {
    let class = proptest::option::of("[a-z.]{1,9}");
    prop_oneof![
        2 => prop_oneof![0..300_usize, 0..200_000_usize].prop_map(Given::Record),
        2 => any::<u64>().prop_map(Given::About),
        2 => prop::collection::vec((class, 0..4_usize, 0..4_usize), 0..9).prop_map(Given::Shape),
        8 => bytes().prop_map(Given::Shown),
        3 => (0..1_u64 << 50, bytes()).prop_map(|(count, kept)| Given::Instead(count, kept)),
        1 => Just(Given::Flush),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_frames_are_read_back(
        all in prop::collection::vec((given(), prop_oneof![0..20_u64, 0..100_000_u64]), 0..30),
        is_full: bool,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let book = Arc::new(Book::default());
        let recordings = still(dir.path(), &book);
        let level = if is_full { RecordingLevel::Full } else { RecordingLevel::Metadata };
        let recording = recordings.start_at("s", level);
        let (mut expected, mut at, mut shown) = (Vec::new(), OPENED, 0);
        for (given, after) in all {
            at += after;
            let added = |frame: Frame<'_>| recording.add(UnixMicros(at), frame);
            expected.push((at, match given {
                Given::Record(length) => {
                    let record = record(length, at);
                    added(Frame::Record(&record));
                    Item::Record(serde_json::to_string(&record).unwrap())
                }
                Given::About(op) => {
                    added(Frame::About(op));
                    Item::About(op)
                }
                Given::Shape(fields) => {
                    let fields: Vec<_> = fields.into_iter().map(|(class, s, k)| (class, SIGHTS[s], SIGHTS[k])).collect();
                    let of = |(class, sight, kept): &(Option<String>, Sight, Sight)| (class.clone(), *sight, *kept);
                    let shape: Vec<_> = fields
                        .iter()
                        .map(|(class, sight, kept)| ShownField { name: "n", type_id: 25, binary: true, class: class.as_deref(), sight: *sight, kept: *kept })
                        .collect();
                    added(Frame::Shape(&shape));
                    Item::Shape(fields.iter().map(of).collect())
                }
                Given::Shown(bytes) => {
                    added(Frame::Shown(&bytes));
                    shown += bytes.len() as u64;
                    if is_full { Item::Shown(bytes) } else { Item::Instead(bytes.len() as u64, Vec::new()) }
                }
                Given::Instead(count, kept) => {
                    added(Frame::Instead { bytes: count, kept: &kept });
                    shown += count;
                    Item::Instead(count, if is_full { kept } else { Vec::new() })
                }
                Given::Flush => {
                    recordings.flush();
                    continue;
                }
            }));
        }
        prop_assert_eq!(recording.stands(), Ok(()));
        drop(recording);
        let (found, stop) = read(&shelved(dir.path(), "s"), &keys());
        prop_assert_eq!(stop, Stop::Complete);
        prop_assert!(found.is_sorted_by_key(|kept| kept.at));
        let (found, expected) = (joined(found.into_iter().map(item)), joined(expected));
        prop_assert_eq!(found.len(), expected.len());
        for ((found_at, found), (at, expected)) in found.iter().zip(&expected) {
            prop_assert!(found == expected, "another frame");
            prop_assert_eq!(found_at, at);
        }
        let told = book.recorded();
        prop_assert_eq!(told.len(), 1);
        prop_assert_eq!(told[0].1.shown, shown);
        prop_assert_eq!(recordings.shared.waiting_bytes(), 0);
    }
}

#[test]
fn records_are_as_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let recordings = still(dir.path(), &Arc::new(Book::default()));
    let recording = recordings.start("s");
    let records = [decided(1), ended(1)];
    for record in &records {
        recording.add(record.at, Frame::Record(record));
    }
    drop(recording);
    let (found, stop) = read(&shelved(dir.path(), "s"), &keys());
    assert_eq!(stop, Stop::Complete);
    let told: Vec<_> = found.into_iter().map(|kept| kept.frame).collect();
    let json = |record| KeptFrame::Record(serde_json::to_string(record).unwrap());
    assert_eq!(told, [json(&records[0]), json(&records[1])]);
}

#[test]
fn a_clock_that_is_put_back_does_not_turn_a_recording_back() {
    let dir = tempfile::tempdir().unwrap();
    let recordings = still(dir.path(), &Arc::new(Book::default()));
    let recording = recordings.start("s");
    for at in [OPENED - 5, OPENED + 50, OPENED + 20, 0, OPENED + 60] {
        recording.add(UnixMicros(at), Frame::About(1));
    }
    drop(recording);
    let (found, _) = read(&shelved(dir.path(), "s"), &keys());
    let times: Vec<_> = found.iter().map(|kept| kept.at.0 - OPENED).collect();
    assert_eq!(times, [0, 50, 50, 50, 60]);
}

/// What was shown is nowhere in the clear: not in the file, and of metadata not even under the seal.
#[test]
fn no_secret_is_in_the_bytes() {
    let secret = b"canary-4000-0012-3456-7899";
    let contains = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
    for level in [RecordingLevel::Full, RecordingLevel::Metadata] {
        let dir = tempfile::tempdir().unwrap();
        let recordings = still(dir.path(), &Arc::new(Book::default()));
        let recording = recordings.start_at("s", level);
        for n in 0..3000 {
            show(&*recording, n, secret);
            recording.add(UnixMicros(OPENED + n), Frame::Instead { bytes: 5, kept: secret });
            let event = Event::Noticed { what: "cancel", detail: String::from_utf8(secret.to_vec()).unwrap() };
            recording.add(UnixMicros(OPENED), Frame::Record(&Record { at: UnixMicros(1), session: None, event }));
        }
        recordings.flush();
        let open = std::fs::read(dir.path().join("open/s.rec")).unwrap();
        drop(recording);
        let bytes = shelved(dir.path(), "s");
        assert!(!contains(&bytes) && !contains(&open));
        assert!(!contains(&std::fs::read(dir.path().join(DAY).join("s.rec")).unwrap()));
        let (found, _) = read(&bytes, &keys());
        let mut kept = found.iter().filter(|kept| match &kept.frame {
            KeptFrame::Shown(bytes) => contains(bytes),
            KeptFrame::Instead { kept, .. } => contains(kept),
            _ => false,
        });
        assert_eq!(kept.next().is_some(), level == RecordingLevel::Full);
    }
}
