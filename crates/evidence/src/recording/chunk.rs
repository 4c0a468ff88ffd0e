//! Chunks: frames made small and sealed, and back.

use std::io;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::compress_bound;

use super::format::{CHUNK_HEAD_BYTES, RAW_BYTES_MAX, SEALED_BYTES_MAX, TAG_BYTES};
use super::keys::{ChunkKey, Place};

/// How hard is tried to make frames small. One thread writes for all sessions, so what it costs is how much can be shown. Of rows
/// whose bytes are random by half, a second of the thread takes 230 MB at this level and 0.62 of a byte is kept of one; 160 MB and 0.58 at level 1, 90 MB
/// and 0.58 at 3, 300 MB and 0.66 at -5 (27 November 2026, two shared cores, `cargo run --release -p evidence --example record 400`).
pub(super) const LEVEL: i32 = -1;

/// Makes chunks. Its memory serves one after the other.
pub(super) struct Packer(Compressor<'static>);

impl Packer {
    pub fn new(level: i32) -> io::Result<Self> {
        Ok(Self(Compressor::new(level)?))
    }

    /// Adds the chunk of these frames to `to`. On an error `to` is as before.
    pub fn pack(&mut self, key: &ChunkKey, place: Place, raw: &[u8], to: &mut Vec<u8>) -> io::Result<()> {
        let start = to.len();
        let packed = self.pack_at(key, place, raw, to, start);
        if packed.is_err() {
            to.truncate(start);
        }
        packed
    }

    fn pack_at(&mut self, key: &ChunkKey, place: Place, raw: &[u8], to: &mut Vec<u8>, start: usize) -> io::Result<()> {
        let long = || io::Error::other("more than a chunk can hold");
        let raw_bytes = u32::try_from(raw.len()).ok().filter(|n| *n <= RAW_BYTES_MAX).ok_or_else(long)?;
        let body = start.saturating_add(CHUNK_HEAD_BYTES);
        to.resize(body.saturating_add(compress_bound(raw.len())), 0);
        let room = to.get_mut(body..).unwrap_or_default();
        let bytes = self.0.compress_to_buffer(raw, room)?;
        let tag = key.seal(place, raw_bytes, room.get_mut(..bytes).ok_or_else(long)?).map_err(io::Error::other)?;
        to.truncate(body.saturating_add(bytes));
        to.extend_from_slice(&tag);
        let sealed_bytes = u32::try_from(to.len().saturating_sub(body)).map_err(|_| long())?;
        let head = Head { sealed_bytes, raw_bytes }.bytes();
        to.get_mut(start..body).ok_or_else(long)?.copy_from_slice(&head);
        Ok(())
    }
}

/// What stands before a chunk's sealed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub sealed_bytes: u32,
    pub raw_bytes: u32,
}

impl Head {
    fn bytes(self) -> [u8; CHUNK_HEAD_BYTES] {
        let ([a, b, c, d], [e, f, g, h]) = (self.sealed_bytes.to_le_bytes(), self.raw_bytes.to_le_bytes());
        [a, b, c, d, e, f, g, h]
    }

    /// What a file says a chunk's lengths are, if a chunk can have them.
    pub fn parse([a, b, c, d, e, f, g, h]: [u8; CHUNK_HEAD_BYTES]) -> Result<Self, Self> {
        let head = Self { sealed_bytes: u32::from_le_bytes([a, b, c, d]), raw_bytes: u32::from_le_bytes([e, f, g, h]) };
        let holds_tag = usize::try_from(head.sealed_bytes).is_ok_and(|bytes| bytes > TAG_BYTES);
        let fits = head.sealed_bytes <= SEALED_BYTES_MAX && (1..=RAW_BYTES_MAX).contains(&head.raw_bytes);
        if holds_tag && fits { Ok(head) } else { Err(head) }
    }
}

/// Opens chunks. Its memory serves one after the other.
pub(super) struct Unpacker {
    decompressor: Decompressor<'static>,
    compressed: Vec<u8>,
}

/// Why a chunk can't be read though its lengths may be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Spoiled {
    #[error("it was changed, or it belongs to another place or another recording")]
    Seal,
    #[error("what was sealed in it is not what its length says")]
    Content,
}

impl Unpacker {
    pub fn new() -> io::Result<Self> {
        Ok(Self { decompressor: Decompressor::new()?, compressed: Vec::new() })
    }

    /// Opens the chunk with this number into `to`, and says if it is the last one.
    pub fn unpack(
        &mut self,
        key: &ChunkKey,
        index: u64,
        head: Head,
        sealed: &[u8],
        to: &mut Vec<u8>,
    ) -> Result<bool, Spoiled> {
        // Only one chunk of a recording is opened twice.
        let mut opens = |is_last| key.open(Place { index, is_last }, head.raw_bytes, sealed, &mut self.compressed);
        let is_last = if opens(false) {
            false
        } else if opens(true) {
            true
        } else {
            return Err(Spoiled::Seal);
        };
        let raw_bytes = usize::try_from(head.raw_bytes).map_err(|_| Spoiled::Content)?;
        // All the memory that is taken, whatever the compressed bytes say of themselves.
        to.clear();
        to.resize(raw_bytes, 0);
        match self.decompressor.decompress_to_buffer(&self.compressed, to.as_mut_slice()) {
            Ok(bytes) if bytes == raw_bytes => Ok(is_last),
            Ok(_) | Err(_) => {
                to.clear();
                Err(Spoiled::Content)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Hash;
    use crate::recording::keys::RecordingKeys;

    fn key() -> ChunkKey {
        let keys = RecordingKeys::new(&[7; 32]).unwrap();
        ChunkKey { own: keys.newest().wrap_new(b"").unwrap().0, header: Hash::of(b"") }
    }

    fn head(chunk: &[u8]) -> Result<Head, Head> {
        Head::parse(chunk[..8].try_into().unwrap())
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let (key, mut packer, mut unpacker) = (key(), Packer::new(LEVEL).unwrap(), Unpacker::new().unwrap());
        for raw in [b"a".to_vec(), b"row ".repeat(200_000), (0..=255).collect()] {
            for is_last in [false, true] {
                let (mut chunk, mut to) = (b"before".to_vec(), b"old".to_vec());
                packer.pack(&key, Place { index: 5, is_last }, &raw, &mut chunk).unwrap();
                let head = head(&chunk[6..]).unwrap();
                assert_eq!(head.sealed_bytes as usize, chunk.len() - 14);
                assert_eq!(unpacker.unpack(&key, 5, head, &chunk[14..], &mut to), Ok(is_last));
                assert_eq!(to, raw);
                assert_eq!(unpacker.unpack(&key, 6, head, &chunk[14..], &mut to), Err(Spoiled::Seal));
            }
        }
    }

    #[test]
    fn what_a_chunk_says_of_its_lengths_is_bounded() {
        let lengths = |sealed_bytes, raw_bytes| Head::parse(Head { sealed_bytes, raw_bytes }.bytes()).is_ok();
        assert!(lengths(17, 1) && lengths(SEALED_BYTES_MAX, RAW_BYTES_MAX));
        assert!(!lengths(16, 1) && !lengths(17, 0) && !lengths(0, 1));
        assert!(!lengths(SEALED_BYTES_MAX + 1, 1) && !lengths(17, RAW_BYTES_MAX + 1) && !lengths(u32::MAX, u32::MAX));
        let mut chunk = b"before".to_vec();
        let raw = vec![0; RAW_BYTES_MAX as usize + 1];
        assert!(Packer::new(1).unwrap().pack(&key(), Place { index: 0, is_last: false }, &raw, &mut chunk).is_err());
        assert_eq!(chunk, b"before");
    }

    /// Only who has the key can make one; its memory is bounded all the same.
    #[test]
    fn a_chunk_that_holds_other_than_it_says_is_spoiled() {
        let (key, mut unpacker) = (key(), Unpacker::new().unwrap());
        let seal = |raw_bytes: u32, compressed: &[u8]| {
            let mut sealed = compressed.to_vec();
            let tag = key.seal(Place { index: 0, is_last: false }, raw_bytes, &mut sealed).unwrap();
            sealed.extend_from_slice(&tag);
            (Head { sealed_bytes: sealed.len() as u32, raw_bytes }, sealed)
        };
        let bomb = zstd::bulk::compress(&vec![0; 100_000_000], 1).unwrap();
        let small = zstd::bulk::compress(b"abc", 1).unwrap();
        let mut to = Vec::new();
        for (head, sealed) in [seal(1000, &bomb), seal(2, &small), seal(4, &small), seal(3, b"no frame"), seal(3, b"")]
        {
            assert_eq!(unpacker.unpack(&key, 0, head, &sealed, &mut to), Err(Spoiled::Content), "{head:?}");
            assert!(to.is_empty() && to.capacity() < 1_000_000);
        }
        let (head, sealed) = seal(3, &small);
        assert_eq!(unpacker.unpack(&key, 0, head, &sealed, &mut to), Ok(false));
    }
}
