//! Ways in which bytes can stand for others: what is sensitive in those is found too, at the bytes that stand for it.
//!
//! Each way is a decoder that takes bytes in parts, whatever the parts are, and says of each decoded byte what it stood for. They
//! look into nothing; [`crate::stream`] does, with what they give.

mod base64;
mod fold;
mod json;
mod map;
mod percent;
mod utf16;

pub(crate) use map::Map;

use crate::signs::{ESCAPE, Signs, WIDE};

/// A beginning of so many bytes says whether all of it is UTF-16 or base64.
pub(crate) const HEAD_BYTES: usize = 16;

/// A way in which bytes stand for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum View {
    /// UTF-16, big-endian: all of it, with a byte order mark or without.
    Utf16Be,
    /// UTF-16, little-endian.
    Utf16Le,
    /// Base64 of either alphabet, from the beginning on as long as it is some.
    Base64,
    /// Escapes of a JSON string: `\u0034`, `\/`, `\n`.
    Json,
    /// Percent-encoding: `%40`.
    Percent,
    /// `+` for a blank, between a letter or digit and another, behind a `=`, as in forms.
    Plus,
    /// Full-width characters, digits of all scripts, blanks and dashes as ASCII; characters that nobody sees as nothing.
    Fold,
}

/// In which order they are undone where several are: an escape in an escape, too.
pub(crate) const CHAIN: [View; 6] = [View::Json, View::Percent, View::Json, View::Percent, View::Plus, View::Fold];

impl View {
    /// How all of the bytes stand for others that begin so, if they do. It takes [`HEAD_BYTES`], or all there are.
    pub(crate) fn of_whole(head: &[u8]) -> Option<Self> {
        utf16::of_whole(head).or_else(|| base64::is_begun(head).then_some(Self::Base64))
    }

    /// Whether these bytes could stand for others by any of them. Cheap.
    #[inline]
    pub(crate) fn is_thinkable(input: &[u8], signs: Signs) -> bool {
        let is_sign = |byte: &u8| matches!(byte, b'\\' | b'%' | b'+' | 0x80..);
        // Without a branch for each byte, so that it is done by vectors.
        let has_sign = signs.has(ESCAPE | WIDE) && input.iter().fold(false, |any, byte| any | is_sign(byte));
        has_sign && CHAIN.iter().any(|view| Decoder::new(*view).is_wanted(input))
            || Self::of_whole(input.get(..HEAD_BYTES).unwrap_or(input)).is_some()
    }
}

/// Undoes one of them. It has no more memory than it says here: what it can't decode yet it is given again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoder {
    pub(crate) view: View,
    /// Whether a `=` has been, behind which `+` is a blank.
    is_form: bool,
    /// The byte before.
    before: u8,
    /// Whether what comes is no longer encoded so.
    pub(crate) is_done: bool,
}

/// What has been decoded.
#[derive(Debug)]
pub(crate) struct Decoded<'a> {
    pub(crate) bytes: &'a mut Vec<u8>,
    pub(crate) map: &'a mut Map,
}

impl Decoded<'_> {
    /// These are as they were.
    fn same(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.map.push(1, 1, bytes.len());
    }

    /// These stand together for so many bytes.
    fn unit(&mut self, bytes: &[u8], of: usize) {
        self.bytes.extend_from_slice(bytes);
        self.map.push(bytes.len(), of, 1);
    }

    /// This character does.
    fn character(&mut self, character: char, of: usize) {
        self.unit(character.encode_utf8(&mut [0; 4]).as_bytes(), of);
    }
}

impl Decoder {
    pub(crate) fn new(view: View) -> Self {
        Self { view, is_form: false, before: b' ', is_done: false }
    }

    /// Whether it would change anything in these bytes, which come next, or in what comes behind their last ones.
    pub(crate) fn is_wanted(&self, bytes: &[u8]) -> bool {
        match self.view {
            View::Json => memchr::memchr(b'\\', bytes).is_some(),
            View::Percent => memchr::memchr(b'%', bytes).is_some(),
            View::Plus => {
                memchr::memchr(b'+', bytes).is_some() && (self.is_form || memchr::memchr(b'=', bytes).is_some())
            }
            View::Fold => fold::is_wanted(bytes),
            View::Utf16Be | View::Utf16Le | View::Base64 => false,
        }
    }

    /// These come next, and it is not asked to decode them.
    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        if self.view == View::Plus {
            self.is_form |= memchr::memchr(b'=', bytes).is_some();
            self.before = bytes.last().copied().unwrap_or(self.before);
        }
    }

    /// Decodes these, which come next. Returns how many it has decoded; the rest it must be given again, with those that come behind. There
    /// is no rest if there are no `more`, nor once it is done.
    pub(crate) fn decode(&mut self, input: &[u8], more: bool, to: &mut Decoded<'_>) -> usize {
        match self.view {
            View::Utf16Be => utf16::decode(input, more, to, u16::from_be_bytes),
            View::Utf16Le => utf16::decode(input, more, to, u16::from_le_bytes),
            View::Base64 => {
                let (decoded, is_done) = base64::decode(input, more, to);
                self.is_done |= is_done;
                decoded
            }
            View::Json => json::decode(input, more, to),
            View::Percent => percent::decode(input, more, to),
            View::Plus => percent::decode_plus(input, more, to, &mut self.is_form, &mut self.before),
            View::Fold => fold::decode(input, more, to),
        }
    }
}

/// The character that begins here and how long it is; `Err` if it takes more bytes to say, `None` if it is none.
fn character(input: &[u8]) -> Result<Option<(char, usize)>, Unfinished> {
    let head = input.get(..4).unwrap_or(input);
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(wrong) if wrong.valid_up_to() == 0 && wrong.error_len().is_none() => return Err(Unfinished),
        Err(wrong) => {
            head.get(..wrong.valid_up_to()).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
        }
    };
    Ok(valid.chars().next().map(|character| (character, character.len_utf8())))
}

/// The beginning of a character, of which the rest is not there.
struct Unfinished;

#[cfg(test)]
mod tests;
