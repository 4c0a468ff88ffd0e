//! `bytea` and `uuid`.

use model::Value;

/// A `bytea`: in text as `bytea_output` hex or escape writes it. A value that begins with a backslash has it doubled in the
/// latter, so the two can't be taken for each other.
pub(super) fn read(binary: bool, bytes: &[u8]) -> Option<Value<'_>> {
    if binary {
        return Some(Value::Bytes(bytes.into()));
    }
    let mut value = Vec::new();
    read_into(bytes, &mut value)?;
    Some(Value::Bytes(value.into()))
}

/// Appends the value of a `bytea` in text.
pub(super) fn read_into(bytes: &[u8], value: &mut Vec<u8>) -> Option<()> {
    match bytes.strip_prefix(br"\x") {
        Some(digits) => push_from_hex(digits, value),
        None => {
            value.extend_from_slice(&unescaped(bytes)?);
            Some(())
        }
    }
}

/// The value of a `bytea` in text as the server takes it: blanks may stand between the bytes.
pub(super) fn taken_into(bytes: &[u8], value: &mut Vec<u8>) -> Option<()> {
    match bytes.strip_prefix(br"\x") {
        Some(digits) if digits.iter().any(|byte| byte.is_ascii_whitespace()) => {
            push_from_hex(&digits.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<_>>(), value)
        }
        _ => read_into(bytes, value),
    }
}

/// What a hexadecimal digit stands for.
pub(super) fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => byte.checked_sub(b'0'),
        b'a'..=b'f' => byte.checked_sub(b'a' - 10),
        b'A'..=b'F' => byte.checked_sub(b'A' - 10),
        _ => None,
    }
}

/// In text always as hex, which the server and clients read whatever is set.
pub(super) fn write(binary: bool, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    if binary {
        out.extend_from_slice(value);
    } else {
        out.extend_from_slice(br"\x");
        value.iter().for_each(|byte| push_hex(*byte, out));
    }
    Some(())
}

pub(super) fn read_uuid(binary: bool, bytes: &[u8]) -> Option<Value<'static>> {
    if binary {
        return bytes.try_into().ok().map(Value::Uuid);
    }
    let digits: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != b'-').collect();
    from_hex(&digits)?.try_into().ok().map(Value::Uuid)
}

pub(super) fn write_uuid(binary: bool, id: &[u8; 16], out: &mut Vec<u8>) -> Option<()> {
    if binary {
        out.extend_from_slice(id);
        return Some(());
    }
    for (at, byte) in id.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        push_hex(*byte, out);
    }
    Some(())
}

/// The bytes that pairs of hexadecimal digits stand for.
pub(super) fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let mut value = Vec::new();
    push_from_hex(digits, &mut value)?;
    Some(value)
}

fn push_from_hex(digits: &[u8], value: &mut Vec<u8>) -> Option<()> {
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    value.reserve(pairs.len());
    for [high, low] in pairs {
        value.push((digit(*high)? << 4) | digit(*low)?);
    }
    Some(())
}

/// Appends the two hexadecimal digits of a byte.
pub(super) fn push_hex(byte: u8, out: &mut Vec<u8>) {
    let digit = |four: u8| if four < 10 { b'0'.wrapping_add(four) } else { b'a'.wrapping_sub(10).wrapping_add(four) };
    out.extend([digit(byte >> 4), digit(byte & 15)]);
}

/// The value of what `bytea_output` escape writes: a backslash stands before another, or before three octal digits.
fn unescaped(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        rest = match rest {
            [] => return Some(value),
            [b'\\', b'\\', rest @ ..] => {
                value.push(b'\\');
                rest
            }
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
                value.push(((a & 3) << 6) | ((b & 7) << 3) | (c & 7));
                rest
            }
            [b'\\', ..] => return None,
            [byte, rest @ ..] => {
                value.push(*byte);
                rest
            }
        };
    }
}
