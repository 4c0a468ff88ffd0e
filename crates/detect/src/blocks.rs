//! Bytes in blocks of sixty-four, and a bit for each of them; and how many in a row are of one sort, sixteen at a time.
//!
//! There is no branch for a byte, so that the compiler makes vectors of it.

/// Bytes that are looked at together: one for each bit.
pub const BLOCK: usize = 64;

/// Bytes of a vector.
const VECTOR: usize = 16;

/// Shorter inputs are looked at byte by byte.
const SHORT: usize = 32;

/// A bit for each byte of which something holds, the lowest for the first.
#[inline]
pub fn bits(block: &[u8; BLOCK], holds: impl Fn(u8) -> bool) -> u64 {
    let mut all = [0_u8; BLOCK];
    for (one, byte) in all.iter_mut().zip(block) {
        // As a comparison of vectors gives it.
        *one = u8::from(holds(*byte)).wrapping_neg();
    }
    let (sixteens, _) = all.as_chunks::<VECTOR>();
    sixteens.iter().rev().fold(0, |bits, sixteen| (bits << VECTOR) | u64::from(gather(sixteen)))
}

/// The same of sixteen bytes.
#[inline]
fn bits_of_few(bytes: &[u8; VECTOR], holds: impl Fn(u8) -> bool) -> u16 {
    let mut all = [0_u8; VECTOR];
    for (one, byte) in all.iter_mut().zip(bytes) {
        *one = u8::from(holds(*byte)).wrapping_neg();
    }
    gather(&all)
}

/// A bit for each byte, all of whose bits are the same.
#[cfg(target_arch = "x86_64")]
#[inline]
fn gather(all: &[u8; VECTOR]) -> u16 {
    let gathered = safe_arch::move_mask_i8_m128i(safe_arch::m128i::from(*all));
    u16::try_from(gathered.cast_unsigned() & 0xFFFF).unwrap_or(0)
}

/// A bit for each byte, all of whose bits are the same.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn gather(all: &[u8; VECTOR]) -> u16 {
    let (eights, _) = all.as_chunks::<8>();
    let lowest = |eight: &[u8; 8]| u64::from_le_bytes(*eight) & 0x0101_0101_0101_0101;
    let side_by_side = |ones: u64| u16::try_from(ones.wrapping_mul(0x0102_0408_1020_4080) >> 56).unwrap_or(0);
    eights.iter().rev().fold(0, |bits, eight| (bits << 8) | side_by_side(lowest(eight)))
}

/// Of how many bytes in a row something holds, from a place on.
#[inline]
pub fn ahead(input: &[u8], from: usize, holds: impl Fn(u8) -> bool) -> usize {
    let mut rest = input.get(from..).unwrap_or_default();
    let mut count = 0_usize;
    while let Some((sixteen, behind)) = rest.split_first_chunk::<VECTOR>() {
        let others = !bits_of_few(sixteen, &holds);
        if others != 0 {
            return count.saturating_add(usize::try_from(others.trailing_zeros()).unwrap_or(0));
        }
        (count, rest) = (count.saturating_add(VECTOR), behind);
    }
    count.saturating_add(rest.iter().position(|byte| !holds(*byte)).unwrap_or(rest.len()))
}

/// Of how many bytes in a row something holds, back from before a place, but not before `from`.
#[inline]
pub fn back(input: &[u8], from: usize, place: usize, holds: impl Fn(u8) -> bool) -> usize {
    let mut rest = input.get(..place).unwrap_or_default();
    let (mut count, most) = (0_usize, place.saturating_sub(from));
    while count < most
        && let Some((before, sixteen)) = rest.split_last_chunk::<VECTOR>()
    {
        let others = !bits_of_few(sixteen, &holds);
        if others != 0 {
            return count.saturating_add(usize::try_from(others.leading_zeros()).unwrap_or(0)).min(most);
        }
        (count, rest) = (count.saturating_add(VECTOR), before);
    }
    count.saturating_add(rest.iter().rev().take_while(|byte| holds(**byte)).count()).min(most)
}

/// The block that begins at a place; behind the end of the input it is of zeros. None where there is none.
#[inline]
pub fn block(input: &[u8], from: usize) -> Option<[u8; BLOCK]> {
    let rest = input.get(from..).filter(|rest| !rest.is_empty())?;
    if let Some(block) = rest.first_chunk::<BLOCK>() {
        return Some(*block);
    }
    let mut block = [0; BLOCK];
    if let Some(bytes) = block.get_mut(..rest.len()) {
        bytes.copy_from_slice(rest);
    }
    Some(block)
}

/// The place of the lowest bit.
#[inline]
pub fn lowest(bits: u64) -> usize {
    usize::try_from(bits.trailing_zeros()).unwrap_or(BLOCK)
}

/// The bits without the lowest so many.
#[inline]
pub fn without(bits: u64, place: usize) -> u64 {
    if place < BLOCK { bits & (u64::MAX << place) } else { 0 }
}

/// The bits without the lowest one.
#[inline]
pub fn without_lowest(bits: u64) -> u64 {
    bits & bits.wrapping_sub(1)
}

#[inline]
pub fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10
}

#[inline]
pub fn is_letter(byte: u8) -> bool {
    (byte | 0x20).wrapping_sub(b'a') < 26
}

#[inline]
pub fn is_alphanumeric(byte: u8) -> bool {
    is_digit(byte) | is_letter(byte)
}

/// Whether a byte is of a word: a letter, a digit or `_`.
#[inline]
pub fn is_word(byte: u8) -> bool {
    is_alphanumeric(byte) | (byte == b'_')
}

/// Whether a byte is of a word, looked up: for one byte that is quicker.
#[inline]
pub fn is_word_byte(byte: u8) -> bool {
    WORD.get(usize::from(byte)).is_some_and(|is| *is)
}

#[expect(clippy::indexing_slicing, clippy::as_conversions, reason = "made by the compiler")]
const WORD: [bool; 256] = {
    let (mut word, mut at) = ([false; 256], 0);
    while at < word.len() {
        word[at] = (at as u8).is_ascii_alphanumeric() || at as u8 == b'_';
        at += 1;
    }
    word
};

/// The places of bytes of which something holds, from the beginning of the input to its end.
pub struct Places<'i, H> {
    input: &'i [u8],
    holds: H,
    /// Where the block begins that is looked at, and its bits.
    base: usize,
    bits: u64,
}

impl<'i, H: Fn(u8) -> bool> Places<'i, H> {
    pub fn new(input: &'i [u8], holds: H) -> Self {
        let first = if input.len() > SHORT { block(input, 0) } else { None };
        let bits = first.map_or(0, |block| bits(&block, &holds));
        Self { input, holds, base: 0, bits }
    }

    /// The first at this place or behind it. A place is not before one that was asked for.
    #[inline]
    pub fn next_from(&mut self, at: usize) -> Option<usize> {
        if self.input.len() <= SHORT {
            let place = self.input.get(at..)?.iter().position(|byte| (self.holds)(*byte));
            return place.map(|place| at.saturating_add(place));
        }
        loop {
            let left = without(self.bits, at.saturating_sub(self.base));
            if left != 0 {
                return Some(self.base.saturating_add(lowest(left)));
            }
            let base = self.base.saturating_add(BLOCK).max(at & !(BLOCK - 1));
            self.bits = bits(&block(self.input, base)?, &self.holds);
            self.base = base;
        }
    }
}

/// Calls `found` with each place where a word begins, but where a blank comes within eight bytes of it: mostly, for it is not looked at
/// beyond the block, nor is what is behind the input a blank.
#[inline]
pub fn each_long_word(input: &[u8], mut found: impl FnMut(usize)) {
    let (mut base, mut before) = (0_usize, 0);
    while let Some(block) = block(input, base) {
        let words = bits(&block, is_word);
        let blanks = bits(&block, |byte| byte.wrapping_sub(1) < b' ');
        // Of the block that comes nothing is known.
        let two = blanks | (blanks >> 1);
        let four = two | (two >> 2);
        let short = four | (four >> 4);
        let mut begins = words & !((words << 1) | before) & !short;
        before = words >> 63;
        while begins != 0 {
            found(base.saturating_add(lowest(begins)));
            begins = without_lowest(begins);
        }
        base = base.saturating_add(BLOCK);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_are_those_of_the_bytes(
            input in "[a1 _@é]{0,200}",
            asked in proptest::collection::vec(0_usize..220, 0..8),
        ) {
            let input = input.as_bytes();
            let holds = |byte: u8| is_digit(byte) | (byte == b'@');
            let mut places = Places::new(input, holds);
            let (mut found, mut at) = (Vec::new(), 0);
            while let Some(place) = places.next_from(at) {
                found.push(place);
                at = place + 1;
            }
            let all: Vec<_> = (0..input.len()).filter(|at| holds(input[*at])).collect();
            prop_assert_eq!(&found, &all);
            let mut places = Places::new(input, holds);
            let mut asked = asked;
            asked.sort_unstable();
            for at in asked {
                prop_assert_eq!(places.next_from(at), all.iter().copied().find(|place| *place >= at));
            }
        }

        #[test]
        fn runs_end_where_a_byte_is_none_of_them(input in "[ab]{0,40}.?[ab]{0,40}.?[ab]{0,40}", from in 0_usize..130, to in 0_usize..130) {
            let (input, is_a) = (input.as_bytes(), |byte: u8| byte == b'a' || byte == b'b');
            let rest = input.get(from..).unwrap_or_default();
            prop_assert_eq!(ahead(input, from, is_a), rest.iter().take_while(|byte| is_a(**byte)).count());
            let to = to.min(input.len());
            let before = input.get(from..to).unwrap_or_default();
            prop_assert_eq!(back(input, from, to, is_a), before.iter().rev().take_while(|byte| is_a(**byte)).count());
        }

        #[test]
        fn long_words_begin_behind_what_is_no_word(input in "([aZ9_.é-]{0,12} ?){0,20}") {
            let input = input.as_bytes();
            let mut found = Vec::new();
            each_long_word(input, |place| found.push(place));
            let is_word = |at: usize| input[at].is_ascii_alphanumeric() || input[at] == b'_';
            let begins = |at: &usize| is_word(*at) && (*at == 0 || !is_word(*at - 1));
            let is_short = |at: usize| input[at..(at + 8).min((at / BLOCK + 1) * BLOCK).min(input.len())].contains(&b' ');
            let all: Vec<_> = (0..input.len()).filter(begins).filter(|at| !is_short(*at)).collect();
            prop_assert_eq!(found, all);
        }
    }
}
