//! How much of a value is shown, and how: sights, partial styles, tokens, and the plan for one result shape.
//!
//! Pure, and free of any wire format: a protocol reads and writes its own cells through [`CellCodec`], and takes those
//! apart that hold others. The rule of the crate: what can't be shown at its sight *in its own type* becomes less, never
//! more: a text is replaced by [`REDACTED`], and any other type by NULL.

mod cell;
mod mask;
mod plan;
mod style;
mod token;

pub use cell::{CellCodec, ShowPart, ShowValue, Shown, lower, show, show_span};
pub use mask::{MaskFinder, WHOLE_MASK_BYTES_MAX, is_mask, is_whole_mask, may_hold_mask};
pub use plan::{FieldPlan, Layout, Plan};
pub use style::Style;
pub use token::TokenKey;

/// What stands in place of a text that may not be seen. Recognisable, so that it can be refused when it is sent back.
pub const REDACTED: &str = "[redacted]";

/// Cells above this size are redacted whole instead of being rewritten in part.
pub const CELL_BYTES_MAX: usize = 1024 * 1024;

/// Cells that hold more values than this are redacted whole: each may cost a keyed hash.
pub const CELL_PARTS_MAX: usize = 65_536;

/// Values that are deeper inside of cells than this are redacted.
pub const CELL_DEPTH_MAX: usize = 16;
