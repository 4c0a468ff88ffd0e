//! Signed notes: a text and the signatures of some keys, as Go's checksum database and transparency logs write them
//! ([C2SP signed-note](https://c2sp.org/signed-note)), with Ed25519.
//!
//! ```text
//! the text, in whole lines
//!
//! — name base64(key id, 4 bytes ‖ signature, 64 bytes)
//! ```
//!
//! A key's id is the first four bytes of `SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)`. Public keys are written as
//! `name+id+base64(0x01 ‖ public key)`, private ones as `PRIVATE+KEY+name+id+base64(0x01 ‖ seed)`.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::rand;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::format::Hash;

const ALGORITHM: u8 = 1;
const PRIVATE: &str = "PRIVATE+KEY+";
const DASH: &str = "— ";
/// The longest note that is read, in bytes.
pub(crate) const NOTE_BYTES_MAX: usize = 1024 * 1024;
/// The most signatures of one: a key and the one that it replaced, and those of witnesses.
const SIGNATURES_MAX: usize = 64;

/// What is wrong with a key or a note.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// A key that is none.
    #[error("it is no key of a log: {0}")]
    Key(&'static str),
    /// A note that is none.
    #[error("it is no signed note: {0}")]
    Form(&'static str),
    /// None of the keys that are trusted signed it.
    #[error("none of its signatures is by a key that is trusted here ({})", list(.0))]
    Unsigned(Vec<String>),
    /// A signature that is not of this text.
    #[error("the signature by {0} is not of this text: one of them was changed")]
    Forged(String),
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    Randomness,
}

fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| crate::render::printable(name)).collect();
    if names.is_empty() { "it has none".to_owned() } else { format!("it has those by {}", names.join(", ")) }
}

/// A key that signatures are checked with.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyKey {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

impl VerifyKey {
    fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        let wrong = name.is_empty() || name.chars().any(|c| c == '+' || c.is_whitespace() || c.is_control());
        if wrong {
            return Err(NoteError::Key("its name is empty, or has a blank or a + in it"));
        }
        let mut hashed = name.as_bytes().to_vec();
        hashed.extend_from_slice(&[b'\n', ALGORITHM]);
        hashed.extend_from_slice(&public);
        let [a, b, c, d, ..] = Hash::of(&hashed).0;
        Ok(Self { name: name.to_owned(), id: [a, b, c, d], public })
    }

    /// The name of the log that it signs for.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn checks(&self, text: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(text.as_bytes(), signature).is_ok()
    }
}

impl fmt::Display for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, hex(self.id), encoded(&self.public))
    }
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyKey({self})")
    }
}

impl FromStr for VerifyKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key("a public key is name+id+key"));
        };
        let key = Self::new(name, decoded(key)?)?;
        if hex(key.id) != id {
            return Err(NoteError::Key("its id is not that of its name and key"));
        }
        Ok(key)
    }
}

/// A key that signs.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    seed: [u8; 32],
    public: VerifyKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.name)
    }
}

impl SigningKey {
    /// A new one, with this name.
    pub fn generate(name: &str) -> Result<Self, NoteError> {
        let mut seed = [0; 32];
        rand::fill(&mut seed).map_err(|_| NoteError::Randomness)?;
        Self::of(name, seed)
    }

    fn of(name: &str, seed: [u8; 32]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| NoteError::Key("its seed is none"))?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NoteError::Key("its seed is none"))?;
        let public = VerifyKey::new(name, public)?;
        Ok(Self { pair, seed, public })
    }

    /// What others check its signatures with.
    pub fn public(&self) -> &VerifyKey {
        &self.public
    }

    /// The key itself, in one line, for the file that it is kept in.
    pub fn to_secret_line(&self) -> String {
        format!("{PRIVATE}{}+{}+{}\n", self.public.name, hex(self.public.id), encoded(&self.seed))
    }

    /// Reads [`Self::to_secret_line`].
    pub fn from_secret_line(line: &str) -> Result<Self, NoteError> {
        let rest = line.trim().strip_prefix(PRIVATE).ok_or(NoteError::Key("a private key begins with PRIVATE+KEY+"))?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(seed)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key("a private key is PRIVATE+KEY+name+id+seed"));
        };
        let key = Self::of(name, decoded(seed)?)?;
        if hex(key.public.id) != id {
            return Err(NoteError::Key("its id is not that of its name and seed"));
        }
        Ok(key)
    }

    /// A note of this text, which is whole lines. What is signed must not be readable as a checkpoint: its second line is no number.
    pub fn sign_text(&self, text: &str) -> String {
        Self::sign(text, &[self])
    }

    /// A note of this text, which is whole lines. With more than one key it has a signature by each.
    pub(crate) fn sign(text: &str, keys: &[&Self]) -> String {
        let mut note = format!("{text}\n");
        for Self { pair, public, .. } in keys {
            let mut signed = public.id.to_vec();
            signed.extend_from_slice(pair.sign(text.as_bytes()).as_ref());
            note.push_str(&format!("{DASH}{} {}\n", public.name, STANDARD.encode(signed)));
        }
        note
    }
}

/// The keys that are trusted: those that a log is signed with, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyring(Vec<VerifyKey>);

impl Keyring {
    /// Of these keys.
    pub fn of(keys: impl IntoIterator<Item = VerifyKey>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// The keys, oldest first.
    pub fn keys(&self) -> &[VerifyKey] {
        &self.0
    }

    /// The text of a note that one of them has signed ([`SigningKey::sign_text`]).
    pub fn text_of<'n>(&self, note: &'n str) -> Result<&'n str, NoteError> {
        self.open(note)
    }

    /// The text of a note that one of them has signed. A signature by one of them that does not fit is an error, whatever others say; those by
    /// keys that are not known here are left alone.
    pub(crate) fn open<'n>(&self, note: &'n str) -> Result<&'n str, NoteError> {
        let (text, signatures) = split(note)?;
        let (mut others, mut signed) = (Vec::new(), false);
        for (count, line) in signatures.lines().enumerate() {
            if count >= SIGNATURES_MAX {
                return Err(NoteError::Form("it has too many signatures"));
            }
            let (name, id, signature) = signature(line)?;
            match self.0.iter().find(|key| key.name == name && key.id == id) {
                None => others.push(name.to_owned()),
                Some(key) if key.checks(text, &signature) => signed = true,
                Some(key) => return Err(NoteError::Forged(key.name.clone())),
            }
        }
        if signed { Ok(text) } else { Err(NoteError::Unsigned(others)) }
    }
}

impl fmt::Display for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|key| writeln!(f, "{key}"))
    }
}

/// One key a line; blank lines and those that begin with `#` say nothing.
impl FromStr for Keyring {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys = lines.map(str::parse).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(NoteError::Key("there is none in it"));
        }
        Ok(Self(keys))
    }
}

/// The text and the signatures of a note.
fn split(note: &str) -> Result<(&str, &str), NoteError> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(NoteError::Form("it is too long"));
    }
    let at = note.rfind("\n\n").ok_or(NoteError::Form("no blank line stands before its signatures"))?;
    let (text, rest) = note.split_at(at.saturating_add(1));
    let signatures = rest.get(1..).unwrap_or_default();
    if !signatures.ends_with('\n') {
        return Err(NoteError::Form("its last line has no end"));
    }
    Ok((text, signatures))
}

fn signature(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), NoteError> {
    let wrong = NoteError::Form("a signature is a line of a dash, a name, and the signature");
    let (name, signed) = line.strip_prefix(DASH).and_then(|rest| rest.split_once(' ')).ok_or(wrong.clone())?;
    let signed = STANDARD.decode(signed).map_err(|_| wrong.clone())?;
    let (id, signature) = signed.split_first_chunk::<4>().ok_or(wrong)?;
    Ok((name, *id, signature.to_vec()))
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

fn encoded(key: &[u8; 32]) -> String {
    let mut bytes = vec![ALGORITHM];
    bytes.extend_from_slice(key);
    STANDARD.encode(bytes)
}

fn decoded(text: &str) -> Result<[u8; 32], NoteError> {
    let bytes = STANDARD.decode(text).map_err(|_| NoteError::Key("its last part is not base64"))?;
    match bytes.split_first() {
        Some((&ALGORITHM, key)) => key.try_into().map_err(|_| NoteError::Key("it is not of 32 bytes")),
        _ => Err(NoteError::Key("it is not of the kind Ed25519")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_have_signed_is_read() {
        // The example of golang.org/x/mod/sumdb/note, which made the format.
        let key: VerifyKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
        let text =
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        let note = format!("{text}\n— PeterNeumann {signature}\n");
        assert_eq!(Keyring::of([key.clone()]).open(&note), Ok(text));
        let forged = note.replace("your problem is", "our problem is");
        assert_eq!(Keyring::of([key]).open(&forged), Err(NoteError::Forged("PeterNeumann".to_owned())));
    }

    #[test]
    fn a_key_is_read_back_and_signs_for_its_ring_alone() {
        let key = SigningKey::generate("weir.test/log/1").unwrap();
        let again = SigningKey::from_secret_line(&key.to_secret_line()).unwrap();
        assert_eq!(again.public(), key.public());
        assert_eq!(key.public().to_string().parse::<VerifyKey>().as_ref(), Ok(key.public()));
        let other = SigningKey::generate("weir.test/log/1").unwrap();
        let note = SigningKey::sign("a\nb\n", &[&key, &other]);
        let (ring, others) = (Keyring::of([key.public().clone()]), Keyring::of([other.public().clone()]));
        assert_eq!((ring.open(&note), others.open(&note)), (Ok("a\nb\n"), Ok("a\nb\n")));
        let note = SigningKey::sign("a\nb\n", &[&key]);
        assert_eq!(others.open(&note), Err(NoteError::Unsigned(vec!["weir.test/log/1".to_owned()])));
        for at in 0..note.len() {
            let mut changed = note.clone().into_bytes();
            changed[at] ^= 1;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            assert!(ring.open(&changed).is_err(), "{changed}");
            assert!(ring.open(&note[..note.floor_char_boundary(at)]).is_err(), "{at}");
        }
    }

    #[test]
    fn what_is_no_key_is_told_from_one() {
        let key = SigningKey::generate("weir.test/log/1").unwrap();
        let line = key.public().to_string();
        for wrong in ["", "a+b", &line[1..], &line[..line.len() - 2], &line.replace('/', "+")] {
            assert!(wrong.parse::<VerifyKey>().is_err(), "{wrong}");
        }
        assert!(SigningKey::generate("two words").is_err());
        assert!(SigningKey::from_secret_line(&line).is_err());
        assert!("# none\n\n".parse::<Keyring>().is_err());
        assert_eq!(format!("# one\n\n{line}\n").parse::<Keyring>().unwrap().keys(), [key.public().clone()]);
        assert!(!format!("{key:?}").contains(key.to_secret_line().rsplit('+').next().unwrap().trim()));
    }
}
