//! One recording, looked at: whose it is, when its session was over, and whether it may go. All of it from what is sealed in it; a file's name
//! and time are good for leaving it alone, never for deleting it.

use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::UnixMicros;
use serde::Deserialize;

use super::Retention;
use crate::hold::{Hold, Whose, keeping};
use crate::recording::RecordingKeys;
use crate::recording::reader::{Fault, KeptFrame, Next, Reader, Unreadable, open};

/// What a recording was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is to go now.
    Due {
        /// Whose it is.
        whose: Whose,
        /// How long it was kept.
        span: Duration,
        /// Whether it has no end: its session went on for some time after its last frame.
        is_cut: bool,
    },
    /// Not before this moment, as far as is known; then it is looked at again.
    NotBefore(UnixMicros, Whose),
    /// It is to go, and this hold keeps it.
    Held(String, Whose),
    /// Its target keeps its recordings.
    Kept(Whose),
    /// It is never deleted, because nobody can tell whether it may be.
    Never(String),
    /// It is not there any more.
    Gone,
    /// It could not be read this time.
    Unread(String),
    /// It was not read to its end, since somebody wants to stop.
    Stopped,
}

/// What a session's `admitted` record says, as far as it is needed here.
#[derive(Deserialize)]
struct Admitted {
    event: String,
    session: String,
    principal: String,
    target: String,
    #[serde(default)]
    act: Vec<String>,
    owner: Option<String>,
    run: Option<String>,
}

/// Looks at the recording of this session, and reads no more of it than it takes.
pub fn look(
    path: &Path,
    session: &str,
    keys: &RecordingKeys,
    retention: &Retention,
    holds: &[Hold],
    now: UnixMicros,
    stop: &AtomicBool,
) -> Look {
    match open(path, keys).map_err(|error| error.why) {
        Ok(reader) => look_at(reader, session, retention, holds, now, stop),
        // Gone since it was listed.
        Err(Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => Look::Gone,
        // Out of reach: another time it may be there.
        Err(Unreadable::Io(error)) => Look::Unread(error.to_string()),
        Err(why) => Look::Never(why.to_string()),
    }
}

/// The same of one that is open.
pub(super) fn look_at<R: Read + Seek>(
    mut reader: Reader<R>,
    session: &str,
    retention: &Retention,
    holds: &[Hold],
    now: UnixMicros,
    stop: &AtomicBool,
) -> Look {
    if reader.header().session != session {
        return Look::Never(format!("it is of the session {}, under another's name", reader.header().session));
    }
    let whose = match first(&mut reader) {
        Ok(whose) => whose,
        Err(unknown) => return unknown.into(),
    };
    let span = match retention.of(&whose.target) {
        Some(Some(span)) => span,
        Some(None) => return Look::Kept(whose),
        None => return Look::Never(format!("its target, {}, is not in the configuration", whose.target)),
    };
    // It was over after it began.
    let earliest = after(whose.began, span);
    if earliest > now {
        return Look::NotBefore(earliest, whose);
    }
    // One that is held is not read to its end each time, unless the hold asks when that was.
    if let Some(hold) = keeping(holds, &whose) {
        return Look::Held(hold.name.clone(), whose);
    }
    match last(&mut reader, stop) {
        Ok(None) => Look::Stopped,
        Ok(Some((over, is_cut))) => {
            let whose = Whose { over: Some(over.0), ..whose };
            match after(over.0, span) {
                due if due > now => Look::NotBefore(due, whose),
                _ => match keeping(holds, &whose) {
                    Some(hold) => Look::Held(hold.name.clone(), whose),
                    None => Look::Due { whose, span, is_cut },
                },
            }
        }
        Err(unknown) => unknown.into(),
    }
}

/// Why a recording does not say it.
pub(super) enum Unknown {
    Never(String),
    Unread(String),
}

impl From<Fault> for Unknown {
    fn from(fault: Fault) -> Self {
        match fault.is_passing {
            true => Self::Unread(fault.to_string()),
            false => Self::Never(format!("it is damaged: {fault}")),
        }
    }
}

impl From<Unknown> for Look {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Never(why) => Self::Never(why),
            Unknown::Unread(what) => Self::Unread(what),
        }
    }
}

/// A moment so much later; one that no clock reaches, if it is too far.
pub fn after(at: u64, span: Duration) -> UnixMicros {
    UnixMicros(at.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
}

/// Whose it is, by its first frame.
pub(super) fn first<R: Read + Seek>(reader: &mut Reader<R>) -> Result<Whose, Unknown> {
    let never = |why: &str| Err(Unknown::Never(why.to_owned()));
    let record = match reader.next() {
        Ok(Next::Frame(kept)) => match kept.frame {
            KeptFrame::Record(record) => record,
            _ => return never("it does not begin with the record of its session's beginning"),
        },
        Ok(Next::Complete | Next::Unfinished { .. }) => return never("nothing is in it"),
        Err(fault) => return Err(fault.into()),
    };
    let header = reader.header();
    match serde_json::from_str::<Admitted>(&record) {
        Ok(Admitted { event, session, principal, target, act, owner, run })
            if event == "admitted" && session == header.session =>
        {
            Ok(Whose { session, target, principal, act, owner, run, began: header.opened, over: None })
        }
        _ => never("its first record does not say whose session it is"),
    }
}

/// When the last frame was, and whether there is no end behind it. A recording that a killed process left has no end, and is as good as one that has: whether it is all that was
/// written is what the log says.
pub(super) fn last<R: Read + Seek>(
    reader: &mut Reader<R>,
    stop: &AtomicBool,
) -> Result<Option<(UnixMicros, bool)>, Unknown> {
    let mut last = UnixMicros(reader.header().opened);
    loop {
        if stop.load(Ordering::Acquire) {
            return Ok(None);
        }
        match reader.next() {
            Ok(Next::Frame(kept)) => last = kept.at,
            Ok(Next::Complete) => return Ok(Some((last, false))),
            Ok(Next::Unfinished { .. }) => return Ok(Some((last, true))),
            Err(fault) => return Err(fault.into()),
        }
    }
}

/// What the header says of when its session began. Nobody has checked it.
pub fn opened(path: &Path) -> io::Result<Option<UnixMicros>> {
    let mut file = crate::recording::disk::open_file(path)?;
    Ok(crate::recording::reader::read_header(&mut file).ok().map(|(header, _)| UnixMicros(header.opened)))
}
