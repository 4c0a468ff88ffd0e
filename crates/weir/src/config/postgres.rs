//! `[targets.NAME]` of kind `postgres`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use credentials::CredentialSource;
use model::{ClassId, OnWrite, RecordingLevel, RecordingRule, Sight, TokenScope};
use protocol_postgres::{BindingUse, TargetLogin, TargetTls, TlsNegotiation};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use sql_postgres::ClassRules;

use super::address::Address;
use super::read::Reading;
use super::reader::{At, Entry, Section};
use super::secret::secret;
use super::suggest;
use crate::time_span;

/// How long a connection to a target may take when nothing else is said, in seconds.
const CONNECT_TIMEOUT_SECONDS: u32 = 10;
/// The longest that can be said.
const CONNECT_TIMEOUT_SECONDS_MAX: u32 = 300;
/// PostgreSQL cuts longer names.
const PG_NAME_BYTES_MAX: usize = 63;

/// A PostgreSQL server and one or more of its databases.
#[derive(Clone, Debug)]
pub struct PostgresTarget {
    /// The target as policies see it.
    pub target: model::Target,
    /// Where it is.
    pub address: Address,
    /// The database that callers reach by the target's name.
    pub database: String,
    /// More databases, which callers reach as `target/database`.
    pub databases: Vec<String>,
    /// Weir's own role there.
    pub user: String,
    /// Where that role's password is kept.
    pub password: CredentialSource,
    /// How the way there is protected.
    pub tls: TargetTls,
    /// How a connection begins, and how Weir proves itself.
    pub login: TargetLogin,
    /// Which columns hold which class, and what is done with all others.
    pub class_rules: ClassRules,
    /// Whether the values of all others are looked at.
    pub detects: bool,
    /// The classes that the rules give, which policies may name.
    pub class_ids: BTreeSet<ClassId>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long its recordings are kept once their sessions are over. None: for ever.
    pub retention: Option<Duration>,
}

/// A target as it was read, with the place of what is checked later.
pub struct Read {
    pub target: PostgresTarget,
    pub address_at: At,
}

/// What a password that can't be had leads to.
const WITHOUT_PASSWORD: &str = "the target can't be reached by a `weir serve` that runs like this";

/// Reads one target. `None` if something is missing or wrong, which is then in the findings.
pub fn target(name: &str, mut section: Section<'_>, reading: &mut Reading<'_, '_>) -> Option<Read> {
    let protocol = sql_postgres::VOCABULARY.protocol;
    let kind = section.required("kind", "kind = \"postgres\"", reading.found);
    if let Some(kind) = kind {
        kind.one_of(&[(protocol, ())], reading.found);
    }
    let address_entry = section.required("address", "address = \"127.0.0.1:5432\"", reading.found);
    let address = address_entry.as_ref().and_then(|entry| address(entry, reading));
    let database_entry = section.required("database", "database = \"shop\"", reading.found);
    let database = database_entry.as_ref().and_then(|entry| pg_name(entry, reading));
    let databases = section.entry("databases").map(|entry| databases(&entry, database, reading)).unwrap_or_default();
    let user_entry = section.required("user", "user = \"weir\"", reading.found);
    let user = user_entry.as_ref().and_then(|entry| pg_name(entry, reading));
    let example = format!("password = {{ env = \"{}_PASSWORD\" }}", name.to_uppercase().replace('-', "_"));
    let password_entry = section.required("password", &example, reading.found);
    let password = password_entry.as_ref().and_then(|entry| secret(entry, &example, WITHOUT_PASSWORD, reading));
    let env = section.entry("env").and_then(|entry| {
        let text = entry.text(reading.found)?;
        reading.group_name(text, &entry.at);
        Some(Arc::from(text))
    });
    let labels = section.entry("labels").map(|entry| labels(&entry, reading)).unwrap_or_default();
    let tls = tls(&mut section, address.as_ref(), reading);
    let login = login(&mut section, &tls, reading);
    let words = [("show", Unclassified::Show), ("hide", Unclassified::Hide)];
    let unclassified = section.entry("unclassified").and_then(|entry| entry.one_of(&words, reading.found));
    let unclassified = unclassified.unwrap_or(Unclassified::Show);
    let words = [("on", true), ("off", false)];
    let detects = section.entry("detect").and_then(|entry| entry.one_of(&words, reading.found)).unwrap_or(true);
    let words = [("session", TokenScope::Session), ("run", TokenScope::Run), ("target", TokenScope::Target)];
    let token_scope = section.entry("token_scope").and_then(|entry| entry.one_of(&words, reading.found));
    let token_scope = token_scope.unwrap_or_default();
    let recording = recording(&mut section, reading);
    let retention = section.entry("retention").and_then(|entry| retention(&entry, recording.level, reading));
    let seconds = section
        .entry("connect_timeout_seconds")
        .and_then(|entry| entry.whole_number(1..=CONNECT_TIMEOUT_SECONDS_MAX, reading.found))
        .unwrap_or(CONNECT_TIMEOUT_SECONDS);
    let (class_rules, class_ids) = classes(section.entry("classes"), unclassified, reading);
    section.finish(reading.found);
    let target = PostgresTarget {
        target: model::Target { id: model::TargetId(name.into()), protocol, env, labels, token_scope, recording },
        address: address?,
        database: database?.to_owned(),
        databases,
        user: user?.to_owned(),
        password: password?,
        tls,
        login,
        class_rules,
        detects,
        class_ids,
        connect_timeout: Duration::from_secs(seconds.into()),
        retention,
    };
    Some(Read { target, address_at: address_entry?.at })
}

fn recording(section: &mut Section<'_>, reading: &mut Reading<'_, '_>) -> RecordingRule {
    let usual = RecordingRule::default();
    let levels =
        [RecordingLevel::Full, RecordingLevel::Metadata, RecordingLevel::Off].map(|level| (level.as_str(), level));
    let level = section.entry("recording").and_then(|entry| entry.one_of(&levels, reading.found));
    let sights = [Sight::Token, Sight::Partial, Sight::Nothing, Sight::Clear].map(|sight| (sight.as_str(), sight));
    let sight = section.entry("record_sight").and_then(|entry| entry.one_of(&sights, reading.found));
    RecordingRule { level: level.unwrap_or(usual.level), sight: sight.unwrap_or(usual.sight) }
}

fn retention(entry: &Entry<'_>, level: RecordingLevel, reading: &mut Reading<'_, '_>) -> Option<Duration> {
    let text = entry.text(reading.found)?;
    let parsed = time_span::parse(text);
    if level == RecordingLevel::Off {
        // No error: of a target that was recorded once there are recordings, and they are to go.
        let what = "nothing is recorded of this target: what was recorded before is deleted after that time";
        reading.found.warn(&entry.name_at, what, "add `recording = \"full\"`, or leave it out and nothing is deleted");
    }
    let help = "write how long recordings are kept, like \"90d\"; 90s, 30m and 8h are possible too";
    parsed
        .map_err(|_| reading.found.error(&entry.at, format!("{} is no span of time", suggest::quoted(text)), help))
        .ok()
}

fn address(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> Option<Address> {
    let text = entry.text(reading.found)?;
    match Address::parse(text) {
        Ok(address) => Some(address),
        Err(what) => {
            let help = "write host and port, like \"db.example.com:5432\" or \"[2001:db8::7]:5432\"";
            reading.found.error(&entry.at, format!("{} {what}", suggest::quoted(text)), help);
            None
        }
    }
}

/// The name of a database or role.
fn pg_name<'t>(entry: &Entry<'t>, reading: &mut Reading<'_, '_>) -> Option<&'t str> {
    let text = entry.text(reading.found)?;
    if text.len() > PG_NAME_BYTES_MAX {
        let what = format!("is longer than the {PG_NAME_BYTES_MAX} bytes that PostgreSQL keeps of a name");
        reading.found.error(&entry.at, what, "");
        return None;
    }
    Some(text)
}

fn databases(entry: &Entry<'_>, database: Option<&str>, reading: &mut Reading<'_, '_>) -> Vec<String> {
    let mut names = Vec::new();
    for (at, name) in entry.texts(reading.found) {
        if Some(name) == database {
            let help =
                "leave it out here: `database` is always reachable, by the target's name alone and as target/database";
            reading.found.error(&at, "is `database` already", help);
        } else if name.len() > PG_NAME_BYTES_MAX {
            let what = format!("is longer than the {PG_NAME_BYTES_MAX} bytes that PostgreSQL keeps of a name");
            reading.found.error(&at, what, "");
        }
        names.push(name.to_owned());
    }
    names
}

fn labels(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> Vec<(Arc<str>, Arc<str>)> {
    let Some(section) = entry.section(reading.found) else { return Vec::new() };
    let mut labels = Vec::new();
    for (name, entry) in section.entries() {
        reading.group_name(name, &entry.name_at);
        if let Some(text) = entry.text(reading.found) {
            labels.push((Arc::from(name), Arc::from(text)));
        }
    }
    labels
}

#[derive(Clone, Copy, PartialEq)]
enum Unclassified {
    Show,
    Hide,
}

#[derive(Clone, Copy, PartialEq)]
enum TlsMode {
    Off,
    Require,
    Verify,
}

fn tls(section: &mut Section<'_>, address: Option<&Address>, reading: &mut Reading<'_, '_>) -> TargetTls {
    let words = [("verify", TlsMode::Verify), ("require", TlsMode::Require), ("off", TlsMode::Off)];
    let entry = section.entry("tls");
    let mode = entry.as_ref().map_or(Some(TlsMode::Verify), |entry| entry.one_of(&words, reading.found));
    let (ca, server_name) = (section.entry("ca"), section.entry("server_name"));
    if let (Some(entry), Some(address)) = (&entry, address)
        && !address.is_loopback()
    {
        let help = "use \"verify\", with `ca` if the certificate is not of a public authority";
        match mode {
            Some(TlsMode::Off) => {
                reading.found.warn(
                    &entry.at,
                    "all data, and the proof of the password, go over the network unprotected",
                    help,
                );
            }
            Some(TlsMode::Require) => {
                reading.found.warn(
                    &entry.at,
                    "the server's certificate is not checked: anyone in between can read",
                    help,
                );
            }
            _ => {}
        }
    }
    if mode.is_some_and(|mode| mode != TlsMode::Verify) {
        for unused in [&ca, &server_name].into_iter().flatten() {
            let help = "leave it out, or set `tls = \"verify\"`";
            reading.found.error(&unused.name_at, "has no effect unless the certificate is checked", help);
        }
    }
    let server_name = server_name.and_then(|entry| {
        let text = entry.text(reading.found)?;
        if ServerName::try_from(text).is_err() {
            let what = format!("{} is neither a DNS name nor an IP address", suggest::quoted(text));
            reading.found.error(&entry.at, what, "write the name in the server's certificate");
        }
        Some(text.to_owned())
    });
    let ca = ca.and_then(|entry| certificates(&entry, reading));
    match mode {
        Some(TlsMode::Off) => TargetTls::Off,
        Some(TlsMode::Require) => TargetTls::Require,
        Some(TlsMode::Verify) | None => TargetTls::Verify { ca, server_name },
    }
}

/// What beside the password makes up the login. All of it needs TLS.
fn login(section: &mut Section<'_>, tls: &TargetTls, reading: &mut Reading<'_, '_>) -> TargetLogin {
    let negotiation_entry = section.entry("tls_negotiation");
    let binding_entry = section.entry("channel_binding");
    let (cert, key) = (section.entry("client_cert"), section.entry("client_key"));
    if *tls == TargetTls::Off {
        for unused in [&negotiation_entry, &binding_entry, &cert, &key].into_iter().flatten() {
            let help = "leave it out, or set `tls = \"verify\"`";
            reading.found.error(&unused.name_at, "has no effect without TLS", help);
        }
    }
    let words = [("postgres", TlsNegotiation::Postgres), ("direct", TlsNegotiation::Direct)];
    let negotiation = negotiation_entry.and_then(|entry| entry.one_of(&words, reading.found)).unwrap_or_default();
    let words = [("prefer", BindingUse::Prefer), ("require", BindingUse::Require), ("off", BindingUse::Off)];
    let channel_binding = binding_entry.and_then(|entry| entry.one_of(&words, reading.found)).unwrap_or_default();
    let certificate = match (&cert, &key) {
        (Some(cert), Some(key)) => reading.client_pair(cert, key),
        (None, None) => None,
        (Some(given), None) | (None, Some(given)) => {
            let other = if cert.is_some() { "client_key" } else { "client_cert" };
            let help = format!("add `{other} = \"…\"`: a certificate is of use with its key alone");
            reading.found.error(&given.name_at, format!("is given without `{other}`"), help);
            None
        }
    };
    TargetLogin { negotiation, channel_binding, certificate }
}

/// A file with at least one certificate.
pub fn certificates(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> Option<PathBuf> {
    let path = reading.file(entry)?;
    if reading.look
        && let Ok(bytes) = std::fs::read(&path)
    {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        if !certificates.is_ok_and(|list| !list.is_empty()) {
            let help = "it must hold certificates as PEM, \"-----BEGIN CERTIFICATE-----\"";
            reading.found.error(&entry.at, format!("{} holds no certificate", path.display()), help);
        }
    }
    Some(path)
}

fn classes(
    entry: Option<Entry<'_>>,
    unclassified: Unclassified,
    reading: &mut Reading<'_, '_>,
) -> (ClassRules, BTreeSet<ClassId>) {
    let hidden = unclassified == Unclassified::Hide;
    let section = entry.and_then(|entry| entry.section(reading.found));
    let (mut lines, mut on_write) = (Vec::new(), Vec::new());
    for (pattern, entry) in section.iter().flat_map(Section::entries) {
        let (class, less) = match entry.is_table() {
            true => class_with_more(&entry, reading),
            false => (class(&entry, reading), None),
        };
        let Some(class) = class else { continue };
        on_write.extend(less.map(|less| (pattern, less)));
        // One by one, so that each fault has its place.
        match ClassRules::parse([(pattern, class.clone())], hidden) {
            Ok(_) => lines.push((pattern, class)),
            Err(errors) => {
                for error in errors {
                    let (what, help) = error.reason.split_once("; ").unwrap_or((error.reason, ""));
                    reading.found.error(&entry.name_at, what, help);
                }
            }
        }
    }
    let mut ids: BTreeSet<ClassId> = lines.iter().map(|(_, class)| class.clone()).collect();
    if hidden {
        ids.extend(ClassId::parse("unclassified"));
    }
    let rules = ClassRules::parse(lines, hidden).unwrap_or_default();
    (on_write.into_iter().fold(rules, |rules, (pattern, less)| rules.on_write(pattern, less)), ids)
}

/// The name of a class.
pub fn class(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> Option<ClassId> {
    let text = entry.text(reading.found)?;
    let class = ClassId::parse(text);
    if class.is_none() {
        let what = format!("{} is no name of a class", suggest::quoted(text));
        let help = "use lower-case letters, digits and `_`, in parts joined by dots, like \"pii.email\"";
        reading.found.error(&entry.at, what, help);
    }
    class
}

/// A class, and what its columns may be given in the place of values.
fn class_with_more(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> (Option<ClassId>, Option<OnWrite>) {
    let Some(mut section) = entry.section(reading.found) else { return (None, None) };
    if !section.entries().any(|(key, _)| key == "class" || key == "on_write") {
        let help = "write the whole pattern as one key in quotes: \"public.customers.email\" = \"pii.email\"";
        reading.found.error(&entry.name_at, "is not in quotes", help);
        return (None, None);
    }
    let class = section.required("class", "class = \"pii.email\"", reading.found);
    let class = class.and_then(|entry| self::class(&entry, reading));
    let words = [("partial", OnWrite::Partial), ("token", OnWrite::Token)];
    let less = section.entry("on_write").and_then(|entry| entry.one_of(&words, reading.found));
    section.finish(reading.found);
    (class, less)
}
