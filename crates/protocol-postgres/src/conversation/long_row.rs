//! A row too long to be held: its cells are read as they come.
//!
//! A message begins with its length, so it can't begin before it is known how long the row will be as it is shown. That is
//! known once no cell is left that is masked or looked at: from there on the row passes as it comes. Such a cell that is longer than what a
//! mask is made of is dropped while it streams. Only clear cells before one have to be held, up to a limit.
//!
//! Where no masked cell is left, and one that is looked at is too long to be held, or what stands before it is, the row begins all the same: from
//! there on what is hidden is overwritten, so that nothing changes its length. What can't be looked at while it passes, and is too long to be
//! held, is overwritten whole.

use gate::Shown;
use model::Sight;
use redact::{CELL_BYTES_MAX, FieldPlan, Shown as Cell};

use super::rows::Columns;
use crate::cells::{Eyes, LongCell, Writing, is_overwritten, overwritten};
use crate::wire::Malformed;
use crate::wire::pieces::Begun;

/// Masked rows longer than this are read cell by cell.
pub const LONG_ROW_BYTES: usize = 256 * 1024;
/// The most that is held of a row.
const HELD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Such a row.
#[derive(Debug)]
pub struct LongRow {
    /// Bytes of the message that are to come.
    left: usize,
    /// What is shown of it so far, and was not written yet.
    out: Vec<u8>,
    /// How many cells it has.
    count: usize,
    /// The cell that is read.
    at: usize,
    part: Part,
    /// The first bytes of a number that has not come whole.
    begun: Begun,
    /// What has come of a cell that may be shown otherwise.
    cell: Vec<u8>,
    /// Set when that was too long and was dropped.
    dropped: bool,
    /// The cell that is looked at while it passes.
    passing: Option<Box<LongCell>>,
    /// How long the row is as it is shown, once it has begun: from there on nothing may change its length.
    bytes: Option<usize>,
    masked: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Count,
    Length,
    Cell { left: usize, how: How },
}

/// What becomes of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// It is shown as it comes.
    Clear,
    /// It is looked at, or held.
    Seen,
    /// It is overwritten.
    Filled,
}

/// What came of feeding a row.
#[derive(Debug, PartialEq, Eq)]
pub enum Fed {
    /// More of it must come.
    More,
    /// What it begins with was written; so many more bytes of it are shown as they come.
    Passes { left: usize, shown: Shown },
    /// Clear cells before a masked one are too long to be held.
    TooLong,
}

impl LongRow {
    /// A row with a body of so many bytes.
    pub fn new(body_bytes: usize) -> Self {
        Self {
            left: body_bytes,
            out: Vec::new(),
            count: 0,
            at: 0,
            part: Part::Count,
            begun: Begun::default(),
            cell: Vec::new(),
            dropped: false,
            passing: None,
            bytes: None,
            masked: 0,
        }
    }

    /// Whether the caller has the beginning of it.
    pub fn has_begun(&self) -> bool {
        self.bytes.is_some()
    }

    /// Takes bytes off the front of what has come. Appends the row, once it is known how long it is, to `to_caller`.
    pub fn feed(
        &mut self,
        bytes: &mut &[u8],
        columns: &Columns<'_>,
        eyes: &mut Eyes<'_>,
        to_caller: &mut Vec<u8>,
    ) -> Result<Fed, Malformed> {
        loop {
            match self.part {
                Part::Count => {
                    let Some(count) = self.fixed::<2>(bytes)? else { return Ok(Fed::More) };
                    self.count = usize::from(u16::from_be_bytes(count));
                    if columns.count().is_some_and(|columns| columns != self.count) || !columns.are_whole() {
                        return Err(Malformed::new("a row of another number of cells than its result has columns"));
                    }
                    self.out.extend_from_slice(&count);
                    self.part = Part::Length;
                }
                Part::Length => {
                    if self.begun.is_empty() && (self.at..self.count).all(|at| columns.passes(at)) {
                        return self.pass(to_caller);
                    }
                    let Some(length) = self.fixed::<4>(bytes)? else { return Ok(Fed::More) };
                    match i32::from_be_bytes(length) {
                        -1 if columns.of(self.at).is_some_and(|(_, (_, field, _))| field.hides_null()) => {
                            self.show(columns, eyes);
                            self.at = self.at.saturating_add(1);
                        }
                        -1 => {
                            self.out.extend_from_slice(&length);
                            self.at = self.at.saturating_add(1);
                        }
                        bytes => {
                            let left = usize::try_from(bytes).ok().filter(|left| *left <= self.left);
                            let left = left.ok_or_else(|| Malformed::new("a row whose cell is longer than the row"))?;
                            let (clear, long) = (columns.passes(self.at), left > CELL_BYTES_MAX);
                            if !clear && (self.has_begun() || long) {
                                self.passing = self.long_cell(columns, eyes);
                            }
                            let how = match self.passing {
                                _ if clear => How::Clear,
                                None if self.has_begun() && long => How::Filled,
                                _ => How::Seen,
                            };
                            if how != How::Seen || self.passing.is_some() {
                                self.out.extend_from_slice(&length);
                            }
                            if self.passing.is_some() && !self.has_begun() && self.can_begin(columns, eyes) {
                                self.begin(to_caller)?;
                            }
                            self.part = Part::Cell { left, how };
                        }
                    }
                }
                Part::Cell { left, how } => {
                    let (now, later) = bytes.split_at(left.min(bytes.len()));
                    *bytes = later;
                    self.left = self.left.saturating_sub(now.len());
                    let left = left.saturating_sub(now.len());
                    self.part = Part::Cell { left, how };
                    if how == How::Clear {
                        self.out.extend_from_slice(now);
                    } else if how == How::Filled {
                        self.out.resize(self.out.len().saturating_add(now.len()), Writing::ROW.hidden);
                    } else if let Some(cell) = &mut self.passing {
                        if let (Some((at, _)), Some(sought)) = (columns.of(self.at), &mut eyes.sought) {
                            cell.feed(at, now, left == 0, sought, &mut self.out);
                        }
                    } else if self.dropped || self.cell.len().saturating_add(now.len()) > CELL_BYTES_MAX {
                        self.dropped = true;
                        self.cell = Vec::new();
                    } else {
                        self.cell.extend_from_slice(now);
                    }
                    if left == 0 {
                        match (how, self.passing.take()) {
                            (How::Clear, _) => {}
                            (How::Filled, _) => self.masked = self.masked.saturating_add(1),
                            (How::Seen, Some(cell)) => self.masked = self.masked.saturating_add(cell.hides().into()),
                            (How::Seen, None) => self.show(columns, eyes),
                        }
                    }
                    if self.has_begun() {
                        to_caller.append(&mut self.out);
                    } else if self.out.len() > HELD_BYTES_MAX {
                        if !self.can_begin(columns, eyes) {
                            return Ok(Fed::TooLong);
                        }
                        self.begin(to_caller)?;
                    }
                    if left > 0 {
                        return Ok(Fed::More);
                    }
                    self.at = self.at.saturating_add(1);
                    self.part = Part::Length;
                }
            }
        }
    }

    /// The rest of the row is shown as it comes.
    fn pass(&mut self, to_caller: &mut Vec<u8>) -> Result<Fed, Malformed> {
        let cells_left = self.count.saturating_sub(self.at);
        if self.left < cells_left.saturating_mul(4) || (cells_left == 0 && self.left > 0) {
            return Err(Malformed::new("a row that is longer or shorter than its cells"));
        }
        let bytes = match self.bytes {
            Some(bytes) => bytes,
            None => self.begin(to_caller)?,
        };
        to_caller.append(&mut self.out);
        let shown = Shown { rows: 1, bytes: u64::try_from(bytes).unwrap_or(u64::MAX), masked: self.masked };
        Ok(Fed::Passes { left: self.left, shown })
    }

    /// Writes what the row begins with, now that it is known how long it is.
    fn begin(&mut self, to_caller: &mut Vec<u8>) -> Result<usize, Malformed> {
        let bytes = self.out.len().saturating_add(self.left).saturating_add(4);
        let length = i32::try_from(bytes).map_err(|_| Malformed::new("a row that is too long to be shown"))?;
        to_caller.push(b'D');
        to_caller.extend_from_slice(&length.to_be_bytes());
        to_caller.append(&mut self.out);
        self.bytes = Some(bytes);
        Ok(bytes)
    }

    /// Whether nothing in the rest of the row has to be shown otherwise than by overwriting it.
    fn can_begin(&self, columns: &Columns<'_>, eyes: &Eyes<'_>) -> bool {
        let Some(sought) = &eyes.sought else { return false };
        (self.at..self.count).all(|at| {
            columns
                .of(at)
                .is_some_and(|(watched, (_, field, _))| field.sight == Sight::Clear && !sought.watch.is_dense(watched))
        })
    }

    /// The cell that comes now, looked at while it passes, if it may be.
    fn long_cell(&self, columns: &Columns<'_>, eyes: &Eyes<'_>) -> Option<Box<LongCell>> {
        let (watched, (wire, field, manner)) = columns.of(self.at)?;
        let manner = manner.filter(|manner| is_overwritten(wire, *manner))?;
        let sought = eyes.sought.as_ref()?;
        (field.sight == Sight::Clear && !sought.watch.is_dense(watched))
            .then(|| Box::new(LongCell::new(wire, manner, Writing::ROW, sought)))
    }

    /// Appends what is shown of the cell that has come, with its length.
    fn show(&mut self, columns: &Columns<'_>, eyes: &mut Eyes<'_>) {
        let at = self.out.len();
        self.out.extend_from_slice(&(-1_i32).to_be_bytes());
        let Some((watched, (wire, field, manner))) = columns.of(self.at) else { return };
        let mut shown = if self.dropped {
            let whole = FieldPlan::new(Sight::Nothing, field.class.clone());
            eyes.show(watched, (wire, &whole, None), &self.cell, &mut self.out)
        } else {
            eyes.show(watched, (wire, field, manner), &self.cell, &mut self.out)
        };
        if shown != Cell::Same {
            self.masked = self.masked.saturating_add(1);
            if self.has_begun() {
                self.out.truncate(at.saturating_add(4));
                overwritten(wire, &self.cell, &mut self.out);
                shown = Cell::Written;
            }
        } else {
            self.out.extend_from_slice(&self.cell);
        }
        let written = self.out.len().saturating_sub(at.saturating_add(4));
        if let (Cell::Written | Cell::Same, Ok(length), Some(place)) =
            (shown, i32::try_from(written), self.out.get_mut(at..at.saturating_add(4)))
        {
            place.copy_from_slice(&length.to_be_bytes());
        }
        self.cell.clear();
        self.dropped = false;
    }

    /// The next bytes of a fixed number; nothing if they have not all come.
    fn fixed<const N: usize>(&mut self, bytes: &mut &[u8]) -> Result<Option<[u8; N]>, Malformed> {
        if self.begun.missing::<N>() > self.left {
            return Err(Malformed::new("a row that is shorter than its cells"));
        }
        let before = bytes.len();
        let fixed = self.begun.take::<N>(bytes);
        self.left = self.left.saturating_sub(before.saturating_sub(bytes.len()));
        Ok(fixed)
    }
}

#[cfg(test)]
mod tests {
    use model::ClassId;
    use proptest::prelude::*;
    use redact::{Plan, TokenKey};

    use super::*;
    use crate::cells::CellType;

    const TEXT: CellType = CellType::of(25, false);

    fn row(cells: &[Option<Vec<u8>>]) -> Vec<u8> {
        let mut body = u16::try_from(cells.len()).unwrap().to_be_bytes().to_vec();
        for cell in cells {
            let length = cell.as_ref().map_or(-1, |cell| i32::try_from(cell.len()).unwrap());
            body.extend_from_slice(&length.to_be_bytes());
            body.extend_from_slice(cell.as_deref().unwrap_or_default());
        }
        body
    }

    fn plan(masks: &[bool]) -> (Plan, Vec<CellType>) {
        let sight = |masked: &bool| if *masked { Sight::Nothing } else { Sight::Clear };
        let fields = masks.iter().map(|masked| FieldPlan::new(sight(masked), ClassId::parse("pii.email")));
        (Plan::new(fields.collect()), vec![TEXT; masks.len()])
    }

    fn fed_by(
        long: &mut LongRow,
        bytes: &mut &[u8],
        plan: &Plan,
        types: &[CellType],
        out: &mut Vec<u8>,
    ) -> Result<Fed, Malformed> {
        let tokens = TokenKey::new([7; 32]);
        let columns = Columns { plan, types, manners: &[], undescribed: false };
        long.feed(bytes, &columns, &mut Eyes { tokens: &tokens, sought: None }, out)
    }

    #[test]
    fn that_something_computed_is_missing_is_hidden() {
        let body = row(&[None, None]);
        let hidden = |class: Option<ClassId>| FieldPlan::new(Sight::Nothing, class);
        let plan = Plan::new(vec![hidden(None), hidden(ClassId::parse("pii.email"))]);
        let mut out = Vec::new();
        fed_by(&mut LongRow::new(body.len()), &mut &*body, &plan, &[TEXT; 2], &mut out).unwrap();
        assert_eq!(out[5..], row(&[Some(b"[redacted]".to_vec()), None]));
    }

    fn fed(body: &[u8], masks: &[bool], pieces: &[&[u8]]) -> Result<Vec<u8>, Malformed> {
        let (plan, types) = plan(masks);
        let mut long = LongRow::new(body.len());
        let (mut out, mut passing) = (Vec::new(), None);
        for piece in pieces {
            let mut piece = *piece;
            if passing.is_none()
                && let Fed::Passes { left, .. } = fed_by(&mut long, &mut piece, &plan, &types, &mut out)?
            {
                passing = Some(left);
            }
            if let Some(left) = &mut passing {
                let now = piece.len().min(*left);
                out.extend_from_slice(&piece[..now]);
                *left -= now;
            }
        }
        assert_eq!(passing, Some(0), "the row is not over");
        Ok(out)
    }

    proptest! {
        #[test]
        fn a_row_read_cell_by_cell_is_what_it_is_at_once(
            cells in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..20)), 0..6),
            masks in prop::collection::vec(any::<bool>(), 6),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let masks = &masks[..cells.len()];
            let body = row(&cells);
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
            at.extend([0, body.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect();
            let shown: Vec<Option<Vec<u8>>> = cells.iter().zip(masks)
                .map(|(cell, masked)| cell.clone().map(|cell| if *masked { b"[redacted]".to_vec() } else { cell }))
                .collect();
            let mut wanted = Vec::new();
            crate::wire::build::frame(&mut wanted, b'D', |out| out.extend_from_slice(&row(&shown)));
            prop_assert_eq!(fed(&body, masks, &pieces).unwrap(), wanted);
        }

        #[test]
        fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 2..60)) {
            let (plan, types) = plan(&[false, true]);
            let _ = fed_by(&mut LongRow::new(body.len()), &mut &body[..], &plan, &types, &mut Vec::new());
        }
    }

    #[test]
    fn a_long_masked_cell_is_dropped_and_a_long_clear_one_before_it_is_too_much() {
        let piece = vec![b'x'; 1024 * 1024];
        for (masks, wanted) in [([true, false], true), ([false, true], false)] {
            let (plan, types) = plan(&masks);
            let mut out = Vec::new();
            let mut long = LongRow::new(2 + 4 + 64 * piece.len() + 4);
            let head = [&2_u16.to_be_bytes()[..], &i32::try_from(64 * piece.len()).unwrap().to_be_bytes()].concat();
            let mut last = fed_by(&mut long, &mut head.as_slice(), &plan, &types, &mut out).unwrap();
            for _ in 0..64 {
                if last == Fed::More {
                    last = fed_by(&mut long, &mut piece.as_slice(), &plan, &types, &mut out).unwrap();
                    assert!(long.out.len() <= HELD_BYTES_MAX + piece.len() && long.cell.len() <= CELL_BYTES_MAX);
                }
            }
            match wanted {
                true => assert!(matches!(last, Fed::Passes { left: 4, shown: Shown { masked: 1, .. } })),
                false => assert_eq!(last, Fed::TooLong),
            }
        }
    }
}
