//! The binary form of rows that come: a header, then rows that say how many cells they have and how long each is.

use super::super::binary::{SIGNATURE, int32, length};
use super::{Cells, Keeper, Stopped};
use crate::wire::Malformed;
use crate::wire::pieces::Begun;

/// Flags of a binary copy's header that change how its rows are read.
const FLAGS_THAT_MATTER: i32 = -0x1_0000;

/// Where in the data it is.
#[derive(Debug, Default)]
pub(super) struct Binary {
    part: Part,
    /// The first bytes of a fixed part that has not come whole.
    begun: Begun,
    /// Bytes of the cell or extension that are to come.
    left: usize,
    /// Cells of the row that are to come.
    cells: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Header,
    Extension,
    Count,
    Length,
    Cell,
    /// Behind the last row, where the server takes nothing more.
    Over,
}

impl Binary {
    pub(super) fn feed(&mut self, cells: &mut Cells, mut bytes: &[u8], keeper: &Keeper<'_>) -> Result<(), Stopped> {
        loop {
            self.part = match self.part {
                Part::Header => {
                    let Some(header) = self.begun.take::<19>(&mut bytes) else { return Ok(()) };
                    let (signature, sizes) = header.split_at(SIGNATURE.len());
                    // The server knows of none of the flags that matter, and fails on them.
                    if signature != SIGNATURE || int32(sizes, 0) & FLAGS_THAT_MATTER != 0 {
                        return Err(Stopped::Malformed(Malformed::new("a binary copy whose header is not known")));
                    }
                    self.left = length(int32(sizes, 4)).map_err(Stopped::Malformed)?;
                    cells.pass(&header);
                    Part::Extension
                }
                Part::Extension => {
                    let (extension, whole) = self.take(&mut bytes);
                    cells.pass(extension);
                    if !whole {
                        return Ok(());
                    }
                    Part::Count
                }
                Part::Count => {
                    let Some(count) = self.begun.take::<2>(&mut bytes) else { return Ok(()) };
                    cells.pass(&count);
                    cells.at = 0;
                    match usize::try_from(i16::from_be_bytes(count)) {
                        Ok(0) => Part::Count,
                        Ok(count) => {
                            self.cells = count;
                            Part::Length
                        }
                        Err(_) => Part::Over,
                    }
                }
                Part::Length => {
                    let Some(head) = self.begun.take::<4>(&mut bytes) else { return Ok(()) };
                    let is_null = head == (-1_i32).to_be_bytes();
                    if is_null || !cells.is_lowered() {
                        cells.pass(&head);
                    }
                    if is_null {
                        self.next(cells, keeper)?
                    } else {
                        self.left = length(i32::from_be_bytes(head)).map_err(Stopped::Malformed)?;
                        Part::Cell
                    }
                }
                Part::Cell if cells.is_lowered() => {
                    let (value, whole) = self.take(&mut bytes);
                    cells.hold(value)?;
                    if !whole {
                        return Ok(());
                    }
                    let value = std::mem::take(&mut cells.held);
                    let less = cells.lower(&value, keeper.key)?;
                    cells.pass(&i32::try_from(less.len()).unwrap_or(i32::MAX).to_be_bytes());
                    cells.pass(&less);
                    self.next(cells, keeper)?
                }
                Part::Cell => {
                    let (value, whole) = self.take(&mut bytes);
                    cells.pass(value);
                    cells.part(value)?;
                    if !whole {
                        return Ok(());
                    }
                    self.next(cells, keeper)?
                }
                Part::Over => {
                    cells.pass(bytes);
                    return Ok(());
                }
            };
        }
    }

    fn next(&mut self, cells: &mut Cells, keeper: &Keeper<'_>) -> Result<Part, Stopped> {
        cells.end(keeper)?;
        cells.at = cells.at.saturating_add(1);
        self.cells = self.cells.saturating_sub(1);
        Ok(if self.cells == 0 { Part::Count } else { Part::Length })
    }

    /// What there is of what is left of something, and whether that is all.
    fn take<'a>(&mut self, bytes: &mut &'a [u8]) -> (&'a [u8], bool) {
        let (now, later) = bytes.split_at(self.left.min(bytes.len()));
        *bytes = later;
        self.left = self.left.saturating_sub(now.len());
        (now, self.left == 0)
    }
}
