//! `{ env = "NAME" }` or `{ file = "path" }`: where a secret is.

use credentials::CredentialSource;

use super::read::Reading;
use super::reader::Entry;

/// Where a secret is kept. The secret itself in its place is an error, and is not repeated. `without` says what a secret that
/// can't be had leads to.
pub fn secret(
    entry: &Entry<'_>,
    example: &str,
    without: &str,
    reading: &mut Reading<'_, '_>,
) -> Option<CredentialSource> {
    if entry.is_text() {
        let help = format!(
            "secrets are named by where they are kept, never written down: `{example}`, or {{ file = \"…\" }}; and \
             change this one if the file was ever shared"
        );
        reading.found.error(&entry.at, "is the secret itself", help);
        return None;
    }
    let mut section = entry.section(reading.found)?;
    let (env, file) = (section.entry("env"), section.entry("file"));
    let unknown = section.entries().any(|(key, _)| key != "env" && key != "file");
    let source = match (&env, &file) {
        (Some(entry), None) => variable(entry, reading).map(CredentialSource::Env),
        (None, Some(entry)) => reading.path(entry).map(CredentialSource::File),
        (Some(_), Some(entry)) => {
            reading.found.error(&entry.name_at, "is given beside `env`", "keep one of the two");
            None
        }
        (None, None) => {
            if !unknown {
                reading.found.error(
                    &entry.at,
                    "says nowhere to look",
                    format!("write `{example}`, or {{ file = \"…\" }}"),
                );
            }
            None
        }
    };
    section.finish(reading.found);
    // Where it is checked is often not where it will run, so this is no error.
    if reading.look
        && let Some(Err(error)) = source.as_ref().map(CredentialSource::fetch)
    {
        reading.found.warn(&entry.at, error.to_string(), without);
    }
    source
}

fn variable(entry: &Entry<'_>, reading: &mut Reading<'_, '_>) -> Option<String> {
    let name = entry.text(reading.found)?;
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.chars().all(ok) || name.starts_with(|c: char| c.is_ascii_digit()) {
        let help = "write the variable's name alone, like \"ORDERS_PASSWORD\"";
        reading.found.error(&entry.at, "is no name of an environment variable", help);
        return None;
    }
    Some(name.to_owned())
}
