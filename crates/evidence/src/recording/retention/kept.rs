//! How many of the recordings that are there a hold keeps: for whoever places one, to see whether it is the one that they meant.
//!
//! What this is not: no deletion asks this. What is recorded later is kept as well, and is in no number here.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use gate::Held;

use super::look::{first, last, opened};
use crate::hold::{Whose, keeps};
use crate::recording::RecordingKeys;
use crate::recording::list::{Listed, list};
use crate::recording::reader::open;

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptNow {
    /// Recordings, also those that are open.
    pub all: u64,
    /// Those that were looked at in the time that there was, newest first.
    pub looked_at: u64,
    /// Those of them that the hold keeps.
    pub kept: u64,
    /// Those of them of which nobody can tell, and which are not deleted either.
    pub unread: u64,
}

/// Looks at recordings for about so long.
pub fn kept_now(folder: &Path, keys: &RecordingKeys, held: &Held, patience: Duration) -> io::Result<KeptNow> {
    let until = Instant::now().checked_add(patience);
    let listed = match list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(KeptNow::default()),
        listed => listed?,
    };
    let mut now = KeptNow { all: u64::try_from(listed.len()).unwrap_or(u64::MAX), ..KeptNow::default() };
    for listed in listed.iter().rev() {
        if until.is_none_or(|until| Instant::now() >= until) {
            break;
        }
        now.looked_at = now.looked_at.saturating_add(1);
        match is_kept(listed, keys, held) {
            Some(true) => now.kept = now.kept.saturating_add(1),
            Some(false) => {}
            None => now.unread = now.unread.saturating_add(1),
        }
    }
    Ok(now)
}

/// Whether the hold keeps it. None if nobody can tell.
fn is_kept(listed: &Listed, keys: &RecordingKeys, held: &Held) -> Option<bool> {
    // What its name and its plain header say is good for passing over it: they are what the sealed ones say, or it is not deleted.
    let by_name = Whose { session: listed.session.clone(), over: Some(u64::MAX), ..Whose::default() };
    let began = opened(&listed.path).ok().flatten();
    let named = Held { sessions: held.sessions.clone(), to: held.to, from: Some(0), ..Held::default() };
    if began.is_some_and(|began| !keeps(&named, &Whose { began: began.0, ..by_name })) {
        return Some(false);
    }
    let mut reader = open(&listed.path, keys).ok()?;
    let whose = first(&mut reader).ok()?;
    // One that had not begun before was not over before.
    if held.from.is_none_or(|from| whose.began >= from)
        || !keeps(held, &Whose { over: Some(u64::MAX), ..whose.clone() })
    {
        return Some(keeps(held, &Whose { over: Some(whose.began), ..whose }));
    }
    if listed.is_open {
        return Some(true);
    }
    let (over, _) = last(&mut reader, &AtomicBool::new(false)).ok()??;
    Some(keeps(held, &Whose { over: Some(over.0), ..whose }))
}
