//! JSON as it stands, token by token.

use std::borrow::Cow;

use memchr::memchr2;

/// What is left of a text.
#[derive(Clone, Copy)]
pub(in crate::cells) struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    pub(in crate::cells) fn new(text: &'a str) -> Self {
        Self { text, rest: text }
    }

    /// The first byte that is left.
    pub(in crate::cells) fn peek(&self) -> Option<u8> {
        self.rest.bytes().next()
    }

    pub(in crate::cells) fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    pub(in crate::cells) fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes this, if it is next.
    pub(in crate::cells) fn take(&mut self, what: &str) -> bool {
        let rest = self.rest.strip_prefix(what);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// How much was read.
    pub(in crate::cells) fn at(&self) -> usize {
        self.text.len().saturating_sub(self.rest.len())
    }

    /// What was read since it was there.
    pub(in crate::cells) fn since(&self, at: usize) -> Option<&'a str> {
        self.text.get(at..self.at())
    }

    /// The value of the string that is next.
    pub(in crate::cells) fn string(&mut self) -> Option<Cow<'a, str>> {
        let (whole, escapes) = self.raw_string()?;
        let text = whole.get(1..whole.len().checked_sub(1)?)?;
        if escapes || text.bytes().any(|byte| byte < 0x20) {
            return serde_json::from_str(whole).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(text))
    }

    /// The string that is next, with its quotes, and whether there is a backslash in it.
    fn raw_string(&mut self) -> Option<(&'a str, bool)> {
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
        let (whole, rest) = self.rest.split_at_checked(end.saturating_add(2))?;
        self.rest = rest;
        Some((whole, escapes))
    }

    /// The number that is next.
    pub(in crate::cells) fn number(&mut self) -> Option<&'a str> {
        let is_end = |byte: u8| !matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        let end = self.rest.bytes().position(is_end).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        is_number(number).then_some(number)
    }

    /// Takes true, false or null.
    pub(in crate::cells) fn word(&mut self) -> Option<()> {
        (self.take("true") || self.take("false") || self.take("null")).then_some(())
    }

    /// Takes a whole value, of so many levels at most.
    pub(in crate::cells) fn skip(&mut self, levels: usize) -> Option<()> {
        self.skip_space();
        let close = match self.peek()? {
            b'"' => return self.raw_string().map(|_| ()),
            b'-' | b'0'..=b'9' => return self.number().map(|_| ()),
            b'{' => "}",
            b'[' => "]",
            _ => return self.word(),
        };
        let levels = levels.checked_sub(1)?;
        self.rest = self.rest.get(1..)?;
        self.skip_space();
        if self.take(close) {
            return Some(());
        }
        loop {
            if close == "}" {
                self.skip_space();
                self.raw_string()?;
                self.skip_space();
                self.take(":").then_some(())?;
            }
            self.skip(levels)?;
            self.skip_space();
            if self.take(close) {
                return Some(());
            }
            self.take(",").then_some(())?;
        }
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
