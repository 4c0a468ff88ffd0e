//! JSON as it stands, token by token, in any encoding whose characters of more than one byte have no ASCII in them.

use std::borrow::Cow;

use memchr::memchr2;

/// What is left of a text.
#[derive(Clone, Copy)]
pub(in crate::cells) struct Reader<'a> {
    text: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(in crate::cells) fn new(text: &'a [u8]) -> Self {
        Self { text, rest: text }
    }

    /// The first byte that is left.
    pub(in crate::cells) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(in crate::cells) fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    pub(in crate::cells) fn skip_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Takes this, if it is next.
    pub(in crate::cells) fn take(&mut self, what: &str) -> bool {
        let rest = self.rest.strip_prefix(what.as_bytes());
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// How much was read.
    pub(in crate::cells) fn at(&self) -> usize {
        self.text.len().saturating_sub(self.rest.len())
    }

    /// What was read since it was there.
    pub(in crate::cells) fn since(&self, at: usize) -> Option<&'a [u8]> {
        self.text.get(at..self.at())
    }

    /// The value of the string that is next, which is in UTF-8.
    pub(in crate::cells) fn string(&mut self) -> Option<Cow<'a, str>> {
        let (whole, escapes) = self.raw_string()?;
        let whole = std::str::from_utf8(whole).ok()?;
        let text = whole.get(1..whole.len().checked_sub(1)?)?;
        if escapes || text.bytes().any(|byte| byte < 0x20) {
            return serde_json::from_str(whole).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(text))
    }

    /// The string that is next, with its quotes, and whether there is a backslash in it.
    pub(in crate::cells) fn raw_string(&mut self) -> Option<(&'a [u8], bool)> {
        let inner = self.rest.strip_prefix(b"\"")?;
        let mut end = 0_usize;
        let mut escapes = false;
        loop {
            let found = memchr2(b'"', b'\\', inner.get(end..)?)?;
            end = end.saturating_add(found);
            if inner.get(end) == Some(&b'"') {
                break;
            }
            escapes = true;
            end = end.saturating_add(2);
        }
        let (whole, rest) = self.rest.split_at_checked(end.saturating_add(2))?;
        self.rest = rest;
        Some((whole, escapes))
    }

    /// Takes what is neither a string nor a number, one byte at least.
    pub(in crate::cells) fn skip_other(&mut self) {
        let begins = |byte: &u8| matches!(byte, b'"' | b'-' | b'0'..=b'9');
        let end = self.rest.iter().skip(1).position(begins).map_or(self.rest.len(), |at| at.saturating_add(1));
        self.rest = self.rest.get(end..).unwrap_or_default();
    }

    /// The number that is next.
    pub(in crate::cells) fn number(&mut self) -> Option<&'a str> {
        let is_end = |byte: &u8| !matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        let end = self.rest.iter().position(is_end).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        std::str::from_utf8(number).ok().filter(|number| is_number(number))
    }

    /// Takes true, false or null.
    pub(in crate::cells) fn word(&mut self) -> Option<()> {
        (self.take("true") || self.take("false") || self.take("null")).then_some(())
    }

    /// Takes a whole value, of any number of levels.
    pub(in crate::cells) fn skip(&mut self) -> Option<()> {
        // Of what is open, whether each is an object.
        let mut open: Vec<bool> = Vec::new();
        loop {
            self.skip_space();
            match self.peek()? {
                b'"' => drop(self.raw_string()?),
                b'-' | b'0'..=b'9' => drop(self.number()?),
                opens @ (b'{' | b'[') => {
                    self.rest = self.rest.get(1..)?;
                    let is_object = opens == b'{';
                    if !self.closes(is_object) {
                        open.push(is_object);
                        self.skip_key(is_object)?;
                        continue;
                    }
                }
                _ => self.word()?,
            }
            while open.last().is_some_and(|is_object| self.closes(*is_object)) {
                open.pop();
            }
            let Some(is_object) = open.last() else { return Some(()) };
            self.take(",").then_some(())?;
            self.skip_key(*is_object)?;
        }
    }

    /// Takes what closes an object or an array, if it is next.
    fn closes(&mut self, is_object: bool) -> bool {
        self.skip_space();
        self.take(if is_object { "}" } else { "]" })
    }

    /// Takes what stands before a value in an object.
    fn skip_key(&mut self, is_object: bool) -> Option<()> {
        if is_object {
            self.skip_space();
            self.raw_string()?;
            self.skip_space();
            self.take(":").then_some(())?;
        }
        Some(())
    }
}

/// Whether this is a number as JSON writes it, but for zeros before it.
pub(in crate::cells) fn is_number(text: &str) -> bool {
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let [whole, exponent] =
        [whole.strip_prefix('-').unwrap_or(whole), exponent.strip_prefix(['-', '+']).unwrap_or(exponent)];
    are_digits(whole) && are_digits(fraction) && are_digits(exponent)
}
