//! Whatever is done to a recording's bytes: what is read is the beginning of what was written, and never said to be all of it.

use std::ops::Range;
use std::sync::Arc;

use gate::Frame;
use model::UnixMicros;

use crate::format::Hash;
use crate::recording::RecordingKeys;
use crate::recording::chunk::Packer;
use crate::recording::format::Header;
use crate::recording::keys::{ChunkKey, Place};
use crate::recording::reader::{Kept, KeptFrame};
use crate::recording::testing::{Book, OPENED, Stop, keys, open_path, read, shelved, show, still};
use crate::testing::{Dice, decided};

/// A recording that is known.
struct Known {
    bytes: Vec<u8>,
    frames: Vec<Kept>,
    /// Where its chunks are.
    chunks: Vec<Range<usize>>,
}

fn length_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

impl Known {
    fn of(bytes: Vec<u8>) -> Self {
        let frames = read(&bytes, &keys()).0;
        let (mut at, mut chunks) = (12 + length_at(&bytes, 8), Vec::new());
        while at < bytes.len() {
            let end = at + 8 + length_at(&bytes, at);
            chunks.push(at..end);
            at = end;
        }
        assert_eq!(at, bytes.len());
        Self { bytes, frames, chunks }
    }

    fn header(&self) -> usize {
        self.chunks[0].start
    }

    /// These bytes are not the recording's: nobody may be told otherwise.
    fn refuse(&self, bytes: &[u8], what: &str) -> Stop {
        assert_ne!(bytes, self.bytes, "{what} changed nothing");
        let (frames, stop) = read(bytes, &keys());
        assert!(self.frames.starts_with(&frames), "{what}: something else was read");
        assert_ne!(stop, Stop::Complete, "{what}: taken for the whole");
        stop
    }
}

/// Two small recordings of several chunks each, and the first without its end.
fn small() -> (Known, Known, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let recordings = still(dir.path(), &Arc::new(Book::default()));
    let (one, other) = (recordings.start("one"), recordings.start("other"));
    for n in 0..6 {
        for (recording, word) in [(&one, "shown to one"), (&other, "shown to another")] {
            recording.add(UnixMicros(OPENED + n), Frame::About(n));
            show(&**recording, n, word.repeat(n as usize + 1).as_bytes());
        }
        recordings.flush();
    }
    one.add(UnixMicros(OPENED + 9), Frame::Record(&decided(3)));
    let open = std::fs::read(open_path(dir.path(), "one")).unwrap();
    drop((one, other));
    let known = |session| Known::of(shelved(dir.path(), session));
    (known("one"), known("other"), open)
}

/// How many changes are tried; scripts/fuzz tries more.
fn rounds() -> usize {
    std::env::var("WEIR_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(25_000)
}

#[test]
fn each_bit_counts() {
    let (known, ..) = small();
    assert_eq!((known.chunks.len(), known.frames.len()), (7, 13));
    for at in 0..known.bytes.len() {
        for bit in 0..8 {
            let mut bytes = known.bytes.clone();
            bytes[at] ^= 1 << bit;
            let stop = known.refuse(&bytes, &format!("bit {bit} of byte {at}"));
            let is_length = known.chunks.iter().any(|chunk| (chunk.start..chunk.start + 4).contains(&at));
            match stop {
                Stop::Unreadable(_) => assert!(at < known.header()),
                Stop::Fault(fault) => {
                    let chunk = known.chunks.iter().position(|chunk| chunk.contains(&at)).unwrap();
                    assert_eq!((fault.chunk, fault.offset), (chunk as u64, known.chunks[chunk].start as u64));
                }
                // A chunk that says it is longer than the file is like one that was cut off.
                Stop::Unfinished { .. } => assert!(is_length, "byte {at}"),
                Stop::Complete => panic!("taken for the whole"),
            }
        }
    }
}

#[test]
fn a_cut_is_seen_wherever_it_is() {
    let (known, _, open) = small();
    for end in 0..known.bytes.len() {
        let stop = known.refuse(&known.bytes[..end], &format!("cut at {end}"));
        let Some(before) = known.chunks.iter().rev().map(|chunk| chunk.start).find(|start| *start <= end) else {
            assert!(matches!(stop, Stop::Unreadable(_)));
            continue;
        };
        let (offset, torn) = (before as u64, (end - before) as u64);
        assert_eq!(stop, Stop::Unfinished { offset, torn }, "cut at {end}");
    }
    assert!(matches!(known.refuse(&open, "no end"), Stop::Unfinished { torn: 0, .. }));
    for (at, end) in [(0, 1), (20, 30), (known.header(), known.header() + 1), (known.header() + 9, known.header() + 10)]
    {
        let mut bytes = known.bytes.clone();
        bytes.drain(at..end);
        known.refuse(&bytes, &format!("without {at}..{end}"));
    }
}

#[test]
fn chunks_stay_where_they_are() {
    let (known, other, open) = small();
    let put = |chunks: &[&[u8]]| [&known.bytes[..known.header()], &chunks.concat()].concat();
    let own: Vec<_> = known.chunks.iter().map(|chunk| &known.bytes[chunk.clone()]).collect();
    let others: Vec<_> = other.chunks.iter().map(|chunk| &other.bytes[chunk.clone()]).collect();
    let is_at = |stop: Stop, chunk: usize| matches!(stop, Stop::Fault(fault) if fault.chunk == chunk as u64);
    for n in 0..own.len() {
        let mut chunks = own.clone();
        chunks.remove(n);
        let stop = known.refuse(&put(&chunks), &format!("without chunk {n}"));
        assert!(is_at(stop, n) || n == own.len() - 1);
        let mut chunks = own.clone();
        chunks.insert(n, own[n]);
        assert!(is_at(known.refuse(&put(&chunks), &format!("chunk {n} twice")), n + 1));
        let mut chunks = own.clone();
        chunks[n] = others[n];
        assert!(is_at(known.refuse(&put(&chunks), &format!("another's chunk {n}")), n));
        for m in 0..n {
            let mut chunks = own.clone();
            chunks.swap(n, m);
            assert!(is_at(known.refuse(&put(&chunks), &format!("chunks {n} and {m} swapped")), m));
        }
    }
    // Behind the end nothing stands, and an end of its own can't be put anywhere else.
    let stop = known.refuse(&[known.bytes.as_slice(), b"x"].concat(), "a byte behind the end");
    assert!(matches!(stop, Stop::Fault(fault) if fault.what == "1 bytes stand behind the recording's end"));
    known.refuse(&[open.as_slice(), others[6]].concat(), "another's end");
    known.refuse(&[&other.bytes[..other.header()], &own.concat()].concat(), "another's header");
}

#[test]
fn a_header_says_what_was_written() {
    let (known, ..) = small();
    let header = String::from_utf8(known.bytes[12..known.header()].to_vec()).unwrap();
    let again = |json: &str| {
        let length = u32::try_from(json.len()).unwrap().to_le_bytes();
        [b"WEIRREC1", length.as_slice(), json.as_bytes(), &known.bytes[known.header()..]].concat()
    };
    assert_eq!(again(&header), known.bytes);
    for (from, to) in [
        ("\"one\"", "\"two\""),
        ("\"full\"", "\"metadata\""),
        ("\"postgres\"", "\"http\""),
        ("\"opened\":1", "\"opened\":2"),
        ("{\"format\"", "{ \"format\""),
        ("\"format\":1,", "\"format\":1,\"more\":1,"),
        (",\"wrapped\":\"", ",\"wrapped\":\"0"),
        ("\"}", "\"} "),
    ] {
        let edited = header.replacen(from, to, 1);
        assert!(matches!(known.refuse(&again(&edited), to), Stop::Unreadable(_)), "{to}");
    }
    let Stop::Unreadable(why) = known.refuse(&again(&header.replacen("\"format\":1", "\"format\":2", 1)), "format")
    else {
        panic!("format 2 was read")
    };
    assert_eq!(why, "it has format 2; this Weir reads format 1");
}

#[test]
fn a_key_that_is_not_there_is_named() {
    let (known, ..) = small();
    let later = || RecordingKeys::new(&[9; 32]).unwrap();
    let Stop::Unreadable(why) = read(&known.bytes, &later()).1 else { panic!("it was read") };
    let (key, here) = (keys().id().to_owned(), later().id().to_owned());
    assert_eq!(why, format!("it is sealed under the recording key {key}, which is not among the keys here ({here})"));
    let (frames, stop) = read(&known.bytes, &later().and_older(&[7; 32]).unwrap());
    assert_eq!((frames, stop), (known.frames, Stop::Complete));
}

#[test]
fn random_changes_are_seen() {
    let (known, other, _) = small();
    let mut dice = Dice(0x0dd0_5eed);
    let mut changed = 0;
    while changed < rounds() {
        let mut bytes = known.bytes.clone();
        for _ in 0..=dice.below(3) {
            let (at, to) = (dice.below(bytes.len()), dice.below(bytes.len()));
            let (at, to) = (at.min(to), at.max(to));
            match dice.below(8) {
                0 => bytes[at] = dice.next() as u8,
                1 => bytes[at..to].fill(dice.next() as u8),
                2 => drop(bytes.drain(at..to)),
                3 => bytes.truncate(to.max(1)),
                4 => bytes.insert(at, dice.next() as u8),
                5 => drop(bytes.splice(at..at, known.bytes[dice.below(known.bytes.len())..].to_vec())),
                6 => {
                    let from = other.chunks[dice.below(other.chunks.len())].clone();
                    drop(bytes.splice(at..to, other.bytes[from].to_vec()));
                }
                _ => {
                    let chunk = known.chunks[dice.below(known.chunks.len())].clone();
                    let place = known.chunks[dice.below(known.chunks.len())].clone();
                    let place = place.start.min(bytes.len())..place.end.min(bytes.len());
                    drop(bytes.splice(place, known.bytes[chunk].to_vec()));
                }
            }
            if bytes.is_empty() {
                bytes.push(0);
            }
        }
        if bytes != known.bytes {
            known.refuse(&bytes, &format!("change {changed}"));
            changed += 1;
        }
    }
}

/// Only who has the keys can make these. They are no recordings all the same.
#[test]
fn frames_that_make_no_sense_are_faults() {
    let header = Header {
        format: 1,
        session: "s".into(),
        opened: OPENED,
        protocol: "postgres".into(),
        level: "full".into(),
        key: keys().id().into(),
    };
    let bound = header.bound().unwrap();
    let read_chunks = |chunks: &[(&[u8], bool)]| {
        let (own, wrapped) = keys().newest().wrap_new(&bound).unwrap();
        let mut bytes = Header::bytes(&bound, &wrapped).unwrap();
        let key = ChunkKey { own, header: Hash::of(&bytes) };
        for (n, (raw, is_last)) in chunks.iter().enumerate() {
            let place = Place { index: n as u64, is_last: *is_last };
            Packer::new(1).unwrap().pack(&key, place, raw, &mut bytes).unwrap();
        }
        read(&bytes, &keys())
    };
    const ABOUT: &[u8] = &[2, 0, 1, 9];
    const END: &[u8] = &[7, 0, 0];
    const PART: &[u8] = &[6, 0, 1, 9];
    let whole = [ABOUT, END].concat();
    assert_eq!(read_chunks(&[(ABOUT, false), (&whole, true)]).1, Stop::Complete);
    // Of a kind that nobody knows yet, with a part before it.
    let unknown = [PART, &[77, 3, 2, 1, 2], ABOUT, END].concat();
    let (found, stop) = read_chunks(&[(&unknown, true)]);
    assert_eq!(stop, Stop::Complete);
    assert_eq!(found[0].frame, KeptFrame::Other { kind: 77, payload: vec![9, 1, 2] });
    assert_eq!((found[1].at.0, &found[1].frame), (OPENED + 3, &KeptFrame::About(9)));
    let end_wrong = "it has an end where none can be";
    let kind_wrong = "a frame in it is not of its kind";
    type Chunks<'a> = &'a [(&'a [u8], bool)];
    let cases: [(Chunks<'_>, &str); 10] = [
        (&[(END, false)], end_wrong),
        (&[(&[END, ABOUT].concat(), true)], end_wrong),
        (&[(&[PART, END].concat(), true)], end_wrong),
        (&[(&[7, 0, 1, 1], true)], end_wrong),
        (&[(ABOUT, true)], "it is the last one and has no end"),
        (&[(&[2, 0, 9, 1], false)], "its frames are none"),
        (&[(&[2, 0, 2, 1, 1], false)], kind_wrong),
        (&[(&[1, 0, 1, 0xff], false)], kind_wrong),
        (&[(b"\x03\0\x02{}", false)], kind_wrong),
        (&[(&[5, 0, 0], false)], kind_wrong),
    ];
    for (chunks, what) in cases {
        let Stop::Fault(fault) = read_chunks(chunks).1 else { panic!("{what}: {chunks:?}") };
        assert_eq!(fault.what, what, "{chunks:?}");
    }
    // Parts make up no more than a record can be.
    let long = [&[6, 0, 0x80, 0x80, 0x20][..], &vec![0; 512 * 1024]].concat();
    let many: Vec<_> = (0..33).map(|_| (long.as_slice(), false)).collect();
    let Stop::Fault(fault) = read_chunks(&many).1 else { panic!("16 MiB and more") };
    assert_eq!((fault.chunk, fault.what.as_str()), (32, "its frames make up more than one can be"));
}
