//! The codec's laws: a transcript means the same however it is cut, what is built can be read, and no bytes at all make
//! it panic. And the packets of published flaws, each as what happens to it.

use proptest::prelude::*;
use sql_postgres::ReplicationOf;

use super::backend::{self, Report};
use super::build::{self, OwnReport, Severity};
use super::frame::{HEAD_BYTES, Head, Inbox};
use super::frontend::{Frontend, What};
use super::startup::{FirstPacket, options};
use super::{Fields, Malformed};

/// The frames in a transcript that arrives in these pieces.
fn frames(pieces: &[&[u8]]) -> Result<Vec<(u8, Vec<u8>)>, Malformed> {
    let mut inbox = Inbox::default();
    let mut frames = Vec::new();
    for piece in pieces {
        inbox.push(piece);
        while let Some(head) = Head::read(inbox.unread())? {
            if inbox.unread().len() < head.frame_bytes {
                break;
            }
            frames.push((head.kind, inbox.get(HEAD_BYTES..head.frame_bytes).to_vec()));
            inbox.consume(head.frame_bytes);
        }
    }
    Ok(frames)
}

fn transcript(messages: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, body) in messages {
        build::frame(&mut bytes, *kind, |out| out.extend_from_slice(body));
    }
    bytes
}

proptest! {
    #[test]
    fn any_cut_of_a_transcript_gives_the_same_frames(
        messages in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..64)), 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let bytes = transcript(&messages);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(frames(&pieces).unwrap(), messages);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(kind in any::<u8>(), body in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = Head::read(&body);
        let _ = Frontend::read(kind, &body);
        let _ = FirstPacket::read(&body);
        let _ = backend::row_description(&body);
        let _ = Report::read(&body);
        let _ = backend::parameter_status(&body);
        let _ = backend::backend_key(&body);
        let _ = backend::ready_for_query(&body);
        if let Ok(mut cells) = backend::data_row(&body) {
            while cells.left() > 0 && cells.next_cell().is_ok() {}
            let _ = cells.end();
        }
        let _ = options(&String::from_utf8_lossy(&body));
    }

    #[test]
    fn a_row_that_is_built_is_read(cells in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..32)), 0..20)) {
        let mut body = u16::try_from(cells.len()).unwrap().to_be_bytes().to_vec();
        for cell in &cells {
            let length = cell.as_ref().map_or(-1, |cell| i32::try_from(cell.len()).unwrap());
            body.extend_from_slice(&length.to_be_bytes());
            body.extend_from_slice(cell.as_deref().unwrap_or_default());
        }
        let mut row = backend::data_row(&body).unwrap();
        let mut read = Vec::new();
        while row.left() > 0 {
            read.push(row.next_cell().unwrap().map(<[u8]>::to_vec));
        }
        row.end().unwrap();
        prop_assert_eq!(read, cells);
    }

    #[test]
    fn a_report_that_is_built_is_read(message in "[^\0]{0,40}", detail in prop::option::of("[^\0]{0,40}")) {
        let mut report = OwnReport::new(Severity::Error, "42501", message.clone());
        report.detail = detail.clone();
        let bytes = report.to_bytes();
        let read = Report::read(&bytes[HEAD_BYTES..]).unwrap();
        prop_assert_eq!(read.field(b'M'), Some(message.as_str()));
        prop_assert_eq!(read.field(b'D'), detail.as_deref());
        prop_assert_eq!((read.sqlstate(), read.severity()), ("42501", "ERROR"));
    }
}

#[test]
fn lengths_that_do_not_add_up_are_refused_before_anything_is_taken() {
    for length in [-1_i32, 0, 1, 2, 3, i32::MIN] {
        let mut bytes = vec![b'Q'];
        bytes.extend_from_slice(&length.to_be_bytes());
        assert!(Head::read(&bytes).is_err(), "{length}");
    }
    assert_eq!(Head::read(b"Q\0\0").unwrap(), None);
    for length in [0, 3, 7, 10_001, i32::MAX, -1] {
        assert!(FirstPacket::length(length.to_be_bytes()).is_err(), "{length}");
    }
}

#[test]
fn bodies_that_do_not_add_up_are_refused() {
    for (kind, body) in [
        (b'Q', b"select 1".as_slice()),
        (b'Q', b"select 1\0x"),
        (b'P', b"name\0text\0"),
        (b'P', b"name\0text\0\xff\xff"),
        (b'P', b"name\0text\0\0\x02\0\0\0\x17"),
        (b'B', b"\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0"),
        (b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0"),
        (b'B', b"\0\0\0\0\0\0\0\0x"),
        (b'D', b"Xname\0"),
        (b'E', b"portal\0\0\0"),
        (b'S', b"x"),
        (b'p', b"secret\0"),
        (b'!', b""),
    ] {
        assert!(Frontend::read(kind, body).is_err(), "{} {body:?}", char::from(kind));
    }
}

#[test]
fn messages_are_read_as_they_were_meant() {
    let Ok(Frontend::Parse(parse)) = Frontend::read(b'P', b"s1\0select $1\0\0\x01\0\0\0\x17") else { panic!() };
    assert_eq!((parse.name, parse.text, parse.types), (b"s1".as_slice(), b"select $1".as_slice(), &[0, 0, 0, 23][..]));
    let Ok(Frontend::Bind(bind)) = Frontend::read(b'B', b"p\0s1\0\0\x01\0\x01\0\x01\0\0\0\x02hi\0\x02\0\0\0\x01")
    else {
        panic!()
    };
    assert_eq!((bind.portal, bind.statement, bind.parameter_count), (b"p".as_slice(), b"s1".as_slice(), 1));
    assert_eq!(bind.parameters, b"\0\x01\0\x01\0\x01\0\0\0\x02hi");
    assert_eq!(bind.formats(), [0, 1]);
    let many = [b"\0s1\0\0\0\xff\xff".as_slice(), &[0, 0, 0, 0].repeat(65_535), b"\0\0"].concat();
    let Ok(Frontend::Bind(bind)) = Frontend::read(b'B', &many) else { panic!() };
    assert_eq!((bind.parameter_count, bind.parameters.len()), (65_535, 4 + 4 * 65_535));
    let Ok(Frontend::Close(close)) = Frontend::read(b'C', b"Pcur\0") else { panic!() };
    assert_eq!((close.what, close.name), (What::Portal, b"cur".as_slice()));
}

#[test]
fn startup_packets() {
    let packet = |code: i32, rest: &[u8]| FirstPacket::read(&[&code.to_be_bytes()[..], rest].concat());
    assert_eq!(packet(80_877_103, b""), Ok(FirstPacket::Ssl));
    assert!(packet(80_877_103, b"x").is_err(), "an SSLRequest with something in it");
    assert!(packet(80_877_102, b"\0\0\0\x01").is_err(), "a cancel without a key");
    assert!(packet(131_072, b"user\0a\0\0").is_err(), "protocol 2.0");
    assert!(packet(196_608, b"user\0a\0USER\0b\0\0").is_err(), "two users");
    assert!(packet(196_608, b"user\0a\0").is_err(), "no end");
    assert!(packet(196_608, b"user\0a\0\0rest").is_err(), "something behind the end");
    let Ok(FirstPacket::Startup(startup)) = packet(196_608 + 9_999, b"user\0a\0_pq_.grease\0x\0\0") else { panic!() };
    assert_eq!((startup.minor, startup.parameter("user")), (9_999, Some("a")));
    assert_eq!(startup.negotiation(), Some((196_610, vec!["_pq_.grease"])));
    for (minor, secret_bytes) in [(0, 4), (1, 4), (2, 32), (3, 32)] {
        let Ok(FirstPacket::Startup(startup)) = packet(196_608 + minor, b"user\0a\0\0") else { panic!() };
        assert_eq!(startup.secret_bytes(), secret_bytes, "3.{minor}");
        assert_eq!(startup.negotiation().is_some(), minor > 2, "3.{minor}");
    }
    for (value, meant) in [
        ("database", Some(Some(ReplicationOf::Database))),
        ("true", Some(Some(ReplicationOf::Server))),
        ("ON", Some(Some(ReplicationOf::Server))),
        ("y", Some(Some(ReplicationOf::Server))),
        ("1", Some(Some(ReplicationOf::Server))),
        ("of", Some(None)),
        ("0", Some(None)),
        ("o", None),
        ("", None),
        ("truest", None),
        ("Database", None),
    ] {
        let text = format!("user\0a\0replication\0{value}\0\0");
        let Ok(FirstPacket::Startup(startup)) = packet(196_608, text.as_bytes()) else { panic!() };
        assert_eq!(startup.replication().ok(), meant, "{value}");
    }
}

#[test]
fn versions_of_a_target() {
    let told = |version: i32, unknown: i32| [version.to_be_bytes(), unknown.to_be_bytes()].concat();
    let read = |version: i32| backend::negotiated_version(&told(version, 0), 196_610).ok();
    assert_eq!((read(196_608), read(0)), (Some(196_608), Some(196_608)));
    for wrong in [196_610, 196_611, 131_072, 2, -1, i32::MAX, i32::MIN] {
        assert_eq!(read(wrong), None, "{wrong}");
    }
    assert!(backend::negotiated_version(&told(196_608, 1), 196_610).is_err());
}

#[test]
fn startup_options_are_settings_or_an_error() {
    let pairs =
        |text| options(text).map(|pairs| pairs.into_iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>());
    assert_eq!(pairs("").unwrap(), Vec::<String>::new());
    assert_eq!(pairs(" -c a=b  -cc=d --search-path=x,y ").unwrap(), ["a=b", "c=d", "search_path=x,y"]);
    assert_eq!(pairs("-c a=one\\ two\\\\").unwrap(), ["a=one two\\"]);
    for bad in ["-c", "-c =x", "-c=", "-c =", "--=x", "-c a", "-d 5", "role=x", "-B 10"] {
        assert!(options(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_list_of_fields_that_claims_more_than_there_is_takes_no_memory() {
    assert!(backend::row_description(b"\x7f\xff").is_err());
    assert!(backend::row_description(b"\xff\xff").is_err());
    assert!(Fields::of("test", b"\x7f\xff\xff\xff").value().is_err());
    assert!(backend::backend_key(b"\0\0\0\x01").is_err());
    assert!(backend::ready_for_query(b"X").is_err());
    assert_eq!(Report::read(b"\0").unwrap().sqlstate(), "XX000");
}
