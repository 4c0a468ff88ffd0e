//! Checkpoints: what the whole log is at a moment, signed.
//!
//! Each is a record of lane 0, `"event":"checkpoint"`, and its `note` is a signed note in the form of
//! [C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint):
//!
//! ```text
//! weir/5f2a90c1                                      whose log
//! 20852163                                           leaves of the tree
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=       its root
//! at 1795000000000000                                when, in microseconds since the Unix epoch
//! epoch 2 18114025                                   how often it was gone on with after a loss, from the second on (`epoch.rs`)
//! key weir/5f2a90c1+c74f20a3+ARpc…                   who signs from here on, where a key is followed by another
//! lane 0 10426082 OW9a…=                             the last record of each lane that is in it, and its hash
//! lane 1 10426080 bX2n…=
//!
//! — weir/5f2a90c1 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
//! ```
//!
//! The first checkpoint of a log covers all records that were there; each one after it those that have come since, lane by lane:
//! first those of lane 0 after the one that the checkpoint before names, then those of lane 1, and so on. That is the order of the
//! tree's leaves. Headers, seals and earlier checkpoints are records like others.
//!
//! Beside the note the record has the tree's `edge` (`tree.rs`), so that a start need not read the whole log. It is
//! not signed and need not be: its roots make the signed one, or are wrong.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::UnixMicros;
use serde::{Deserialize, Serialize};

use crate::epoch::Epoch;
use crate::format::{Hash, Place};
use crate::note::{Keyring, NoteError, SigningKey, VerifyKey};
use crate::tree::Edge;

/// The kind of a checkpoint's record.
pub(crate) const CHECKPOINT_EVENT: &str = "checkpoint";
/// What its payload has in it and no other has outside of a text.
const MARK: &[u8] = b",\"event\":\"checkpoint\",";

/// What a log is at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Records in it.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
    /// When it was made.
    pub at: UnixMicros,
    /// The epoch that it is in.
    pub epoch: Epoch,
    /// The key that signs alone from here on: this is the last that the one before it has signed.
    pub introduces: Option<VerifyKey>,
    /// The last record of each lane.
    pub(crate) lanes: BTreeMap<u16, Place>,
}

impl Checkpoint {
    pub(crate) fn text(&self) -> String {
        let Self { origin, size, root, at, epoch, introduces, lanes } = self;
        let mut text = format!("{origin}\n{size}\n{}\nat {}\n", STANDARD.encode(root.0), at.0);
        // Writing to a String cannot fail.
        if *epoch != Epoch::default() {
            let _ = writeln!(text, "{epoch}");
        }
        if let Some(key) = introduces {
            let _ = writeln!(text, "key {key}");
        }
        for (lane, Place { seq, hash }) in lanes {
            let _ = writeln!(text, "lane {lane} {seq} {}", STANDARD.encode(hash.0));
        }
        text
    }

    /// The note of it, signed by all of these.
    pub(crate) fn sign(&self, keys: &[&SigningKey]) -> String {
        SigningKey::sign(&self.text(), keys)
    }

    /// Reads the text of a note.
    fn parse(text: &str) -> Result<Self, NoteError> {
        let wrong = |what| NoteError::Form(what);
        let mut lines = text.lines();
        let origin = lines.next().unwrap_or_default().to_owned();
        let size = lines.next().and_then(number).ok_or(wrong("its second line is not the size of a tree"))?;
        let root = lines.next().and_then(hash).ok_or(wrong("its third line is not the root of a tree"))?;
        let (mut at, mut epoch, mut introduces, mut lanes) = (None, None, None, BTreeMap::new());
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["at", micros] => at = number(micros),
                ["epoch", count, given_up] => {
                    let read = number(count).filter(|count| *count > 1).zip(number(given_up));
                    let (number, given_up) = read.ok_or(wrong("an epoch's line is two numbers"))?;
                    epoch = Some(Epoch { number, given_up });
                }
                ["key", key] => introduces = Some(key.parse::<VerifyKey>()?),
                ["lane", lane, seq, head] => {
                    let place = number(seq).zip(hash(head)).map(|(seq, hash)| Place { seq, hash });
                    let lane = number(lane).and_then(|lane| u16::try_from(lane).ok());
                    let (lane, place) =
                        lane.zip(place).ok_or(wrong("a lane's line is a number, another and a hash"))?;
                    lanes.insert(lane, place);
                }
                // Lines of a later version.
                _ => {}
            }
        }
        let at = UnixMicros(at.ok_or(wrong("it does not say when it was made"))?);
        // One way to write it: what is read is what was signed, but for lines that are not known here.
        let known = |line: &&str| ["at ", "epoch ", "key ", "lane "].iter().any(|word| line.starts_with(word));
        let read = [Some(()), epoch.map(|_| ()), introduces.as_ref().map(|_| ())].iter().flatten().count();
        if text.lines().filter(known).count() != read.saturating_add(lanes.len()) {
            return Err(wrong("it says something twice"));
        }
        let epoch = epoch.unwrap_or_default();
        let read = Self { origin, size, root, at, epoch, introduces, lanes };
        if read.introduces.as_ref().is_some_and(|key| key.name() != read.origin) {
            return Err(wrong("the key that it introduces is another log's"));
        }
        Ok(read)
    }

    /// Reads a note that one of these keys has signed.
    pub(crate) fn open(note: &str, keys: &Keyring) -> Result<Self, NoteError> {
        let text = keys.open(note)?;
        let read = Self::parse(text)?;
        if keys.keys().iter().any(|key| key.name() == read.origin) {
            Ok(read)
        } else {
            Err(NoteError::Form("it is of another log than its key"))
        }
    }

    /// Reads a note without asking who signed it.
    pub(crate) fn unchecked(note: &str) -> Result<Self, NoteError> {
        let (text, _) =
            note.rsplit_once("\n\n").ok_or(NoteError::Form("no blank line stands before its signatures"))?;
        Self::parse(text)
    }
}

/// The base64 of a hash, in its one spelling.
fn hash(text: &str) -> Option<Hash> {
    let bytes = STANDARD.decode(text).ok()?;
    bytes.try_into().ok().map(Hash)
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// A checkpoint as it is in the log.
#[derive(Debug, Serialize)]
pub(crate) struct Written<'a> {
    pub at: u64,
    event: &'static str,
    pub note: &'a str,
    edge: Vec<String>,
}

impl<'a> Written<'a> {
    pub fn new(at: u64, note: &'a str, edge: &Edge) -> Self {
        let edge = edge.roots().iter().map(|root| STANDARD.encode(root.0)).collect();
        Self { at, event: CHECKPOINT_EVENT, note, edge }
    }
}

/// What was read of such a record.
#[derive(Debug, Deserialize)]
pub(crate) struct Found {
    pub note: String,
    edge: Vec<String>,
}

impl Found {
    /// The checkpoint in this payload, if it is one's.
    pub fn read(payload: &[u8]) -> Option<Result<Self, String>> {
        // It stands near the beginning, behind two numbers.
        let head = payload.get(..payload.len().min(96)).unwrap_or_default();
        let is_one = head.windows(MARK.len()).any(|window| window == MARK);
        is_one.then(|| serde_json::from_slice(payload).map_err(|error| error.to_string()))
    }

    /// The tree's edge, if it makes this root.
    pub fn edge(&self, checkpoint: &Checkpoint) -> Option<Edge> {
        let roots = self.edge.iter().map(|text| hash(text)).collect::<Option<Vec<_>>>()?;
        Edge::of(checkpoint.size, roots).filter(|edge| edge.root() == checkpoint.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::leaf;

    fn some() -> (SigningKey, Edge, Checkpoint) {
        let mut edge = Edge::default();
        (0..5).for_each(|n| edge.push(leaf(&Hash([n; 32]))));
        let place = |seq| Place { seq, hash: Hash([9; 32]) };
        let checkpoint = Checkpoint {
            origin: "weir/test".to_owned(),
            size: 5,
            root: edge.root(),
            at: UnixMicros(12),
            epoch: Epoch::default(),
            introduces: None,
            lanes: [(0, place(3)), (7, place(2))].into(),
        };
        (SigningKey::generate("weir/test").unwrap(), edge, checkpoint)
    }

    #[test]
    fn what_is_signed_is_read_back() {
        let (key, edge, signed) = some();
        let keys = Keyring::of([key.public().clone()]);
        let note = signed.sign(&[&key]);
        let read = Checkpoint::open(&note, &keys).unwrap();
        assert_eq!((&read, note.contains("epoch"), note.contains("key ")), (&signed, false, false));
        assert_eq!(Checkpoint::unchecked(&note), Ok(read.clone()));
        let other = SigningKey::generate("weir/test").unwrap().public().clone();
        let later = Checkpoint { epoch: Epoch { number: 3, given_up: 9 }, introduces: Some(other), ..signed };
        assert_eq!(Checkpoint::open(&later.sign(&[&key]), &keys), Ok(later));
        let payload = serde_json::to_vec(&Written::new(12, &note, &edge)).unwrap();
        let payload = [b"{\"seq\":7,", &payload[1..]].concat();
        let found = Found::read(&payload).unwrap().unwrap();
        assert_eq!((found.note.as_str(), found.edge(&read)), (note.as_str(), Some(edge)));
        let other = Checkpoint { root: Hash([1; 32]), ..read };
        assert_eq!(found.edge(&other), None);
        assert!(Found::read(br#"{"seq":1,"at":3,"event":"noticed","detail":",\"event\":\"checkpoint\","}"#).is_none());
    }

    #[test]
    fn a_text_that_can_be_read_two_ways_is_not_read() {
        let (key, _, checkpoint) = some();
        let epoch = Epoch { number: 2, given_up: 7 };
        let text = Checkpoint { epoch, introduces: Some(key.public().clone()), ..checkpoint }.text();
        let line = format!("key {}\n", key.public());
        let keys = Keyring::of([key.public().clone()]);
        let open = |text: &str| Checkpoint::open(&SigningKey::sign(text, &[&key]), &keys);
        assert!(open(&text).is_ok() && open(&format!("{text}later words\n")).is_ok());
        for (from, to) in [
            ("at 12\n", ""),
            ("at 12\n", "at 12\nat 13\n"),
            ("lane 7", "lane 0"),
            ("\n5\n", "\n05\n"),
            ("lane 0 3", "lane 0 x"),
            ("weir/test\n", "weir/other\n"),
            ("epoch 2 7\n", "epoch 2 7\nepoch 3 7\n"),
            ("epoch 2 7\n", "epoch 2\n"),
            ("epoch 2 7\n", "epoch 1 7\n"),
            (&line, &format!("{line}{line}")),
            (&line, "key weir/test\n"),
            (&line, &format!("key {}\n", SigningKey::generate("weir/other").unwrap().public())),
        ] {
            assert!(open(&text.replacen(from, to, 1)).is_err(), "{to:?} for {from:?}");
        }
    }
}
