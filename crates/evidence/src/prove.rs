//! Proofs that stand alone: that a record is in the log, and that one checkpoint's log is the beginning of another's.
//!
//! The first is a [C2SP tlog-proof](https://c2sp.org/tlog-proof), which other tools check as well: the index of the leaf, the hashes
//! from it to the root, and the signed checkpoint. Its `extra` line holds the record itself: the hash before it (32 bytes) and its
//! payload, of which the leaf is made ([`crate::format`], [`crate::tree`]). The second has the same shape, with both checkpoints and
//! the hashes of RFC 6962, section 2.1.2:
//!
//! ```text
//! c2sp.org/tlog-proof@v1                 weir/consistency@v1
//! extra AAAA…                            base64 hash
//! index 1234                             …
//! base64 hash
//! …                                      the older checkpoint, a signed note
//!
//! the checkpoint, a signed note          the newer checkpoint, a signed note
//! ```

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::Checkpoint;
use crate::format::{Hash, MAGIC, Place, SegmentName, chain_of};
use crate::note::{Keyring, NoteError};
use crate::tree::{Range, Roots, consistency, inclusion, is_consistent, leaf, root_by_inclusion};
use crate::verify::{Leaves, Trust};
use crate::walk::{Step, list, open_segment};

const INCLUSION: &str = "c2sp.org/tlog-proof@v1";
const CONSISTENCY: &str = "weir/consistency@v1";
/// The longest proof that is read, in bytes: a record of the longest size, in base64, and its hashes.
pub const PROOF_BYTES_MAX: usize = 24 * 1024 * 1024;

/// A record's name: its lane and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordName {
    /// The lane.
    pub lane: u16,
    /// Its number in it.
    pub seq: u64,
}

impl std::fmt::Display for RecordName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.lane, self.seq)
    }
}

impl std::str::FromStr for RecordName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (lane, seq) = text.split_once(':').ok_or("a record is named by its lane and its number, as in 0:1234")?;
        let lane = lane.parse().map_err(|_| "the lane is a number from 0 to 65535")?;
        let seq = seq.parse().map_err(|_| "the record's number is a number from 1")?;
        Ok(Self { lane, seq })
    }
}

/// Why something can't be proved.
#[derive(Debug, thiserror::Error)]
pub enum Unproved {
    /// The log can't be read.
    #[error("the log cannot be read: {0}")]
    Io(#[from] io::Error),
    /// There is no such record.
    #[error("there is no record {0} in the log")]
    NoRecord(RecordName),
    /// It is too young.
    #[error("record {0} is not covered by a checkpoint yet: one is signed within a second while Weir runs")]
    Unsigned(RecordName),
    /// The log is not what was signed.
    #[error("the log is not as it was signed, so nothing of it can be proved; `weir audit verify` says where: {0}")]
    NotWhole(String),
    /// The older checkpoint can't be used.
    #[error("the older checkpoint is not to be trusted: {0}")]
    Older(NoteError),
    /// The older checkpoint is not of this log.
    #[error(
        "the checkpoint over {0} records is not the beginning of this log: it is of another one, or of one that was written anew"
    )]
    NotBeginning(u64),
}

/// The proof that a record is in the log, for who has its public key.
pub fn prove(folder: &Path, trust: &Trust, name: RecordName) -> Result<String, Unproved> {
    let (previous, payload) = record(folder, name)?.ok_or(Unproved::NoRecord(name))?;
    let mut index = None;
    let signed = whole(folder, trust, |at, lane, place| {
        if lane == name.lane && place.seq == name.seq {
            index = Some(at);
        }
    })?;
    let (index, (note, checkpoint)) = index.zip(signed).ok_or(Unproved::Unsigned(name))?;
    let hashes = roots(folder, trust, &inclusion(index, checkpoint.size))?;
    let extra = STANDARD.encode([previous.0.as_slice(), &payload].concat());
    let mut proof = format!("{INCLUSION}\nextra {extra}\nindex {index}\n");
    write_hashes(&mut proof, &hashes);
    proof.push('\n');
    proof.push_str(&note);
    Ok(proof)
}

/// The proof that the log of an older checkpoint is the beginning of this one.
pub fn prove_growth(folder: &Path, trust: &Trust, older: &str) -> Result<String, Unproved> {
    let old = Checkpoint::open(older, &trust.keys).map_err(Unproved::Older)?;
    let (note, new) = whole(folder, trust, |_, _, _| {})?.ok_or(Unproved::NotBeginning(old.size))?;
    if old.size > new.size {
        return Err(Unproved::NotBeginning(old.size));
    }
    let hashes = roots(folder, trust, &consistency(old.size, new.size))?;
    if !is_consistent((old.size, old.root), (new.size, new.root), &hashes) {
        return Err(Unproved::NotBeginning(old.size));
    }
    let mut proof = format!("{CONSISTENCY}\n");
    write_hashes(&mut proof, &hashes);
    let _ = write!(proof, "\n{older}\n{note}");
    Ok(proof)
}

fn write_hashes(proof: &mut String, hashes: &[Hash]) {
    hashes.iter().for_each(|hash| {
        let _ = writeln!(proof, "{}", STANDARD.encode(hash.0));
    });
}

/// Gives each leaf that is signed, and the last checkpoint. The log must be whole.
fn whole(
    folder: &Path,
    trust: &Trust,
    each: impl FnMut(u64, u16, Place),
) -> Result<Option<(String, Checkpoint)>, Unproved> {
    let leaves = Leaves::pass(folder, trust, each)?;
    match leaves.fault {
        Some(fault) => Err(Unproved::NotWhole(fault.to_string())),
        None => Ok(leaves.signed),
    }
}

fn roots(folder: &Path, trust: &Trust, ranges: &[Range]) -> Result<Vec<Hash>, Unproved> {
    let mut roots = Roots::of(ranges);
    whole(folder, trust, |_, _, place| roots.push(leaf(&place.hash)))?;
    roots.finish().ok_or_else(|| Unproved::NotWhole("it became shorter while it was read".to_owned()))
}

/// A record's payload, and the hash before it.
fn record(folder: &Path, name: RecordName) -> io::Result<Option<(Hash, Vec<u8>)>> {
    let listing = list(folder)?;
    let segments = listing.lanes.get(&name.lane).map(Vec::as_slice).unwrap_or_default();
    let Some(segment) = segments.iter().rev().find(|segment| segment.first <= name.seq) else { return Ok(None) };
    record_in(folder, *segment, name.seq)
}

fn record_in(folder: &Path, segment: SegmentName, seq: u64) -> io::Result<Option<(Hash, Vec<u8>)>> {
    let Ok(opened) = open_segment(folder, segment)? else { return Ok(None) };
    let (mut previous, mut walk) = (opened.header.previous, opened.walk);
    if seq == segment.first {
        // The header is read again, as a record like others.
        walk.back_to(u64::try_from(MAGIC.len()).unwrap_or_default(), previous)?;
    } else {
        previous = opened.hash;
    }
    let mut at = if seq == segment.first { seq } else { segment.first.saturating_add(1) };
    while let Step::Record(found) = walk.step()? {
        if at == seq {
            return Ok(Some((previous, found.payload.to_vec())));
        }
        (previous, at) = (found.hash, at.saturating_add(1));
    }
    Ok(None)
}

/// What a proof proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proved {
    /// This record is in the log.
    Record {
        /// Its payload: JSON.
        payload: String,
        /// Its place in the tree.
        index: u64,
        /// The checkpoint that covers it.
        checkpoint: Checkpoint,
    },
    /// The log of one checkpoint is the beginning of the other's.
    Growth {
        /// The older.
        from: Checkpoint,
        /// The newer.
        to: Checkpoint,
    },
}

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unconvincing {
    /// It is none.
    #[error("it is no proof of a log: {0}")]
    Form(&'static str),
    /// A checkpoint in it is not to be trusted.
    #[error("the checkpoint in it is not to be trusted: {0}")]
    Checkpoint(#[from] NoteError),
    /// It does not prove what it says.
    #[error("it proves nothing: {0}")]
    Wrong(&'static str),
}

/// Checks a proof with the public keys of its log alone.
pub fn check_proof(proof: &str, keys: &Keyring) -> Result<Proved, Unconvincing> {
    if proof.len() > PROOF_BYTES_MAX {
        return Err(Unconvincing::Form("it is too long"));
    }
    let (head, notes) =
        proof.split_once("\n\n").ok_or(Unconvincing::Form("no blank line stands before its checkpoint"))?;
    let mut lines = head.lines();
    match lines.next() {
        Some(INCLUSION) => record_proof(lines, notes, keys),
        Some(CONSISTENCY) => growth_proof(lines, notes, keys),
        _ => Err(Unconvincing::Form("its first line is not that of a proof")),
    }
}

fn hashes<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<Hash>, Unconvincing> {
    let hash = |line: &str| STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok()).map(Hash);
    // A tree has at most 64 levels.
    lines.take(130).map(|line| hash(line).ok_or(Unconvincing::Form("one of its hashes is none"))).collect()
}

fn record_proof<'a>(
    mut lines: impl Iterator<Item = &'a str>,
    note: &str,
    keys: &Keyring,
) -> Result<Proved, Unconvincing> {
    let form = Unconvincing::Form;
    let extra = lines.next().and_then(|line| line.strip_prefix("extra ")).ok_or(form("it does not hold the record"))?;
    let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(|index| index.parse().ok());
    let index: u64 = index.ok_or(form("it does not say where the record is"))?;
    let hashes = hashes(lines)?;
    let record = STANDARD.decode(extra).map_err(|_| form("the record in it is not base64"))?;
    let (previous, payload) = record.split_first_chunk::<32>().ok_or(form("the record in it is too short"))?;
    let checkpoint = Checkpoint::open(note, keys)?;
    let hash = chain_of(&Hash(*previous), payload).ok_or(form("the record in it is too long"))?;
    if root_by_inclusion(leaf(&hash), index, checkpoint.size, &hashes) != Some(checkpoint.root) {
        return Err(Unconvincing::Wrong("the record is not in the tree whose root was signed"));
    }
    let payload = String::from_utf8(payload.to_vec()).map_err(|_| form("the record in it is no text"))?;
    Ok(Proved::Record { payload, index, checkpoint })
}

fn growth_proof<'a>(lines: impl Iterator<Item = &'a str>, notes: &str, keys: &Keyring) -> Result<Proved, Unconvincing> {
    let hashes = hashes(lines)?;
    // Each note is its text, a blank line and its signatures; and a blank line is between them.
    let parts: Vec<&str> = notes.splitn(3, "\n\n").collect();
    let (older, newer) = match parts.as_slice() {
        [text, signatures, newer] => (format!("{text}\n\n{signatures}\n"), *newer),
        _ => return Err(Unconvincing::Form("there are not two checkpoints in it")),
    };
    let (from, to) = (Checkpoint::open(&older, keys)?, Checkpoint::open(newer, keys)?);
    if !is_consistent((from.size, from.root), (to.size, to.root), &hashes) {
        return Err(Unconvincing::Wrong("the older log is not the beginning of the newer one"));
    }
    Ok(Proved::Growth { from, to })
}

#[cfg(test)]
mod tests;
