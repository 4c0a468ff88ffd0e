//! Findings in bytes of any number, on lines of any length, in memory that is bounded.
//!
//! The bytes are looked at in windows that overlap: a finding is told by the window in which it has room before and behind it. What
//! this is not: a stream that gives each byte as soon as it can; a window is filled before it is looked at.

use std::io::{self, Read};
use std::ops::Range;

use detect::{Detector, Finding, Scanner};

/// Bytes that are looked at together.
const WINDOW_BYTES: usize = 1024 * 1024;
/// The farthest that something may reach and still be found from where it begins, and a little to see that it ends there.
const AHEAD_BYTES: usize = 4096 + 64;
/// How far before a place it matters what stands there.
const BEHIND_BYTES: usize = 1024;

/// Part of the bytes, of which all is known that begins in it.
pub struct Settled<'a> {
    /// Where among all bytes the first of `bytes` is.
    pub offset: u64,
    /// The part, and bytes around it.
    pub bytes: &'a [u8],
    /// The part, in `bytes`. The next one begins where it ends.
    pub part: Range<usize>,
    /// What begins in the part, in order, in `bytes`. It may end behind the part.
    pub found: &'a [Finding],
}

/// Reads all of `input`, and gives each part of it to `each`. Findings of fewer odds than `odds_min` are left out.
pub fn scan<E: From<io::Error>>(
    detector: &Detector,
    odds_min: f32,
    mut input: impl Read,
    mut each: impl FnMut(&Settled<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut scanner = Scanner::new(detector);
    let mut window = vec![0; WINDOW_BYTES];
    let mut found = Vec::new();
    // Where among all bytes the window begins; how much of it is filled; how much of it is settled; how far the findings told reach.
    let (mut offset, mut filled, mut settled, mut covered) = (0_u64, 0_usize, 0_usize, 0_u64);
    loop {
        let ended = fill(&mut input, &mut window, &mut filled)?;
        let bytes = window.get(..filled).unwrap_or_default();
        let to = if ended { filled } else { filled.saturating_sub(AHEAD_BYTES) };
        let part = settled..to;
        found.clear();
        for finding in scanner.scan(bytes, None) {
            let end = place(offset, finding.end);
            if part.contains(&finding.start) && finding.odds >= odds_min && end > covered {
                covered = end;
                found.push(*finding);
            }
        }
        each(&Settled { offset, bytes, part, found: &found })?;
        if ended {
            return Ok(());
        }
        let from = to.saturating_sub(BEHIND_BYTES);
        window.copy_within(from..filled, 0);
        offset = place(offset, from);
        filled = filled.saturating_sub(from);
        settled = to.saturating_sub(from);
    }
}

/// Reads until the window is full. Whether the bytes have ended.
fn fill(input: &mut impl Read, window: &mut [u8], filled: &mut usize) -> io::Result<bool> {
    while let Some(room) = window.get_mut(*filled..).filter(|room| !room.is_empty()) {
        match input.read(room) {
            Ok(0) => return Ok(true),
            Ok(read) => *filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Where among all bytes a place of a window is.
pub fn place(offset: u64, at: usize) -> u64 {
    offset.saturating_add(u64::try_from(at).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in windows, and what at once.
    fn both(bytes: &[u8]) -> [Vec<(u64, u64, u16)>; 2] {
        let detector = detect::builtin().unwrap();
        let mut windows = Vec::new();
        let mut next = 0;
        scan::<io::Error>(detector, 0.0, bytes, |settled| {
            assert_eq!(place(settled.offset, settled.part.start), next, "parts follow each other");
            next = place(settled.offset, settled.part.end);
            windows.extend(
                settled
                    .found
                    .iter()
                    .map(|found| (place(settled.offset, found.start), place(settled.offset, found.end), found.kind.0)),
            );
            Ok(())
        })
        .unwrap();
        assert_eq!(next, bytes.len() as u64);
        let mut scanner = Scanner::new(detector);
        let whole = scanner.scan(bytes, None).iter();
        [windows, whole.map(|found| (found.start as u64, found.end as u64, found.kind.0)).collect()]
    }

    /// The edge of the first window falls on each byte of what is found, and of the words before it.
    #[test]
    fn windows_find_what_is_found_at_once() {
        for (line, of) in [
            ("employee social security number: 536904399 and jane.doe@example.com ", 2),
            ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY card 4111 1111 1111 1111 ", 2),
        ] {
            for shift in 0..line.len() {
                let mut bytes = vec![b'x'; WINDOW_BYTES - AHEAD_BYTES - shift];
                bytes.push(b' ');
                bytes.extend_from_slice(line.repeat(3).as_bytes());
                bytes.extend(std::iter::repeat_n(b'.', AHEAD_BYTES));
                let [windows, whole] = both(&bytes);
                assert_eq!(windows, whole, "{shift}");
                assert!(windows.len() >= of, "{windows:?}");
            }
        }
    }

    #[test]
    fn what_is_empty_or_just_one_window_is_whole() {
        for bytes in [0, 1, WINDOW_BYTES - 1, WINDOW_BYTES, WINDOW_BYTES + 1, 2 * WINDOW_BYTES] {
            let [windows, whole] = both(&vec![b'7'; bytes]);
            assert_eq!(windows, whole, "{bytes}");
        }
    }
}
