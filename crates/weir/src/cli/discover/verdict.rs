//! What the cells of a column say about the column.

use std::collections::BTreeMap;

use detect::{Detector, KindId, Place, ViewScanner};

use crate::cli::masked::{masked, sureness};

/// Examples that are kept of a kind.
const EXAMPLES_MAX: usize = 3;
/// The share of cells with a finding from which on a column is of its class.
const SHARE_MIN: f64 = 0.8;
/// The share of a cell from which on what was found in it is all of it.
const WHOLE_SHARE_MIN: f64 = 0.7;
/// Of the cells with a finding, the share that must be nothing else.
const WHOLE_CELLS_MIN: f64 = 0.5;
/// How sure it shall be that the share of all cells is not less than what is said of it: 95 of 100, on one side.
const Z: f64 = 1.645;

/// What was seen of a column.
pub struct Seen {
    place: Place,
    /// Cells with something in them.
    looked_at: u64,
    /// Of those, cells with any finding.
    with_finding: u64,
    kinds: BTreeMap<KindId, Tally>,
    /// What is in the cell at hand, so that a cell counts once for a kind.
    in_cell: BTreeMap<KindId, (f32, bool)>,
}

#[derive(Default)]
struct Tally {
    cells: u64,
    whole: u64,
    sureness: f64,
    examples: Vec<String>,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The kind that was found in most cells.
    pub kind: String,
    /// Its class.
    pub class: String,
    /// How sure it is that cells of the column are of it, of 1.
    pub confidence: f64,
    /// Cells it was found in.
    pub cells: u64,
    /// Cells that were looked at.
    pub looked_at: u64,
    /// Whether the column is of the class: nearly all of its cells are. Else some are, or have it in a longer text.
    pub proposed: bool,
    /// Masked examples.
    pub examples: Vec<String>,
    /// Other kinds, and in how many cells.
    pub also: Vec<(String, u64)>,
}

impl Seen {
    /// Nothing yet, of a column of this name.
    pub fn new(detector: &Detector, column: &str) -> Self {
        let place = detector.place(column);
        Self { place, looked_at: 0, with_finding: 0, kinds: BTreeMap::new(), in_cell: BTreeMap::new() }
    }

    /// Looks at a cell.
    pub fn cell(&mut self, scanner: &mut ViewScanner<'_>, detector: &Detector, cell: &[u8]) {
        let text = cell.trim_ascii();
        if text.is_empty() {
            return;
        }
        self.looked_at = self.looked_at.saturating_add(1);
        self.in_cell.clear();
        for found in scanner.scan(text, Some(&self.place)) {
            let bytes = found.end.saturating_sub(found.start);
            let is_whole = share(bytes, text.len()) >= WHOLE_SHARE_MIN;
            let (odds, whole) = self.in_cell.entry(found.kind).or_insert((found.odds, is_whole));
            (*odds, *whole) = (odds.max(found.odds), *whole || is_whole);
            let tally = self.kinds.entry(found.kind).or_default();
            if tally.examples.len() < EXAMPLES_MAX
                && let Some(entity) = detector.entity(found.kind)
            {
                let example = masked(entity, text.get(found.start..found.end).unwrap_or_default());
                if !tally.examples.contains(&example) {
                    tally.examples.push(example);
                }
            }
        }
        if !self.in_cell.is_empty() {
            self.with_finding = self.with_finding.saturating_add(1);
        }
        for (kind, (odds, whole)) in &self.in_cell {
            let tally = self.kinds.entry(*kind).or_default();
            tally.cells = tally.cells.saturating_add(1);
            tally.whole = tally.whole.saturating_add(u64::from(*whole));
            tally.sureness += f64::from(sureness(*odds));
        }
    }

    /// How many cells had something in them.
    pub fn looked_at(&self) -> u64 {
        self.looked_at
    }

    /// What all that comes to; `None` if nothing was found.
    pub fn verdict(&self, detector: &Detector) -> Option<Verdict> {
        let mut kinds: Vec<_> =
            self.kinds.iter().filter_map(|(kind, tally)| Some((detector.entity(*kind)?, tally))).collect();
        kinds.sort_by(|(_, one), (_, other)| other.cells.cmp(&one.cells).then(other.sureness.total_cmp(&one.sureness)));
        let ((entity, tally), others) = kinds.split_first()?;
        let whole: u64 = self.kinds.values().map(|tally| tally.whole).sum();
        let proposed =
            share(self.with_finding, self.looked_at) >= SHARE_MIN && share(whole, self.with_finding) >= WHOLE_CELLS_MIN;
        let sure = tally.sureness / real(tally.cells);
        Some(Verdict {
            kind: entity.name.clone(),
            class: entity.class.clone(),
            confidence: sure * share_at_least(tally.cells, self.looked_at),
            cells: tally.cells,
            looked_at: self.looked_at,
            proposed,
            examples: tally.examples.clone(),
            also: others.iter().map(|(entity, tally)| (entity.name.clone(), tally.cells)).collect(),
        })
    }
}

/// The least that a share of all may be, going by so many of a sample: the lower end of Wilson's interval (Wilson 1927).
fn share_at_least(cells: u64, of: u64) -> f64 {
    let (share, of) = (share(cells, of), real(of));
    let z2 = Z * Z;
    let middle = share + z2 / (2.0 * of);
    let spread = Z * (share * (1.0 - share) / of + z2 / (4.0 * of * of)).sqrt();
    ((middle - spread) / (1.0 + z2 / of)).max(0.0)
}

fn share<N: TryInto<u32>>(part: N, of: N) -> f64 {
    real(part) / real(of).max(1.0)
}

fn real<N: TryInto<u32>>(number: N) -> f64 {
    f64::from(number.try_into().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(column: &str, cells: &[&str]) -> Option<Verdict> {
        let detector = detect::builtin().unwrap();
        let mut scanner = ViewScanner::new(detector);
        let mut seen = Seen::new(detector, column);
        cells.iter().for_each(|cell| seen.cell(&mut scanner, detector, cell.as_bytes()));
        seen.verdict(detector)
    }

    #[test]
    fn a_column_of_which_nearly_all_cells_are_of_a_kind_is_of_its_class() {
        let mails: Vec<String> = (0..20).map(|n| format!("jane{n}@example.com")).collect();
        let mut cells: Vec<&str> = mails.iter().map(String::as_str).collect();
        cells.extend(["", "  "]);
        let all = verdict("contact", &cells).unwrap();
        assert_eq!(
            (&*all.kind, &*all.class, all.cells, all.looked_at, all.proposed),
            ("email", "pii.email", 20, 20, true)
        );
        assert_eq!(all.examples, ["j***@e***.com"]);
        assert!(all.confidence > 0.8 && all.confidence < 1.0, "{all:?}");
        let few = verdict("contact", &cells[..3]).unwrap();
        assert!(few.proposed && few.confidence < 0.6, "three cells make nobody sure: {few:?}");
        cells.extend(["nobody"; 10]);
        let some = verdict("contact", &cells).unwrap();
        assert!(!some.proposed && (some.cells, some.looked_at) == (20, 30), "{some:?}");
    }

    #[test]
    fn what_is_in_longer_texts_makes_no_class_of_the_column() {
        let cells = ["please write to jane.doe@example.com about what was said on the phone yesterday"; 20];
        let verdict = verdict("note", &cells).unwrap();
        assert!(!verdict.proposed && verdict.cells == 20, "{verdict:?}");
        assert_eq!(super::tests::verdict("note", &["nothing", "to see"]), None);
    }

    #[test]
    fn the_name_of_a_column_speaks_and_other_kinds_are_told() {
        assert_eq!(verdict("ssn", &["536904399"]).unwrap().kind, "us_ssn");
        assert_eq!(verdict("order_id", &["536904399"]), None);
        assert_eq!(
            verdict("x", &["amFuZS5kb2VAZXhhbXBsZS5jb20="]).unwrap().kind,
            "email",
            "also what a value stands for"
        );
        let mixed = verdict("contact", &["a@example.com", "b@example.com", "4111 1111 1111 1111"]).unwrap();
        assert_eq!((&*mixed.kind, mixed.proposed), ("email", true));
        assert_eq!(mixed.also, [("card".to_owned(), 1)]);
    }

    #[test]
    fn the_share_of_a_sample_is_no_more_than_what_it_shows() {
        for (cells, of, low, high) in
            [(1, 1, 0.2, 0.3), (10, 10, 0.7, 0.8), (1000, 1000, 0.99, 1.0), (500, 1000, 0.47, 0.48)]
        {
            let share = share_at_least(cells, of);
            assert!(share >= low && share <= high, "{cells} of {of}: {share}");
        }
        assert!(share_at_least(0, 10) < 1e-9);
    }
}
