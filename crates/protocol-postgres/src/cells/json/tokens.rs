//! A document piece by piece, whatever its structure is: what of it can say something.

use std::borrow::Cow;

use memchr::memchr;

use super::Reader;

/// What a document is made of, as far as something can be found in it.
#[derive(Clone, Copy)]
pub(in crate::cells) enum Token<'a> {
    /// A string, with its quotes.
    String(&'a [u8]),
    Number(&'a str),
    /// Anything else.
    Other(&'a [u8]),
}

impl<'a> Token<'a> {
    pub(in crate::cells) fn written(&self) -> &'a [u8] {
        match *self {
            Self::String(written) | Self::Other(written) => written,
            Self::Number(number) => number.as_bytes(),
        }
    }

    /// What it says: a string without its escapes.
    pub(in crate::cells) fn view(&self) -> Option<Cow<'a, [u8]>> {
        Some(match *self {
            Self::String(written) if memchr(b'\\', written).is_some() => {
                let text: String = serde_json::from_slice(written).ok()?;
                [b"\"", text.as_bytes(), b"\""].concat().into()
            }
            _ => self.written().into(),
        })
    }
}

/// What a string of a document says, with its quotes, if somebody may have written it: half of a character that takes two escapes is no reason
/// not to read the rest.
pub(in crate::cells) fn taken(written: &[u8]) -> Vec<u8> {
    let mut says = Vec::with_capacity(written.len());
    let mut rest = written;
    loop {
        rest = match rest {
            [] => return says,
            [b'\\', b'u', a, b, c, d, rest @ ..] => {
                let (letter, rest) = match (code([a, b, c, d]), rest) {
                    (Some(high), [b'\\', b'u', a, b, c, d, behind @ ..]) => match joined(high, code([a, b, c, d])) {
                        Some(letter) => (Some(letter), behind),
                        None => (char::from_u32(high), rest),
                    },
                    (code, _) => (code.and_then(char::from_u32), rest),
                };
                let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
                says.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                rest
            }
            [b'\\', escaped, rest @ ..] => {
                says.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'f' => 12,
                    other => *other,
                });
                rest
            }
            [byte, rest @ ..] => {
                says.push(*byte);
                rest
            }
        };
    }
}

/// What four hexadecimal digits stand for.
fn code(digits: [&u8; 4]) -> Option<u32> {
    digits.into_iter().try_fold(0, |code, digit| Some((code << 4) | char::from(*digit).to_digit(16)?))
}

/// The letter that takes two escapes.
fn joined(high: u32, low: Option<u32>) -> Option<char> {
    let (high, low) = (u16::try_from(high).ok()?, u16::try_from(low?).ok()?);
    (0xd800..0xdc00).contains(&high).then(|| char::decode_utf16([high, low]).next()?.ok()).flatten()
}

/// Goes through a document, whatever its structure is.
pub(in crate::cells) fn tokens_of<'a>(text: &'a [u8], mut each: impl FnMut(Token<'a>) -> Option<()>) -> Option<()> {
    let mut reader = Reader::new(text);
    while let Some(next) = reader.peek() {
        let begin = reader.at();
        let token = match next {
            b'"' => {
                reader.raw_string()?;
                Token::String(reader.since(begin)?)
            }
            b'-' | b'0'..=b'9' => Token::Number(reader.number()?),
            _ => {
                reader.skip_other();
                Token::Other(reader.since(begin)?)
            }
        };
        each(token)?;
    }
    Some(())
}

/// What stands between the quotes of a string.
pub(in crate::cells) fn inner(string: &[u8]) -> Option<&[u8]> {
    string.strip_prefix(b"\"")?.strip_suffix(b"\"")
}
