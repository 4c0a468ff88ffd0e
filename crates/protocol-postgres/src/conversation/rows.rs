//! Rows: counted, and shown by their plan.

use gate::Shown;
use model::UnixMicros;
use redact::{Plan, Shown as Cell, show};

use super::expect::{Expect, Running};
use super::long_row::{Fed, LongRow};
use super::{Conversation, Ended};
use crate::cells::PostgresCells;
use crate::wire::Malformed;
use crate::wire::backend;
use crate::wire::build::OwnReport;

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
        Ok(running.plan.as_deref().is_some_and(Plan::is_clear))
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
        match row.feed(&mut bytes, &plan, &running.types, self.session.tokens(), &mut self.to_caller)? {
            Fed::More => self.passing = Some(Passing::Row(row)),
            Fed::Passes { left, shown } => {
                running.count(shown);
                self.passing = (left > 0).then_some(Passing::Clear(left));
            }
            Fed::TooLong => {
                let what = "a row is too long to be masked: long cells that are shown stand before masked ones";
                OwnReport::fatal("54000", what)
                    .hint("Select the masked columns first, or leave them out.")
                    .write(&mut self.to_caller);
                self.ended = Some(Ended::BeyondLimit(what.to_owned()));
            }
        }
        Ok(bytes)
    }

    /// Shows a row by a plan that is not clear.
    pub(super) fn take_row(&mut self, body: &[u8]) -> Result<(), Malformed> {
        let before = self.to_caller.len();
        let Some(Expect::Execute { running, .. } | Expect::Query { running, .. }) = self.expected.front_mut() else {
            return Err(Malformed::new("a row that belongs to nothing"));
        };
        let masked = masked_row(running, body, self.session.tokens(), &mut self.to_caller)?;
        count(running, self.to_caller.len().saturating_sub(before), masked);
        Ok(())
    }
}

fn count(running: &mut Running, bytes: usize, masked: u64) {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    running.count(Shown { rows: 1, bytes, masked });
}

/// Writes a row as its plan shows it, and counts the cells that are not clear.
fn masked_row(running: &Running, body: &[u8], tokens: &redact::TokenKey, out: &mut Vec<u8>) -> Result<u64, Malformed> {
    let plan = running.plan.as_deref().ok_or_else(|| Malformed::new("a row without a plan"))?;
    let mut cells = backend::data_row(body)?;
    if cells.left() != plan.fields().len() || running.types.len() != plan.fields().len() {
        return Err(Malformed(format!(
            "a row of {} cells in a result of {} columns",
            cells.left(),
            plan.fields().len()
        )));
    }
    let mut masked = 0_u64;
    let mut wrong = None;
    crate::wire::build::frame(out, b'D', |out| {
        out.extend_from_slice(body.get(..2).unwrap_or_default());
        for (field, wire) in plan.fields().iter().zip(&running.types) {
            let cell = match cells.next_cell() {
                Ok(cell) => cell,
                Err(malformed) => {
                    wrong = Some(malformed);
                    return;
                }
            };
            let Some(cell) = cell.or(field.hides_null().then_some(b"".as_slice())) else {
                out.extend_from_slice(&(-1_i32).to_be_bytes());
                continue;
            };
            let at = out.len();
            out.extend_from_slice(&[0; 4]);
            let length = match show(&PostgresCells, *wire, cell, field, tokens, out) {
                Cell::Same => {
                    out.extend_from_slice(cell);
                    cell.len()
                }
                Cell::Written => {
                    masked = masked.saturating_add(1);
                    out.len().saturating_sub(at.saturating_add(4))
                }
                Cell::Null => {
                    masked = masked.saturating_add(1);
                    usize::MAX
                }
            };
            let length = i32::try_from(length).unwrap_or(-1);
            if let Some(place) = out.get_mut(at..at.saturating_add(4)) {
                place.copy_from_slice(&length.to_be_bytes());
            }
        }
    });
    if let Some(malformed) = wrong {
        return Err(malformed);
    }
    cells.end()?;
    Ok(masked)
}
