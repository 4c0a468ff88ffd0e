//! `json` and `jsonb`: a document keeps its structure, and each value in it is shown.
//!
//! Strings are shown as cells of `text` and numbers as cells of `numeric`, so they have the parts and tokens that columns of
//! those types have. True and false are shown as null. A key that looks like a name of something stays; one with digits or
//! anything else in it may be a value itself and is shown as a string. What is between values is not kept.
//!
//! The document is read as it stands, token by token, and never made into a tree: numbers of any length, keys that come
//! twice and the order of keys are what they were.

use std::borrow::Cow;

use memchr::memchr2;
use redact::Shown;

use super::family::{NUMERIC, TEXT};
use super::number::decimal;
use super::{CellType, Part};

/// The first byte of a `jsonb` in binary.
pub(super) const JSONB_VERSION: u8 = 1;
/// Documents with more levels than this are redacted whole.
const LEVELS_MAX: usize = 64;
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
    let mut document = Document { rest: std::str::from_utf8(bytes).ok()?, part, shown: Vec::new() };
    document.value(0, out)?;
    document.skip_space();
    document.rest.is_empty().then_some(())
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
    rest: &'a str,
    part: &'p mut Part<'s>,
    /// What a value is shown as, before it is written as JSON.
    shown: Vec<u8>,
}

impl<'a> Document<'a, '_, '_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes this, if it is next.
    fn take(&mut self, what: &str) -> bool {
        let rest = self.rest.strip_prefix(what);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, level: usize, out: &mut Vec<u8>) -> Option<()> {
        self.skip_space();
        match self.rest.bytes().next()? {
            b'{' | b'[' if level >= LEVELS_MAX => None,
            b'{' => self.members('}', out, |document, out| {
                document.key(out)?;
                document.skip_space();
                document.take(":").then(|| out.push(b':'))?;
                document.value(level.saturating_add(1), out)
            }),
            b'[' => self.members(']', out, |document, out| document.value(level.saturating_add(1), out)),
            b'"' => {
                let text = self.string()?;
                self.show_string(&text, out)
            }
            b'-' | b'0'..=b'9' => self.number(out),
            _ => {
                (self.take("true") || self.take("false") || self.take("null")).then_some(())?;
                out.extend_from_slice(b"null");
                Some(())
            }
        }
    }

    /// What stands between braces or brackets.
    fn members(
        &mut self,
        close: char,
        out: &mut Vec<u8>,
        mut member: impl FnMut(&mut Self, &mut Vec<u8>) -> Option<()>,
    ) -> Option<()> {
        let mut between = if close == '}' { b'{' } else { b'[' };
        let mut buffer = [0; 4];
        let close: &str = close.encode_utf8(&mut buffer);
        self.rest = self.rest.get(1..)?;
        self.skip_space();
        if self.take(close) {
            out.push(between);
            out.extend_from_slice(close.as_bytes());
            return Some(());
        }
        loop {
            out.push(between);
            self.skip_space();
            member(self, out)?;
            self.skip_space();
            if self.take(close) {
                out.extend_from_slice(close.as_bytes());
                return Some(());
            }
            self.take(",").then_some(())?;
            between = b',';
        }
    }

    fn key(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let key = self.string()?;
        if is_name(&key) { write(&key, out) } else { self.show_string(&key, out) }
    }

    /// The value of the string that is next.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        let inner = self.rest.strip_prefix('"')?;
        let mut end = 0_usize;
        let mut escapes = false;
        loop {
            let found = memchr2(b'"', b'\\', inner.as_bytes().get(end..)?)?;
            end = end.saturating_add(found);
            if inner.as_bytes().get(end) == Some(&b'"') {
                break;
            }
            escapes = true;
            end = end.saturating_add(2);
        }
        let text = inner.get(..end)?;
        let whole = self.rest.get(..end.saturating_add(2))?;
        self.rest = self.rest.get(whole.len()..)?;
        if escapes || text.bytes().any(|byte| byte < 0x20) {
            return serde_json::from_str(whole).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(text))
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
        let is_end = |byte: u8| !matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        let end = self.rest.bytes().position(is_end).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        is_number(number).then_some(())?;
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

/// Whether this is a number as JSON writes it, but for zeros before it.
fn is_number(text: &str) -> bool {
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let [whole, exponent] =
        [whole.strip_prefix('-').unwrap_or(whole), exponent.strip_prefix(['-', '+']).unwrap_or(exponent)];
    are_digits(whole) && are_digits(fraction) && are_digits(exponent)
}

/// Whether a key is a name that someone gave a field: letters, `_` and `-`, and not long.
fn is_name(key: &str) -> bool {
    key.len() <= NAME_BYTES_MAX
        && key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
}
