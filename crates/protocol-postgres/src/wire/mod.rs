//! The codec: PostgreSQL's frontend/backend protocol 3.0 as bytes, both directions. Pure: no socket, clock or lock.
//!
//! Spec: PostgreSQL manual, chapter "Frontend/Backend Protocol", sections "Message Formats" and "Error and Notice
//! Message Fields". Every length is checked before anything is taken; a frame that does not add up is [`Malformed`].

pub mod backend;
pub mod build;
pub mod frame;
pub mod frontend;
pub mod pieces;
pub mod startup;

#[cfg(test)]
mod tests;

/// Bytes that are not what the protocol allows there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

impl Malformed {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Reads fields out of one message's body.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
    message: &'static str,
}

impl<'a> Fields<'a> {
    /// The fields of a message, named for its errors.
    pub fn of(message: &'static str, body: &'a [u8]) -> Self {
        Self { rest: body, message }
    }

    fn cut(&self) -> Malformed {
        Malformed(format!("{} message is shorter than its fields", self.message))
    }

    /// The next `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.cut())?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.cut())?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    /// A 16-bit integer.
    pub fn int16(&mut self) -> Result<i16, Malformed> {
        self.array().map(i16::from_be_bytes)
    }

    /// A 32-bit integer.
    pub fn int32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_be_bytes)
    }

    /// A 32-bit object id.
    pub fn oid(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// A count of the things that follow. The manual calls it an Int16, and the server reads it without a sign: a statement
    /// may have 65,535 parameters.
    pub fn count(&mut self) -> Result<usize, Malformed> {
        self.array().map(|bytes| u16::from_be_bytes(bytes).into())
    }

    /// A text that ends with a zero byte, without it.
    pub fn cstr(&mut self) -> Result<&'a [u8], Malformed> {
        let end = self
            .rest
            .iter()
            .position(|byte| *byte == 0)
            .ok_or_else(|| Malformed(format!("{} message has a text without its terminator", self.message)))?;
        let text = self.bytes(end)?;
        self.byte()?;
        Ok(text)
    }

    /// A value with its length before it; `None` for a length of −1, which is NULL.
    pub fn value(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        match self.int32()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length)
                    .map_err(|_| Malformed(format!("{} message has a value of length {length}", self.message)))?;
                self.bytes(length).map(Some)
            }
        }
    }

    /// What is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Ends the message: nothing may be left.
    pub fn end(self) -> Result<(), Malformed> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(Malformed(format!("{} message has {left} bytes too many", self.message))),
        }
    }
}
