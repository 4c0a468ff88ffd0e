//! `[export.NAME]`: where the log goes as it grows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use credentials::CredentialSource;
use hyper::Uri;

use super::address::Address;
use super::postgres::certificates;
use super::read::Reading;
use super::reader::{Entry, Section};
use super::secret::secret;
use super::suggest;

/// The most exports: each has a thread, and reads the whole log.
const EXPORTS_MAX: usize = 16;
/// The kinds of records that can be named, as `docs/evidence.md` has them.
const EVENTS: [&str; 19] = [
    "started",
    "stopped",
    "policies_changed",
    "policies_refused",
    "key_rotated",
    "epoch_began",
    "admitted",
    "rejected",
    "decided",
    "ended",
    "found",
    "noticed",
    "closed",
    "alert",
    "recorded",
    "recording_deleted",
    "hold_placed",
    "hold_released",
    CHECKPOINT,
];
/// One of them goes where it is asked for alone.
const CHECKPOINT: &str = "checkpoint";

/// One place that records go to.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Where records go.
    pub to: ExportTo,
    /// The kinds of records that go there; all, if none are named, but for checkpoints.
    pub events: Option<BTreeSet<String>>,
    /// Whether checkpoints go there.
    pub checkpoints: bool,
}

/// Where records go.
#[derive(Clone, Debug)]
pub enum ExportTo {
    /// Appended to a file.
    File(PathBuf),
    /// To a receiver of syslog.
    Syslog(export::SyslogTo),
    /// By POST to a URL.
    Webhook {
        /// The URL.
        url: Uri,
        /// Where the secret is that requests are signed with.
        secret: CredentialSource,
        /// How a request is put together.
        body: export::Body,
        /// Who vouches for the receiver.
        ca: Option<PathBuf>,
    },
}

#[derive(Clone, Copy)]
enum Kind {
    File,
    Syslog,
    Webhook,
}

/// Reads all of them.
pub fn exports(section: Option<Section<'_>>, reading: &mut Reading<'_, '_>) -> Vec<Export> {
    let Some(section) = section else { return Vec::new() };
    let mut exports: Vec<Export> = Vec::new();
    for (name, entry) in section.entries() {
        reading.plain_name(name, "an export", &entry.name_at);
        let Some(section) = entry.section(reading.found) else { continue };
        exports.extend(export(name, section, &exports, reading));
    }
    if exports.len() > EXPORTS_MAX {
        reading.found.error(&section.at, format!("has more than {EXPORTS_MAX} exports"), "name fewer");
    }
    exports
}

fn export(name: &str, mut section: Section<'_>, others: &[Export], reading: &mut Reading<'_, '_>) -> Option<Export> {
    let words = [("file", Kind::File), ("syslog", Kind::Syslog), ("webhook", Kind::Webhook)];
    let kind = section.required("kind", "kind = \"webhook\"", reading.found);
    let kind = kind.and_then(|entry| entry.one_of(&words, reading.found));
    let mut events = section.entry("events").map(|entry| events(&entry, reading));
    let words_of_switch = [("on", true), ("off", false)];
    let switch = section.entry("checkpoints").and_then(|entry| entry.one_of(&words_of_switch, reading.found));
    if let (Some(events), Some(true)) = (&mut events, switch) {
        events.insert(CHECKPOINT.to_owned());
    }
    let is_named = events.as_ref().is_some_and(|events| events.contains(CHECKPOINT));
    let checkpoints = is_named || switch == Some(true);
    // Which keys there are depends on it.
    let to = match kind? {
        Kind::File => file(&mut section, others, reading),
        Kind::Syslog => syslog(&mut section, reading),
        Kind::Webhook => webhook(name, &mut section, reading),
    };
    section.finish(reading.found);
    Some(Export { name: name.to_owned(), to: to?, events, checkpoints })
}

fn events(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> BTreeSet<String> {
    let mut events = BTreeSet::new();
    if entry.is_empty_list() {
        let help = "name some, or leave the key out and all are exported";
        reading.found.error(&entry.at, "names no kind of record", help);
    }
    for (at, event) in entry.texts(reading.found) {
        if EVENTS.contains(&event) {
            events.insert(event.to_owned());
            continue;
        }
        let help = match suggest::nearest(event, EVENTS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", EVENTS.join(", ")),
        };
        reading.found.error(&at, format!("{} is no kind of record that is exported", suggest::quoted(event)), help);
    }
    events
}

fn file(section: &mut Section<'_>, others: &[Export], reading: &mut Reading<'_, '_>) -> Option<ExportTo> {
    let entry = section.required("path", "path = \"/var/log/weir.jsonl\"", reading.found)?;
    let path = reading.path(&entry)?;
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    if others.iter().any(|other| matches!(&other.to, ExportTo::File(taken) if *taken == path)) {
        let help = "give each a file of its own: two that write one would cut each other's lines";
        reading.found.error(&entry.at, "is the file of another export", help);
        return None;
    }
    if path.exists() && !path.is_file() {
        reading.found.error(&entry.at, "is not a regular file", "name a file, which need not exist yet");
    } else if reading.look && !folder.is_dir() {
        let what = format!("{} is not a folder", folder.display());
        reading.found.error(&entry.at, what, "make it: Weir makes none outside of its state");
    }
    Some(ExportTo::File(path))
}

fn syslog(section: &mut Section<'_>, reading: &mut Reading<'_, '_>) -> Option<ExportTo> {
    let entry = section.required("address", "address = \"syslog.example.com:6514\"", reading.found);
    let address = entry.and_then(|entry| {
        let parsed = Address::parse(entry.text(reading.found)?);
        let help = "write host and port, like \"syslog.example.com:6514\" or \"127.0.0.1:601\"";
        parsed.map_err(|what| reading.found.error(&entry.at, what, help)).ok()
    });
    let (tls_entry, ca_entry) = (section.entry("tls"), section.entry("ca"));
    let words = [("verify", true), ("off", false)];
    let tls = tls_entry.as_ref().map_or(Some(true), |entry| entry.one_of(&words, reading.found));
    let ca = ca_entry.as_ref().and_then(|entry| certificates(entry, reading));
    if let (Some(entry), Some(false)) = (&ca_entry, tls) {
        let help = "leave it out, or set `tls = \"verify\"`";
        reading.found.error(&entry.name_at, "means nothing without TLS", help);
    }
    let address = address?;
    if let (Some(entry), Some(false), false) = (&tls_entry, tls, address.is_loopback()) {
        let help = "use \"verify\", with `ca` if the certificate is not of a public authority";
        reading.found.warn(&entry.at, "all records go over the network unprotected", help);
    }
    let Address { host, port } = address;
    Some(ExportTo::Syslog(export::SyslogTo { host, port, tls: tls?, ca }))
}

fn webhook(name: &str, section: &mut Section<'_>, reading: &mut Reading<'_, '_>) -> Option<ExportTo> {
    let url_entry = section.required("url", "url = \"https://siem.example.com/weir\"", reading.found);
    let url = url_entry.as_ref().and_then(|entry| {
        let located = export::location(entry.text(reading.found)?);
        let help = "write one like \"https://siem.example.com/weir\"";
        located.map_err(|what| reading.found.error(&entry.at, what, help)).ok()
    });
    let example = format!("secret = {{ env = \"{}_SECRET\" }}", name.to_uppercase().replace('-', "_"));
    let secret_entry = section.required("secret", &example, reading.found);
    let without = "nothing is exported there by a `weir serve` that runs like this";
    let secret = secret_entry.and_then(|entry| secret(&entry, &example, without, reading));
    let words = [("lines", export::Body::Lines), ("array", export::Body::Array)];
    let body = section.entry("body").map_or(Some(export::Body::Lines), |entry| entry.one_of(&words, reading.found));
    let ca_entry = section.entry("ca");
    let ca = ca_entry.as_ref().and_then(|entry| certificates(entry, reading));
    let (url, url_entry) = (url?, url_entry?);
    let is_plain = url.scheme_str() == Some("http");
    if let (Some(entry), true) = (&ca_entry, is_plain) {
        reading.found.error(&entry.name_at, "means nothing without TLS", "leave it out, or use https");
    }
    if is_plain && !export::is_on_this_machine(&url) {
        reading.found.warn(&url_entry.at, "all records go over the network unprotected", "use https");
    }
    Some(ExportTo::Webhook { url, secret: secret?, body: body?, ca })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_of_records_can_be_named() {
        let docs = include_str!("../../../../docs/evidence.md");
        let rows = docs.lines().skip_while(|line| !line.starts_with("| record (`event`)")).skip(2);
        let first = rows.take_while(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
        let described: BTreeSet<&str> = first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        assert_eq!(described, EVENTS.into_iter().collect());
    }
}
