//! Rows: counted, and shown by their plan.

use gate::Shown;
use model::UnixMicros;
use redact::{Plan, Shown as Cell, show};

use super::Conversation;
use super::expect::{Expect, Running};
use crate::cells::PostgresCells;
use crate::wire::Malformed;
use crate::wire::backend;

/// A row that is shown as it comes, and has not arrived whole.
#[derive(Clone, Copy, Debug)]
pub struct Passing {
    /// Bytes of it that are to come.
    pub left: usize,
    /// Whether they are copy data that are masked.
    pub masked: bool,
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
            let Some(cell) = cell else {
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
