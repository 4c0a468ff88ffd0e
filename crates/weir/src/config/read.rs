//! The sections of `weir.toml`, and what must hold between them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use policy::Severity;
use protocol_postgres::LoginLimits;
use rustls_pki_types::ServerName;
use toml::de::DeTable;

use super::problem::Problem;
use super::reader::{At, Entry, Findings, Section};
use super::{
    Address, Config, Durability, LOCAL_ISSUER, Listen, ScramUse, Tls, TlsPair, alerts, certificate, detection,
    evidence, export, issuer, postgres, suggest,
};

/// The most connections that may be logging in.
const LOGINS_MAX: u32 = 100_000;
/// The longest that a login may take.
const LOGIN_TIMEOUT_SECONDS_MAX: u32 = 300;
/// The most threads that serve sessions.
const WORKERS_MAX: u32 = 256;

/// Reads the whole text. `look` says whether the files that it names are looked at.
pub fn config(file: &Path, text: &str, look: bool) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
    let mut found = Findings::new(file, text);
    let (table, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        // Only the parser's words: its own rendering quotes the line, which may hold a secret.
        let at = At { key: String::new(), offset: error.span().map_or(0, |span| span.start) };
        let help = match error.message() {
            "duplicate key" => "keep one of the two",
            _ => "",
        };
        found.broken |= help.is_empty();
        found.error(&at, error.message(), help);
    }
    let folder = match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let config = Reading { folder, look, found: &mut found }.config(file, table.get_ref());
    let problems = found.finish();
    let sound = problems.iter().all(|problem| problem.severity == Severity::Warning);
    if sound { Ok((config, problems)) } else { Err(problems) }
}

/// What every section needs while it is read.
pub struct Reading<'a, 's> {
    folder: PathBuf,
    /// Whether named files and environment variables are looked at.
    pub look: bool,
    /// What was found wrong so far.
    pub found: &'a mut Findings<'s>,
}

impl Reading<'_, '_> {
    fn config(mut self, file: &Path, table: &DeTable<'_>) -> Config {
        let mut root = Section::root(table);
        let weir = self.section_of(&mut root, "weir");
        let (state, policies, durability, workers) = self.weir(weir);
        let listen_section = self.section_of(&mut root, "listen");
        let (listen, listen_at) = self.listen(listen_section);
        let tls = self.section_of(&mut root, "tls").map(|section| self.tls(section));
        let targets = self.targets(&mut root);
        let mut issuers = self.issuers(&mut root);
        let certificates = self.certificates(&mut root, &mut issuers.names);
        let groups = self.groups(&mut root, &issuers.names);
        let detect_section = self.section_of(&mut root, "detect");
        let detection = detection::detection(detect_section, &mut self);
        let evidence_section = self.section_of(&mut root, "evidence");
        let evidence = evidence::evidence(evidence_section, &mut self);
        let alerts_section = self.section_of(&mut root, "alerts");
        let alerts = alerts::alerts(alerts_section, &mut self);
        let export_section = self.section_of(&mut root, "export");
        let exports = export::exports(export_section, &mut self);
        root.finish(self.found);
        if self.look && writable_by_all(file) {
            let at = At { key: String::new(), offset: 0 };
            let help = format!("run: chmod o-w {}", file.display());
            self.found.warn(&at, "everyone on this machine can write this file", help);
        }
        self.cross_check(&targets, listen, listen_at.as_ref());
        Config {
            file: file.to_path_buf(),
            state,
            policies,
            durability,
            workers,
            listen,
            tls: tls.unwrap_or(Tls { pair: None, names: Vec::new() }),
            targets: targets.read.into_iter().map(|(name, target)| (name, target.target)).collect(),
            issuers: issuers.read,
            certificates,
            groups,
            detection,
            evidence,
            alerts,
            exports,
        }
    }

    fn section_of<'t>(&mut self, root: &mut Section<'t>, name: &'static str) -> Option<Section<'t>> {
        root.entry(name).and_then(|entry| entry.section(self.found))
    }

    fn weir(&mut self, section: Option<Section<'_>>) -> (PathBuf, PathBuf, Durability, usize) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(256);
        let defaults = (self.resolve("weir-state"), self.resolve("policies"), Durability::Written, cores);
        let Some(mut section) = section else {
            let at = At { key: "weir".into(), offset: 0 };
            self.folders((&defaults.0, &at), (&defaults.1, &at));
            return defaults;
        };
        let state = section.entry("state");
        let state_path = state.as_ref().and_then(|entry| self.path(entry)).unwrap_or(defaults.0);
        let policies = section.entry("policies");
        let policies_path = policies.as_ref().and_then(|entry| self.path(entry)).unwrap_or(defaults.1);
        let words = [("written", Durability::Written), ("synced", Durability::Synced)];
        let durability = section.entry("durability").and_then(|entry| entry.one_of(&words, self.found));
        let workers = section.entry("workers").and_then(|entry| entry.whole_number(1..=WORKERS_MAX, self.found));
        let state_at = state.as_ref().map_or(&section.at, |entry| &entry.at).clone();
        let policies_at = policies.as_ref().map_or(&section.at, |entry| &entry.at).clone();
        self.folders((&state_path, &state_at), (&policies_path, &policies_at));
        section.finish(self.found);
        let workers = workers.and_then(|n| usize::try_from(n).ok()).unwrap_or(defaults.3);
        (state_path, policies_path, durability.unwrap_or(defaults.2), workers)
    }

    /// Whoever may write into one of the two folders must not thereby write into the other.
    fn folders(&mut self, (state, state_at): (&Path, &At), (policies, policies_at): (&Path, &At)) {
        if plain(state) == plain(policies) {
            self.found.error(policies_at, "is the state folder as well", "give policies a folder of their own");
        } else if plain(policies).starts_with(plain(state)) {
            let help = "the state folder is Weir's own; give policies a folder beside it";
            self.found.error(policies_at, "is inside the state folder", help);
        } else if plain(state).starts_with(plain(policies)) {
            self.found.error(state_at, "is inside the policies folder", "give the state a folder of its own");
        }
        if self.look && writable_by_all(policies) {
            let help = format!("run: chmod o-w {}", policies.display());
            self.found.warn(policies_at, "everyone on this machine can write policies", help);
        }
        if state.exists() && !state.is_dir() {
            self.found.error(state_at, "is not a folder", "name a folder, which need not exist yet");
        }
    }

    /// Gives the place where a missing listener is missing; none if one is there, good or bad.
    fn listen(&mut self, section: Option<Section<'_>>) -> (Listen, Option<At>) {
        let nowhere = At { key: "listen".into(), offset: 0 };
        let Some(mut section) = section else {
            let logins = LoginLimits::default();
            return (Listen { postgres: None, api: None, logins, scram: ScramUse::default() }, Some(nowhere));
        };
        let mut missing_at = Some(section.at.clone());
        let mut postgres = None;
        if let Some(entry) = section.entry("postgres") {
            missing_at = None;
            let help = "write \"127.0.0.1:6432\" for this machine alone, \"0.0.0.0:6432\" for all its addresses";
            postgres = self.socket_address(&entry, help);
        }
        let api = section.entry("api").and_then(|entry| self.api(&entry, postgres));
        let words = [("minted", ScramUse::Minted), ("always", ScramUse::Always), ("never", ScramUse::Never)];
        let scram = section.entry("scram").and_then(|entry| entry.one_of(&words, self.found)).unwrap_or_default();
        let mut logins = LoginLimits::default();
        let mut number = |name: &'static str, max: u32| {
            let entry = section.entry(name)?;
            let number = entry.whole_number(1..=max, self.found)?;
            Some((usize::try_from(number).ok()?, entry.name_at))
        };
        let (all, per_address) = (number("logins_max", LOGINS_MAX), number("logins_per_address_max", LOGINS_MAX));
        let seconds = number("login_timeout_seconds", LOGIN_TIMEOUT_SECONDS_MAX);
        if let Some((all, _)) = all {
            logins.all_max = all;
            // Half of it, so that one address leaves seats for others.
            logins.per_address_max = all.div_ceil(2);
        }
        if let Some((per_address, at)) = per_address {
            logins.per_address_max = per_address;
            if per_address > logins.all_max {
                let help = "write less than `logins_max`, so that one address leaves room for others";
                self.found.error(&at, "is more than `logins_max`", help);
            }
        }
        if let Some((seconds, _)) = seconds {
            logins.time_max = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
        }
        section.finish(self.found);
        (Listen { postgres, api, logins, scram }, missing_at)
    }

    fn socket_address(&mut self, entry: &Entry<'_>, help: &str) -> Option<SocketAddr> {
        let text = entry.text(self.found)?;
        let address = text.parse::<SocketAddr>().ok();
        if address.is_none() {
            let what = format!("{} is not an IP address with a port", suggest::quoted(text));
            self.found.error(&entry.at, what, help);
        }
        address
    }

    /// Nothing there asks who is calling.
    fn api(&mut self, entry: &Entry<'_>, postgres: Option<SocketAddr>) -> Option<SocketAddr> {
        let api = self.socket_address(entry, "write \"127.0.0.1:6400\"")?;
        if postgres == Some(api) && api.port() != 0 {
            self.found.error(&entry.at, "is the address of `postgres` as well", "give it another port");
        }
        if !api.ip().to_canonical().is_loopback() {
            let what = "others than this machine can ask here, and nobody is asked who they are";
            let help = "write \"127.0.0.1:6400\", or see to it that only who collects metrics gets there";
            self.found.warn(&entry.at, what, help);
        }
        Some(api)
    }

    fn tls(&mut self, mut section: Section<'_>) -> Tls {
        let (cert, key) = (section.entry("cert"), section.entry("key"));
        let names_entry = section.entry("names");
        let pair = match (&cert, &key) {
            (Some(cert), Some(key)) => self.pair(cert, key),
            (Some(entry), None) => self.half(entry, "key"),
            (None, Some(entry)) => self.half(entry, "cert"),
            (None, None) => None,
        };
        let mut names = Vec::new();
        for (at, name) in names_entry.as_ref().map(|entry| entry.texts(self.found)).unwrap_or_default() {
            if ServerName::try_from(name).is_err() {
                let what = format!("{} is neither a DNS name nor an IP address", suggest::quoted(name));
                self.found.error(&at, what, "write names like \"db.example.com\", without port or wildcard");
            }
            names.push(name.to_owned());
        }
        if let (Some(entry), Some(_)) = (&names_entry, &cert) {
            let help = "leave `names` out, or `cert` and `key`";
            self.found.error(&entry.name_at, "names are for the certificate that Weir makes, and one is given", help);
        }
        section.finish(self.found);
        Tls { pair, names }
    }

    fn half(&mut self, entry: &Entry<'_>, other: &str) -> Option<TlsPair> {
        let help = format!("add `{other} = \"…\"`, or leave both out and Weir makes its own certificate");
        self.found.error(&entry.name_at, format!("is given without `{other}`"), help);
        None
    }

    fn pair(&mut self, cert: &Entry<'_>, key: &Entry<'_>) -> Option<TlsPair> {
        let pair = TlsPair { cert: self.path(cert)?, key: self.path(key)? };
        if self.look
            && let Err(error) = crate::tls::load_pair(&pair.cert, &pair.key, SystemTime::now())
        {
            let at = if error.file == pair.key { &key.at } else { &cert.at };
            self.found.error(at, format!("{}: {}", error.file.display(), error.what), error.help);
        }
        Some(pair)
    }

    /// The pair that Weir shows to a target.
    pub fn client_pair(&mut self, cert: &Entry<'_>, key: &Entry<'_>) -> Option<protocol_postgres::ClientPair> {
        self.pair(cert, key).map(|TlsPair { cert, key }| protocol_postgres::ClientPair { cert, key })
    }

    fn targets(&mut self, root: &mut Section<'_>) -> Targets {
        let mut targets = Targets { named: 0, read: BTreeMap::new() };
        let Some(entry) = root.entry("targets") else { return targets };
        let Some(section) = entry.section(self.found) else { return targets };
        for (name, entry) in section.entries() {
            targets.named = targets.named.saturating_add(1);
            self.target_name(name, &entry.name_at);
            let Some(section) = entry.section(self.found) else { continue };
            if let Some(target) = postgres::target(name, section, self) {
                targets.read.insert(name.to_owned(), target);
            }
        }
        targets
    }

    fn issuers(&mut self, root: &mut Section<'_>) -> Issuers {
        let mut issuers = Issuers { names: BTreeSet::from([LOCAL_ISSUER.to_owned()]), read: Vec::new() };
        let Some(entry) = root.entry("issuers") else { return issuers };
        let Some(section) = entry.section(self.found) else { return issuers };
        for (name, entry) in section.entries() {
            issuers.names.insert(name.to_owned());
            let Some(section) = entry.section(self.found) else { continue };
            issuers.read.extend(issuer::issuer(name, section, self));
        }
        issuers
    }

    /// Authorities of certificates. Their names begin ids, as those of issuers do.
    fn certificates(
        &mut self,
        root: &mut Section<'_>,
        names: &mut BTreeSet<String>,
    ) -> Vec<identity::CertificateConfig> {
        let Some(entry) = root.entry("certificates") else { return Vec::new() };
        let Some(section) = entry.section(self.found) else { return Vec::new() };
        let mut read = Vec::new();
        for (name, entry) in section.entries() {
            if name != LOCAL_ISSUER && !names.insert(name.to_owned()) {
                let help = "choose another name: ids begin with it, and would not tell the two apart";
                self.found.error(&entry.name_at, "is the name of an issuer as well", help);
            }
            let Some(section) = entry.section(self.found) else { continue };
            read.extend(certificate::certificate(name, section, self));
        }
        read
    }

    fn groups(&mut self, root: &mut Section<'_>, issuers: &BTreeSet<String>) -> BTreeMap<String, BTreeSet<String>> {
        let Some(entry) = root.entry("groups") else { return BTreeMap::new() };
        let Some(section) = entry.section(self.found) else { return BTreeMap::new() };
        let mut groups = BTreeMap::new();
        for (name, entry) in section.entries() {
            self.group_name(name, &entry.name_at);
            let mut members = BTreeSet::new();
            for (at, member) in entry.texts(self.found) {
                self.member(&at, member, issuers);
                members.insert(member.to_owned());
            }
            groups.insert(name.to_owned(), members);
        }
        groups
    }

    fn member(&mut self, at: &At, member: &str, issuers: &BTreeSet<String>) {
        match member.split_once(':') {
            Some((issuer, name)) if !name.is_empty() && issuers.contains(issuer) => {
                if name.len() > 200 || name.trim() != name {
                    let help = "write the name as its issuer gives it, at most 200 bytes, without spaces around it";
                    self.found.error(at, format!("{member:?} is no name that anyone can have"), help);
                }
            }
            Some((issuer, _)) if !issuers.contains(issuer) => {
                let help = match suggest::nearest(issuer, issuers.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        format!("add [issuers.{issuer}], or use `{LOCAL_ISSUER}:` for those with a token of Weir's own")
                    }
                };
                self.found.error(at, format!("no issuer is named {}", suggest::quoted(issuer)), help);
            }
            _ => {
                let what = format!("{member:?} does not say whose name it is");
                let help = format!("write issuer and name, like \"{LOCAL_ISSUER}:alice@example.com\"");
                self.found.error(at, what, help);
            }
        }
    }

    fn cross_check(&mut self, targets: &Targets, listen: Listen, missing_at: Option<&At>) {
        if targets.named == 0 && !self.found.broken {
            let at = At { key: String::new(), offset: 0 };
            self.found.warn(&at, "no target is configured, so nothing can be reached", "add a [targets.NAME] section");
        }
        if let Some(at) = missing_at.filter(|_| targets.named > 0) {
            self.found.missing(at, "postgres", "add `postgres = \"127.0.0.1:6432\"` under [listen]");
        }
        let listeners = [listen.postgres, listen.api];
        let is_own = |address: &Address| listeners.iter().flatten().any(|listener| address.is_listener(*listener));
        for target in targets.read.values().filter(|read| is_own(&read.target.address)) {
            let help = "write the address of the database itself";
            self.found.error(&target.address_at, "is Weir's own listener", help);
        }
    }

    /// A path, relative to the configuration's folder.
    pub fn path(&mut self, entry: &Entry<'_>) -> Option<PathBuf> {
        entry.text(self.found).map(|text| self.resolve(text))
    }

    fn resolve(&self, path: &str) -> PathBuf {
        let path = Path::new(path);
        // `./weir-state` reads worse than `weir-state` in every message.
        if path.is_absolute() || self.folder == Path::new(".") { path.to_path_buf() } else { self.folder.join(path) }
    }

    /// A file that must be there and readable.
    pub fn file(&mut self, entry: &Entry<'_>) -> Option<PathBuf> {
        let path = self.path(entry)?;
        if self.look
            && let Err(error) = std::fs::File::open(&path)
        {
            self.found.error(&entry.at, format!("{} can't be read: {error}", path.display()), "");
        }
        Some(path)
    }

    /// Names of targets stand in ids, in what callers type, and one day in DNS names.
    fn target_name(&mut self, name: &str, at: &At) {
        self.plain_name(name, "a target", at);
    }

    /// Names of what has a file or an address of its own; `what` is what is named.
    pub fn plain_name(&mut self, name: &str, what: &str, at: &At) {
        let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let rest = |c: char| first(c) || c == '_' || c == '-';
        if !(name.starts_with(first) && name.chars().all(rest) && name.len() <= 63) {
            let help = "use lower-case letters, digits, `_` and `-`, at most 63, a letter or digit first";
            self.found.error(at, format!("is no name for {what}"), help);
        }
    }

    /// Names of groups, environments and labels stand in policies.
    pub fn group_name(&mut self, name: &str, at: &At) {
        let ok = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        if name.is_empty() || name.len() > 100 || !name.chars().all(ok) {
            let help = "use letters, digits, `.`, `_`, `-` and `/`, at most 100";
            self.found.error(at, "is no name that a policy can use", help);
        }
    }
}

struct Targets {
    /// How many there are, well-formed or not.
    named: usize,
    read: BTreeMap<String, postgres::Read>,
}

struct Issuers {
    /// All that are named, well-formed or not, and Weir's own.
    names: BTreeSet<String>,
    read: Vec<identity::IssuerConfig>,
}

fn writable_by_all(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0)
}

/// The path without `.` parts, for comparing.
fn plain(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}
