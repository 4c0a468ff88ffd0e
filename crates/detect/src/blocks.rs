//! Bytes in blocks of sixty-four, and a bit for each of them.
//!
//! There is no branch for a byte, so that the compiler makes vectors of it.

/// Bytes that are looked at together: one for each bit.
pub const BLOCK: usize = 64;

/// Shorter inputs are looked at byte by byte.
const SHORT: usize = 32;

/// A bit for each byte of which something holds, the lowest for the first.
#[inline]
pub fn bits(block: &[u8; BLOCK], holds: impl Fn(u8) -> bool) -> u64 {
    let mut ones = [0_u8; BLOCK];
    for (one, byte) in ones.iter_mut().zip(block) {
        *one = u8::from(holds(*byte));
    }
    gather(&ones)
}

/// The lowest bit of each byte, none of which has others.
#[cfg(target_arch = "x86_64")]
#[inline]
fn gather(ones: &[u8; BLOCK]) -> u64 {
    use safe_arch::{m128i, move_mask_i8_m128i, shl_imm_u64_m128i};
    let (sixteens, _) = ones.as_chunks::<16>();
    sixteens.iter().rev().fold(0, |bits, sixteen| {
        // The highest bits are those that can be gathered.
        let gathered = move_mask_i8_m128i(shl_imm_u64_m128i::<7>(m128i::from(*sixteen)));
        (bits << 16) | u64::from(gathered.cast_unsigned() & 0xFFFF)
    })
}

/// The lowest bit of each byte, none of which has others.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn gather(ones: &[u8; BLOCK]) -> u64 {
    let (eights, _) = ones.as_chunks::<8>();
    let side_by_side = |ones: u64| ones.wrapping_mul(0x0102_0408_1020_4080) >> 56;
    eights.iter().rev().fold(0, |bits, eight| (bits << 8) | side_by_side(u64::from_le_bytes(*eight)))
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

/// Whether a byte is of a word: a letter, a digit or `_`.
#[inline]
pub fn is_word(byte: u8) -> bool {
    is_digit(byte) | ((byte | 0x20).wrapping_sub(b'a') < 26) | (byte == b'_')
}

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
