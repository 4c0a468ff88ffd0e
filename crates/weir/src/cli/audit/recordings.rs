//! Recordings held against the log: it has the length and the digest of each that is complete.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use evidence::{LoggedRecord, records};

use super::super::progress::Progress;
use super::super::{CliError, counted, output};

/// Says of each recording that is not as the log says, and how many there are.
pub fn altered(log: &Path) -> Result<u64, CliError> {
    let folder = log.parent().unwrap_or(Path::new(".")).join("recordings");
    let unreadable = |error: io::Error| CliError::failed(format!("{}: {error}", log.display()), "");
    // Told twice where a process was killed between telling and putting it away: the last one holds.
    let mut told: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for record in records(log).map_err(unreadable)?.flatten().filter(|record| record.kind() == "recorded") {
        let text = |key| record.text(key).map(str::to_owned);
        let Some((file, digest)) = text("file").zip(text("digest")) else { continue };
        // A day and a name: nothing else is in the folder.
        let is_one = file.split_once('/').is_some_and(|(day, name)| {
            day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
                && name.ends_with(".rec")
                && !name.contains('/')
        });
        if !is_one {
            output::line(format_args!("warning: the log names no recording by {}", evidence::printable(&file)))?;
            continue;
        }
        told.insert(file, (bytes(&record), digest));
    }
    let total = told.values().fold(0, |all: u64, (bytes, _)| all.saturating_add(*bytes));
    let (mut progress, mut altered, count) = (Progress::of_bytes(Some(total)), 0_u64, told.len());
    for (file, (bytes, digest)) in told {
        progress.at(evidence::printable(&file));
        let wrong = match digest_of(&folder.join(&file)) {
            Ok((found, _)) if found != bytes => Some(format!("it has {found} bytes where {bytes} were written")),
            Ok((_, found)) if found != digest => Some("it was changed".to_owned()),
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some("it is missing".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(wrong) = wrong {
            altered = altered.saturating_add(1);
            progress
                .aside(|| output::line(format_args!("fault: recording {}: {wrong}", evidence::printable(&file))))?;
        }
        progress.more(bytes);
    }
    progress.end();
    let count = counted(u64::try_from(count).unwrap_or(u64::MAX), "recording");
    output::line(format_args!("{count} held against the log, {altered} of them not as it says"))?;
    Ok(altered)
}

fn bytes(record: &LoggedRecord) -> u64 {
    record.event.get("bytes").and_then(serde_json::Value::as_u64).unwrap_or(0)
}

fn digest_of(file: &Path) -> io::Result<(u64, String)> {
    // What is no file is not followed to wherever it leads.
    if !fs::symlink_metadata(file)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut part = vec![0; 64 * 1024];
    let (mut file, mut hashing, mut bytes) = (File::open(file)?, Context::new(&SHA256), 0_u64);
    loop {
        let read = file.read(&mut part)?;
        if read == 0 {
            break;
        }
        hashing.update(part.get(..read).unwrap_or_default());
        bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
    let digest = hashing.finish();
    Ok((bytes, digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()))
}
