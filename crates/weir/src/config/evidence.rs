//! `[evidence]`: where the log's checkpoints are kept beside the state folder, and what is kept free on its disk.

use std::path::PathBuf;

use hyper::Uri;

use super::read::Reading;
use super::reader::{Entry, Section};

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
    /// A folder on another disk that the log is written to as well.
    pub mirror: Option<PathBuf>,
    /// Folders of other machines or disks that get each checkpoint of the log.
    pub checkpoints: Vec<PathBuf>,
    /// URLs that get each checkpoint of the log. One that ends with a slash is a folder there.
    pub checkpoint_urls: Vec<Uri>,
}

impl Default for Evidence {
    fn default() -> Self {
        Self { reserve_bytes: RESERVE_BYTES, mirror: None, checkpoints: Vec::new(), checkpoint_urls: Vec::new() }
    }
}

/// Reads the section.
pub fn evidence(section: Option<Section<'_>>, reading: &mut Reading<'_, '_>) -> Evidence {
    let Some(mut section) = section else { return Evidence::default() };
    let mut read = Evidence::default();
    let reserve = section.entry("reserve").and_then(|entry| entry.size(RESERVE_BYTES_MAX, reading.found));
    read.reserve_bytes = reserve.unwrap_or(RESERVE_BYTES);
    read.mirror = section.entry("mirror").and_then(|entry| {
        let folder = reading.path(&entry)?;
        if reading.look && !folder.is_dir() {
            let help = "make it, or mount what holds it; without the key the log is in one place alone";
            reading.found.error(&entry.at, format!("{} is not a folder", folder.display()), help);
        }
        Some(folder)
    });
    if let Some(entry) = section.entry("checkpoints") {
        let places = entry.items("a list of folders and URLs", reading.found);
        if places.len() > PLACES_MAX {
            reading.found.error(&entry.at, format!("has more than {PLACES_MAX} places"), "name fewer");
        }
        for place in places {
            if place.is_text_with(|text| text.contains("://")) {
                read.checkpoint_urls.extend(url(&place, &read.checkpoint_urls, reading));
                continue;
            }
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

/// A place that is reached over HTTP. What is put there in the open can be changed by who sits in between.
fn url(place: &Entry<'_>, others: &[Uri], reading: &mut Reading<'_, '_>) -> Option<Uri> {
    let help = "write one like \"https://witness.example.com/weir/\"";
    let located = export::location(place.text(reading.found)?);
    let url = located.map_err(|what| reading.found.error(&place.at, what, help)).ok()?;
    if url.scheme_str() == Some("http") && !export::is_on_this_machine(&url) {
        let what = "would bring checkpoints over the network unprotected";
        reading.found.error(&place.at, what, "use https; http only reaches this machine");
        return None;
    }
    if others.contains(&url) {
        reading.found.error(&place.at, "is named twice", "name it once");
        return None;
    }
    Some(url)
}
