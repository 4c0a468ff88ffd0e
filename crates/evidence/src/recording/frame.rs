//! Frames as bytes: pure, each on its own.

/// The kinds of frames. Numbers from 16 on are for what other protocols show.
pub(super) mod kind {
    pub const RECORD: u8 = 1;
    pub const ABOUT: u8 = 2;
    pub const SHAPE: u8 = 3;
    pub const SHOWN: u8 = 4;
    pub const INSTEAD: u8 = 5;
    pub const PART: u8 = 6;
    pub const END: u8 = 7;
}

/// Bytes of the length that the writer puts before a payload: always as many, so that what is shown next can be joined to it in place.
pub(super) const LENGTH_BYTES: usize = 3;
/// The most bytes of a varint.
pub(super) const VARINT_BYTES_MAX: usize = 10;
/// The most bytes of a frame before its payload.
pub(super) const HEAD_BYTES_MAX: usize = 1 + VARINT_BYTES_MAX + LENGTH_BYTES;

/// Adds a number in as few bytes as it takes.
pub(super) fn put_varint(to: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            to.push(low & 0x7f);
            return;
        }
        to.push(low | 0x80);
    }
}

/// A length in always as many bytes. None if it does not fit.
pub(super) fn length(bytes: usize) -> Option<[u8; LENGTH_BYTES]> {
    let [a, b, c, 0] = u32::try_from(bytes).ok().filter(|n| *n < 1 << 21)?.to_le_bytes() else { return None };
    // Seven bits each: the eighth of a byte is the first of the next one.
    let second = (b << 1) | (a >> 7);
    let third = (c << 2) | (b >> 6);
    Some([a | 0x80, second | 0x80, third & 0x7f])
}

/// Takes a number from the beginning of these bytes.
pub(super) fn take_varint<'a>(bytes: &mut &'a [u8]) -> Option<u64> {
    let mut value = 0_u64;
    let mut rest: &'a [u8] = bytes;
    for shift in (0..).step_by(7).take(VARINT_BYTES_MAX) {
        let (byte, after) = rest.split_first()?;
        rest = after;
        let part = u64::from(byte & 0x7f);
        let shifted = part.checked_shl(shift)?;
        if shifted >> shift != part {
            return None;
        }
        value |= shifted;
        if byte & 0x80 == 0 {
            *bytes = rest;
            return Some(value);
        }
    }
    None
}

/// A frame as it stands in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawFrame<'a> {
    pub kind: u8,
    /// Microseconds since the one before.
    pub after: u64,
    pub payload: &'a [u8],
}

/// Takes a frame from the beginning of these bytes. None if none begins there.
pub(super) fn take<'a>(bytes: &mut &'a [u8]) -> Option<RawFrame<'a>> {
    let (kind, mut rest) = bytes.split_first()?;
    let after = take_varint(&mut rest)?;
    let length = usize::try_from(take_varint(&mut rest)?).ok()?;
    let (payload, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(RawFrame { kind: *kind, after, payload })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            bytes.push(9);
            let mut rest = bytes.as_slice();
            assert_eq!(take_varint(&mut rest), Some(value));
            assert_eq!(rest, [9]);
        }
        for value in [0, 1, 127, 128, 16_383, 16_384, 65_536, (1 << 21) - 1] {
            let bytes = length(value).unwrap();
            let mut rest = bytes.as_slice();
            assert_eq!(take_varint(&mut rest), Some(value as u64), "{value}");
            assert!(rest.is_empty());
        }
        assert_eq!(length(1 << 21), None);
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        let refused = |bytes: &[u8]| {
            let mut rest = bytes;
            take_varint(&mut rest).is_none() && rest == bytes
        };
        assert!(refused(&[]) && refused(&[0x80]) && refused(&[0xff; 9]) && refused(&[0x80; 11]));
        assert!(refused(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), "65 bits");
    }

    #[test]
    fn a_frame_of_any_kind_can_be_passed_over() {
        let mut bytes: &[u8] = &[200, 5, 2, 1, 2, kind::END, 0, 0];
        assert_eq!(take(&mut bytes), Some(RawFrame { kind: 200, after: 5, payload: &[1, 2] }));
        assert_eq!(take(&mut bytes), Some(RawFrame { kind: kind::END, after: 0, payload: &[] }));
        assert_eq!(take(&mut bytes), None);
        let mut cut: &[u8] = &[200, 5, 3, 1, 2];
        assert_eq!(take(&mut cut), None);
        assert_eq!(cut.len(), 5);
    }
}
