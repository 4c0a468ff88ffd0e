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
