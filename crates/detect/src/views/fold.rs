//! Characters that are read as others: full-width forms, digits of all scripts, blanks and dashes; and those that nobody sees.

use super::{Decoded, character};

/// What a character is read as.
enum Read {
    Same,
    As(u8),
    Nothing,
}

/// The zeros of scripts whose ten digits stand in a row (Unicode 16, general category Nd), but those of mathematics and the full-width
/// ones.
const ZEROS: &[u32] = &[
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50,
    0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0x104A0, 0x10D30, 0x10D40, 0x11066, 0x110F0, 0x11136,
    0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x116D0, 0x116DA, 0x11730, 0x118E0, 0x11950, 0x11BF0,
    0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1CCF0, 0x1E140, 0x1E2F0, 0x1E4F0,
    0x1E5F1, 0x1E950,
];

fn read(character: char) -> Read {
    let digit =
        |zero: u32| u8::try_from(u32::from(character).saturating_sub(zero) % 10).unwrap_or(0).saturating_add(b'0');
    match u32::from(character) {
        ..0x80 => Read::Same,
        // Soft hyphen, joiners, marks of direction, word joiners, byte order mark.
        0xAD
        | 0x034F
        | 0x061C
        | 0x180E
        | 0x200B..=0x200F
        | 0x202A..=0x202E
        | 0x2060..=0x2064
        | 0x2066..=0x2069
        | 0xFEFF => Read::Nothing,
        0xA0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000 => Read::As(b' '),
        0x2010..=0x2015 | 0x2212 | 0xFE58 | 0xFE63 => Read::As(b'-'),
        wide @ 0xFF01..=0xFF5E => Read::As(u8::try_from(wide.saturating_sub(0xFEE0)).unwrap_or(b' ')),
        0x1D7CE..=0x1D7FF => Read::As(digit(0x1D7CE)),
        0x1FBF0..=0x1FBF9 => Read::As(digit(0x1FBF0)),
        code => {
            let before = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1);
            match before.and_then(|before| ZEROS.get(before)) {
                Some(zero) if code.saturating_sub(*zero) < 10 => Read::As(digit(*zero)),
                _ => Read::Same,
            }
        }
    }
}

/// Whether any of these bytes are read otherwise, or may be with those that follow.
pub(super) fn is_wanted(input: &[u8]) -> bool {
    let mut at = 0;
    while let Some(wide) = next_wide(input, at) {
        at = match character(input.get(wide..).unwrap_or_default()) {
            Ok(Some((found, _))) if !matches!(read(found), Read::Same) => return true,
            Ok(Some((_, length))) => wide.saturating_add(length),
            Ok(None) => wide.saturating_add(1),
            Err(_) => return true,
        };
    }
    false
}

pub(super) fn decode(input: &[u8], more: bool, to: &mut Decoded<'_>) -> usize {
    let mut at = 0;
    // From here on all is as it was, and not yet told.
    let mut same = 0;
    while let Some(wide) = next_wide(input, at) {
        let (read, length) = match character(input.get(wide..).unwrap_or_default()) {
            Ok(Some((found, length))) => (read(found), length),
            Err(_) if more => {
                to.same(input.get(same..wide).unwrap_or_default());
                return wide;
            }
            _ => (Read::Same, 1),
        };
        at = wide.saturating_add(length);
        if !matches!(read, Read::Same) {
            to.same(input.get(same..wide).unwrap_or_default());
            same = at;
        }
        match read {
            Read::Same => {}
            Read::As(byte) => to.unit(&[byte], length),
            Read::Nothing => to.unit(&[], length),
        }
    }
    to.same(input.get(same..).unwrap_or_default());
    input.len()
}

/// The next byte that is not ASCII.
fn next_wide(input: &[u8], from: usize) -> Option<usize> {
    let rest = input.get(from..)?;
    rest.iter().position(|byte| !byte.is_ascii()).map(|place| from.saturating_add(place))
}
