//! Recordings held against the log: it has the length and the digest of each that is complete, and says which were deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use evidence::hold::{Which, Whose, ends, held_in, keeps};
use evidence::recording::{digest_of, list};
use evidence::{LoggedRecord, printable, records};
use gate::Held;

use super::super::progress::Progress;
use super::super::{CliError, counted, output};

/// Says of each recording that is not as the log says, and how many there are.
pub fn altered(log: &Path) -> Result<u64, CliError> {
    let folder = log.parent().unwrap_or(Path::new(".")).join("recordings");
    // Before the log is read: what is put away meanwhile is in the log first.
    let shelved = shelved(&folder)?;
    let Told { written, deleted, faults } = Told::of(log)?;
    let mut altered = u64::try_from(faults.len()).unwrap_or(u64::MAX);
    faults.iter().try_for_each(|fault| output::line(format_args!("fault: {fault}")))?;
    // One that is told to be deleted and is there was not got to: it is as any other.
    let is_gone = |file: &str| {
        let found = fs::symlink_metadata(folder.join(file));
        deleted.contains(file) && found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    };
    let (gone, there): (Vec<_>, Vec<_>) = written.into_iter().partition(|(file, _)| is_gone(file));
    let total = there.iter().fold(0, |all: u64, (_, (bytes, _))| all.saturating_add(*bytes));
    let (mut progress, count) = (Progress::of_bytes(Some(total)), there.len());
    let left = there.iter().filter(|(file, _)| deleted.contains(file)).count();
    let is_known: BTreeSet<&String> = there.iter().chain(&gone).map(|(file, _)| file).collect();
    for file in shelved.iter().filter(|file| !is_known.contains(file)) {
        output::line(format_args!("warning: recording {}: the log does not know it", printable(file)))?;
    }
    for (file, (bytes, digest)) in there {
        progress.at(printable(&file));
        if let Some(wrong) = wrong(&folder, &file, bytes, &digest) {
            altered = altered.saturating_add(1);
            progress.aside(|| output::line(format_args!("fault: recording {}: {wrong}", printable(&file))))?;
        }
        progress.more(bytes);
    }
    progress.end();
    if !gone.is_empty() {
        output::line(format_args!("{} deleted, as the log says", some_recordings(gone.len())))?;
    }
    if left > 0 {
        output::line(format_args!(
            "warning: {} there, where the log says deleted: `weir serve` deletes it when it is due, if neither a hold nor a \
             longer retention keeps it meanwhile (`weir audit retention`)",
            some_recordings(left)
        ))?;
    }
    output::line(format_args!("{} held against the log, {altered} of them not as it says", some_recordings(count)))?;
    Ok(altered)
}

/// What lies in the folders of days, as the log would name it.
fn shelved(folder: &Path) -> Result<Vec<String>, CliError> {
    let listed = match list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(|error| CliError::failed(format!("{}: {error}", folder.display()), ""))?,
    };
    let of_days = listed.into_iter().filter(|listed| !listed.is_open);
    Ok(of_days.filter_map(|listed| Some(format!("{}/{}.rec", listed.day?, listed.session))).collect())
}

/// What is wrong with a recording of which so much was written.
fn wrong(folder: &Path, file: &str, bytes: u64, digest: &str) -> Option<String> {
    let name = file.split_once('/').map_or(file, |(_day, name)| name);
    let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let found = match digest_of(&folder.join(file)) {
        // Complete, and not put to its day: that failed, or is about to be done. In its own place again if it was done meanwhile.
        Err(error) if missing(&error) => match digest_of(&folder.join("open").join(name)) {
            Ok(found) if found.0 == bytes && found.1.to_string() == digest => return None,
            _ => digest_of(&folder.join(file)),
        },
        found => found,
    };
    match found {
        Ok((found, _)) if found != bytes => Some(format!("it has {found} bytes where {bytes} were written")),
        Ok((_, found)) if found.to_string() != digest => Some("it was changed".to_owned()),
        Ok(_) => None,
        Err(error) if missing(&error) => Some("it is missing".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

fn some_recordings(count: usize) -> String {
    counted(u64::try_from(count).unwrap_or(u64::MAX), "recording")
}

/// What the log says of recordings.
#[derive(Default)]
struct Told {
    /// Bytes and digest of each, as the log said first. Told twice where a process was killed between telling and putting it away, and the same then.
    written: BTreeMap<String, (u64, String)>,
    /// Those that were deleted.
    deleted: BTreeSet<String>,
    /// What does not fit together.
    faults: Vec<String>,
}

impl Told {
    fn of(log: &Path) -> Result<Self, CliError> {
        let unreadable = |error: io::Error| CliError::failed(format!("{}: {error}", log.display()), "");
        let (mut told, mut holds) = (Self::default(), BTreeMap::new());
        for record in records(log).map_err(unreadable)?.flatten() {
            match record.kind() {
                "recorded" => told.recorded(&record)?,
                "recording_deleted" => told.deleted(&record, &holds)?,
                "hold_placed" => {
                    if let (Some(which), Some(held)) = (which(&record), held_in(&record.event)) {
                        holds.insert(which, held);
                    }
                }
                "hold_released" => {
                    if let Some(released) = which(&record) {
                        holds.retain(|which, _| !ends(&released, which));
                    }
                }
                _ => {}
            }
        }
        Ok(told)
    }

    fn recorded(&mut self, record: &LoggedRecord) -> Result<(), CliError> {
        let Some((file, bytes, digest)) = named(record)? else { return Ok(()) };
        let written = (bytes, digest);
        // Put back among the open ones it is told again as it is then, by the next start: what was written is what was told first.
        if self.written.get(&file).is_some_and(|first| *first != written) {
            let what = "the log says two different things of it: it was changed in between";
            self.faults.push(format!("recording {}: {what}", printable(&file)));
            return Ok(());
        }
        self.written.insert(file, written);
        Ok(())
    }

    fn deleted(&mut self, record: &LoggedRecord, holds: &BTreeMap<Which, Held>) -> Result<(), CliError> {
        let Some((file, bytes, digest)) = named(record)? else { return Ok(()) };
        let wrong = match self.written.get(&file) {
            None => Some("it was deleted, and the log does not say before that it was written".to_owned()),
            Some(written) if *written != (bytes, digest) => {
                Some("what was deleted is not what was written: the log has two digests".to_owned())
            }
            Some(_) => None,
        };
        let whose = Whose::in_record(record.session.as_deref().unwrap_or_default(), &record.event);
        let kept = holds.iter().find(|(_, held)| keeps(held, &whose));
        let kept = kept.map(|((name, _), _)| format!("it was deleted while the hold {} kept it", printable(name)));
        self.faults.extend(
            [wrong, kept].into_iter().flatten().map(|wrong| format!("recording {}: {wrong}", printable(&file))),
        );
        self.deleted.insert(file);
        Ok(())
    }
}

/// Of which hold a record speaks.
fn which(record: &LoggedRecord) -> Option<Which> {
    let placed = record.event.get("placed").and_then(serde_json::Value::as_u64).unwrap_or(0);
    Some((record.text("name")?.to_owned(), placed))
}

/// The file of which a record speaks, with its bytes and digest. None if that can be no recording.
fn named(record: &LoggedRecord) -> Result<Option<(String, u64, String)>, CliError> {
    let text = |key| record.text(key).map(str::to_owned);
    let Some((file, digest)) = text("file").zip(text("digest")) else { return Ok(None) };
    // A day and a name: nothing else is in the folder.
    let is_one = file.split_once('/').is_some_and(|(day, name)| {
        day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && name.ends_with(".rec") && !name.contains('/')
    });
    if !is_one {
        output::line(format_args!("warning: the log names no recording by {}", printable(&file)))?;
        return Ok(None);
    }
    let bytes = record.event.get("bytes").and_then(serde_json::Value::as_u64).unwrap_or(0);
    Ok(Some((file, bytes, digest)))
}

#[cfg(test)]
mod tests {
    use evidence::{Durability, Log};
    use gate::{Event, HoldPlaced, HoldReleased, Ledger as _, Record, Recorded, RecordingDeleted};
    use model::{Digest, SessionId, UnixMicros};

    use super::*;

    const FILE: &str = "2026-11-20/019aa0f2-77b1-7000-8000-00c0ffee1234.rec";

    fn written(digest: u8) -> Event {
        let (file, digest) = (FILE.to_owned(), Digest([digest; 32]));
        Event::Recorded(Recorded { file, bytes: 9, digest, shown: 1, how: "closed" })
    }

    fn deleted(digest: u8) -> Event {
        Event::RecordingDeleted(RecordingDeleted {
            file: FILE.to_owned(),
            bytes: 9,
            digest: Digest([digest; 32]),
            target: "orders".to_owned(),
            principal: "github:acme/nightly".to_owned(),
            act: Vec::new(),
            owner: Some("corp:alice".to_owned()),
            run: None,
            began: UnixMicros(100),
            over: UnixMicros(200),
            why: "retention of 1d".to_owned(),
        })
    }

    fn held(owner: &str) -> Held {
        Held { principals: vec![owner.to_owned()], ..Held::default() }
    }

    fn placed(owner: &str) -> Event {
        placed_at(owner, 1)
    }

    fn placed_at(owner: &str, at: u64) -> Event {
        let (name, reason, by, placed) = ("case".to_owned(), String::new(), String::new(), UnixMicros(at));
        Event::HoldPlaced(HoldPlaced { name, held: held(owner), reason, by, placed })
    }

    fn released() -> Event {
        let (name, reason, by, at) = ("case".to_owned(), String::new(), String::new(), UnixMicros(1));
        let held = held("corp:alice");
        Event::HoldReleased(HoldReleased { name, held, reason, by, placed: at, released: at })
    }

    /// What a log that says this tells.
    fn told(events: Vec<Event>) -> Told {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(dir.path(), 1, "test", Durability::Written).unwrap();
        let session = Some(SessionId("019aa0f2-77b1-7000-8000-00c0ffee1234".into()));
        let record = |event| Record { at: UnixMicros(1), session: session.clone(), event };
        log.lane(0).append(&events.into_iter().map(record).collect::<Vec<_>>()).unwrap();
        Told::of(dir.path()).map_err(|_| "the log can't be read").unwrap()
    }

    /// The faults of a log in which one is deleted.
    fn faults(events: Vec<Event>) -> Vec<String> {
        let told = told(events);
        assert_eq!(told.deleted.len(), 1);
        told.faults
    }

    #[test]
    fn what_was_written_is_what_was_told_first() {
        assert_eq!(told(vec![written(1), written(1)]).faults, [""; 0], "killed between telling and putting it away");
        let twice = told(vec![written(1), written(2)]);
        let fault = format!("recording {FILE}: the log says two different things of it: it was changed in between");
        assert_eq!(twice.faults, [fault]);
        assert_eq!(twice.written[FILE].1, Digest([1; 32]).to_string());
    }

    #[test]
    fn a_deletion_must_be_of_what_was_written_and_not_held() {
        assert_eq!(faults(vec![written(1), deleted(1)]), [""; 0]);
        let two = faults(vec![written(1), deleted(2)]);
        assert_eq!(
            two,
            [format!("recording {FILE}: what was deleted is not what was written: the log has two digests")]
        );
        assert!(faults(vec![deleted(1), written(1)])[0].contains("does not say before that it was written"));
        let kept = faults(vec![written(1), placed("corp:alice"), deleted(1), released()]);
        assert_eq!(kept, [format!("recording {FILE}: it was deleted while the hold case kept it")]);
        assert_eq!(faults(vec![written(1), placed("corp:alice"), released(), deleted(1)]), [""; 0]);
        assert_eq!(faults(vec![written(1), placed("corp:bob"), deleted(1)]), [""; 0]);
        // What is released is the one before, which had the same name.
        // One that was lost and placed again ends with that.
        let lost = vec![written(1), placed_at("corp:alice", 0), placed("corp:bob"), deleted(1)];
        assert_eq!(faults(lost), [format!("recording {FILE}: it was deleted while the hold case kept it")]);
        let lost = vec![written(1), placed_at("corp:alice", 0), placed("corp:bob"), released(), deleted(1)];
        assert_eq!(faults(lost), [""; 0]);
        let again = vec![written(1), placed_at("corp:alice", 2), placed("corp:bob"), released(), deleted(1)];
        assert_eq!(faults(again), [format!("recording {FILE}: it was deleted while the hold case kept it")]);
        assert_eq!(faults(vec![written(1), deleted(1), placed("corp:alice")]), [""; 0]);
    }
}
