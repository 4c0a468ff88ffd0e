//! The same bytes, with what was found replaced.

use std::io::Write;

use detect::Detector;
use redact::REDACTED;

use super::report::Summary;
use super::windows::{Settled, place};
use crate::cli::{CliError, output};

/// Writes one file's bytes without what was found in them.
#[derive(Default)]
pub struct Redactor {
    /// Up to here, among all bytes, everything is written or hidden.
    at: u64,
}

impl Redactor {
    /// Writes this part.
    pub fn part(
        &mut self,
        detector: &Detector,
        settled: &Settled<'_>,
        summary: &mut Summary,
        out: &mut impl Write,
    ) -> Result<(), CliError> {
        for found in settled.found {
            let end = place(settled.offset, found.end);
            // What begins inside of another is hidden as the rest of it.
            if self.shown(settled, found.start, out)? {
                out.write_all(REDACTED.as_bytes()).map_err(output::unwritten)?;
            }
            self.at = self.at.max(end);
            detector.entity(found.kind).iter().for_each(|entity| summary.count(entity));
        }
        self.shown(settled, settled.part.end, out)?;
        Ok(())
    }

    /// Writes what is not hidden up to a place. Whether that place is not hidden itself.
    fn shown(&mut self, settled: &Settled<'_>, to: usize, out: &mut impl Write) -> Result<bool, CliError> {
        let end = place(settled.offset, to);
        if end < self.at {
            return Ok(false);
        }
        let from = usize::try_from(self.at.saturating_sub(settled.offset)).unwrap_or(usize::MAX);
        let bytes = settled.bytes.get(from..to).unwrap_or_default();
        out.write_all(bytes).map_err(output::unwritten)?;
        self.at = end;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use detect::{Finding, KindId};

    use super::*;

    #[test]
    fn all_but_what_was_found_is_written() {
        let detector = detect::builtin().unwrap();
        let write = |parts: &[(&str, u64, std::ops::Range<usize>, &[(usize, usize)])]| {
            let (mut redactor, mut out) = (Redactor::default(), Vec::new());
            for (bytes, offset, part, found) in parts {
                let found: Vec<_> = found
                    .iter()
                    .map(|(start, end)| Finding { start: *start, end: *end, kind: KindId(0), odds: 1.0 })
                    .collect();
                let settled = Settled { offset: *offset, bytes: bytes.as_bytes(), part: part.clone(), found: &found };
                redactor.part(detector, &settled, &mut Summary::default(), &mut out).unwrap();
            }
            String::from_utf8(out).unwrap()
        };
        assert_eq!(write(&[("abcdef", 0, 0..6, &[(1, 2), (3, 4)])]), "a[redacted]c[redacted]ef");
        assert_eq!(write(&[("abcdef", 0, 0..6, &[(1, 3), (2, 4)])]), "a[redacted]ef");
        assert_eq!(write(&[("abcdef", 0, 0..6, &[(1, 3), (3, 4)])]), "a[redacted][redacted]ef");
        // It ends behind its part, and another begins in it.
        let parts = [("abcdef", 0, 0..3, &[(2, 5)][..]), ("cdefgh", 2, 1..6, &[(2, 4)])];
        assert_eq!(write(&parts), "ab[redacted]gh");
    }
}
