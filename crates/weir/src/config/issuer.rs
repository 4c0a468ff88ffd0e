//! `[issuers.NAME]`: a service whose signed tokens are accepted.
//!
//! Only the reading is here: what an issuer may say is `identity`'s matter, and so are the words for what is wrong.

use identity::{Condition, IssuerConfig, KeySource, SignatureAlgorithm, SyntaxError, Template};
use model::PrincipalKind;

use super::postgres::certificates;
use super::read::Reading;
use super::reader::{At, Entry, Section};

/// Reads one issuer. `None` if something is missing or wrong, which is then in the findings.
pub fn issuer(name: &str, mut section: Section<'_>, reading: &mut Reading<'_, '_>) -> Option<IssuerConfig> {
    let url_entry = section.required("url", "url = \"https://issuer.example.com\"", reading.found);
    let url = url_entry.as_ref().and_then(|entry| entry.text(reading.found));
    let audience_entry = section.required("audience", "audience = \"weir-acme-prod\"", reading.found);
    let audience = audience_entry.as_ref().and_then(|entry| entry.text(reading.found));
    let (user, workload) = (section.entry("user"), section.entry("workload"));
    let (kind, principal_entry) = match (&user, &workload) {
        (Some(user), None) => (PrincipalKind::User, Some(user)),
        (None, Some(workload)) => (PrincipalKind::Workload, Some(workload)),
        (Some(_), Some(workload)) => {
            let help = "keep one: an issuer's tokens are of people or of workloads; two kinds are two issuers";
            reading.found.error(&workload.name_at, "is given beside `user`", help);
            (PrincipalKind::Workload, None)
        }
        (None, None) => {
            let help = "add `user = \"{email}\"` for people, or `workload = \"{repository}\"` for jobs and services";
            reading.found.missing(&section.at, "user", help);
            (PrincipalKind::Workload, None)
        }
    };
    let principal = principal_entry.and_then(|entry| parsed(entry, Template::parse, reading));
    let jwks_entry = section.entry("jwks");
    let jwks = jwks_entry.as_ref().map_or(Some(KeySource::Discover), |entry| keys(entry, reading));
    let owner_entry = section.entry("owner");
    let owner = owner_entry.as_ref().and_then(|entry| parsed(entry, Template::parse, reading));
    if let (Some(entry), PrincipalKind::User, true) = (&owner_entry, kind, workload.is_none() && user.is_some()) {
        let help = "leave it out, or write `workload` in place of `user`";
        reading.found.error(&entry.name_at, "only workloads have an owner", help);
    }
    let run = section.entry("run").and_then(|entry| parsed(&entry, Template::parse, reading));
    let groups_entry = section.entry("groups");
    let groups = groups_entry.as_ref().map(|entry| groups(entry, reading)).unwrap_or_default();
    let algorithms_entry = section.entry("algorithms");
    let algorithms = algorithms_entry.as_ref().map(|entry| algorithms(entry, reading));
    let ca = section.entry("ca").and_then(|entry| certificates(&entry, reading));
    let leeway = seconds(&mut section, "leeway_seconds", IssuerConfig::LEEWAY_SECONDS_MAX, reading);
    let stale = seconds(&mut section, "stale_seconds_max", IssuerConfig::STALE_SECONDS_MAX, reading);

    // What is missing was said; the rest is looked at all the same, with something harmless in its place.
    let whole = url.is_some() && audience.is_some() && principal.is_some() && jwks.is_some();
    let stand_in = Template::parse("{sub}").ok()?;
    let (some_url, some_audience) = (url.unwrap_or("https://issuer.example.com"), audience.unwrap_or("weir"));
    let mut config = IssuerConfig::new(name, some_url, some_audience, kind, principal.unwrap_or(stand_in));
    config.jwks = jwks.unwrap_or(KeySource::Discover);
    config.ca = ca;
    config.owner = owner;
    config.groups = groups;
    config.run = run;
    config.algorithms = algorithms.unwrap_or(config.algorithms);
    config.leeway_seconds = leeway.unwrap_or(config.leeway_seconds);
    config.stale_seconds_max = stale.unwrap_or(config.stale_seconds_max);
    for problem in config.problems() {
        let entry = match problem.key.as_str() {
            "url" => &url_entry,
            "audience" => &audience_entry,
            "principal" => {
                if user.is_some() {
                    &user
                } else {
                    &workload
                }
            }
            "jwks" => &jwks_entry,
            "owner" => &owner_entry,
            "groups" => &groups_entry,
            "algorithms" => &algorithms_entry,
            _ => &None,
        };
        say(entry.as_ref().map_or(&section.at, |entry| &entry.at), &problem.message, reading);
    }
    section.finish(reading.found);
    whole.then_some(config)
}

/// Says `it is wrong; what would be right` as the two things that it is.
pub fn say(at: &At, message: &str, reading: &mut Reading<'_, '_>) {
    let (what, help) = message.split_once("; ").unwrap_or((message, ""));
    reading.found.error(at, what, help);
}

/// A template or a condition, with the place inside it where it went wrong.
pub fn parsed<T>(
    entry: &Entry<'_>,
    parse: impl Fn(&str) -> Result<T, SyntaxError>,
    reading: &mut Reading<'_, '_>,
) -> Option<T> {
    let told = |error: SyntaxError| format!("at its character {}: {}", error.column, error.message);
    parse(entry.text(reading.found)?).map_err(|error| say(&entry.at, &told(error), reading)).ok()
}

fn keys(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> Option<KeySource> {
    let mut section = entry.section(reading.found)?;
    let (file, url) = (section.entry("file"), section.entry("url"));
    let unknown = section.entries().any(|(key, _)| key != "file" && key != "url");
    let source = match (&file, &url) {
        (Some(entry), None) => reading.file(entry).map(KeySource::File),
        (None, Some(entry)) => entry.text(reading.found).map(|url| KeySource::Url(url.to_owned())),
        (Some(_), Some(entry)) => {
            reading.found.error(&entry.name_at, "is given beside `file`", "keep one of the two");
            None
        }
        (None, None) => {
            if !unknown {
                let help = "write { file = \"…\" } or { url = \"https://…\" }, or leave it out: the issuer says itself";
                reading.found.error(&entry.at, "says nowhere to look", help);
            }
            None
        }
    };
    section.finish(reading.found);
    source
}

pub fn groups(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> Vec<(String, Condition)> {
    let Some(section) = entry.section(reading.found) else { return Vec::new() };
    let mut groups = Vec::new();
    for (name, entry) in section.entries() {
        reading.group_name(name, &entry.name_at);
        let condition = parsed(&entry, Condition::parse, reading);
        groups.extend(condition.map(|condition| (name.to_owned(), condition)));
    }
    groups
}

fn algorithms(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> Vec<SignatureAlgorithm> {
    let texts = entry.texts(reading.found);
    if texts.is_empty() && entry.is_empty_list() {
        return Vec::new();
    }
    let mut algorithms = Vec::new();
    for (at, text) in texts {
        match SignatureAlgorithm::parse(text) {
            Ok(algorithm) => algorithms.push(algorithm),
            Err(what) => reading.found.error(&at, what, ""),
        }
    }
    // Nothing but wrong names was said already, and is not "empty" as well.
    if algorithms.is_empty() { SignatureAlgorithm::DEFAULT.to_vec() } else { algorithms }
}

fn seconds(section: &mut Section<'_>, name: &'static str, max: u64, reading: &mut Reading<'_, '_>) -> Option<u64> {
    let max = u32::try_from(max).unwrap_or(u32::MAX);
    section.entry(name).and_then(|entry| entry.whole_number(0..=max, reading.found)).map(u64::from)
}
