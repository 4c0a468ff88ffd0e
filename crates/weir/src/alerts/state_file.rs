//! How far the log was read for alerts, and what was learned from it: one file, whole or as it was before.
//!
//! It is a projection of the log. One that is lost, or can't be read, is made anew from the log's beginning; then what is in
//! the log already says nothing.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use alerts::{Rules, Usage};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evidence::Place;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::now;
use crate::place::{place, to_bytes};
use crate::state::write_whole;

/// The form that is written here.
const VERSION: u32 = 1;
/// In the state folder.
const FILE: &str = "alerts.json";

/// The file.
pub struct StateFile(PathBuf);

/// What it says.
pub struct State {
    /// What was learned.
    pub usage: Usage,
    /// The last record of each lane that was.
    pub places: BTreeMap<u16, Place>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    lanes: Vec<(u16, String)>,
    usage: Box<RawValue>,
}

impl StateFile {
    /// That of a state folder.
    pub fn of(state: &Path) -> Self {
        Self(state.join(FILE))
    }

    /// Reads it; none where it is not there. The error is what is wrong with it.
    pub fn read(&self, rules: Rules) -> Result<Option<State>, String> {
        let bytes = match fs::read(&self.0) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.wrong(&error.to_string())),
        };
        let written: Written = serde_json::from_slice(&bytes).map_err(|error| self.wrong(&error.to_string()))?;
        if written.version != VERSION {
            return Err(self.wrong("it is of another version of Weir"));
        }
        let usage = Usage::read(rules, written.usage.get(), now()).map_err(|error| self.wrong(&error.0))?;
        let lane = |(lane, bytes): &(u16, String)| Some((*lane, place(*lane, &STANDARD.decode(bytes).ok()?)?));
        let places = written.lanes.iter().map(lane).collect::<Option<_>>();
        Ok(Some(State { usage, places: places.ok_or_else(|| self.wrong("a place in it is none"))? }))
    }

    /// Replaces it.
    pub fn write(&self, State { usage, places }: &State) -> Result<(), String> {
        let wrong = |error: serde_json::Error| self.wrong(&error.to_string());
        let usage = usage.to_json().map_err(|error| self.wrong(&error.0))?;
        let lanes = places.iter().map(|(lane, place)| (*lane, STANDARD.encode(to_bytes(place)))).collect();
        let written = Written { version: VERSION, lanes, usage: RawValue::from_string(usage).map_err(wrong)? };
        let bytes = serde_json::to_vec(&written).map_err(wrong)?;
        write_whole(&self.0, &bytes, 0o600).map_err(|error| error.to_string())
    }

    fn wrong(&self, what: &str) -> String {
        format!("{}: {what}", self.0.display())
    }
}

#[cfg(test)]
mod tests {
    use alerts::Seen;
    use evidence::format::{Hash, SegmentName};

    use super::*;

    const RULES: Rules = Rules { first_use: true, unusual_volume: true, factor: 5, rows_min: 1000 };

    #[test]
    fn what_is_written_is_read_and_what_is_none_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let file = StateFile::of(dir.path());
        assert!(file.read(RULES).unwrap().is_none());
        let mut usage = Usage::new(RULES, 7);
        usage.take(Seen::Admitted { at: 1, session: "s \"1\"", principal: "local:ä", target: "orders" });
        let segment = SegmentName { lane: 3, first: 12 };
        let places = [(3, Place { segment, offset: 99, hash: Hash([7; 32]) })].into();
        let state = State { usage, places };
        file.write(&state).unwrap();
        let read = file.read(RULES).unwrap().unwrap();
        assert_eq!(read.places, state.places);
        assert_eq!(read.usage.to_json().unwrap(), state.usage.to_json().unwrap());
        for wrong in
            ["", "{}", r#"{"version":2,"lanes":[],"usage":{}}"#, r#"{"version":1,"lanes":[[0,"0"]],"usage":{}}"#]
        {
            fs::write(dir.path().join(FILE), wrong).unwrap();
            let said = file.read(RULES).err().unwrap();
            assert!(said.contains("alerts.json: "), "{said}");
        }
    }
}
