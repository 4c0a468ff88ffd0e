//! `[evidence]`: where the log's checkpoints are kept beside the state folder.

use std::path::PathBuf;

use super::read::Reading;
use super::reader::Section;

/// The most other places.
const PLACES_MAX: usize = 8;

/// What is kept of what happened, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Folders of other machines or disks that get each checkpoint of the log.
    pub checkpoints: Vec<PathBuf>,
}

/// Reads the section.
pub fn evidence(section: Option<Section<'_>>, reading: &mut Reading<'_, '_>) -> Evidence {
    let Some(mut section) = section else { return Evidence::default() };
    let mut read = Evidence::default();
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
