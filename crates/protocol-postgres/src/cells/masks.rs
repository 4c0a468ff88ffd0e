//! Masks that come back, in values as the protocol writes them.
//!
//! In text any value may hold one. In binary only texts, and documents and arrays of them, are searched: the bytes of a number, an
//! id or a picture may be those of a mask by chance. Values come in pieces that are cut anywhere.

use redact::{MaskFinder, WHOLE_MASK_BYTES_MAX, is_whole_mask};

use super::CellType;
use super::family::Family;

/// Where in a value there may be a mask. A later one looks in more places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Masks {
    /// None can be in it.
    Nowhere,
    /// It is one, from the first byte to the last.
    Whole,
    /// In it, if all of it is text: what it is, is not known.
    IfText,
    /// In it.
    Anywhere,
}

impl Masks {
    /// Where, in a value of this type.
    pub fn of(wire: CellType) -> Self {
        if wire.binary { Self::in_binary(wire.oid) } else { Self::Anywhere }
    }

    fn in_binary(oid: u32) -> Self {
        const OTHER_TEXTS: [u32; 6] = [18, 142, 143, 1002, 4072, 4073]; // "char", xml, jsonpath, and arrays of them
        const BOOLS: [u32; 2] = [16, 1000];
        match Family::of(oid) {
            _ if OTHER_TEXTS.contains(&oid) => Self::Anywhere,
            _ if BOOLS.contains(&oid) => Self::Nowhere,
            // `unknown` is what nobody has said.
            Some(Family::Text) if oid == 705 => Self::IfText,
            Some(Family::Text | Family::Json | Family::Jsonb) => Self::Anywhere,
            Some(Family::Array(element)) if element == BYTEA => Self::IfText,
            Some(Family::Array(element)) => Self::in_binary(element),
            Some(Family::Bytes) => Self::Whole,
            Some(Family::Record) | None => Self::IfText,
            Some(_) => Self::Nowhere,
        }
    }
}

const BYTEA: u32 = 17;

/// Whether what the bytes of a value say depends on the encoding of the session.
pub fn is_of_encoding(wire: CellType) -> bool {
    Masks::of(wire) >= Masks::IfText
}

/// Whether a value is, or holds, what stands in the place of one that may not be seen.
pub fn holds_mask(masks: Masks, value: &[u8]) -> bool {
    let mut search = MaskSearch::new(masks);
    search.feed(value) || search.end()
}

/// Looks for one in a value that comes in pieces.
#[derive(Debug)]
pub struct MaskSearch {
    masks: Masks,
    finder: MaskFinder,
    found: bool,
    text: TextSoFar,
    /// The value, as long as it may be a mask as a whole.
    whole: Vec<u8>,
}

impl MaskSearch {
    /// For a value of which no piece has come.
    pub fn new(masks: Masks) -> Self {
        let (finder, text) = (MaskFinder::default(), TextSoFar::default());
        Self { masks, finder, found: false, text, whole: Vec::new() }
    }

    /// Takes more of the value. Says whether it holds a mask for certain; then it need not be looked at any further.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        match self.masks {
            Masks::Nowhere => false,
            Masks::Anywhere => self.finder.feed(bytes),
            Masks::Whole => {
                let room = WHOLE_MASK_BYTES_MAX.saturating_add(1).saturating_sub(self.whole.len());
                self.whole.extend(bytes.iter().take(room));
                false
            }
            Masks::IfText => {
                self.text.feed(bytes);
                self.found = self.found || (!self.text.broken && self.finder.feed(bytes));
                false
            }
        }
    }

    /// Whether there is one that only the end of the value shows to be one.
    pub fn end(&self) -> bool {
        match self.masks {
            Masks::Nowhere => false,
            Masks::Anywhere => self.finder.end(),
            Masks::Whole => is_whole_mask(&self.whole),
            Masks::IfText => (self.found || self.finder.end()) && self.text.is_whole(),
        }
    }
}

/// Whether bytes that come in pieces are UTF-8.
#[derive(Debug, Default)]
struct TextSoFar {
    /// The first bytes of a character that has not come whole.
    begun: Vec<u8>,
    broken: bool,
}

impl TextSoFar {
    fn feed(&mut self, mut bytes: &[u8]) {
        while !self.broken
            && !self.begun.is_empty()
            && let Some((first, rest)) = bytes.split_first()
        {
            self.begun.push(*first);
            bytes = rest;
            match std::str::from_utf8(&self.begun) {
                Ok(_) => self.begun.clear(),
                Err(wrong) => self.broken = wrong.error_len().is_some(),
            }
        }
        if let Err(wrong) = std::str::from_utf8(bytes)
            && !self.broken
        {
            self.broken = wrong.error_len().is_some();
            self.begun.extend(bytes.iter().skip(wrong.valid_up_to()).take(4));
        }
    }

    fn is_whole(&self) -> bool {
        !self.broken && self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_that_are_a_mask_by_chance_are_none() {
        const MASK: &[u8] = b"***";
        let uuid = b"ab***defghijklmn";
        for (oid, value, is) in [
            (25, MASK, true),
            (1043, b"a ***", true),
            (3802, b"\x01{\"a\": \"***\"}", true),
            (1009, b"\0\0\0\x01\0\0\0\0\0\0\0\x19\0\0\0\x01\0\0\0\x01\0\0\0\x03***", true),
            (18, MASK, true),
            (23, b"****", false),
            (20, b"*****\0\0\0", false),
            (16, MASK, false),
            (1007, b"\0\0\0\x01\0\0\0\0\0\0\0\x17\0\0\0\x01\0\0\0\x01\0\0\0\x04****", false),
            (2950, uuid, false),
            (1700, b"\0\x01****", false),
            (17, b"a picture with *** in it", false),
            (17, MASK, false),
            (17, b"[redacted]", true),
            (17, b"tok_abcdefghijklmnop", true),
            (17, b"tok_abcdefghijklmnop.", false),
            (0, b"a ***", true),
            (0, b"\x80***", false),
            (705, b"***\x80", false),
            (16_500, "é ***".as_bytes(), true),
            (16_500, b"*** \xc3", false),
        ] {
            let wire = CellType::of(oid, true);
            assert_eq!(holds_mask(Masks::of(wire), value), is, "{oid} {value:?}");
            let mut search = MaskSearch::new(Masks::of(wire));
            let found = value.chunks(1).any(|piece| search.feed(piece)) || search.end();
            assert_eq!(found, is, "{oid} {value:?} byte by byte");
            assert!(!value.is_ascii() || oid == 17 || holds_mask(Masks::of(CellType::of(oid, false)), value) || !is);
        }
        assert_eq!(Masks::of(CellType::of(23, false)), Masks::Anywhere);
    }

    proptest! {
        #[test]
        fn text_is_text_wherever_it_is_cut(
            bytes in prop::collection::vec(prop::sample::select(vec![b'a', b'*', 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f]), 0..12),
            cut in any::<prop::sample::Index>(),
        ) {
            let (one, two) = bytes.split_at(cut.index(bytes.len() + 1));
            let mut text = TextSoFar::default();
            text.feed(one);
            text.feed(two);
            prop_assert_eq!(text.is_whole(), std::str::from_utf8(&bytes).is_ok());
        }
    }
}
