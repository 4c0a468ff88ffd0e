//! `[certificates.NAME]`: an authority whose certificates are accepted from callers.
//!
//! Only the reading is here: what a certificate may say is `identity`'s matter.

use identity::{CertificateConfig, Template};
use model::PrincipalKind;

use super::issuer::{groups, parsed, say};
use super::postgres::certificates;
use super::read::Reading;
use super::reader::Section;

/// Reads one authority. `None` if something is missing or wrong, which is then in the findings.
pub fn certificate(name: &str, mut section: Section<'_>, reading: &mut Reading<'_, '_>) -> Option<CertificateConfig> {
    let ca_entry = section.required("ca", "ca = \"clients.pem\"", reading.found);
    let ca = ca_entry.as_ref().and_then(|entry| certificates(entry, reading));
    let (user, workload) = (section.entry("user"), section.entry("workload"));
    let (kind, principal_entry) = match (&user, &workload) {
        (Some(user), None) => (PrincipalKind::User, Some(user)),
        (None, Some(workload)) => (PrincipalKind::Workload, Some(workload)),
        (Some(_), Some(workload)) => {
            let help = "keep one: an authority's certificates are of people or of workloads";
            reading.found.error(&workload.name_at, "is given beside `user`", help);
            (PrincipalKind::Workload, None)
        }
        (None, None) => {
            let help = "add `user = \"{email}\"` for people, or `workload = \"{cn}\"` for jobs and services";
            reading.found.missing(&section.at, "user", help);
            (PrincipalKind::Workload, None)
        }
    };
    let principal = principal_entry.and_then(|entry| parsed(entry, Template::parse, reading));
    let owner_entry = section.entry("owner");
    let owner = owner_entry.as_ref().and_then(|entry| parsed(entry, Template::parse, reading));
    if let (Some(entry), Some(_)) = (&owner_entry, &user) {
        let help = "leave it out, or write `workload` in place of `user`";
        reading.found.error(&entry.name_at, "only workloads have an owner", help);
    }
    let groups = section.entry("groups").map(|entry| groups(&entry, reading)).unwrap_or_default();
    let revoked_entry = section.entry("revoked");
    let revoked = revoked_entry.as_ref().and_then(|entry| reading.file(entry));
    let at = section.at.clone();
    section.finish(reading.found);
    let config =
        CertificateConfig { name: name.to_owned(), ca: ca?, kind, principal: principal?, owner, groups, revoked };
    for problem in config.problems() {
        let entry = match problem.key.as_str() {
            "principal" => principal_entry,
            "owner" => owner_entry.as_ref(),
            _ => None,
        };
        say(entry.map_or(&at, |entry| &entry.at), &problem.message, reading);
    }
    Some(config)
}
