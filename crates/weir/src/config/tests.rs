//! Configurations as they are written, and what is said about them, to the letter.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use protocol_postgres::{BindingUse, ClientPair, TargetTls, TlsNegotiation};

use super::*;

/// A complete target, to be spoiled.
const TARGET: &str = "[listen]\npostgres = \"127.0.0.1:6432\"\n[targets.orders]\nkind = \"postgres\"\naddress = \"127.0.0.1:5432\"\n\
                      database = \"shop\"\nuser = \"weir\"\npassword = { env = \"ORDERS_PASSWORD\" }\n";

/// Loads a text from a file in a folder of its own. The folder's name is left out of what is said.
fn load(text: &str, look: bool) -> (Result<Config, ()>, String) {
    let dir = tempfile::tempdir().unwrap();
    load_in(dir.path(), text, look)
}

fn load_in(dir: &Path, text: &str, look: bool) -> (Result<Config, ()>, String) {
    let file = dir.join("weir.toml");
    fs::write(&file, text).unwrap();
    let (config, problems) = match if look { Config::load_and_look(&file) } else { Config::load(&file) } {
        Ok((config, warnings)) => (Ok(config), warnings),
        Err(problems) => (Err(()), problems),
    };
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    (config, said.join("\n").replace(&format!("{}/", dir.display()), ""))
}

/// Checks what is said of a text that must not load.
#[track_caller]
fn refused(text: &str, expected: &str) {
    let (config, said) = load(text, false);
    assert!(config.is_err(), "was accepted, saying: {said}");
    assert_eq!(said, expected, "\n--- said:\n{said}\n--- expected:\n{expected}\n");
}

/// The same for a target with these lines added.
#[track_caller]
fn target_refused(lines: &str, expected: &str) {
    refused(&format!("{TARGET}{lines}"), expected);
}

#[test]
fn who_may_ask_how_it_is_should_be_on_this_machine() {
    let api = |address: &str| {
        let (config, said) = load(&TARGET.replace("[targets", &format!("api = \"{address}\"\n[targets")), false);
        (config.ok().and_then(|config| config.listen.api), said)
    };
    assert_eq!(load(TARGET, false).0.unwrap().listen.api, None);
    for near in ["127.0.0.1:6400", "[::1]:6400", "127.1.2.3:6400", "[::ffff:127.0.0.1]:6400"] {
        assert_eq!(api(near), (near.parse().ok(), String::new()));
    }
    for far in ["0.0.0.0:6400", "[::]:6400", "10.0.0.1:6400"] {
        let (address, said) = api(far);
        assert_eq!(address, far.parse().ok());
        assert_eq!(
            said,
            "weir.toml:3:7: warning: listen.api: others than this machine can ask here, and nobody is asked who they are\n  \
             help: write \"127.0.0.1:6400\", or see to it that only who collects metrics gets there"
        );
    }
    let (address, said) = api("127.0.0.1:6432");
    assert_eq!(address, None);
    assert!(said.contains("listen.api: is the address of `postgres` as well"), "{said}");
    let (address, said) = api("localhost:6400");
    assert_eq!(address, None);
    assert!(said.contains("listen.api: \"localhost:6400\" is not an IP address with a port"), "{said}");
}

#[test]
fn what_is_recorded_and_where_checkpoints_go() {
    let rule = |lines: &str| {
        let (config, said) = load(&format!("{TARGET}{lines}"), false);
        let config = config.unwrap_or_else(|()| panic!("{said}"));
        config.targets.values().next().unwrap().target.recording
    };
    assert_eq!(rule(""), model::RecordingRule::default());
    let (full, nothing) = (model::RecordingLevel::Full, model::Sight::Nothing);
    let found = rule("recording = \"full\"\nrecord_sight = \"nothing\"\n");
    assert_eq!(found, model::RecordingRule { level: full, sight: nothing });
    let (config, said) = load(&format!("{TARGET}recording = \"all\"\n"), false);
    assert!(config.is_err() && said.contains("\"all\" is not known here") && said.contains("\"full\""), "{said}");

    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("there")).unwrap();
    let text = |places: &str| format!("{TARGET}\n[evidence]\ncheckpoints = {places}\n");
    let (config, said) = load_in(dir.path(), &text("[\"there\"]"), true);
    assert!(!said.contains("evidence"), "{said}");
    if let Ok(config) = config {
        assert_eq!(config.evidence.checkpoints, [dir.path().join("there")]);
    }
    let (config, said) = load_in(dir.path(), &text("[\"gone\", \"there\", \"there\"]"), true);
    assert!(config.is_err() && said.contains("gone is not a folder") && said.contains("is named twice"), "{said}");
}

#[test]
fn how_long_recordings_are_kept() {
    let kept = |lines: &str| {
        let (config, said) = load(&format!("{TARGET}{lines}"), false);
        (config.map(|config| config.targets.values().next().unwrap().retention).ok(), said)
    };
    assert_eq!(kept("recording = \"full\"\n"), (Some(None), String::new()));
    for (text, seconds) in [("90d", 7_776_000), ("30s", 30)] {
        let (retention, said) = kept(&format!("recording = \"metadata\"\nretention = \"{text}\"\n"));
        assert_eq!((retention, said.as_str()), (Some(Some(std::time::Duration::from_secs(seconds))), ""));
    }
    for (value, words) in [
        ("\"90 days\"", "weir.toml:10:13: error: targets.orders.retention: \"90 days\" is no span of time"),
        ("\"0d\"", "write how long recordings are kept, like \"90d\""),
        ("90", "is a number"),
    ] {
        let (retention, said) = kept(&format!("recording = \"full\"\nretention = {value}\n"));
        assert!(retention.is_none() && said.contains(words), "{said}");
    }
    // What was recorded before is to go, so this is no error.
    let (retention, said) = kept("retention = \"90d\"\n");
    assert!(retention.is_some_and(|retention| retention.is_some()), "{said}");
    assert!(
        said.contains("weir.toml:9:1: warning: targets.orders.retention: nothing is recorded of this target"),
        "{said}"
    );
}

#[test]
fn everything_wrong_is_said_at_once() {
    refused(
        r#"
[wier]
state = "s"

[weir]
durability = "sinked"
workers = 0
stat = "x"

[listen]
postgres = "localhost:6432"
ssh = "127.0.0.1:6422"

[tls]
cert = "weir.crt"
names = ["*.example.com"]

[targets.Orders]
kind = "mysql"
address = "db.example.com"
databse = "shop"
user = 7
password = "hunter2"
labels = { team = ["a"] }
unclassified = "maybe"
detect = "yes"
connect_timeout_seconds = "10s"
tls = "prefer"

[targets.Orders.classes]
"customers.ssn" = "pii.national_id"
"public.customers.email" = "PII"
public.customers.card = "pci.card"

[groups]
"d b a" = []
dba = ["alice@example.com", "corp:alice@example.com", "lokal:bob", "local:", "local:eve", "local:eve"]
"#,
        r#"weir.toml:2:2: error: wier: unknown key
  help: did you mean `weir`?
weir.toml:6:14: error: weir.durability: "sinked" is not known here
  help: write "written" or "synced"
weir.toml:7:11: error: weir.workers: is out of range
  help: write a whole number from 1 to 256
weir.toml:8:1: error: weir.stat: unknown key
  help: did you mean `state`?
weir.toml:11:12: error: listen.postgres: "localhost:6432" is not an IP address with a port
  help: write "127.0.0.1:6432" for this machine alone, "0.0.0.0:6432" for all its addresses
weir.toml:12:1: error: listen.ssh: unknown key
  help: known here: postgres, api, scram, logins_max, logins_per_address_max, login_timeout_seconds
weir.toml:15:1: error: tls.cert: is given without `key`
  help: add `key = "…"`, or leave both out and Weir makes its own certificate
weir.toml:16:1: error: tls.names: names are for the certificate that Weir makes, and one is given
  help: leave `names` out, or `cert` and `key`
weir.toml:16:10: error: tls.names: "*.example.com" is neither a DNS name nor an IP address
  help: write names like "db.example.com", without port or wildcard
weir.toml:18:10: error: targets.Orders: is no name for a target
  help: use lower-case letters, digits, `_` and `-`, at most 63, a letter or digit first
weir.toml:18:10: error: targets.Orders: `database` is missing
  help: add `database = "shop"`
weir.toml:19:8: error: targets.Orders.kind: "mysql" is not known here
  help: write "postgres"
weir.toml:20:11: error: targets.Orders.address: "db.example.com" has no port
  help: write host and port, like "db.example.com:5432" or "[2001:db8::7]:5432"
weir.toml:21:1: error: targets.Orders.databse: unknown key
  help: did you mean `database`?
weir.toml:22:8: error: targets.Orders.user: is a number
  help: write a text in quotes
weir.toml:23:12: error: targets.Orders.password: is the secret itself
  help: secrets are named by where they are kept, never written down: `password = { env = "ORDERS_PASSWORD" }`, or { file = "…" }; and change this one if the file was ever shared
weir.toml:24:19: error: targets.Orders.labels.team: is a list
  help: write a text in quotes
weir.toml:25:16: error: targets.Orders.unclassified: "maybe" is not known here
  help: write "show" or "hide"
weir.toml:26:10: error: targets.Orders.detect: "yes" is not known here
  help: write "on" or "off"
weir.toml:27:27: error: targets.Orders.connect_timeout_seconds: is a text
  help: write a whole number, without quotes
weir.toml:28:7: error: targets.Orders.tls: "prefer" is not known here
  help: write "verify" or "require" or "off"
weir.toml:31:1: error: targets.Orders.classes."customers.ssn": it has fewer than three parts
  help: write schema.table.column, as in *.*.email
weir.toml:32:28: error: targets.Orders.classes."public.customers.email": "PII" is no name of a class
  help: use lower-case letters, digits and `_`, in parts joined by dots, like "pii.email"
weir.toml:33:1: error: targets.Orders.classes.public: is not in quotes
  help: write the whole pattern as one key in quotes: "public.customers.email" = "pii.email"
weir.toml:36:1: error: groups."d b a": is no name that a policy can use
  help: use letters, digits, `.`, `_`, `-` and `/`, at most 100
weir.toml:37:8: error: groups.dba: "alice@example.com" does not say whose name it is
  help: write issuer and name, like "local:alice@example.com"
weir.toml:37:29: error: groups.dba: no issuer is named "corp"
  help: add [issuers.corp], or use `local:` for those with a token of Weir's own
weir.toml:37:55: error: groups.dba: no issuer is named "lokal"
  help: did you mean `local`?
weir.toml:37:68: error: groups.dba: "local:" does not say whose name it is
  help: write issuer and name, like "local:alice@example.com"
weir.toml:37:91: error: groups.dba: "local:eve" is in the list twice
  help: keep one of them"#,
    );
}

#[test]
fn what_is_no_toml_is_said_by_place_and_never_quoted() {
    let (config, said) = load("[targets.orders]\npassword = \"hunter2\nuser = weir\n", false);
    assert!(config.is_err());
    assert!(said.contains("weir.toml:2:") && said.contains("weir.toml:3:8"), "{said}");
    assert!(!said.contains("hunter2") && !said.contains("missing"), "{said}");

    refused(
        "[weir]\nstate = \"a\"\nstate = \"b\"\n",
        "weir.toml:1:1: warning: no target is configured, \
             so nothing can be reached\n  help: add a [targets.NAME] section\n\
             weir.toml:3:1: error: duplicate key\n  help: keep one of the two",
    );
}

#[test]
fn secrets_are_not_repeated() {
    for lines in [
        "password = \"hunter2\"",
        "password = [\"hunter2\"]",
        "password = { env = \"pass=hunter2\" }",
        "address = \"postgres://weir:hunter2@db:5432/shop\"",
        "tls = \"hunter2 !\"",
        "ca = { hunter2 = 1",
        "unclassified = \"weir:hunter2@db\"",
    ] {
        let key = lines.split(' ').next().unwrap();
        let text: String =
            TARGET.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
        let (config, said) = load(&format!("{text}{lines}\n"), true);
        assert!(config.is_err(), "{lines}");
        assert!(!said.replace("ca.hunter2", "").contains("hunter2"), "{lines}\n{said}");
    }
}

#[test]
fn a_target_is_checked_key_by_key() {
    target_refused(
        "databases = [\"shop\"]",
        "weir.toml:9:14: error: targets.orders.databases: is `database` already\n  \
                    help: leave it out here: `database` is always reachable, by the target's name alone and as target/database",
    );
    target_refused(
        "tls = \"off\"\nca = \"ca.pem\"\nserver_name = \"db\"",
        "weir.toml:10:1: error: targets.orders.ca: has no effect \
                    unless the certificate is checked\n  help: leave it out, or set `tls = \"verify\"`\n\
                    weir.toml:11:1: error: targets.orders.server_name: has no effect unless the certificate is checked\n  \
                    help: leave it out, or set `tls = \"verify\"`",
    );
    target_refused(
        "tls = \"off\"\ntls_negotiation = \"direct\"\nchannel_binding = \"must\"\nclient_key = \"k.pem\"",
        "weir.toml:10:1: error: targets.orders.tls_negotiation: has no effect without TLS\n  \
                    help: leave it out, or set `tls = \"verify\"`\n\
                    weir.toml:11:1: error: targets.orders.channel_binding: has no effect without TLS\n  \
                    help: leave it out, or set `tls = \"verify\"`\n\
                    weir.toml:11:19: error: targets.orders.channel_binding: \"must\" is not known here\n  \
                    help: write \"prefer\" or \"require\" or \"off\"\n\
                    weir.toml:12:1: error: targets.orders.client_key: has no effect without TLS\n  \
                    help: leave it out, or set `tls = \"verify\"`\n\
                    weir.toml:12:1: error: targets.orders.client_key: is given without `client_cert`\n  \
                    help: add `client_cert = \"…\"`: a certificate is of use with its key alone",
    );
    target_refused(
        "connect_timeout_seconds = 301",
        "weir.toml:9:27: error: targets.orders.connect_timeout_seconds: is out of range\n  \
                    help: write a whole number from 1 to 300",
    );
    target_refused(
        "env = \"\"",
        "weir.toml:9:7: error: targets.orders.env: is empty\n  help: write a value, or leave the key out",
    );
    target_refused(
        "env = \"a\\nb\"",
        "weir.toml:9:7: error: targets.orders.env: holds a control character\n  \
                    help: write printable characters only, on one line",
    );
    target_refused(
        "env = \"p r o d\"",
        "weir.toml:9:7: error: targets.orders.env: is no name that a policy can use\n  \
                    help: use letters, digits, `.`, `_`, `-` and `/`, at most 100",
    );
    target_refused(
        "[[targets.orders.classes]]\n",
        "weir.toml:9:1: error: targets.orders.classes: is a list\n  \
                    help: write a section, [targets.orders.classes]",
    );
    let own = TARGET.replace("127.0.0.1:5432", "localhost:6432");
    refused(
        &own,
        "weir.toml:5:11: error: targets.orders.address: is Weir's own listener\n  \
             help: write the address of the database itself",
    );
    let api = TARGET.replace("[targets", "api = \"127.0.0.1:5432\"\n[targets");
    refused(
        &api,
        "weir.toml:6:11: error: targets.orders.address: is Weir's own listener\n  \
             help: write the address of the database itself",
    );
    let unheard = TARGET.replace("postgres = \"127.0.0.1:6432\"\n", "");
    refused(
        &unheard,
        "weir.toml:1:2: error: listen: `postgres` is missing\n  \
             help: add `postgres = \"127.0.0.1:6432\"` under [listen]",
    );
    let long = TARGET.replace("\"weir\"", &format!("{:?}", "x".repeat(64)));
    refused(
        &long,
        "weir.toml:7:8: error: targets.orders.user: is longer than the 63 bytes that PostgreSQL keeps of a name",
    );
}

#[test]
fn limits_of_logins_are_read_and_fit_together() {
    let logins = |lines: &str| load(&format!("[listen]\n{lines}\n"), false).0.unwrap().listen.logins;
    let default = logins("");
    assert_eq!((default.all_max, default.per_address_max, default.time_max.as_secs()), (1000, 500, 30));
    let few = logins("logins_max = 7\nlogin_timeout_seconds = 4");
    assert_eq!((few.all_max, few.per_address_max, few.time_max.as_secs()), (7, 4, 4));
    let equal = logins("logins_max = 7\nlogins_per_address_max = 7\nscram = \"always\"");
    assert_eq!((equal.all_max, equal.per_address_max), (7, 7));
    refused(
        "[listen]\nlogins_max = 7\nlogins_per_address_max = 8\nlogin_timeout_seconds = 301\nscram = \"sometimes\"",
        "weir.toml:1:1: warning: no target is configured, so nothing can be reached\n  \
             help: add a [targets.NAME] section\n\
             weir.toml:3:1: error: listen.logins_per_address_max: is more than `logins_max`\n  \
             help: write less than `logins_max`, so that one address leaves room for others\n\
             weir.toml:4:25: error: listen.login_timeout_seconds: is out of range\n  \
             help: write a whole number from 1 to 300\n\
             weir.toml:5:9: error: listen.scram: \"sometimes\" is not known here\n  \
             help: write \"minted\" or \"always\" or \"never\"",
    );
}

#[test]
fn authorities_of_certificates_are_checked_key_by_key() {
    refused(
        r#"
[certificates.local]
ca = "ca.pem"
user = "{email}"

[certificates.mesh]
workload = "services"
groups = { ci = "ou = 'ci'" }
revokd = "list"

[certificates.corp]
ca = "ca.pem"
user = "{email}"
owner = "{ou}"

[issuers.corp]
url = "https://corp.example.com"
audience = "weir"
user = "{email}"

[groups]
dba = ["mesh:billing", "mash:billing"]
"#,
        "weir.toml:1:1: warning: no target is configured, so nothing can be reached\n  \
             help: add a [targets.NAME] section\n\
             weir.toml:2:15: error: certificates.local: `local` is the issuer of Weir's own tokens\n  \
             help: choose another name\n\
             weir.toml:6:15: error: certificates.mesh: `ca` is missing\n  help: add `ca = \"clients.pem\"`\n\
             weir.toml:8:17: error: certificates.mesh.groups.ci: at its character 4: expected `==` or `!=` after a claim, \
             found `=`\n\
             weir.toml:9:1: error: certificates.mesh.revokd: unknown key\n  help: did you mean `revoked`?\n\
             weir.toml:11:15: error: certificates.corp: is the name of an issuer as well\n  \
             help: choose another name: ids begin with it, and would not tell the two apart\n\
             weir.toml:14:1: error: certificates.corp.owner: only workloads have an owner\n  \
             help: leave it out, or write `workload` in place of `user`\n\
             weir.toml:14:9: error: certificates.corp.owner: it must begin with the owner's issuer, so that no \
             certificate can choose it: corp:{ou}\n\
             weir.toml:22:24: error: groups.dba: no issuer is named \"mash\"\n  help: did you mean `mesh`?",
    );
}

#[test]
fn issuers_are_checked_key_by_key() {
    refused(
        r#"
[issuers.local]
url = "https://issuer.example.com"
audience = "weir"
user = "{email}"

[issuers.GitHub]
url = "http://token.example.com"
audiense = "weir"
workload = "{repository"
owner = "{actor}"
algorithms = ["HS256"]
groups = { ci = "ref = 'main'", "a b" = "ref == 'main'" }
jwks = { fil = "keys.json" }
leeway_seconds = 61

[issuers.corp]
url = "https://corp.example.com"
audience = "weir"
user = "everyone"
workload = "{sub}"

[issuers.other]
url = "https://other.example.com"
audience = "weir"
user = "everyone"
owner = "corp:{sub}"
algorithms = []

[issuers.none]
url = "https://none.example.com"
audience = "weir"
"#,
        ISSUER_PROBLEMS,
    );
}

const ISSUER_PROBLEMS: &str = r#"weir.toml:1:1: warning: no target is configured, so nothing can be reached
  help: add a [targets.NAME] section
weir.toml:2:10: error: issuers.local: `local` is the issuer of Weir's own tokens
  help: choose another name
weir.toml:7:10: error: issuers.GitHub: `audience` is missing
  help: add `audience = "weir-acme-prod"`
weir.toml:7:10: error: issuers.GitHub: an issuer's name is made of lower-case letters, digits, `-` and `_`, a letter first
weir.toml:8:7: error: issuers.GitHub.url: keys over plain http could be anybody's
  help: use https (http works to this machine only)
weir.toml:9:1: error: issuers.GitHub.audiense: unknown key
  help: did you mean `audience`?
weir.toml:10:12: error: issuers.GitHub.workload: at its character 1: expected a claim and `}`, as in {repository}
  help: a brace itself is written `{{`
weir.toml:11:9: error: issuers.GitHub.owner: it must begin with the owner's issuer, so that no claim can choose it: corp:{actor}@example.com
weir.toml:12:15: error: issuers.GitHub.algorithms: `HS256` is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA
weir.toml:13:17: error: issuers.GitHub.groups.ci: at its character 5: expected `==` or `!=` after a claim, found `=`
weir.toml:13:33: error: issuers.GitHub.groups."a b": is no name that a policy can use
  help: use letters, digits, `.`, `_`, `-` and `/`, at most 100
weir.toml:14:10: error: issuers.GitHub.jwks.fil: unknown key
  help: did you mean `file`?
weir.toml:15:18: error: issuers.GitHub.leeway_seconds: is out of range
  help: write a whole number from 0 to 60
weir.toml:21:1: error: issuers.corp.workload: is given beside `user`
  help: keep one: an issuer's tokens are of people or of workloads; two kinds are two issuers
weir.toml:26:8: error: issuers.other.user: it names no claim, so all tokens would be the same principal
  help: write {sub} or another claim
weir.toml:27:1: error: issuers.other.owner: only workloads have an owner
  help: leave it out, or write `workload` in place of `user`
weir.toml:28:14: error: issuers.other.algorithms: it is empty
  help: leave it out for RS256, ES256, EdDSA, PS256
weir.toml:30:10: error: issuers.none: `user` is missing
  help: add `user = "{email}"` for people, or `workload = "{repository}"` for jobs and services"#;

#[test]
fn a_password_has_one_place() {
    let with = |password: &str| TARGET.replace("{ env = \"ORDERS_PASSWORD\" }", password);
    let at = |column: usize| format!("weir.toml:8:{column}: error: targets.orders.password");
    for (password, column, expected) in [
        ("{ env = \"A\", file = \"b\" }", 25, ".file: is given beside `env`\n  help: keep one of the two"),
        (
            "{}",
            1,
            ": says nowhere to look\n  help: write `password = { env = \"ORDERS_PASSWORD\" }`, or { file = \"…\" }",
        ),
        ("{ vault = \"orders\" }", 14, ".vault: unknown key\n  help: known here: env, file"),
        (
            "{ env = \"9A\" }",
            20,
            ".env: is no name of an environment variable\n  \
          help: write the variable's name alone, like \"ORDERS_PASSWORD\"",
        ),
        ("true", 12, ": is true or false\n  help: write a section, [targets.orders.password]"),
    ] {
        refused(&with(password), &format!("{}{expected}", at(column)));
    }
}

#[test]
fn the_two_folders_are_apart() {
    for (state, policies, expected) in [
        (
            "a",
            "./a",
            "weir.toml:3:12: error: weir.policies: is the state folder as well\n  help: give policies a folder of their own",
        ),
        (
            "a",
            "a/policies",
            "weir.toml:3:12: error: weir.policies: is inside the state folder\n  \
          help: the state folder is Weir's own; give policies a folder beside it",
        ),
        (
            "p/state",
            "p",
            "weir.toml:2:9: error: weir.state: is inside the policies folder\n  help: give the state a folder of its own",
        ),
        (
            "weir.toml",
            "p",
            "weir.toml:2:9: error: weir.state: is not a folder\n  help: name a folder, which need not exist yet",
        ),
    ] {
        let lines = TARGET.lines().skip(2).collect::<Vec<_>>().join("\n");
        refused(
            &format!(
                "[weir]\nstate = {state:?}\npolicies = {policies:?}\n[listen]\npostgres = \"127.0.0.1:6432\"\n{lines}"
            ),
            expected,
        );
    }
}

#[test]
fn what_is_doubtful_is_a_warning() {
    let far = TARGET.replace("127.0.0.1:5432", "10.0.0.7:5432");
    let (config, said) = load(&format!("{far}tls = \"off\""), false);
    assert!(config.is_ok());
    assert_eq!(
        said,
        "weir.toml:9:7: warning: targets.orders.tls: all data, and the proof of the password, go over the network \
                      unprotected\n  help: use \"verify\", with `ca` if the certificate is not of a public authority"
    );
    let (config, said) = load(&format!("{far}tls = \"require\""), false);
    assert!(config.is_ok() && said.contains("the server's certificate is not checked"), "{said}");
    let (config, said) = load(&format!("{TARGET}tls = \"off\""), false);
    assert!(config.is_ok() && said.is_empty(), "{said}");
}

#[test]
fn named_files_are_looked_at_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("empty.pem"), "").unwrap();
    let target = TARGET.replace("env = \"ORDERS_PASSWORD\"", "file = \"password\"");
    let text = format!("[tls]\ncert = \"nowhere.crt\"\nkey = \"empty.pem\"\n{target}ca = \"empty.pem\"\n");
    assert!(load_in(dir.path(), &text, false).0.is_ok(), "commands that serve nobody need no file");
    let (config, said) = load_in(dir.path(), &text, true);
    assert!(config.is_err());
    for line in [
        "weir.toml:2:8: error: tls.cert: nowhere.crt: can't be read: No such file",
        "weir.toml:11:1: warning: targets.orders.password: the file password can't be read: No such file",
        "weir.toml:12:6: error: targets.orders.ca: empty.pem holds no certificate",
    ] {
        assert!(said.contains(line), "{line}\n--- said:\n{said}");
    }
    let dir = tempfile::tempdir().unwrap();
    let policies = dir.path().join("policies");
    fs::create_dir(&policies).unwrap();
    fs::set_permissions(&policies, fs::Permissions::from_mode(0o777)).unwrap();
    let (config, said) = load_in(dir.path(), TARGET, true);
    assert!(config.is_ok() && said.contains("weir: everyone on this machine can write policies"), "{said}");
    let (config, said) = load(TARGET, true);
    assert!(config.is_ok() && said.contains("the environment variable ORDERS_PASSWORD is not set"), "{said}");
}

#[test]
fn a_file_that_is_no_configuration_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let said = |name: &str| {
        let problems = Config::load(&dir.path().join(name)).unwrap_err();
        problems.iter().map(ToString::to_string).collect::<String>()
    };
    assert!(said("none.toml").contains("there is no such file\n  help: name another with --config, or make one"));
    fs::create_dir(dir.path().join("d")).unwrap();
    assert!(said("d").contains("is not a file"));
    fs::write(dir.path().join("latin1"), b"[weir]\n# \xe9").unwrap();
    assert!(said("latin1").contains("is not UTF-8 text, from line 2 on"));
    fs::write(dir.path().join("large"), vec![b'\n'; 1024 * 1024 + 1]).unwrap();
    assert!(said("large").contains("larger than 1 MiB"));
}

#[test]
fn a_full_configuration_is_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::create_dir(path("rules")).unwrap();
    let own = crate::tls::own(&path("other"), &["localhost".to_owned()].into(), std::time::SystemTime::now()).unwrap();
    fs::copy(&own.callers_ca, path("ca.pem")).unwrap();
    fs::write(path("pw"), "secret\n").unwrap();
    fs::set_permissions(path("pw"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path("keys.json"), "{}").unwrap();
    let text = r#"
[weir]
state = "/var/lib/weir"
policies = "rules"
durability = "synced"
workers = 3

[listen]
postgres = "[::1]:6432"

[tls]
cert = "other/tls/server.pem"
key = "other/tls/server.key"

[targets.orders]
kind = "postgres"
address = "[2001:db8::7]:5433"
database = "shop"
databases = ["archive", "reports"]
user = "weir orders"
password = { file = "pw" }
env = "prod"
labels = { team = "shop", tier = "1" }
ca = "ca.pem"
server_name = "db.example.com"
tls_negotiation = "direct"
channel_binding = "require"
client_cert = "other/tls/server.pem"
client_key = "other/tls/server.key"
unclassified = "hide"
detect = "off"
token_scope = "run"
connect_timeout_seconds = 0x1e

[targets.orders.classes]
"public.customers.ssn" = "pii.national_id"
"*.*.email" = "pii.email"

[targets.near]
kind = "postgres"
address = "localhost:5432"
database = "near"
user = "weir"
password.file = "pw"
tls = "require"

[issuers.github]
url = "https://token.actions.githubusercontent.com"
audience = "weir-acme-prod"
workload = "{repository}"
owner = "corp:{actor}@example.com"
groups = { "ci" = "repository_id == '7281' && ref == 'refs/heads/main'" }
run = "{repository}/{workflow}#{run_id}"
algorithms = ["RS256"]
leeway_seconds = 5

[issuers.corp]
url = "https://login.example.com"
audience = "weir"
user = "{email}"
jwks = { file = "keys.json" }
ca = "ca.pem"

[groups]
dba = ["corp:alice@example.com", "local:bob@example.com"]
empty = []
"#;
    let (config, said) = load_in(dir.path(), text, true);
    assert_eq!(said, "");
    let config = config.unwrap();
    assert_eq!((config.state.as_path(), config.policies.clone()), (Path::new("/var/lib/weir"), path("rules")));
    assert_eq!((config.durability, config.workers), (Durability::Synced, 3));
    assert_eq!(config.listen.postgres, "[::1]:6432".parse().ok());
    let (cert, key) = (path("other/tls/server.pem"), path("other/tls/server.key"));
    assert_eq!(config.tls, Tls { pair: Some(TlsPair { cert, key }), names: Vec::new() });
    assert_eq!(config.targets.keys().collect::<Vec<_>>(), ["near", "orders"]);

    let orders = &config.targets["orders"];
    assert_eq!(
        (&*orders.target.id.0, orders.target.protocol, orders.target.env.as_deref()),
        ("orders", "postgres", Some("prod"))
    );
    assert_eq!(orders.target.labels, [("team".into(), "shop".into()), ("tier".into(), "1".into())]);
    assert_eq!(orders.address, Address { host: "2001:db8::7".into(), port: 5433 });
    assert_eq!(
        (orders.database.as_str(), orders.databases.as_slice()),
        ("shop", &["archive".into(), "reports".into()][..])
    );
    assert_eq!(orders.user, "weir orders");
    assert_eq!(orders.password.fetch().unwrap().expose(), "secret");
    assert_eq!(orders.tls, TargetTls::Verify { ca: Some(path("ca.pem")), server_name: Some("db.example.com".into()) });
    assert_eq!((orders.login.negotiation, orders.login.channel_binding), (TlsNegotiation::Direct, BindingUse::Require));
    assert_eq!(orders.target.token_scope, model::TokenScope::Run);
    assert_eq!((orders.detects, config.targets["near"].detects), (false, true));
    let (cert, key) = (path("other/tls/server.pem"), path("other/tls/server.key"));
    assert_eq!(orders.login.certificate, Some(ClientPair { cert, key }));
    assert_eq!(orders.connect_timeout, std::time::Duration::from_secs(30));
    let classes: Vec<&str> = orders.class_ids.iter().map(model::ClassId::as_str).collect();
    assert_eq!(classes, ["pii.email", "pii.national_id", "unclassified"]);
    let near = &config.targets["near"];
    assert_eq!((&near.tls, near.class_ids.len()), (&TargetTls::Require, 0));
    assert_eq!(near.connect_timeout, std::time::Duration::from_secs(10));

    let [corp, github] = config.issuers.as_slice() else { panic!("{:?}", config.issuers) };
    assert_eq!(
        (corp.name.as_str(), corp.kind, &corp.jwks),
        ("corp", model::PrincipalKind::User, &identity::KeySource::File(path("keys.json")))
    );
    assert_eq!((corp.ca.clone(), corp.algorithms.len()), (Some(path("ca.pem")), 4));
    assert_eq!((github.kind, &github.jwks), (model::PrincipalKind::Workload, &identity::KeySource::Discover));
    assert_eq!((github.algorithms.as_slice(), github.leeway_seconds), (&[identity::SignatureAlgorithm::Rs256][..], 5));
    assert!(github.owner.is_some() && github.run.is_some());
    assert_eq!(config.groups["dba"], ["corp:alice@example.com".to_owned(), "local:bob@example.com".to_owned()].into());
    assert_eq!(config.group_names().into_iter().collect::<Vec<_>>(), ["ci", "dba", "empty"]);

    let known = crate::policies::known(&config);
    assert_eq!(known.issuers.into_iter().collect::<Vec<_>>(), ["corp", "github", "local"]);
    assert_eq!(known.targets.len(), 2);
    // Those of the configuration, and those of what is looked for in values.
    for class in ["pii.email", "unclassified", "secret.aws_key"] {
        assert!(known.classes.iter().any(|known| known.as_str() == class), "{class}");
    }
}

#[test]
fn columns_may_opt_in_to_be_given_less() {
    let lines = "[targets.orders.classes]\n\"public.a.ssn\" = { class = \"pii.national_id\", on_write = \"token\" }\n\
                 \"public.a.email\" = { class = \"pii.email\" }\n\"public.a.phone\".class = \"pii.phone\"\n";
    let (config, said) = load(&format!("{TARGET}{lines}"), false);
    assert_eq!(said, "");
    let rules = &config.unwrap().targets["orders"].class_rules;
    assert!(format!("{rules:?}").contains("on_write: Some(Token)"), "{rules:?}");
    target_refused(
        "[targets.orders.classes]\n\"public.a.a\" = { class = \"pii\", on_write = \"mask\" }\n\
         \"public.a.b\" = { on_write = \"token\" }\n\"public.a.c\" = { class = \"pii\", on_writ = \"token\" }\n\
         \"public.a.d\" = { class = 7 }\n",
        "weir.toml:10:44: error: targets.orders.classes.\"public.a.a\".on_write: \"mask\" is not known here\n  \
         help: write \"partial\" or \"token\"\n\
         weir.toml:11:1: error: targets.orders.classes.\"public.a.b\": `class` is missing\n  \
         help: add `class = \"pii.email\"`\n\
         weir.toml:12:33: error: targets.orders.classes.\"public.a.c\".on_writ: unknown key\n  \
         help: did you mean `on_write`?\n\
         weir.toml:13:26: error: targets.orders.classes.\"public.a.d\".class: is a number\n  \
         help: write a text in quotes",
    );
}

#[test]
fn kinds_of_ones_own_are_read() {
    let text = "[detect]\non = [\"uuid\"]\noff = [\"ipv4\"]\n[detect.kinds.employee_id]\nclass = \"pii.employee_id\"\n\
                pattern = 'EMP-\\d{6}'\ncontext = [\"Staff\"]\nodds = -1\npositive = [{ text = \"EMP-123456\", name = \"staff_no\" }]\n\
                negative = [\"EMP-123456\"]\n[detect.kinds.luhn_id]\nclass = \"pii.x\"\npattern = ['77\\d{18}', '88\\d{18}']\ncheck = \"luhn\"\n\
                sight = \"token\"\n";
    let (config, said) = load(text, true);
    let config = config.unwrap_or_else(|()| panic!("{said}"));
    let kinds = config.detection.kinds().unwrap();
    let is_on = |name: &str| kinds.iter().find(|kind| kind.entity.name == name).map(|kind| kind.on);
    assert_eq!(
        [is_on("uuid"), is_on("ipv4"), is_on("employee_id"), is_on("x")],
        [Some(true), Some(false), Some(true), None]
    );
    let detector = config.detection.detector().unwrap();
    assert!(std::ptr::eq(detector, config.detection.detector().unwrap()), "it is made once");
    let mut scanner = detect::Scanner::new(detector);
    let mut found = |text: &str| {
        let found = scanner.scan(text.as_bytes(), None).iter();
        found
            .map(|found| format!("{} {}", &text[found.start..found.end], detector.entity(found.kind).unwrap().name))
            .collect::<Vec<_>>()
    };
    assert_eq!(found("staff EMP-123456, 10.1.2.3"), ["EMP-123456 employee_id"]);
    assert_eq!(found("EMP-123456"), [""; 0]);
    assert_eq!(
        found("77123456789012345679 88123456789012345676 77123456789012345678"),
        ["77123456789012345679 luhn_id", "88123456789012345676 luhn_id"]
    );
    let classes = config.detection.classes().unwrap();
    let has = |class: &str| classes.iter().any(|known| known.as_str() == class);
    assert!(has("pii.employee_id") && has("pii.email") && !has("pii.nix"));
}

#[test]
fn everything_wrong_with_kinds_is_said_at_once() {
    refused(
        r#"
[detect]
on = ["uuid", "card"]
off = ["emial", "hunter2://"]
kind = 1

[detect.kinds.email]
class = "pii.email"
pattern = 'x{1,3}'

[detect.kinds.Mine]
class = "PII"
pattern = '('
check = "lun"
sight = "some"
odds = 11
context = [""]

[detect.kinds.b]
pattern = ['^a{3}$', 'a+', 'b?', '[^!]{1,400}!', 'c{600}']
odds = -1.0

[detect.kinds.c]
class = "pii.c"
pattern = 'C-\d{4}'
positive = ["C-1234", "C-12", { text = "C-1", nam = "c" }]
negative = ["D-1234", "see C-9999"]
"#,
        r#"weir.toml:1:1: warning: no target is configured, so nothing can be reached
  help: add a [targets.NAME] section
weir.toml:3:15: warning: detect.on: "card" is on anyhow
  help: leave it out
weir.toml:4:8: error: detect.off: no kind is named "emial"
  help: did you mean "email"?
weir.toml:4:17: error: detect.off: no kind is named this value
  help: `weir detect --kinds` lists them
weir.toml:5:1: error: detect.kind: unknown key
  help: did you mean `kinds`?
weir.toml:7:15: error: detect.kinds.email: is the name of a kind that comes with Weir: Address of electronic mail
  help: choose another, and switch that one off with `off` if it is in the way
weir.toml:11:15: error: detect.kinds.Mine: is no name for a kind
  help: use lower-case letters, digits and `_`, at most 63, a letter first
weir.toml:12:9: error: detect.kinds.Mine.class: "PII" is no name of a class
  help: use lower-case letters, digits and `_`, in parts joined by dots, like "pii.email"
weir.toml:13:11: error: detect.kinds.Mine.pattern: is no regular expression: unclosed group
  help: write it as in `EMP-\d{6}`, of bytes and without looking around
weir.toml:14:9: error: detect.kinds.Mine.check: no check is named "lun"
  help: did you mean "luhn"?
weir.toml:15:9: error: detect.kinds.Mine.sight: "some" is not known here
  help: write "nothing" or "token" or "partial" or "clear"
weir.toml:16:8: error: detect.kinds.Mine.odds: is out of range
  help: write a number from -4.5 to 10
weir.toml:17:12: error: detect.kinds.Mine.context: is empty
  help: write a value, or leave the key out
weir.toml:19:15: error: detect.kinds.b: `class` is missing
  help: add `class = "pii.employee_id"`
weir.toml:20:12: error: detect.kinds.b.pattern: has an anchor in it
  help: leave out ^, $ and \b: what is found is whole words anyhow
weir.toml:20:22: error: detect.kinds.b.pattern: has no end
  help: write how often at most: {1,20} in place of +, {0,20} in place of *
weir.toml:20:28: error: detect.kinds.b.pattern: fits the empty text
  help: write what is always there
weir.toml:20:34: error: detect.kinds.b.pattern: is too slow: it looks at each byte of ordinary text 97 times, and 3 is the most
  help: begin it with something rarer, and repeat less
weir.toml:20:50: error: detect.kinds.b.pattern: may be 600 bytes long; at most 512 are looked at
  help: write smaller numbers in braces
weir.toml:21:8: error: detect.kinds.b.odds: is not more than 0, and no word can add to it: it would never be found
  help: write more than 0, or add words to `context` that speak for it
weir.toml:26:23: error: detect.kinds.c.positive: this example is not found
  help: mend pattern, check, odds or words, or mark in the example what is to be found: "of [[EMP-123456]]."
weir.toml:26:31: error: detect.kinds.c.positive: `name` is missing
  help: add `name = "column_name"`
weir.toml:26:47: error: detect.kinds.c.positive.nam: unknown key
  help: did you mean `name`?
weir.toml:27:23: error: detect.kinds.c.negative: this example is found and should not be
  help: mend pattern or check, or add words to `against`"#,
    );
}

#[test]
fn exports_are_read() {
    let text = format!(
        "{TARGET}[export.archive]\nkind = \"file\"\npath = \"out.jsonl\"\nevents = [\"decided\", \"rejected\"]\n\
         [export.soc]\nkind = \"syslog\"\naddress = \"syslog.example.com:6514\"\n\
         [export.siem]\nkind = \"webhook\"\nurl = \"https://siem.example.com/weir?x=1\"\nsecret = {{ file = \"hook.key\" }}\n\
         body = \"array\"\n"
    );
    let (config, said) = load(&text, false);
    assert_eq!(said, "");
    let exports = config.unwrap().exports;
    let names: Vec<_> = exports.iter().map(|export| export.name.as_str()).collect();
    assert_eq!(names, ["archive", "siem", "soc"]);
    let events: Vec<_> = exports[0].events.iter().flatten().map(String::as_str).collect();
    assert_eq!(events, ["decided", "rejected"]);
    assert!(matches!(&exports[0].to, ExportTo::File(path) if path.ends_with("out.jsonl")));
    let checkpoints = |lines: &str| {
        let text = format!("{TARGET}[export.a]\nkind = \"file\"\npath = \"a.jsonl\"\n{lines}");
        let export = load(&text, false).0.unwrap().exports.remove(0);
        (export.checkpoints, export.events.map(|events| events.into_iter().collect::<Vec<_>>().join(" ")))
    };
    assert_eq!(checkpoints(""), (false, None));
    assert_eq!(checkpoints("checkpoints = \"on\"\n"), (true, None));
    assert_eq!(checkpoints("events = [\"checkpoint\"]\n"), (true, Some("checkpoint".to_owned())));
    let both = (true, Some("alert checkpoint".to_owned()));
    assert_eq!(checkpoints("events = [\"alert\"]\ncheckpoints = \"on\"\n"), both);
    assert!(matches!(&exports[1].to, ExportTo::Webhook { url, body: ::export::Body::Array, ca: None, .. }
        if *url == "https://siem.example.com/weir?x=1"));
    assert!(matches!(&exports[2].to, ExportTo::Syslog(to)
        if (to.host.as_str(), to.port, to.tls, &to.ca) == ("syslog.example.com", 6514, true, &None)));
}

#[test]
fn exports_that_are_wrong_are_said() {
    target_refused(
        r#"
[export.Archive]
kind = "fil"
[export.a]
kind = "file"
url = "https://x/"
[export.b]
kind = "file"
path = "out.jsonl"
events = ["decide", "checkpoint", "ended", "xyz"]
[export.c]
kind = "file"
path = "./out.jsonl"
events = []
[export.d]
kind = "syslog"
address = "syslog.example.com"
tls = "require"
[export.e]
kind = "syslog"
address = "127.0.0.1:601"
tls = "off"
ca = "ca.pem"
[export.f]
kind = "webhook"
url = "https://alice:secret@siem.example.com/"
secret = "whsec"
[export.g]
kind = "webhook"
url = "http://127.0.0.1/x"
secret = { env = "SIEM_SECRET" }
ca = "ca.pem"
body = "xml"
[export.h]
url = "http://127.0.0.1/x"
"#,
        r#"weir.toml:10:9: error: export.Archive: is no name for an export
  help: use lower-case letters, digits, `_` and `-`, at most 63, a letter or digit first
weir.toml:11:8: error: export.Archive.kind: "fil" is not known here
  help: write "file" or "syslog" or "webhook"
weir.toml:12:9: error: export.a: `path` is missing
  help: add `path = "/var/log/weir.jsonl"`
weir.toml:14:1: error: export.a.url: unknown key
  help: known here: kind, events, checkpoints, path
weir.toml:18:11: error: export.b.events: "decide" is no kind of record that is exported
  help: did you mean `decided`?
weir.toml:18:44: error: export.b.events: "xyz" is no kind of record that is exported
  help: there are started, stopped, policies_changed, policies_refused, key_rotated, epoch_began, admitted, rejected, decided, ended, found, noticed, closed, alert, recorded, recording_deleted, hold_placed, hold_released, checkpoint
weir.toml:21:8: error: export.c.path: is the file of another export
  help: give each a file of its own: two that write one would cut each other's lines
weir.toml:22:10: error: export.c.events: names no kind of record
  help: name some, or leave the key out and all are exported
weir.toml:25:11: error: export.d.address: has no port
  help: write host and port, like "syslog.example.com:6514" or "127.0.0.1:601"
weir.toml:26:7: error: export.d.tls: "require" is not known here
  help: write "verify" or "off"
weir.toml:31:1: error: export.e.ca: means nothing without TLS
  help: leave it out, or set `tls = "verify"`
weir.toml:34:7: error: export.f.url: has a user name or password in it
  help: write one like "https://siem.example.com/weir"
weir.toml:35:10: error: export.f.secret: is the secret itself
  help: secrets are named by where they are kept, never written down: `secret = { env = "F_SECRET" }`, or { file = "…" }; and change this one if the file was ever shared
weir.toml:40:1: error: export.g.ca: means nothing without TLS
  help: leave it out, or use https
weir.toml:41:8: error: export.g.body: "xml" is not known here
  help: write "lines" or "array"
weir.toml:42:9: error: export.h: `kind` is missing
  help: add `kind = "webhook"`"#,
    );
}

#[test]
fn exports_in_the_open_are_warned_about() {
    let text = format!(
        "{TARGET}[export.soc]\nkind = \"syslog\"\naddress = \"10.0.0.7:601\"\ntls = \"off\"\n\
         [export.siem]\nkind = \"webhook\"\nurl = \"http://10.0.0.7/x\"\nsecret = {{ env = \"SIEM_SECRET\" }}\n\
         [export.near]\nkind = \"webhook\"\nurl = \"http://127.0.0.1/x\"\nsecret = {{ env = \"SIEM_SECRET\" }}\n"
    );
    let (config, said) = load(&text, false);
    assert!(config.is_ok());
    assert_eq!(
        said,
        r#"weir.toml:12:7: warning: export.soc.tls: all records go over the network unprotected
  help: use "verify", with `ca` if the certificate is not of a public authority
weir.toml:15:7: warning: export.siem.url: all records go over the network unprotected
  help: use https"#
    );
}

#[test]
fn a_reserve_is_a_size() {
    let read = |size: &str| {
        let (config, said) = load(&format!("{TARGET}[evidence]\nreserve = {size}\n"), false);
        config.map(|config| config.evidence.reserve_bytes).map_err(|_| said)
    };
    assert_eq!(load(TARGET, false).0.unwrap().evidence.reserve_bytes, 256 << 20, "where nothing is said");
    for (size, bytes) in [
        (r#""0""#, 0),
        (r#""0B""#, 0),
        (r#""1B""#, 1),
        (r#""10 KiB""#, 10 << 10),
        (r#""256MiB""#, 256 << 20),
        (r#""1GiB""#, 1 << 30),
        (r#""64TiB""#, 64 << 40),
    ] {
        assert_eq!(read(size), Ok(bytes), "{size}");
    }
    for (size, what) in [
        ("1024", "is a number\n  help: write it in quotes, with its unit"),
        (r#""1024""#, "\"1024\" is no size\n  help: write a whole number with a unit"),
        (r#""1 GB""#, "is no size"),
        (r#""1gib""#, "is no size"),
        (r#""MiB""#, "is no size"),
        (r#""-1MiB""#, "is no size"),
        (r#""1.5GiB""#, "is no size"),
        (r#""99999999999999999999GiB""#, "is no size"),
        (r#""18446744073709551615TiB""#, "is no size"),
        (r#""65TiB""#, "is out of range\n  help: write at most \"64TiB\""),
    ] {
        let said = read(size).unwrap_err();
        assert!(said.contains(&format!("evidence.reserve: {what}")) || said.contains(what), "{size}: {said}");
    }
}

#[test]
fn alerts_are_on_and_can_be_set() {
    let defaults = load(TARGET, false).0.unwrap().alerts;
    assert_eq!(defaults, Alerts::default());
    assert!(defaults.rules.first_use && defaults.rules.unusual_volume);
    let text = "[alerts]\nfirst_use = \"off\"\nunusual_volume = \"off\"\nunusual_rows_factor = 2\nunusual_rows_min = 7\n\
                target_unreachable_seconds = 1\ncheckpoints_unreachable_seconds = 2\nexport_failing_seconds = 3\n";
    let set = load(&format!("{TARGET}{text}"), false).0.unwrap().alerts;
    let rules = ::alerts::Rules { first_use: false, unusual_volume: false, factor: 2, rows_min: 7 };
    let (target_unreachable, checkpoints_unreachable, export_failing) = (1_000_000, 2_000_000, 3_000_000);
    assert_eq!(set, Alerts { rules, target_unreachable, checkpoints_unreachable, export_failing });
    target_refused(
        "\n[alerts]\nfirst_use = true\nunusual_rows_factor = 1\ntarget_unreachable_seconds = 0\nunusual_rows = 5\n",
        r#"weir.toml:11:13: error: alerts.first_use: is true or false
  help: write a text in quotes
weir.toml:12:23: error: alerts.unusual_rows_factor: is out of range
  help: write a whole number from 2 to 1000000
weir.toml:13:30: error: alerts.target_unreachable_seconds: is out of range
  help: write a whole number from 1 to 604800
weir.toml:14:1: error: alerts.unusual_rows: unknown key
  help: did you mean `unusual_rows_min`?"#,
    );
}

#[test]
fn urls_are_places_of_checkpoints() {
    let read = |places: &str| {
        let (config, said) = load(&format!("{TARGET}[evidence]\ncheckpoints = {places}\n"), false);
        config.map(|config| config.evidence).map_err(|_| said)
    };
    let evidence = read(r#"["there", "https://w.example/weir/", "http://[::1]:8080/note"]"#).unwrap();
    assert_eq!((evidence.checkpoints.len(), evidence.checkpoint_urls.len()), (1, 2));
    for (places, what) in [
        (r#"["http://w.example/weir/"]"#, "over the network unprotected\n  help: use https"),
        (r#"["https://a:b@w.example/"]"#, "has a user name or password in it"),
        (r#"["ftp://w.example/"]"#, "is neither an https nor an http URL"),
        (r#"["https://w.example/", "https://w.example/"]"#, "is named twice"),
    ] {
        let said = read(places).unwrap_err();
        assert!(said.contains(what), "{places}: {said}");
    }
}
