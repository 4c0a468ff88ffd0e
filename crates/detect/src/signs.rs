//! Which bytes of some kinds a short input has, looked up once for each of its bytes: what needs one that is nowhere is not looked for.

/// Longer inputs are searched for each of them, which is done by vectors.
const SHORT: usize = 64;

/// Which of them an input has; of a long one, all that it may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signs(u8);

/// A digit or an `@`, with which nearly all begins that is sensitive.
pub(crate) const PLACE: u8 = 1;
/// `:`
pub(crate) const COLON: u8 = 2;
/// `=`
pub(crate) const EQUALS: u8 = 4;
/// `\`, `%` or `+`, with which something begins that stands for something else.
pub(crate) const ESCAPE: u8 = 8;
/// What is not ASCII.
pub(crate) const WIDE: u8 = 16;
/// Zero, as in UTF-16.
pub(crate) const ZERO: u8 = 32;

#[expect(clippy::indexing_slicing, clippy::as_conversions, reason = "made by the compiler")]
const SIGNS: [u8; 256] = {
    let mut signs = [0; 256];
    let mut at = 0;
    while at < signs.len() {
        signs[at] = match at as u8 {
            b'0'..=b'9' | b'@' => PLACE,
            b':' => COLON,
            b'=' => EQUALS,
            b'\\' | b'%' | b'+' => ESCAPE,
            0x80.. => WIDE,
            0 => ZERO,
            _ => 0,
        };
        at += 1;
    }
    signs
};

impl Signs {
    #[inline]
    pub(crate) fn of(input: &[u8]) -> Self {
        if input.len() > SHORT {
            return Self(u8::MAX);
        }
        Self(input.iter().fold(0, |signs, byte| signs | SIGNS.get(usize::from(*byte)).copied().unwrap_or(u8::MAX)))
    }

    /// Whether it may have one of these.
    #[inline]
    pub(crate) fn has(self, any: u8) -> bool {
        self.0 & any != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_those_of_the_bytes() {
        for (text, signs) in [
            ("", 0),
            ("folding chair_", 0),
            ("a 1", PLACE),
            ("@", PLACE),
            ("a=b:", EQUALS | COLON),
            ("\\", ESCAPE),
            ("%", ESCAPE),
            ("+", ESCAPE),
            ("é", WIDE),
            ("\0", ZERO),
            (&"x".repeat(SHORT), 0),
            (&"x".repeat(SHORT + 1), u8::MAX),
        ] {
            assert_eq!(Signs::of(text.as_bytes()).0, signs, "{text}");
        }
    }
}
