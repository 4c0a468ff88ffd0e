//! Rows: counted, and shown by their plan.

use std::sync::LazyLock;

use gate::{Met, Shown, Watch};
use model::{Sight, UnixMicros};
use redact::{FieldPlan, Plan, Shown as Cell, TokenKey};

use super::expect::{Expect, Running};
use super::long_row::{Fed, LongRow};
use super::looking::Looking;
use super::recorded::KeptBy;
use super::target::Pass;
use super::{Conversation, Ended};
use crate::cells::{CellType, Manner};
use crate::wire::Malformed;
use crate::wire::backend;
use crate::wire::build::{self, OwnReport};
use crate::wire::frame::HEAD_BYTES;

/// What goes on in a message that has not arrived whole.
#[derive(Debug)]
pub enum Passing {
    /// So many bytes that are shown as they come.
    Clear(usize),
    /// So many bytes of copy data that are masked.
    Copy(usize),
    /// A row whose cells are masked as they come.
    Row(Box<LongRow>),
}

impl<S> Conversation<S> {
    /// Whether the rows that come now are shown as they are.
    pub(super) fn row_passes(&mut self, now: UnixMicros) -> Result<bool, Malformed> {
        let running = self.plan_rows(now)?;
        Ok(running.passes() && running.kept.is_none())
    }

    /// Counts a row that is shown as it is.
    pub(super) fn count_row(&mut self, frame_bytes: usize) {
        if let Some(Expect::Execute { running, .. } | Expect::Query { running, .. }) = self.expected.front_mut() {
            count(running, frame_bytes, 0);
        }
    }

    /// Takes more of a long row. Returns what it has not taken.
    pub(super) fn feed_row<'a>(&mut self, mut row: Box<LongRow>, mut bytes: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let Some(Expect::Execute { running, .. } | Expect::Query { running, .. }) = self.expected.front_mut() else {
            return Err(Malformed::new("a row that belongs to nothing"));
        };
        let plan = running.plan.clone().ok_or_else(|| Malformed::new("a row without a plan"))?;
        let undescribed = running.is_undescribed();
        let Running { types, manners, watch, flow, .. } = running;
        let columns = Columns { plan: &plan, types, manners, undescribed };
        let mut eyes = self.looking.eyes(&self.session, watch.as_deref(), flow.met());
        match row.feed(&mut bytes, &columns, &mut eyes, &mut self.to_caller)? {
            Fed::More => self.passing = Some(Passing::Row(row)),
            Fed::Passes { left, shown } => {
                running.count(shown);
                self.passing = (left > 0).then_some(Passing::Clear(left));
            }
            Fed::TooLong => {
                let what = "a row is too long to be masked: long cells that are shown stand before masked ones";
                self.keep_all();
                OwnReport::fatal("54000", what)
                    .hint("Select the masked columns first, or leave them out.")
                    .write(&mut self.to_caller);
                self.ended = Some(Ended::BeyondLimit(what.to_owned()));
            }
        }
        Ok(bytes)
    }

    /// Shows a row by a plan that is not clear, or whose values are looked at.
    pub(super) fn take_row(&mut self, frame_bytes: usize, body: &[u8]) -> Result<Pass, Malformed> {
        let Some(Expect::Execute { running, .. } | Expect::Query { running, .. }) = self.expected.front_mut() else {
            return Err(Malformed::new("a row that belongs to nothing"));
        };
        let plan = running.plan.clone().ok_or_else(|| Malformed::new("a row without a plan"))?;
        let (undescribed, passes) = (running.is_undescribed(), running.passes());
        let Running { types, manners, watch, flow, .. } = running;
        let columns = Columns { plan: &plan, types, manners, undescribed };
        let eye = (self.session.tokens(), watch.as_deref(), flow.met());
        // What passes may have columns that nobody has described; what comes here of it does for the recording.
        let masked = match passes {
            true => None,
            false => shown_row(&columns, body, eye, &mut self.looking, &mut self.instead)?,
        };
        let pass = if masked.is_some() { Pass::Done } else { Pass::Verbatim };
        count(running, if masked.is_some() { self.instead.len() } else { frame_bytes }, masked.unwrap_or(0));
        if running.kept.is_none() {
            return Ok(pass);
        }
        if pass == Pass::Verbatim {
            build::frame(&mut self.instead, b'D', |out| out.extend_from_slice(body));
        }
        self.keep_row()
    }

    /// Puts the row that is shown as the recording keeps it, if that is otherwise.
    fn keep_row(&mut self) -> Result<Pass, Malformed> {
        let Some(Expect::Execute { running, .. } | Expect::Query { running, .. }) = self.expected.front_mut() else {
            return Ok(Pass::Done);
        };
        let Running { types, kept: Some(KeptBy { plan, watch, manners }), watch: first, flow, .. } = running else {
            return Ok(Pass::Done);
        };
        let body = self.instead.get(HEAD_BYTES..).unwrap_or_default();
        let undescribed = plan.fields().is_empty() && !manners.is_empty();
        let columns = Columns { plan, types, manners, undescribed };
        let mut scratch = Met::default();
        let eye =
            (self.session.kept_tokens(), watch.as_deref(), KeptBy::met(first.is_some(), flow.met(), &mut scratch));
        let kept = shown_row(&columns, body, eye, &mut self.looking, &mut self.keeping.instead)?;
        Ok(if kept.is_some() { Pass::KeptOtherwise } else { Pass::Done })
    }
}

/// With what a row is looked at: the key of its tokens, its watch, and what was found.
type Eye<'a> = (&'a TokenKey, Option<&'a Watch>, &'a mut Met);

/// The type of a cell, how its field is shown, and how it is looked at.
pub type How<'a> = (CellType, &'a FieldPlan, Option<Manner>);

/// The columns of a result, and how each is shown.
pub struct Columns<'a> {
    pub plan: &'a Plan,
    pub types: &'a [CellType],
    pub manners: &'a [Option<Manner>],
    /// Nobody knows what they are, nor how many: each is looked at as it comes.
    pub undescribed: bool,
}

impl Columns<'_> {
    /// How a column is shown, and which of those that are watched it is.
    pub fn of(&self, at: usize) -> Option<(usize, How<'_>)> {
        if self.undescribed {
            return Some((0, (CellType::of(0, false), clear(), Some(Manner::Raw))));
        }
        let manner = self.manners.get(at).copied().flatten();
        Some((at, (*self.types.get(at)?, self.plan.fields().get(at)?, manner)))
    }

    /// Whether a cell of a column is shown as it comes.
    pub fn passes(&self, at: usize) -> bool {
        let how = self.of(at);
        how.is_some_and(|(_, (_, field, manner))| manner.is_none() && field.sight == Sight::Clear)
    }

    /// Whether it is known of each how it is shown.
    pub fn are_whole(&self) -> bool {
        self.undescribed || self.types.len() == self.plan.fields().len()
    }

    /// How many there are, if that is known.
    pub fn count(&self) -> Option<usize> {
        (!self.undescribed).then(|| self.plan.fields().len())
    }
}

/// The plan of what is shown unless something is found in it.
fn clear() -> &'static FieldPlan {
    static CLEAR: LazyLock<FieldPlan> = LazyLock::new(|| FieldPlan::new(Sight::Clear, None));
    &CLEAR
}

fn count(running: &mut Running, bytes: usize, masked: u64) {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    running.count(Shown { rows: 1, bytes, masked });
}

/// Writes a row as it is shown, and counts the cells that are not clear. Nothing is written, and none given, if all are.
fn shown_row(
    columns: &Columns<'_>,
    body: &[u8],
    (tokens, watch, met): Eye<'_>,
    looking: &mut Looking,
    out: &mut Vec<u8>,
) -> Result<Option<u64>, Malformed> {
    let mut shown = std::mem::take(&mut looking.cell);
    let mut eyes = looking.eyes_with(tokens, watch, met);
    let mut cells = backend::data_row(body)?;
    let count = cells.left();
    if columns.count().is_some_and(|columns| count != columns) || !columns.are_whole() {
        let known = columns.plan.fields().len();
        return Err(Malformed(format!("a row of {count} cells in a result of {known} columns")));
    }
    // As long as all that has come is shown as it is, nothing is written.
    let (begin, mut masked, mut copied, mut byte) = (out.len(), 0_u64, 0_usize, 2_usize);
    for at in 0..count {
        let cell = cells.next_cell()?;
        let begins = byte;
        byte = byte.saturating_add(4).saturating_add(cell.map_or(0, <[u8]>::len));
        let (watched, how) = columns.of(at).ok_or_else(|| Malformed::new("a row of too many cells"))?;
        let (_, field, manner) = how;
        if manner.is_none() && field.sight == Sight::Clear {
            continue;
        }
        let Some(cell) = cell.or(field.hides_null().then_some(b"".as_slice())) else { continue };
        shown.clear();
        let length = match eyes.show(watched, how, cell, &mut shown) {
            Cell::Same => continue,
            Cell::Written => i32::try_from(shown.len()).unwrap_or(-1),
            Cell::Null => -1,
        };
        if copied == 0 {
            out.extend_from_slice(&[b'D', 0, 0, 0, 0]);
        }
        out.extend_from_slice(body.get(copied..begins).unwrap_or_default());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&shown);
        (copied, masked) = (byte, masked.saturating_add(1));
    }
    looking.cell = shown;
    cells.end()?;
    if copied == 0 {
        return Ok(None);
    }
    out.extend_from_slice(body.get(copied..).unwrap_or_default());
    let length = i32::try_from(out.len().saturating_sub(begin.saturating_add(1))).unwrap_or(-1);
    if let Some(place) = out.get_mut(begin.saturating_add(1)..begin.saturating_add(5)) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(Some(masked))
}
