//! Numbers of a fixed length in bytes that come in pieces, wherever these are cut.

/// The first bytes of a number that has not come whole.
#[derive(Debug, Default)]
pub struct Begun(Vec<u8>);

impl Begun {
    /// The next bytes of a fixed number, taken from the front; nothing, and all is taken, if they have not all come.
    pub fn take<const N: usize>(&mut self, bytes: &mut &[u8]) -> Option<[u8; N]> {
        if self.0.is_empty()
            && let Some((fixed, later)) = bytes.split_first_chunk::<N>()
        {
            *bytes = later;
            return Some(*fixed);
        }
        let (now, later) = bytes.split_at(self.missing::<N>().min(bytes.len()));
        *bytes = later;
        self.0.extend_from_slice(now);
        let fixed = <[u8; N]>::try_from(self.0.as_slice()).ok()?;
        self.0.clear();
        Some(fixed)
    }

    /// How many bytes of such a number are to come.
    pub fn missing<const N: usize>(&self) -> usize {
        N.saturating_sub(self.0.len())
    }

    /// Whether nothing of one has come yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_wherever_it_is_cut() {
        let bytes = [1, 2, 3, 4, 5, 6];
        for cut in 0..=bytes.len() {
            let (mut begun, mut numbers) = (Begun::default(), Vec::new());
            let (first, second) = bytes.split_at(cut);
            for mut piece in [first, second] {
                while let Some([a, b]) = begun.take::<2>(&mut piece) {
                    numbers.push((a, b));
                }
                assert!(piece.is_empty());
            }
            assert!(begun.is_empty());
            assert_eq!(numbers, [(1, 2), (3, 4), (5, 6)]);
        }
    }
}
