//! A Bind too long to be held: its parameters go to the target as they come.
//!
//! The names stand at its beginning and say what it is about. What the log keeps of the parameters, and the formats of the
//! result that stand at its end, are read in passing. A mask that comes back in a parameter that goes into a classified column
//! spoils it: what is missing of the message then goes to the target as something that it can't read.

use std::collections::HashMap;

use gate::{DigestInPieces, Keys};
use model::Digest;

use crate::cells::{CellType, MaskSearch, Masks};
use crate::wire::Malformed;
use crate::wire::pieces::Begun;

/// A Bind longer than this is not held.
pub const LONG_BIND_BYTES: usize = 256 * 1024;

/// Parameters in which masks are looked for: numbers, from 1, with the types that each may be of.
pub type Watched = HashMap<usize, Vec<u32>>;

/// Where masks are looked for in a parameter of one of these types.
pub fn looked_for(types: &[u32], binary: bool) -> Masks {
    types.iter().map(|oid| Masks::of(CellType::of(*oid, binary))).max().unwrap_or(Masks::IfText)
}

/// What comes behind the names of such a Bind.
#[derive(Debug)]
pub struct LongBind {
    part: Part,
    begun: Begun,
    digest: DigestInPieces,
    parameters: usize,
    /// Of the parameters, whether each is in binary; one for all, or none.
    binary: Vec<bool>,
    formats: Vec<i16>,
    watched: Watched,
    /// Looks through the parameter that is read, if it is one of those.
    search: Option<MaskSearch>,
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
    pub fn new(keys: &Keys, watched: Watched) -> Self {
        Self {
            part: Part::FormatCount,
            begun: Begun::default(),
            digest: keys.digest_in_pieces(),
            parameters: 0,
            binary: Vec::new(),
            formats: Vec::new(),
            watched,
            search: None,
        }
    }

    /// Takes bytes of it. If a mask is found, says in which parameter, and leaves what stands behind it.
    pub fn feed(&mut self, bytes: &mut &[u8]) -> Result<Option<usize>, Malformed> {
        loop {
            self.part = match self.part {
                Part::FormatCount => {
                    let Some(count) = self.count(bytes) else { return Ok(None) };
                    Part::Formats(count)
                }
                Part::Formats(0) => Part::ParameterCount,
                Part::Formats(left) => {
                    let Some(format) = self.begun.take::<2>(bytes) else { return Ok(None) };
                    self.digest.update(&format);
                    self.binary.push(format != [0, 0]);
                    Part::Formats(left.saturating_sub(1))
                }
                Part::ParameterCount => {
                    let Some(parameters) = self.count(bytes) else { return Ok(None) };
                    self.parameters = parameters;
                    Part::Length { parameters }
                }
                Part::Length { parameters: 0 } => Part::ResultCount,
                Part::Length { parameters } => {
                    let Some(length) = self.begun.take::<4>(bytes) else { return Ok(None) };
                    self.digest.update(&length);
                    match i32::from_be_bytes(length) {
                        -1 => Part::Length { parameters: parameters.saturating_sub(1) },
                        length => {
                            let left = usize::try_from(length)
                                .map_err(|_| Malformed(format!("Bind message has a value of length {length}")))?;
                            self.search = self.search(parameters);
                            Part::Parameter { parameters, left }
                        }
                    }
                }
                Part::Parameter { parameters, left } => {
                    let (value, _) = bytes.split_at(left.min(bytes.len()));
                    let left = self.pass(bytes, left);
                    let number = self.number(parameters);
                    let found =
                        self.search.as_mut().is_some_and(|search| search.feed(value) || (left == 0 && search.end()));
                    self.part = match left {
                        0 => Part::Length { parameters: parameters.saturating_sub(1) },
                        left => Part::Parameter { parameters, left },
                    };
                    match (found, left) {
                        (true, _) => return Ok(Some(number)),
                        (false, 0) => continue,
                        _ => return Ok(None),
                    }
                }
                Part::ResultCount => {
                    let Some(count) = self.begun.take::<2>(bytes) else { return Ok(None) };
                    Part::ResultFormat(usize::from(u16::from_be_bytes(count)))
                }
                Part::ResultFormat(0) if bytes.is_empty() => return Ok(None),
                Part::ResultFormat(0) => return Err(Malformed::new("Bind message has bytes too many")),
                Part::ResultFormat(left) => {
                    let Some(format) = self.begun.take::<2>(bytes) else { return Ok(None) };
                    self.formats.push(i16::from_be_bytes(format));
                    Part::ResultFormat(left.saturating_sub(1))
                }
            };
        }
    }

    /// The digest of the parameters, if there are any, and the formats of the result. It must be over.
    pub fn end(self) -> Result<(Option<Digest>, Vec<i16>), Malformed> {
        match self.part {
            Part::ResultFormat(0) => Ok(((self.parameters > 0).then(|| self.digest.finish()), self.formats)),
            _ => Err(Malformed::new("Bind message is shorter than its fields")),
        }
    }

    /// What goes to the target in the place of what is missing of it: so many bytes, with which the whole can't be read. The server
    /// reads a message that is too long or too short for what it says of itself as an error.
    pub fn spoilt(&self, left: usize) -> Spoilt {
        let (value, parameters) = match self.part {
            Part::Parameter { parameters, left } => (left, parameters.saturating_sub(1)),
            Part::Length { parameters } => (0, parameters),
            _ => (0, 0),
        };
        let behind = left.saturating_sub(value);
        Spoilt {
            value,
            begin: match (parameters, behind) {
                // The next value is longer than any message.
                (1.., _) => [0x7f; 4].to_vec(),
                // Formats of the result: there is one that is missing, or none where there are bytes for some.
                (0, 0..=2) => [0, 1].to_vec(),
                (0, _) => [0, 0].to_vec(),
            },
        }
    }

    /// The number of the parameter behind which all but one of so many are to come.
    fn number(&self, parameters: usize) -> usize {
        self.parameters.saturating_sub(parameters).saturating_add(1)
    }

    /// What looks through that parameter.
    fn search(&self, parameters: usize) -> Option<MaskSearch> {
        let number = self.number(parameters);
        let types = self.watched.get(&number)?;
        let binary = match self.binary.as_slice() {
            [all] => *all,
            each => each.get(number.saturating_sub(1)).copied().unwrap_or_default(),
        };
        Some(MaskSearch::new(looked_for(types, binary)))
    }

    fn pass(&mut self, bytes: &mut &[u8], left: usize) -> usize {
        let (now, later) = bytes.split_at(left.min(bytes.len()));
        *bytes = later;
        self.digest.update(now);
        left.saturating_sub(now.len())
    }

    fn count(&mut self, bytes: &mut &[u8]) -> Option<usize> {
        let count = self.begun.take::<2>(bytes)?;
        self.digest.update(&count);
        Some(usize::from(u16::from_be_bytes(count)))
    }
}

/// What goes on in the place of the rest of a Bind.
#[derive(Debug)]
pub struct Spoilt {
    /// Bytes that are missing of the value.
    value: usize,
    /// What comes behind it, and then nothing but zeros.
    begin: Vec<u8>,
}

impl Spoilt {
    /// So many bytes of it.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let mut out = vec![0; count];
        let place = self.value.min(count);
        self.value = self.value.saturating_sub(place);
        let taken = self.begin.len().min(count.saturating_sub(place));
        for (to, from) in out.iter_mut().skip(place).zip(self.begin.drain(..taken)) {
            *to = from;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frontend::Frontend;

    /// Formats, parameters, formats of the result.
    const BODY: &[u8] = b"\0\x01\0\x01\0\x03\0\0\0\x02hi\xff\xff\xff\xff\0\0\0\0\0\x02\0\0\0\x01";

    fn read(pieces: &[&[u8]]) -> Result<(Option<Digest>, Vec<i16>), Malformed> {
        let mut bind = LongBind::new(&Keys::new([3; 32]), Watched::default());
        for mut piece in pieces.iter().copied() {
            assert_eq!(bind.feed(&mut piece)?, None);
        }
        bind.end()
    }

    /// The body of a Bind behind its names, with these parameters and so many formats of its result.
    fn body(parameters: &[&[u8]], formats: u16) -> Vec<u8> {
        let mut out = vec![0, 0];
        out.extend(u16::try_from(parameters.len()).unwrap().to_be_bytes());
        for parameter in parameters {
            out.extend(i32::try_from(parameter.len()).unwrap().to_be_bytes());
            out.extend_from_slice(parameter);
        }
        out.extend(formats.to_be_bytes());
        (0..formats).for_each(|_| out.extend([0, 0]));
        out
    }

    #[test]
    fn a_mask_spoils_it_wherever_it_is_cut() {
        for (parameters, watched, found) in [
            ([&b"x"[..], b"a [redacted] value", b"y"], vec![2], Some(2)),
            ([b"x", b"a [redacted] value", b"y"], vec![1, 3], None),
            ([b"x", b"[redac", b"ted]"], vec![2, 3], None),
            ([b"", b"y", b"tok_abcdefghijklmnop"], vec![1, 3], Some(3)),
            ([b"tok_abcdefghijklmnop", b"", b""], vec![1], Some(1)),
        ] {
            for formats in [0, 1, 2] {
                let body = body(&parameters, formats);
                for at in 0..=body.len() {
                    let mut bind =
                        LongBind::new(&Keys::new([3; 32]), watched.iter().map(|number| (*number, vec![25])).collect());
                    let (one, two) = body.split_at(at);
                    let mut unread = one;
                    let mut is = bind.feed(&mut unread).unwrap();
                    let mut behind = two.len() + unread.len();
                    let mut sent = one[..one.len() - unread.len()].to_vec();
                    if is.is_none() {
                        unread = two;
                        is = bind.feed(&mut unread).unwrap();
                        sent.extend_from_slice(&two[..two.len() - unread.len()]);
                        behind = unread.len();
                    }
                    assert_eq!(is, found, "{parameters:?} cut at {at}");
                    if is.is_none() {
                        assert_eq!(sent, body);
                        continue;
                    }
                    // The target gets as many bytes as it was told, and can't read them.
                    let mut spoilt = bind.spoilt(behind);
                    (0..behind).for_each(|_| sent.extend(spoilt.take(1)));
                    assert_eq!(sent.len(), body.len());
                    let whole = [b"\0\0".as_slice(), &sent].concat();
                    assert!(Frontend::read(b'B', &whole).is_err(), "{parameters:?} {formats}");
                }
            }
        }
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
