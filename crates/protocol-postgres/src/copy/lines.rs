//! Text and csv: where a cell ends, and what it says.
//!
//! In text a backslash stands before whatever could be misread, so a bare newline always ends a row. In csv a newline,
//! delimiter or quote inside of quotes is part of the value. The encodings that get here have no byte of a longer
//! character that could be taken for one of these.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3};
use sql_postgres::CopyFormat;

/// How far is looked at first for what ends a cell.
const FIND_BYTES: usize = 64;

/// Finds the ends of cells in lines that come in pieces.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) delimiter: u8,
    pub(super) syntax: Syntax,
    /// Whether a carriage return ends a line as well, as in what the server reads. What it writes has none that stands alone.
    returns: bool,
    /// Inside of quotes.
    quoted: bool,
    /// The last byte was one that says what the next means.
    pending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    Text,
    Csv { quote: u8, escape: u8 },
}

/// What comes next in some bytes.
#[derive(Debug)]
pub(super) enum Next {
    /// The cell goes on past them.
    None,
    /// The cell ends at this byte, with the end of its line or with a delimiter.
    End { at: usize, line: bool },
}

impl Lines {
    /// Lines of this form. None if it has no lines.
    pub(super) fn new(format: &CopyFormat, returns: bool) -> Option<Self> {
        let (delimiter, syntax) = match format {
            CopyFormat::Text { delimiter, .. } => (*delimiter, Syntax::Text),
            CopyFormat::Csv { delimiter, quote, escape, .. } => {
                (*delimiter, Syntax::Csv { quote: *quote, escape: *escape })
            }
            CopyFormat::Binary | CopyFormat::Unknown(_) => return None,
        };
        Some(Self { delimiter, syntax, returns, quoted: false, pending: false })
    }

    /// Whether data that end here end within quotes.
    pub(super) fn ends_within_quotes(&self) -> bool {
        let closes = matches!(self.syntax, Syntax::Csv { quote, escape } if quote == escape);
        self.quoted && !(self.pending && closes)
    }

    /// Finds where the cell ends.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Next {
        match self.syntax {
            Syntax::Text => self.scan_text(bytes),
            Syntax::Csv { quote, escape } => self.scan_csv(bytes, quote, escape),
        }
    }

    /// The first delimiter, end of a line, or byte of this kind.
    fn find(&self, other: u8, bytes: &[u8]) -> Option<usize> {
        if !self.returns {
            return memchr3(self.delimiter, b'\n', other, bytes);
        }
        // Four bytes are looked for by two searches, neither of which may go on far behind what the other finds.
        let (mut begin, mut length) = (0_usize, FIND_BYTES);
        while begin < bytes.len() {
            let end = begin.saturating_add(length).min(bytes.len());
            let here = bytes.get(begin..end)?;
            let found = memchr3(self.delimiter, b'\n', other, here);
            let before = here.get(..found.unwrap_or(here.len()))?;
            if let Some(at) = memchr(b'\r', before).or(found) {
                return Some(begin.saturating_add(at));
            }
            (begin, length) = (end, length.saturating_mul(2));
        }
        None
    }

    fn is_line_end(byte: Option<u8>) -> bool {
        matches!(byte, Some(b'\n' | b'\r'))
    }

    fn scan_text(&mut self, bytes: &[u8]) -> Next {
        // A byte behind a backslash belongs to the value, whatever it is.
        let mut at = usize::from(std::mem::take(&mut self.pending));
        while let Some(rest) = bytes.get(at..) {
            let Some(found) = self.find(b'\\', rest) else { return Next::None };
            match rest.get(found) {
                Some(b'\\') => at = at.saturating_add(found).saturating_add(2),
                byte => return Next::End { at: at.saturating_add(found), line: Self::is_line_end(byte.copied()) },
            }
        }
        // The backslash was the last byte.
        self.pending = true;
        Next::None
    }

    fn scan_csv(&mut self, bytes: &[u8], quote: u8, escape: u8) -> Next {
        let mut at = 0_usize;
        if self.quoted && std::mem::take(&mut self.pending) {
            at = self.behind_escape(bytes.first().copied(), quote, escape);
        }
        loop {
            let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) else { return Next::None };
            if !self.quoted {
                let Some(found) = self.find(quote, rest) else { return Next::None };
                let byte = rest.get(found).copied();
                at = at.saturating_add(found);
                if byte != Some(quote) {
                    return Next::End { at, line: Self::is_line_end(byte) };
                }
                self.quoted = true;
                at = at.saturating_add(1);
                continue;
            }
            let Some(found) = memchr2(quote, escape, rest) else { return Next::None };
            let byte = rest.get(found).copied();
            at = at.saturating_add(found).saturating_add(1);
            if byte == Some(escape) {
                match bytes.get(at) {
                    None => {
                        self.pending = true;
                        return Next::None;
                    }
                    next => at = at.saturating_add(self.behind_escape(next.copied(), quote, escape)),
                }
            } else {
                self.quoted = false;
            }
        }
    }

    /// What an escape inside of quotes means, by the byte behind it. Returns how many bytes belong to it.
    fn behind_escape(&mut self, next: Option<u8>, quote: u8, escape: u8) -> usize {
        if next == Some(quote) || next == Some(escape) {
            return 1;
        }
        // It is nothing special, unless it is also the quote.
        self.quoted = escape != quote;
        0
    }
}

/// Reads a cell as the server does (`CopyReadAttributesText`, `CopyReadAttributesCSV`), in pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoder {
    syntax: Syntax,
    state: State,
    /// Text: the last that was read is `\.`.
    ends_data: bool,
    /// Bytes of the cell that were read, as far as that matters.
    read: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between any two characters, in csv outside of quotes.
    Plain,
    /// Text: behind a backslash.
    Backslash,
    /// Text: in `\101`, which goes on for so many digits at most.
    Octal { value: u8, left: u8 },
    /// Text: behind `\x`.
    X,
    /// Text: in `\x41`.
    Hex { value: u8 },
    /// Csv: inside of quotes.
    Quoted,
    /// Csv: behind an escape inside of quotes.
    Escape,
}

impl Decoder {
    pub(super) fn new(syntax: Syntax) -> Self {
        Self { syntax, state: State::Plain, ends_data: false, read: 0 }
    }

    /// Appends what more of a cell says.
    pub(super) fn feed(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        match self.syntax {
            Syntax::Text => raw.iter().for_each(|byte| self.text(*byte, out)),
            Syntax::Csv { quote, escape } => raw.iter().for_each(|byte| self.csv(*byte, quote, escape, out)),
        }
    }

    /// Whether a cell of which no more comes ends with what ends the data.
    pub(super) fn ends_data(&self) -> bool {
        self.ends_data
    }

    /// The same, whether it is nothing else.
    pub(super) fn is_alone(&self) -> bool {
        self.read == 2
    }

    /// The cell is over.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        (self.ends_data, self.read) = (false, 0);
        self.end_escape(out);
    }

    /// What an escape says that may have been longer.
    fn end_escape(&mut self, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.state, State::Plain) {
            State::Octal { value, .. } | State::Hex { value } => out.push(value),
            State::X => out.push(b'x'),
            State::Plain | State::Backslash | State::Quoted | State::Escape => {}
        }
    }

    fn text(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.ends_data = byte == b'.' && self.state == State::Backslash;
        self.read = self.read.saturating_add(1);
        let digit = |radix| char::from(byte).to_digit(radix).and_then(|digit| u8::try_from(digit).ok());
        self.state = match (self.state, digit(8), digit(16)) {
            (State::Backslash, Some(value), _) => State::Octal { value, left: 2 },
            (State::Backslash, ..) if byte == b'x' => State::X,
            (State::Backslash, ..) => {
                out.push(match byte {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'v' => 11,
                    other => other,
                });
                State::Plain
            }
            // Three digits may say more than a byte holds: the server drops what is above.
            (State::Octal { value, left: 2 }, Some(digit), _) => {
                State::Octal { value: value.wrapping_mul(8).wrapping_add(digit), left: 1 }
            }
            (State::Octal { value, left: 1 }, Some(digit), _) => {
                out.push(value.wrapping_mul(8).wrapping_add(digit));
                State::Plain
            }
            (State::X, _, Some(value)) => State::Hex { value },
            (State::Hex { value }, _, Some(digit)) => {
                out.push(value.wrapping_mul(16).wrapping_add(digit));
                State::Plain
            }
            _ => {
                self.end_escape(out);
                if byte == b'\\' {
                    State::Backslash
                } else {
                    out.push(byte);
                    State::Plain
                }
            }
        };
    }

    fn csv(&mut self, byte: u8, quote: u8, escape: u8, out: &mut Vec<u8>) {
        if self.state == State::Escape {
            self.state = State::Quoted;
            if byte == quote || byte == escape {
                return out.push(byte);
            }
            // It was nothing special, unless it is also the quote.
            if escape == quote {
                self.state = State::Plain;
            } else {
                out.push(escape);
            }
        }
        match (self.state, byte) {
            (State::Quoted, byte) if byte == escape => self.state = State::Escape,
            (State::Quoted, byte) if byte == quote => self.state = State::Plain,
            (State::Plain, byte) if byte == quote => self.state = State::Quoted,
            _ => out.push(byte),
        }
    }
}

/// What a cell says.
pub(super) fn decoded(raw: &[u8], syntax: Syntax) -> Cow<'_, [u8]> {
    let special = match syntax {
        Syntax::Text => b'\\',
        Syntax::Csv { quote, .. } => quote,
    };
    if !raw.contains(&special) {
        return Cow::Borrowed(raw);
    }
    let mut value = Vec::with_capacity(raw.len());
    let mut decoder = Decoder::new(syntax);
    decoder.feed(raw, &mut value);
    decoder.end(&mut value);
    Cow::Owned(value)
}

/// Writes a value in text so that it reads as itself.
pub(super) fn escape_text(value: &[u8], delimiter: u8, out: &mut Vec<u8>) {
    for byte in value {
        match byte {
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            11 => out.extend_from_slice(b"\\v"),
            byte if *byte == delimiter || *byte == b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            byte => out.push(*byte),
        }
    }
}

/// Writes a value in csv, in quotes or as it is.
pub(super) fn write_csv(value: &[u8], quotes: bool, quote: u8, escape: u8, out: &mut Vec<u8>) {
    if !quotes {
        return out.extend_from_slice(value);
    }
    out.push(quote);
    for byte in value {
        if *byte == quote || *byte == escape {
            out.push(escape);
        }
        out.push(*byte);
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_say_what_the_server_reads_in_them() {
        let text: [(&[u8], &[u8]); 12] = [
            (b"a\\tb\\\\c\\.", b"a\tb\\c."),
            (b"\\x5bred\\x5D", b"[red]"),
            (b"\\133red\\135", b"[red]"),
            (b"\\52\\52\\52", b"***"),
            (b"\\x2a\\x2a\\x2a1", b"***1"),
            (b"\\xg\\x", b"xgx"),
            (b"\\5\\x5", b"\x05\x05"),
            (b"\\1334\\777", b"[4\xff"),
            (b"\\x5b\\n\\8", b"[\n8"),
            (b"\\x5bd\\q", b"[dq"),
            (b"\\5a\\55\\", b"\x05a-"),
            (b"plain", b"plain"),
        ];
        for (raw, says) in text {
            assert_eq!(&*decoded(raw, Syntax::Text), says, "{}", String::from_utf8_lossy(raw));
        }
        let (same, other) = (Syntax::Csv { quote: b'"', escape: b'"' }, Syntax::Csv { quote: b'"', escape: b'\\' });
        let csv: [(&[u8], Syntax, &[u8]); 8] = [
            (b"\"[red\"\"acted]\"", same, b"[red\"acted]"),
            (b"\"[red\"acted\"]\"", same, b"[redacted]"),
            (b"[\"\"red\"\"acted]", same, b"[redacted]"),
            (b"\"a\\\"\\\\b\\c\"", other, b"a\"\\b\\c"),
            (b"\"[red\"\"acted]\"", other, b"[redacted]"),
            (b"\\x5b", other, b"\\x5b"),
            (b"\\\"a\"", other, b"\\a"),
            (b"\"a\nb\"", same, b"a\nb"),
        ];
        for (raw, syntax, says) in csv {
            assert_eq!(&*decoded(raw, syntax), says, "{}", String::from_utf8_lossy(raw));
        }
    }
}
