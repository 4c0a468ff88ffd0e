//! `json` and `jsonb`: a document keeps its structure, and each value in it is shown.
//!
//! Strings are shown as cells of `text` and numbers as cells of `numeric`, so they have the parts and tokens that columns of
//! those types have. True and false are shown as null. A key that looks like a name of something stays; one with digits or
//! anything else in it may be a value itself and is shown as a string. What is between values is not kept.
//!
//! The document is read as it stands, token by token, and never made into a tree: numbers of any length, keys that come
//! twice and the order of keys are what they were.

mod reader;
mod tokens;

use redact::Shown;

use super::family::{NUMERIC, TEXT};
use super::number::decimal;
use super::{CellType, Part};
pub(super) use reader::{Reader, is_number};
pub(super) use tokens::{Token, inner, taken, tokens_of};

/// The first byte of a `jsonb` in binary.
pub(super) const JSONB_VERSION: u8 = 1;
/// Documents with more levels than this are redacted whole.
pub(super) const LEVELS_MAX: usize = 64;
/// Longer keys are shown as strings are.
const NAME_BYTES_MAX: usize = 64;

/// Appends a string.
pub(super) fn write(text: &str, out: &mut Vec<u8>) -> Option<()> {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            0..0x20 | 0x7f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            byte => out.push(byte),
        }
    }
    out.push(b'"');
    Some(())
}

/// Appends a document with each of its values shown.
pub(super) fn rewrite(bytes: &[u8], part: &mut Part<'_>, out: &mut Vec<u8>) -> Option<()> {
    std::str::from_utf8(bytes).ok()?;
    let mut document = Document { reader: Reader::new(bytes), part, shown: Vec::new() };
    document.value(0, out)?;
    document.reader.skip_space();
    document.reader.is_over().then_some(())
}

/// The same of a `jsonb`.
pub(super) fn rewrite_jsonb(binary: bool, bytes: &[u8], part: &mut Part<'_>, out: &mut Vec<u8>) -> Option<()> {
    if !binary {
        return rewrite(bytes, part, out);
    }
    out.push(JSONB_VERSION);
    rewrite(bytes.strip_prefix(&[JSONB_VERSION])?, part, out)
}

struct Document<'a, 'p, 's> {
    reader: Reader<'a>,
    part: &'p mut Part<'s>,
    /// What a value is shown as, before it is written as JSON.
    shown: Vec<u8>,
}

impl Document<'_, '_, '_> {
    fn value(&mut self, level: usize, out: &mut Vec<u8>) -> Option<()> {
        self.reader.skip_space();
        match self.reader.peek()? {
            b'{' | b'[' if level >= LEVELS_MAX => None,
            b'{' => self.members("{", "}", out, |document, out| {
                document.key(out)?;
                document.reader.skip_space();
                document.reader.take(":").then(|| out.push(b':'))?;
                document.value(level.saturating_add(1), out)
            }),
            b'[' => self.members("[", "]", out, |document, out| document.value(level.saturating_add(1), out)),
            b'"' => {
                let text = self.reader.string()?;
                self.show_string(&text, out)
            }
            b'-' | b'0'..=b'9' => self.number(out),
            _ => {
                self.reader.word()?;
                out.extend_from_slice(b"null");
                Some(())
            }
        }
    }

    /// What stands between braces or brackets.
    fn members(
        &mut self,
        open: &str,
        close: &str,
        out: &mut Vec<u8>,
        mut member: impl FnMut(&mut Self, &mut Vec<u8>) -> Option<()>,
    ) -> Option<()> {
        self.reader.take(open).then_some(())?;
        self.reader.skip_space();
        out.extend_from_slice(open.as_bytes());
        if self.reader.take(close) {
            out.extend_from_slice(close.as_bytes());
            return Some(());
        }
        loop {
            self.reader.skip_space();
            member(self, out)?;
            self.reader.skip_space();
            if self.reader.take(close) {
                out.extend_from_slice(close.as_bytes());
                return Some(());
            }
            self.reader.take(",").then(|| out.push(b','))?;
        }
    }

    fn key(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let key = self.reader.string()?;
        if is_name(&key) { write(&key, out) } else { self.show_string(&key, out) }
    }

    fn show_string(&mut self, text: &str, out: &mut Vec<u8>) -> Option<()> {
        self.shown.clear();
        match (self.part)(CellType::of(TEXT, false), text.as_bytes(), &mut self.shown) {
            Shown::Written => write(std::str::from_utf8(&self.shown).ok()?, out),
            Shown::Null => {
                out.extend_from_slice(b"null");
                Some(())
            }
            Shown::Same => None,
        }
    }

    fn number(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let number = self.reader.number()?;
        self.shown.clear();
        // Too large a number is not read, and no reason to hide the document.
        match (self.part)(CellType::of(NUMERIC, false), number.as_bytes(), &mut self.shown) {
            Shown::Written => {
                // Valid in JSON as well.
                let number = std::str::from_utf8(&self.shown).ok().and_then(decimal)?;
                out.extend_from_slice(number.as_bytes());
            }
            Shown::Null => out.extend_from_slice(b"null"),
            Shown::Same => return None,
        }
        Some(())
    }
}

/// Whether a key is a name that someone gave a field: letters, `_` and `-`, and not long.
fn is_name(key: &str) -> bool {
    key.len() <= NAME_BYTES_MAX
        && key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
}
