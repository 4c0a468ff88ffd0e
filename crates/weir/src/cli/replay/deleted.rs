//! What the log says of a recording that is not there any more.

use std::collections::BTreeMap;
use std::path::Path;

use evidence::{printable, records};
use model::UnixMicros;

use super::super::CliError;
use super::super::indexed::{short_id, time};

/// Sessions that are named where several fit.
const NAMED_MAX: usize = 8;
/// The fewest characters of an id's end that stand for it, as in [`evidence::recording::find`].
const END_CHARS_MIN: usize = evidence::hold::ID_CHARS_MIN;

/// That the recording of the session whose id begins or ends so was deleted, if the log says so. It is walked for that.
pub fn deleted(log: &Path, wanted: &str) -> Option<CliError> {
    let is_it =
        |session: &str| session.starts_with(wanted) || (wanted.len() >= END_CHARS_MIN && session.ends_with(wanted));
    let mut found: BTreeMap<String, (UnixMicros, String)> = BTreeMap::new();
    for record in records(log).ok()?.flatten().filter(|record| record.kind() == "recording_deleted") {
        let why = record.text("why").unwrap_or("the log does not say why").to_owned();
        let Some(session) = record.session.filter(|session| is_it(session)) else { continue };
        found.insert(session, (record.at, why));
    }
    let mut found = found.into_iter();
    let (session, (at, why)) = found.next()?;
    let others: Vec<_> = found.map(|(session, _)| session).take(NAMED_MAX).collect();
    if !others.is_empty() {
        let named = std::iter::once(session).chain(others).map(|session| printable(&session));
        let what = format!(
            "several recordings that were deleted are of such sessions: {}",
            named.collect::<Vec<_>>().join(", ")
        );
        return Some(CliError::failed(what, "name one of them"));
    }
    let at = time(i64::try_from(at.0).unwrap_or(i64::MAX));
    let what = format!("the recording of session {} was deleted at {at}: {}", printable(&session), printable(&why));
    let help = format!(
        "what was decided in it is in the log: `weir search --session {}`",
        printable(&short_id(Some(&session)))
    );
    Some(CliError::failed(what, help))
}
