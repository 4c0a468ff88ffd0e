//! The keys of recordings: the instance's, which wrap, and each recording's own, which seals its chunks.
//!
//! Nothing here knows files. None of it shows what it holds.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::format::{TAG_BYTES, WRAPPED_BYTES, hex};
use crate::format::Hash;

/// What the key of recordings is derived for.
const PURPOSE: &[u8] = b"weir recordings";
/// Bytes of every key here.
const KEY_BYTES: usize = 32;

/// The keys that recordings' own keys are wrapped with: the newest wraps, and all open.
pub struct RecordingKeys {
    newest: WrappingKey,
    older: Vec<WrappingKey>,
}

/// The cryptographic library did not do what it never refuses: there is no randomness, or no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library refused to {0}")]
pub struct Refused(pub(super) &'static str);

impl RecordingKeys {
    /// The keys of an instance that has had this secret alone.
    pub fn new(secret: &[u8; 32]) -> Result<Self, Refused> {
        Ok(Self { newest: WrappingKey::derive(secret)?, older: Vec::new() })
    }

    /// The same, which also opens what was recorded when the instance had this secret.
    pub fn and_older(mut self, secret: &[u8; 32]) -> Result<Self, Refused> {
        self.older.push(WrappingKey::derive(secret)?);
        Ok(self)
    }

    /// The id of the key that wraps, as recordings' headers have it.
    pub fn id(&self) -> &str {
        &self.newest.id
    }

    pub(super) fn newest(&self) -> &WrappingKey {
        &self.newest
    }

    pub(super) fn get(&self, id: &str) -> Option<&WrappingKey> {
        std::iter::once(&self.newest).chain(&self.older).find(|key| key.id == id)
    }
}

impl fmt::Debug for RecordingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordingKeys({}, {} older)", self.newest.id, self.older.len())
    }
}

/// One of the instance's keys.
pub(super) struct WrappingKey {
    id: String,
    key: LessSafeKey,
}

impl WrappingKey {
    fn derive(secret: &[u8; 32]) -> Result<Self, Refused> {
        let refused = |_| Refused("derive a key");
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        let root = Salt::new(HKDF_SHA256, &[]).extract(secret);
        root.expand(&[PURPOSE], HKDF_SHA256).and_then(|key| key.fill(bytes.as_mut_slice())).map_err(refused)?;
        let id = hex(digest(&SHA256, bytes.as_slice()).as_ref().get(..8).unwrap_or_default());
        Ok(Self { id, key: aes(&bytes).ok_or(Refused("take a key"))? })
    }

    /// A new recording's own key, and how it stands in the header whose other bytes are `bound`.
    pub fn wrap_new(&self, bound: &[u8]) -> Result<(OwnKey, [u8; WRAPPED_BYTES]), Refused> {
        let mut nonce = [0; NONCE_LEN];
        let mut own = Zeroizing::new([0; KEY_BYTES]);
        rand::fill(&mut nonce)
            .and_then(|()| rand::fill(own.as_mut_slice()))
            .map_err(|_| Refused("give random bytes"))?;
        let mut sealed = *own;
        let nonce_used = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce_used, Aad::from(bound), &mut sealed)
            .map_err(|_| Refused("wrap a key"))?;
        let mut wrapped = [0; WRAPPED_BYTES];
        let parts = nonce.iter().chain(&sealed).chain(tag.as_ref());
        wrapped.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        Ok((OwnKey(aes(&own).ok_or(Refused("take a key"))?), wrapped))
    }

    /// The recording's own key, if this one wrapped it in this header.
    pub fn unwrap(&self, bound: &[u8], wrapped: &[u8; WRAPPED_BYTES]) -> Option<OwnKey> {
        let (nonce, rest) = wrapped.split_first_chunk::<NONCE_LEN>()?;
        let (sealed, tag) = rest.split_first_chunk::<KEY_BYTES>()?;
        let mut own = Zeroizing::new([0; KEY_BYTES]);
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.key.open_separate_gather(nonce, Aad::from(bound), sealed, tag, own.as_mut_slice()).ok()?;
        aes(&own).map(OwnKey)
    }
}

fn aes(bytes: &[u8; KEY_BYTES]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, bytes).ok().map(LessSafeKey::new)
}

/// A recording's own key.
pub(super) struct OwnKey(LessSafeKey);

/// Which chunk of its recording something is: every value seals once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub index: u64,
    pub is_last: bool,
}

impl Place {
    fn nonce(self) -> Nonce {
        let [a, b, c, d, e, f, g, h] = self.index.to_le_bytes();
        Nonce::assume_unique_for_key([a, b, c, d, e, f, g, h, 0, 0, 0, u8::from(self.is_last)])
    }
}

/// Seals and opens the chunks of one recording.
pub(super) struct ChunkKey {
    pub own: OwnKey,
    /// Of all bytes before the first chunk.
    pub header: Hash,
}

impl ChunkKey {
    fn aad(&self, raw_bytes: u32) -> Aad<[u8; 36]> {
        let mut aad = [0; 36];
        let parts = self.header.0.iter().chain(&raw_bytes.to_le_bytes()).copied().collect::<Vec<_>>();
        aad.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        Aad::from(aad)
    }

    /// Seals these bytes where they are, and gives the tag.
    pub fn seal(&self, place: Place, raw_bytes: u32, bytes: &mut [u8]) -> Result<[u8; TAG_BYTES], Refused> {
        let refused = Refused("seal a chunk");
        let tag =
            self.own.0.seal_in_place_separate_tag(place.nonce(), self.aad(raw_bytes), bytes).map_err(|_| refused)?;
        tag.as_ref().try_into().map_err(|_| refused)
    }

    /// Opens what is sealed into `to`, which then has just that. Says whether it was sealed by this key for this place.
    pub fn open(&self, place: Place, raw_bytes: u32, sealed: &[u8], to: &mut Vec<u8>) -> bool {
        let Some((sealed, tag)) = sealed.split_last_chunk::<TAG_BYTES>() else { return false };
        to.clear();
        to.resize(sealed.len(), 0);
        self.own.0.open_separate_gather(place.nonce(), self.aad(raw_bytes), sealed, tag, to).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_show_nothing_and_differ_by_secret() {
        let keys = RecordingKeys::new(&[7; 32]).unwrap().and_older(&[8; 32]).unwrap();
        let shown = format!("{keys:?}");
        assert_eq!(shown, format!("RecordingKeys({}, 1 older)", keys.id()));
        assert_eq!(keys.id().len(), 16);
        assert_ne!(keys.id(), RecordingKeys::new(&[8; 32]).unwrap().id());
        assert_eq!(keys.id(), RecordingKeys::new(&[7; 32]).unwrap().id());
        assert!(keys.get(RecordingKeys::new(&[8; 32]).unwrap().id()).is_some());
    }

    /// Computed with Python's hmac and hashlib, by RFC 5869: what was wrapped must open for ever.
    #[test]
    fn the_derivation_stays_what_it_is() {
        assert_eq!(RecordingKeys::new(&[7; 32]).unwrap().id(), "fbb8f0d212f32387");
    }

    #[test]
    fn a_key_unwraps_with_its_own_header_alone() {
        let keys = RecordingKeys::new(&[7; 32]).unwrap();
        let (_, wrapped) = keys.newest().wrap_new(b"header").unwrap();
        assert!(keys.newest().unwrap(b"header", &wrapped).is_some());
        assert!(keys.newest().unwrap(b"headeR", &wrapped).is_none());
        assert!(RecordingKeys::new(&[8; 32]).unwrap().newest().unwrap(b"header", &wrapped).is_none());
        assert_ne!(wrapped, keys.newest().wrap_new(b"header").unwrap().1, "each has a key and a nonce of its own");
    }

    #[test]
    fn a_chunk_opens_in_its_own_place() {
        let keys = RecordingKeys::new(&[7; 32]).unwrap();
        let (own, _) = keys.newest().wrap_new(b"header").unwrap();
        let mut key = ChunkKey { own, header: Hash::of(b"header") };
        let place = Place { index: 3, is_last: false };
        let mut sealed = b"secret".to_vec();
        let tag = key.seal(place, 9, &mut sealed).unwrap();
        sealed.extend_from_slice(&tag);
        let mut to = Vec::new();
        assert!(key.open(place, 9, &sealed, &mut to));
        assert_eq!(to, b"secret");
        assert!(!key.open(Place { index: 2, ..place }, 9, &sealed, &mut to));
        assert!(!key.open(Place { is_last: true, ..place }, 9, &sealed, &mut to));
        assert!(!key.open(place, 8, &sealed, &mut to));
        assert!(!key.open(place, 9, &sealed[..21], &mut to));
        assert!(!key.open(place, 9, b"short", &mut to));
        key.header = Hash::of(b"other");
        assert!(!key.open(place, 9, &sealed, &mut to));
    }
}
