//! How a lane ended, so that its next segment can continue it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use aws_lc_rs::digest;
use serde::Deserialize;

use crate::format::{Hash, SegmentName, Torn};
use crate::walk::{Flaw, Step, open_segment};

/// The end of a lane's chain.
#[derive(Debug)]
pub(crate) struct LaneEnd {
    /// Hash of the last good record, or zeros.
    pub head: Hash,
    /// Its number, or 0.
    pub seq: u64,
    /// The number of the record to come: the one after, or later, when a damaged segment's name has it already.
    pub next: u64,
    /// What could not be read after it.
    pub torn: Vec<Torn>,
    /// Whether all of that is what a killed process or a lost power leaves.
    pub natural: bool,
}

/// The number in a payload.
#[derive(Deserialize)]
pub(crate) struct Numbered {
    pub seq: u64,
}

/// Reads a lane's last segment, and if nothing in it can be read, the one before.
pub(crate) fn lane_end(folder: &Path, segments: &[SegmentName]) -> io::Result<LaneEnd> {
    let mut end = LaneEnd { head: Hash::ZERO, seq: 0, next: 1, torn: Vec::new(), natural: true };
    for name in segments.iter().rev() {
        end.next = end.next.max(name.first.saturating_add(1));
        let opened = match open_segment(folder, *name)? {
            Ok(opened) => opened,
            Err(what) => {
                end.natural = false;
                end.torn.push(torn(folder, *name, 0, what)?);
                continue;
            }
        };
        let mut walk = opened.walk;
        (end.head, end.seq) = (opened.hash, opened.header.seq);
        loop {
            let wrong = match walk.step()? {
                Step::End => break,
                Step::Record(found) => {
                    let seq = serde_json::from_slice::<Numbered>(found.payload).map(|numbered| numbered.seq).ok();
                    if found.chained && seq == end.seq.checked_add(1) {
                        (end.head, end.seq) = (found.hash, end.seq.saturating_add(1));
                        continue;
                    }
                    end.natural = false;
                    (found.offset, "a record that does not match its hash".to_owned())
                }
                Step::Flaw(flaw) => {
                    end.natural &= Flaw::is_natural(flaw);
                    (walk.offset(), flaw.to_string())
                }
            };
            end.torn.push(torn(folder, *name, wrong.0, wrong.1)?);
            break;
        }
        break;
    }
    end.next = end.next.max(end.seq.saturating_add(1));
    end.torn.reverse();
    Ok(end)
}

fn torn(folder: &Path, name: SegmentName, offset: u64, what: String) -> io::Result<Torn> {
    let (bytes, sha256) = rest(folder, name, offset)?;
    Ok(Torn { segment: name.to_string(), offset, bytes, sha256, what })
}

/// Length and hash of what is in a segment from `offset` on.
pub(crate) fn rest(folder: &Path, name: SegmentName, offset: u64) -> io::Result<(u64, Hash)> {
    let mut file = File::open(folder.join(name.to_string()))?;
    file.seek(SeekFrom::Start(offset))?;
    let mut hashing = digest::Context::new(&digest::SHA256);
    let (mut bytes, mut chunk) = (0_u64, Vec::new());
    loop {
        chunk.clear();
        let read = file.by_ref().take(64 * 1024).read_to_end(&mut chunk)?;
        if read == 0 {
            break;
        }
        hashing.update(&chunk);
        bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
    let mut hash = Hash::ZERO;
    for (to, from) in hash.0.iter_mut().zip(hashing.finish().as_ref()) {
        *to = *from;
    }
    Ok((bytes, hash))
}
