//! `[evidence]`: where the log's checkpoints are kept beside the state folder, and what is kept free on its disk.

use std::path::PathBuf;

use super::read::Reading;
use super::reader::Section;

/// The most other places.
const PLACES_MAX: usize = 8;

/// What is kept free if nothing else is said: more than waits in memory to be written where nothing new begins.
const RESERVE_BYTES: u64 = 256 * 1024 * 1024;
/// The most that can be kept free.
const RESERVE_BYTES_MAX: u64 = 64 << 40;

/// What is kept of what happened, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Bytes that are kept free on the disks of the log and of recordings; 0 for none.
    pub reserve_bytes: u64,
    /// Folders of other machines or disks that get each checkpoint of the log.
    pub checkpoints: Vec<PathBuf>,
}

impl Default for Evidence {
    fn default() -> Self {
        Self { reserve_bytes: RESERVE_BYTES, checkpoints: Vec::new() }
    }
}

/// Reads the section.
pub fn evidence(section: Option<Section<'_>>, reading: &mut Reading<'_, '_>) -> Evidence {
    let Some(mut section) = section else { return Evidence::default() };
    let mut read = Evidence::default();
    let reserve = section.entry("reserve").and_then(|entry| entry.size(RESERVE_BYTES_MAX, reading.found));
    read.reserve_bytes = reserve.unwrap_or(RESERVE_BYTES);
    if let Some(entry) = section.entry("checkpoints") {
        let places = entry.items("a list of folders", reading.found);
        if places.len() > PLACES_MAX {
            reading.found.error(&entry.at, format!("has more than {PLACES_MAX} places"), "name fewer");
        }
        for place in places {
            let Some(folder) = reading.path(&place) else { continue };
            if reading.look && !folder.is_dir() {
                let what = format!("{} is not a folder", folder.display());
                reading.found.error(
                    &place.at,
                    what,
                    "make it, or mount what holds it: Weir makes none outside of its state",
                );
            } else if read.checkpoints.contains(&folder) {
                reading.found.error(&place.at, "is named twice", "name it once");
            } else {
                read.checkpoints.push(folder);
            }
        }
    }
    section.finish(reading.found);
    read
}
