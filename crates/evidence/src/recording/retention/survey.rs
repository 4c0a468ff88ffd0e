//! What is to become of each recording: the looks of a sweep, without its deed.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use model::UnixMicros;

use super::look::{Look, after, look};
use super::word::{Unheard, Word, ask_all};
use super::{Retention, over_by, unlike};
use crate::hold::{Hold, Whose, keeping};
use crate::recording::RecordingKeys;
use crate::recording::format::SUFFIX;
use crate::recording::list::{list_day, list_days};
use crate::recording::recover::digest_of;

/// A recording, and what is to become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// Its file.
    pub path: PathBuf,
    /// What is to become of it.
    pub state: State,
}

/// What is to become of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It goes with the next sweep.
    Due(Whose),
    /// It goes not before this moment.
    NotBefore(UnixMicros, Whose),
    /// It is due, and this hold keeps it.
    Held(String, Whose),
    /// Its target keeps its recordings for ever.
    Kept(Whose),
    /// It is never deleted, for this reason.
    Never(String),
}

/// What is to become of each recording that is not open, as of now. Nothing is changed, and nobody need serve.
pub fn survey(
    folder: &Path,
    log: &Path,
    keys: &RecordingKeys,
    retention: &Retention,
    holds: &[Hold],
    now: UnixMicros,
) -> io::Result<Vec<Surveyed>> {
    let never_stop = AtomicBool::new(false);
    let days = match list_days(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        days => days?,
    };
    let (mut surveyed, mut due) = (Vec::new(), BTreeMap::new());
    for day in days {
        for listed in list_day(folder, &day)? {
            let state = match look(&listed.path, &listed.session, keys, retention, holds, now, &never_stop) {
                Look::Due { whose, span, is_cut } => {
                    due.insert(surveyed.len(), (format!("{day}/{}{SUFFIX}", listed.session), span, is_cut));
                    State::Due(whose)
                }
                Look::NotBefore(at, whose) => State::NotBefore(at, whose),
                Look::Held(name, whose) => State::Held(name, whose),
                Look::Kept(whose) => State::Kept(whose),
                Look::Never(why) => State::Never(why),
                Look::Unread(what) => State::Never(unread(&what)),
                Look::Stopped | Look::Gone => continue,
            };
            surveyed.push(Surveyed { path: listed.path, state });
        }
    }
    let files: BTreeSet<String> = due.values().map(|(file, ..)| file.clone()).collect();
    if files.is_empty() {
        return Ok(surveyed);
    }
    let word = match ask_all(log, &files, &never_stop) {
        Ok(word) => word,
        Err(Unheard::Io(error)) => return Err(error),
        Err(Unheard::Stopped) => Word::default(),
    };
    for (at, (file, span, is_cut)) in due {
        let Some(found) = surveyed.get_mut(at) else { continue };
        let written = word.recorded.get(&file);
        let unlike = match digest_of(&found.path) {
            Ok((bytes, digest)) => unlike(written, bytes, digest),
            Err(error) => Some(unread(&error.to_string())),
        };
        if let Some(why) = unlike {
            found.state = State::Never(why);
            continue;
        }
        let State::Due(whose) = &found.state else { continue };
        let Some(over) = over_by(whose, is_cut, written) else { continue };
        let whose = Whose { over: Some(over.0), ..whose.clone() };
        found.state = match (after(over.0, span), keeping(holds, &whose)) {
            (due, _) if due > now => State::NotBefore(due, whose),
            (_, Some(hold)) => State::Held(hold.name.clone(), whose),
            (_, None) => State::Due(whose),
        };
    }
    Ok(surveyed)
}

fn unread(what: &str) -> String {
    format!("it can't be read now, and each sweep tries again: {what}")
}
