//! Whose values were shown where: the tokens that recordings keep in the place of what was seen clear.

use std::collections::BTreeSet;

use evidence::recording::{self, Listed, Next};
use model::{ClassId, Sight, Value};
use redact::TokenKey;
use store::{Index, Subject};

use super::super::progress::Progress;
use super::super::replay::story::{Column, Story, What};
use super::super::{CliError, output};
use super::unusable;
use crate::config::Config;
use crate::secrets::Secrets;
use crate::wiring;

/// How a token of a text begins, and how long it is.
const TOKEN_PREFIX: &str = "tok_";
const TOKEN_BYTES: usize = 20;
/// Tokens that are taken in at once.
const BATCH: usize = 10_000;
/// What a recording's mark says once all of it is taken in.
const DONE: &[u8] = store::ALL_TAKEN;

/// Takes in what recordings hold and the index does not. Those that are still written are read again the next time.
pub fn feed(index: &mut Index, config: &Config) -> Result<(), CliError> {
    let folder = wiring::recordings_folder(config);
    let listed = match recording::list(&folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(CliError::failed(format!("{}: can't be read: {error}", folder.display()), "")),
    };
    let mut new = Vec::new();
    for recording in listed {
        let mark = index.mark(&source(&recording)).map_err(unusable)?;
        if mark.as_deref() != Some(DONE) {
            new.push(recording);
        }
    }
    let keys = Secrets::read(&config.state)?.recording_keys()?;
    let total = new.iter().fold(0_u64, |total, recording| total.saturating_add(recording.bytes));
    let mut progress = Progress::of_bytes(Some(total));
    for recording in new {
        progress.at(recording.session.clone());
        let read = read(index, &recording, &keys);
        if let Err(Failed::Recording(why)) = &read {
            progress.aside(|| output::note(format_args!("warning: {}: {why}", recording.path.display())));
        }
        if let Err(Failed::Index(error)) = read {
            return Err(unusable(error));
        }
        progress.more(recording.bytes);
    }
    progress.end();
    Ok(())
}

fn source(recording: &Listed) -> String {
    store::recording_source(&recording.session)
}

enum Failed {
    Index(store::Error),
    Recording(String),
}

/// Takes in one recording, as far as it can be read.
fn read(index: &mut Index, recording: &Listed, keys: &recording::RecordingKeys) -> Result<(), Failed> {
    let said = |error: String| Failed::Recording(error);
    let mut reader = recording::open(&recording.path, keys).map_err(|error| said(error.to_string()))?;
    let session = reader.header().session.clone();
    let mut story = Story::new(reader.header());
    let mut columns: Vec<Column> = Vec::new();
    let mut subjects: Vec<Subject> = Vec::new();
    // Of a session that ended just now the index may not have all statements yet: then all of it is read once more.
    let mut unplaced = 0_usize;
    let mut take = |index: &mut Index, subjects: &mut Vec<Subject>, mark: &[u8]| {
        let add = |index: &mut Index, mark: &[u8], subjects: &[Subject]| {
            index.add_subjects(&source(recording), mark, subjects).map_err(Failed::Index)
        };
        unplaced = unplaced.saturating_add(add(index, mark, subjects)?);
        subjects.clear();
        if unplaced > 0 && !mark.is_empty() {
            add(index, b"", &[])?;
        }
        Ok(())
    };
    loop {
        let kept = match reader.next() {
            Ok(Next::Frame(kept)) => kept,
            Ok(Next::Complete) => return take(index, &mut subjects, DONE),
            Ok(Next::Unfinished { .. }) => {
                // One that a killed process left does not grow any more.
                return take(index, &mut subjects, if recording.is_open { b"" } else { DONE });
            }
            Err(fault) => {
                take(index, &mut subjects, b"")?;
                return Err(said(fault.to_string()));
            }
        };
        for moment in story.take(kept) {
            let mut add = |token: &str, class: &str| {
                let (session, op) = (session.clone(), moment.op);
                let sight = Sight::Clear.as_str().to_owned();
                subjects.push(Subject {
                    token: token.as_bytes().to_vec(),
                    class: class.to_owned(),
                    session,
                    op,
                    sight,
                });
            };
            match moment.what {
                What::Columns { columns: new } => columns = new,
                What::Row { cells } => {
                    for (at, cell) in cells.iter().enumerate() {
                        let (Some(cell), field) = (cell, columns.get(at).and_then(|column| column.field.as_ref()))
                        else {
                            continue;
                        };
                        let class = field.and_then(|field| field.class.as_deref()).unwrap_or_default();
                        let is_token =
                            field.is_some_and(|field| (field.sight, field.kept) == (Sight::Clear, Sight::Token));
                        if is_token {
                            add(cell, class);
                        }
                        tokens_in(cell).for_each(|token| add(token, class));
                    }
                }
                What::Copied { text } => tokens_in(&text).for_each(|token| add(token, "")),
                _ => {}
            }
        }
        if subjects.len() >= BATCH {
            take(index, &mut subjects, b"")?;
        }
    }
}

/// The tokens of texts in a text.
fn tokens_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(TOKEN_PREFIX).filter_map(|(at, _)| {
        let token = text.get(at..at.saturating_add(TOKEN_BYTES))?;
        let letters = token.get(TOKEN_PREFIX.len()..)?;
        letters.bytes().all(|byte| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte)).then_some(token)
    })
}

/// What recordings may hold in the place of this value: its token as one of each class that there is, and of each kind that it can be.
pub fn tokens_of(value: &str, config: &Config) -> Result<Vec<Vec<u8>>, CliError> {
    let keys = Secrets::read(&config.state)?.kept_tokens();
    let mut classes: BTreeSet<ClassId> = BTreeSet::new();
    for target in config.targets.values() {
        classes.extend(target.class_ids.iter().cloned());
    }
    let found = config.detection.classes().map_err(|error| CliError::failed(error.to_string(), ""))?;
    classes.extend(found);
    // Of each time when another key was in force.
    let tokens_by = |key: &TokenKey| classes.iter().flat_map(|class| tokens(key, class, value)).collect::<Vec<_>>();
    Ok(keys.iter().flat_map(tokens_by).collect())
}

fn tokens(key: &TokenKey, class: &ClassId, value: &str) -> Vec<Vec<u8>> {
    let mut values = vec![Value::Text(value.into())];
    if value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.')) {
        values.push(Value::Number(value.into()));
    }
    if let Some((addr, prefix)) = address(value) {
        values.push(Value::Net { addr, prefix });
    }
    let text = |token: Value<'static>| match token {
        Value::Text(text) | Value::Number(text) => Some(text.into_owned()),
        Value::Net { addr, .. } => Some(addr.to_string()),
        _ => None,
    };
    let tokens = values.iter().filter_map(|value| key.token(class, value)).filter_map(text);
    tokens.map(String::into_bytes).collect()
}

fn address(value: &str) -> Option<(std::net::IpAddr, u8)> {
    let (address, prefix) = value.split_once('/').map_or((value, None), |(address, prefix)| (address, Some(prefix)));
    let address: std::net::IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    Some((address, prefix.map_or(Some(whole), |prefix| prefix.parse().ok())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_texts() {
        let key = TokenKey::new([7; 32]);
        let token = key.text("pii.email", b"ada@example.com");
        let text = format!("write to {token}, or tok_short, or {token}x tok_ABCDEFGHIJKLMNOP");
        assert_eq!(tokens_in(&text).collect::<Vec<_>>(), [token.as_str(), token.as_str()]);
        let class = ClassId::parse("pii.email").unwrap();
        assert_eq!(tokens(&key, &class, "ada@example.com"), [token.into_bytes()]);
        assert_eq!(tokens(&key, &class, "4539148803436467").len(), 2);
        assert_eq!(tokens(&key, &class, "10.1.2.3/8").len(), 2);
    }
}
