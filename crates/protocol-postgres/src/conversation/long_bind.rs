//! A Bind too long to be held: its parameters go to the target as they come.
//!
//! The names stand at its beginning and say what it is about. What the log keeps of the parameters, and the formats of the
//! result that stand at its end, are read in passing.

use gate::{DigestInPieces, Keys};
use model::Digest;

use crate::wire::Malformed;

/// A Bind longer than this is not held.
pub const LONG_BIND_BYTES: usize = 256 * 1024;

/// What comes behind the names of such a Bind.
#[derive(Debug)]
pub struct LongBind {
    part: Part,
    begun: Vec<u8>,
    digest: DigestInPieces,
    has_parameters: bool,
    formats: Vec<i16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    FormatCount,
    Formats(usize),
    ParameterCount,
    Length { parameters: usize },
    Parameter { parameters: usize, left: usize },
    ResultCount,
    ResultFormat(usize),
}

impl LongBind {
    /// One whose parameters are to come.
    pub fn new(keys: &Keys) -> Self {
        Self {
            part: Part::FormatCount,
            begun: Vec::new(),
            digest: keys.digest_in_pieces(),
            has_parameters: false,
            formats: Vec::new(),
        }
    }

    /// Takes bytes of it.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Malformed> {
        loop {
            self.part = match self.part {
                Part::FormatCount => {
                    let Some(count) = self.count(&mut bytes) else { return Ok(()) };
                    Part::Formats(count.saturating_mul(2))
                }
                Part::Formats(0) => Part::ParameterCount,
                Part::Formats(left) => match self.pass(&mut bytes, left) {
                    left if left > 0 => {
                        self.part = Part::Formats(left);
                        return Ok(());
                    }
                    _ => Part::ParameterCount,
                },
                Part::ParameterCount => {
                    let Some(parameters) = self.count(&mut bytes) else { return Ok(()) };
                    self.has_parameters = parameters > 0;
                    Part::Length { parameters }
                }
                Part::Length { parameters: 0 } => Part::ResultCount,
                Part::Length { parameters } => {
                    let Some(length) = self.fixed::<4>(&mut bytes) else { return Ok(()) };
                    self.digest.update(&length);
                    match i32::from_be_bytes(length) {
                        -1 => Part::Length { parameters: parameters.saturating_sub(1) },
                        length => {
                            let left = usize::try_from(length)
                                .map_err(|_| Malformed(format!("Bind message has a value of length {length}")))?;
                            Part::Parameter { parameters, left }
                        }
                    }
                }
                Part::Parameter { parameters, left } => match self.pass(&mut bytes, left) {
                    0 => Part::Length { parameters: parameters.saturating_sub(1) },
                    left => {
                        self.part = Part::Parameter { parameters, left };
                        return Ok(());
                    }
                },
                Part::ResultCount => {
                    let Some(count) = self.fixed::<2>(&mut bytes) else { return Ok(()) };
                    Part::ResultFormat(usize::from(u16::from_be_bytes(count)))
                }
                Part::ResultFormat(0) if bytes.is_empty() => return Ok(()),
                Part::ResultFormat(0) => return Err(Malformed::new("Bind message has bytes too many")),
                Part::ResultFormat(left) => {
                    let Some(format) = self.fixed::<2>(&mut bytes) else { return Ok(()) };
                    self.formats.push(i16::from_be_bytes(format));
                    Part::ResultFormat(left.saturating_sub(1))
                }
            };
        }
    }

    /// The digest of the parameters, if there are any, and the formats of the result. It must be over.
    pub fn end(self) -> Result<(Option<Digest>, Vec<i16>), Malformed> {
        match self.part {
            Part::ResultFormat(0) => Ok((self.has_parameters.then(|| self.digest.finish()), self.formats)),
            _ => Err(Malformed::new("Bind message is shorter than its fields")),
        }
    }

    fn pass(&mut self, bytes: &mut &[u8], left: usize) -> usize {
        let (now, later) = bytes.split_at(left.min(bytes.len()));
        *bytes = later;
        self.digest.update(now);
        left.saturating_sub(now.len())
    }

    fn count(&mut self, bytes: &mut &[u8]) -> Option<usize> {
        let count = self.fixed::<2>(bytes)?;
        self.digest.update(&count);
        Some(usize::from(u16::from_be_bytes(count)))
    }

    /// The next bytes of a fixed number; nothing if they have not all come.
    fn fixed<const N: usize>(&mut self, bytes: &mut &[u8]) -> Option<[u8; N]> {
        let (now, later) = bytes.split_at(N.saturating_sub(self.begun.len()).min(bytes.len()));
        *bytes = later;
        self.begun.extend_from_slice(now);
        let fixed = <[u8; N]>::try_from(self.begun.as_slice()).ok()?;
        self.begun.clear();
        Some(fixed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Formats, parameters, formats of the result.
    const BODY: &[u8] = b"\0\x01\0\x01\0\x03\0\0\0\x02hi\xff\xff\xff\xff\0\0\0\0\0\x02\0\0\0\x01";

    fn read(pieces: &[&[u8]]) -> Result<(Option<Digest>, Vec<i16>), Malformed> {
        let mut bind = LongBind::new(&Keys::new([3; 32]));
        for piece in pieces {
            bind.feed(piece)?;
        }
        bind.end()
    }

    #[test]
    fn however_it_is_cut_it_reads_the_same() {
        let whole = read(&[BODY]).unwrap();
        assert!(whole.0.is_some() && whole.1 == [0, 1]);
        for at in 0..BODY.len() {
            assert_eq!(read(&[&BODY[..at], &BODY[at..]]).unwrap(), whole, "{at}");
        }
        let pieces: Vec<&[u8]> = BODY.chunks(1).collect();
        assert_eq!(read(&pieces).unwrap(), whole);
        let mut other = BODY.to_vec();
        other[10] = b'H';
        assert_ne!(read(&[&other]).unwrap().0, whole.0);
    }

    #[test]
    fn what_does_not_add_up_is_not_taken() {
        for at in 0..BODY.len() {
            assert!(read(&[&BODY[..at]]).is_err(), "{at}");
        }
        assert!(read(&[BODY, b"x"]).is_err());
        assert!(read(&[b"\0\0\0\x01\xff\xff\xff\xfe\0\0"]).is_err());
        assert_eq!(read(&[b"\0\0\0\0\0\0"]).unwrap(), (None, Vec::new()));
    }
}
