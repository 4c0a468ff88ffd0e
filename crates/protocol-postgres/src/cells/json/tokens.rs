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
                let digits = [a, b, c, d].map(|digit| char::from(*digit).to_digit(16));
                let code = digits.iter().try_fold(0, |code, digit| digit.map(|digit| (code << 4) | digit));
                let letter = code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
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
