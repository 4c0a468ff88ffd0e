//! What an array, a row or a range holds as it may be written: each element as it is meant. Which of them it is need not be known, since no element
//! that is in quotes depends on it, and what is not in quotes ends at the signs of any.

/// Gives each element, and whether it is written otherwise than it is meant, until that is enough.
pub(super) fn each_element(value: &[u8], mut each: impl FnMut(&[u8], bool) -> bool) {
    let (mut element, mut is_other, mut is_quoted) = (Vec::new(), false, false);
    let mut rest = value;
    loop {
        rest = match rest {
            // Whatever stands behind a backslash is meant.
            [b'\\', meant, rest @ ..] => {
                is_other = true;
                element.push(*meant);
                rest
            }
            [b'"', meant @ b'"', rest @ ..] if is_quoted => {
                is_other = true;
                element.push(*meant);
                rest
            }
            [b'"', rest @ ..] => {
                (is_other, is_quoted) = (true, !is_quoted);
                rest
            }
            [b'{' | b'}' | b'(' | b')' | b'[' | b']' | b'<' | b'>' | b',' | b';', rest @ ..] if !is_quoted => {
                if !element.is_empty() && !each(&element, is_other) {
                    return;
                }
                element.clear();
                is_other = false;
                rest
            }
            [byte, rest @ ..] => {
                element.push(*byte);
                rest
            }
            [] => {
                if !element.is_empty() {
                    each(&element, is_other);
                }
                return;
            }
        };
    }
}

/// An array without the bounds that may be written before it: `[0:1]={1,2}`.
pub(super) fn without_bounds(array: &[u8]) -> &[u8] {
    let equals = array.iter().position(|byte| *byte == b'=');
    let behind = equals.and_then(|at| array.get(at.saturating_add(1)..));
    behind.filter(|_| array.trim_ascii_start().starts_with(b"[")).unwrap_or(array)
}
