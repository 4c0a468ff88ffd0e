//! Session settings that change what a text means, turn protection off, or load code.
//!
//! A text is read here as PostgreSQL reads it by default. A setting that would make the server read it otherwise is never
//! set. `search_path` is not among them: a name without a schema means every object of that name.

/// How a change of a setting is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// As any setting.
    Plain,
    /// It changes the role that the session acts as.
    Role,
    /// Never: for this reason.
    Unsafe(&'static str),
}

const MEANING: &str = "it changes what a statement's text means";
const CODE: &str = "it makes the server load code";
const PROTECTION: &str = "it turns a protection of the target off";

/// Settings that are never changed, whatever the value.
const UNSAFE: &[(&str, &str)] = &[
    ("allow_in_place_tablespaces", PROTECTION),
    ("allow_system_table_mods", PROTECTION),
    ("backslash_quote", MEANING),
    ("createrole_self_grant", PROTECTION),
    ("dynamic_library_path", CODE),
    ("event_triggers", PROTECTION),
    ("extension_control_path", CODE),
    ("ignore_checksum_failure", PROTECTION),
    ("ignore_invalid_pages", PROTECTION),
    ("ignore_system_indexes", PROTECTION),
    ("jit_provider", CODE),
    ("lo_compat_privileges", PROTECTION),
    ("local_preload_libraries", CODE),
    ("session_preload_libraries", CODE),
    ("session_replication_role", PROTECTION),
    ("shared_preload_libraries", CODE),
    ("zero_damaged_pages", PROTECTION),
];

/// Extensions whose settings run code or are protections themselves.
const UNSAFE_PREFIXES: &[(&str, &str)] = &[
    ("anon.", PROTECTION),
    ("pgaudit.", PROTECTION),
    ("pljava.", CODE),
    ("plperl.", CODE),
    ("plpython3.", CODE),
    ("plr.", CODE),
    ("pltcl.", CODE),
    ("pltclu.", CODE),
    ("plv8.", CODE),
    ("sepgsql.", PROTECTION),
    ("supautils.", PROTECTION),
];

/// Client encodings whose every character of more than one byte is made of bytes above 127, so that no byte of one can be
/// taken for a quote or a backslash. Without `-` and `_`, in lower case, as PostgreSQL compares them.
const SAFE_ENCODINGS: &[&str] = &[
    "utf8",
    "unicode",
    "sqlascii",
    "latin1",
    "latin2",
    "latin3",
    "latin4",
    "latin5",
    "latin6",
    "latin7",
    "latin8",
    "latin9",
    "latin10",
    "iso88591",
    "iso88592",
    "iso88593",
    "iso88594",
    "iso88595",
    "iso88596",
    "iso88597",
    "iso88598",
    "iso88599",
    "iso885910",
    "iso885913",
    "iso885914",
    "iso885915",
    "iso885916",
    "win1250",
    "win1251",
    "win1252",
    "win1253",
    "win1254",
    "win1255",
    "win1256",
    "win1257",
    "win1258",
    "win866",
    "win874",
    "windows1250",
    "windows1251",
    "windows1252",
    "windows1253",
    "windows1254",
    "windows1255",
    "windows1256",
    "windows1257",
    "windows1258",
    "windows866",
    "windows874",
    "win",
    "alt",
    "abc",
    "tcvn",
    "tcvn5712",
    "vscii",
    "koi8",
    "koi8r",
    "koi8u",
    "euccn",
    "eucjp",
    "euckr",
    "euctw",
    "eucjis2004",
];

/// The name that a setting is known by: PostgreSQL does not tell case apart in them, and has two old spellings.
pub(crate) fn plain_name(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "sort_mem" => "work_mem".into(),
        "vacuum_mem" => "maintenance_work_mem".into(),
        _ => name,
    }
}

/// How setting this to that is to be taken. A value of `None` is one that the text doesn't say.
pub(crate) fn change(name: &str, value: Option<&str>) -> Change {
    let name = plain_name(name);
    let by_prefix = UNSAFE_PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix));
    if let Some((_, reason)) = UNSAFE.iter().find(|(listed, _)| *listed == name).or(by_prefix) {
        return Change::Unsafe(reason);
    }
    match name.as_str() {
        "role" | "session_authorization" | "is_superuser" => Change::Role,
        "standard_conforming_strings" if !value.is_some_and(is_true) => Change::Unsafe(MEANING),
        "client_encoding" if !value.is_some_and(is_safe_encoding) => Change::Unsafe(MEANING),
        _ => Change::Plain,
    }
}

/// Whether a caller may start a session with this setting, as a startup parameter or a `-c` option. The text says what is
/// wrong and what would be right. `user`, `database`, `options` and `replication` are no settings, and not for here.
pub fn startup_setting(name: &str, value: &str) -> Result<(), String> {
    let plain = plain_name(name);
    match change(&plain, Some(value)) {
        Change::Plain => Ok(()),
        Change::Role => Err(format!("the setting \"{plain}\" is refused: the role is the target's own; leave it out")),
        Change::Unsafe(reason) => Err(match plain.as_str() {
            "client_encoding" => {
                format!("the setting client_encoding = \"{value}\" is refused: {reason}; use UTF8")
            }
            "standard_conforming_strings" => format!("the setting \"{plain}\" is refused: {reason}; leave it on"),
            _ => format!("the setting \"{plain}\" is refused: {reason}; leave it out"),
        }),
    }
}

/// The writings of true that PostgreSQL takes, without its abbreviations.
fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "on" | "true" | "yes" | "1")
}

/// Whether no byte of a longer character in this encoding can be taken for one of ASCII.
pub fn is_safe_encoding(value: &str) -> bool {
    let name: String =
        value.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    value.is_ascii() && SAFE_ENCODINGS.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_meaning_loads_code_or_turns_protection_off_is_unsafe() {
        for (name, value) in [
            ("standard_conforming_strings", "off"),
            ("Standard_Conforming_Strings", "OFF"),
            ("standard_conforming_strings", "f"),
            ("client_encoding", "SJIS"),
            ("client_encoding", "BIG5"),
            ("client_encoding", "GBK"),
            ("client_encoding", "gb18030"),
            ("client_encoding", "UHC"),
            ("client_encoding", "JOHAB"),
            ("client_encoding", "SHIFT_JIS_2004"),
            ("client_encoding", "mskanji"),
            ("client_encoding", "ＵＴＦ８"),
            ("backslash_quote", "on"),
            ("session_replication_role", "replica"),
            ("LOCAL_PRELOAD_LIBRARIES", "x"),
            ("plperl.on_init", "x"),
            ("allow_system_table_mods", "on"),
            ("pgaudit.log", "none"),
            ("event_triggers", "off"),
            ("lo_compat_privileges", "on"),
        ] {
            assert!(matches!(change(name, Some(value)), Change::Unsafe(_)), "{name} = {value}");
            assert!(startup_setting(name, value).unwrap_err().contains("refused"), "{name}");
        }
        for name in ["role", "ROLE", "session_authorization"] {
            assert_eq!(change(name, Some("postgres")), Change::Role);
            assert!(startup_setting(name, "postgres").is_err());
        }
        // A value that is not known counts as the worst.
        assert!(matches!(change("client_encoding", None), Change::Unsafe(_)));
        assert!(matches!(change("standard_conforming_strings", None), Change::Unsafe(_)));
    }

    #[test]
    fn what_clients_set_every_day_is_plain() {
        for (name, value) in [
            ("standard_conforming_strings", "on"),
            ("client_encoding", "UTF8"),
            ("client_encoding", "utf-8"),
            ("client_encoding", "LATIN1"),
            ("client_encoding", "EUC_JP"),
            ("client_encoding", "SQL_ASCII"),
            ("search_path", "public"),
            ("extra_float_digits", "3"),
            ("application_name", "psql"),
            ("TimeZone", "UTC"),
            ("DateStyle", "ISO"),
            ("statement_timeout", "0"),
            ("row_security", "off"),
            ("weir.notices", "off"),
            ("bytea_output", "hex"),
            ("my.variable", "1"),
            ("client_min_messages", "warning"),
        ] {
            assert_eq!(change(name, Some(value)), Change::Plain, "{name} = {value}");
            assert_eq!(startup_setting(name, value), Ok(()));
        }
        assert_eq!(change("app.user", None), Change::Plain);
    }
}
