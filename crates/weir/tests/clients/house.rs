//! The servers and the Weirs before them that all tests share: one pair for each release, made when it is first asked for.

use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use sandbox::PostgresServer;
use sandbox::shop::{self, Shop};
use testkit::weir::{self, Weir};
use testkit::{Clients, Outcome, Release, Run};

/// Databases to write to, one for each test that does: tests run side by side.
const WORK: [&str; 9] = [
    "work",
    "work_copies",
    "work_meanwhile",
    "work_psycopg",
    "work_jdbc",
    "work_pgbench",
    "work_sqlalchemy",
    "work_node",
    "work_dbt",
];

/// How long a script may take: on a busy machine, with a Weir that is not optimised.
const SCRIPT_LIMIT: Duration = Duration::from_secs(180);

/// What the classified columns of each target are.
const SHAPES_CLASSES: [(&str, &str); 4] = [
    ("public.closed.a_*", "pii.shape"),
    ("public.closed.an_*", "pii.shape"),
    ("public.closed.some_*", "pii.shape"),
    ("public.closed_days.a_*", "pii.birth_date"),
];
const WORK_CLASSES: [(&str, &str); 2] =
    [("public.people.born", "pii.birth_date"), ("public.made.born", "pii.birth_date")];

const SIGHTS_CLASSES: [(&str, &str); 9] = [
    ("public.seen.card_*", "pci.card"),
    ("public.seen.born_*", "pii.birth_date"),
    ("public.seen.amount_*", "fin.amount"),
    ("public.seen.place_*", "pii.location"),
    ("public.seen.host_*", "net.ip"),
    ("public.seen.device_*", "net.mac"),
    ("public.seen.mail_*", "pii.email"),
    ("public.seen.word_*", "pii.word"),
    ("public.seen.secret_*", "secret.key"),
];

const STORED_CLASSES: [(&str, &str); 12] = [
    ("public.persons.ssn", r#"{ class = "pii.national_id", on_write = "token" }"#),
    ("public.persons.phone", r#"{ class = "pii.phone", on_write = "partial" }"#),
    ("public.persons.born", r#"{ class = "pii.birth_date", on_write = "partial" }"#),
    ("public.persons.account", r#"{ class = "fin.amount", on_write = "token" }"#),
    ("public.persons.number", r#"{ class = "fin.amount", on_write = "token" }"#),
    ("public.persons.ref", r#"{ class = "pii.word", on_write = "token" }"#),
    ("public.persons.host", r#"{ class = "net.ip", on_write = "token" }"#),
    ("public.persons.doc", r#"{ class = "pii.word", on_write = "token" }"#),
    ("public.persons.ok", r#"{ class = "pii.word", on_write = "token" }"#),
    ("public.persons.short", r#"{ class = "pii.word", on_write = "token" }"#),
    ("public.persons.tags", r#"{ class = "pii.word", on_write = "token" }"#),
    ("public.persons.twice", "pii.word"),
];

const POLICIES: &str = r#"
@id("use")
permit (
  principal in Group::"users",
  action in [Action::"connect", Action::"session", Action::"read", Action::"write", Action::"define",
             Action::"execute", Action::"administer"],
  resource in Env::"dev"
);
@id("plain") permit (principal in Group::"users", action == Action::"opaque", resource in Target::"plain");
@id("dbt")   permit (principal in Group::"users", action == Action::"opaque", resource in Target::"work_dbt");   // DROP … CASCADE
@id("vault") @message("Nobody opens the vault.")
forbid (principal, action, resource is Table) when { resource.name == "public.vault" };

@id("last4")   permit (principal in Group::"users", action == Action::"see_partial", resource in Class::"pci.card");
@id("mailbox") permit (principal in Group::"users", action == Action::"see_partial", resource in Class::"pii.email");
@id("year")    permit (principal in Group::"users", action == Action::"see_partial", resource in Class::"pii.birth_date");
@id("name")    permit (principal in Group::"users", action == Action::"see", resource in Class::"pii.name");

@id("blobs") permit (principal in Group::"carriers", action in [Action::"function_call", Action::"large_object"], resource in Env::"dev");
@id("bulk") permit (principal in Group::"carriers", action in [Action::"copy_in", Action::"copy_out"], resource in Env::"dev");

@id("ask")     permit (principal in Group::"users", action in [Action::"probe", Action::"overwrite"], resource);
@id("keep")    permit (principal in Group::"keepers", action == Action::"store", resource);
@id("less")    permit (principal in Group::"lesser", action in [Action::"store_token", Action::"store_partial", Action::"copy_in", Action::"copy_out"], resource in Target::"stored");
@id("clear")   permit (principal in Group::"clear", action == Action::"see", resource);
@id("partial") permit (principal in Group::"partial", action == Action::"see_partial", resource);
@id("token")   permit (principal in Group::"token", action == Action::"see_token", resource);
@id("sights")  permit (
  principal in Group::"token", action in [Action::"connect", Action::"session", Action::"read", Action::"copy_out"], resource in Target::"sights"
);
"#;

/// The users, and the group that says what each sees. Alice sees what the shop's policies show everyone; so does Carol, who
/// may carry it away by COPY, and Clea carries away what Clara sees. Tessa may keep what she does not see, and Cody carries it in. Tess
/// sees tokens and no parts. Lena sees all, and stores parts and tokens where columns opt in to them.
const USERS: [(&str, &[&str]); 10] = [
    ("alice", &["users"]),
    ("tessa", &["users", "keepers"]),
    ("carol", &["users", "carriers"]),
    ("clara", &["users", "clear"]),
    ("petra", &["users", "partial"]),
    ("theo", &["users", "token"]),
    ("tess", &["token"]),
    ("clea", &["users", "carriers", "clear"]),
    ("cody", &["users", "carriers", "keepers"]),
    ("lena", &["users", "lesser", "clear"]),
];

/// A server with its databases, and a Weir before it.
pub struct House {
    pub release: Release,
    pub server: PostgresServer,
    pub weir: Weir,
    clients: Clients,
    password: String,
    tokens: Vec<(&'static str, String)>,
    _watcher: Child,
}

static DISTRIBUTION: LazyLock<House> = LazyLock::new(|| House::build(Release::Distribution));
static V18: LazyLock<House> = LazyLock::new(|| House::build(Release::V18));

/// The house of a release.
pub fn house(release: Release) -> &'static House {
    match release {
        Release::Distribution => &DISTRIBUTION,
        Release::V18 => &V18,
    }
}

impl House {
    fn build(release: Release) -> Self {
        let clients = Clients::find().unwrap();
        let server = clients
            .server(release)
            .setting("max_prepared_transactions", "10")
            .setting("autovacuum", "off")
            .start()
            .unwrap();
        let password = "the target's password".to_owned();
        Shop { customers: 300, ..Shop::new(password.as_str()) }.load(&server).unwrap();
        // A shop where nothing is classified.
        server.psql("postgres", "CREATE DATABASE plain TEMPLATE shop").unwrap();
        let work = WORK.map(|database| (database, include_str!("work.sql")));
        for (database, sql) in work.into_iter().chain([
            ("shapes", include_str!("shapes.sql")),
            ("sights", include_str!("sights.sql")),
            ("stored", include_str!("storing.sql")),
        ]) {
            server.psql("postgres", &format!("CREATE DATABASE {database} OWNER {}", shop::ROLE)).unwrap();
            server
                .psql(
                    database,
                    &format!(
                        "SET ROLE {};
{sql}",
                        shop::ROLE
                    ),
                )
                .unwrap();
        }
        // Goes with the server's folder.
        let weir = before(&server, &password).folder(server.folder().join("weir")).start();
        let watcher = watch(&weir);
        let tokens = USERS.iter().map(|(user, groups)| (*user, weir.token(user, groups))).collect();
        Self { release, server, weir, clients, password, tokens, _watcher: watcher }
    }

    /// A Weir before the same server, for one test alone.
    pub fn another_weir(&self) -> Weir {
        before(&self.server, &self.password).start()
    }

    pub fn clients(&self) -> &Clients {
        &self.clients
    }

    pub fn token(&self, user: &str) -> &str {
        &self.tokens.iter().find(|(known, _)| *known == user).unwrap().1
    }

    /// What Weir says on standard error, and the last records of its log: for a test that fails.
    pub fn last_words(&self) -> String {
        let log = self.weir.run(&["log", "--last", "12"]).stdout;
        self.weir.stderr() + &String::from_utf8_lossy(&log)
    }

    /// The environment by which scripts find both ways to the server.
    pub fn lend(&self, run: Run) -> Run {
        let ca = self.weir.state().join("ca.pem");
        let run = run
            .env("WEIR_PORT", self.weir.port().to_string())
            .env("WEIR_CA", ca)
            .env("DIRECT_PORT", self.server.port().to_string())
            .env("DIRECT_USER", shop::ROLE)
            .env("DIRECT_PASSWORD", &self.password)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        self.tokens.iter().fold(run, |run, (user, token)| run.env(format!("TOKEN_{user}"), token))
    }

    /// A run of `psql` through Weir as this user.
    pub fn psql_through(&self, psql: Release, user: &str, database: &str) -> Run {
        let run = self.clients.psql(psql).env("PGPASSWORD", self.token(user));
        run.arg("-d").arg(self.weir.conninfo(user, database))
    }

    /// A run of `psql` that asks the server itself, as the account that Weir uses.
    pub fn psql_direct(&self, psql: Release, database: &str) -> Run {
        self.clients.psql(psql).env("PGPASSWORD", &self.password).arg("-d").arg(self.direct_conninfo(database))
    }

    /// The connection string of the server itself, without the password.
    pub fn direct_conninfo(&self, database: &str) -> String {
        format!("host=127.0.0.1 port={} dbname={database} user={}", self.server.port(), shop::ROLE)
    }

    pub fn direct_password(&self) -> &str {
        &self.password
    }

    /// Runs a Python script of this folder to its end. It fails by its exit code, and says why.
    pub fn python(&self, script: &str, arguments: &[&str]) -> Outcome {
        self.script(self.clients.python(), script, arguments)
    }

    /// The same of a Node script.
    pub fn node(&self, script: &str, arguments: &[&str]) -> Outcome {
        self.script(self.clients.node().unwrap(), script, arguments)
    }

    fn script(&self, interpreter: Run, script: &str, arguments: &[&str]) -> Outcome {
        let path = folder().join(script);
        let outcome = self.lend(interpreter.arg(path).args(arguments)).limit(SCRIPT_LIMIT).finish().unwrap();
        assert!(
            outcome.success(),
            "{script} {arguments:?} on {}:\n{}{}\nWeir says:\n{}",
            self.release,
            outcome.stdout,
            outcome.stderr,
            self.last_words()
        );
        outcome
    }
}

/// A Weir before this server, to be started.
fn before(server: &PostgresServer, password: &str) -> weir::Builder {
    let account = (shop::ROLE, password);
    let lines = format!("address = \"127.0.0.1:{}\"\ntls = \"off\"\n", server.port());
    // They hold what looks like people's data and nobody has classified, to be the same as directly. What is found in values has tests of its own.
    let unlooked = format!("{lines}detect = \"off\"\n");
    let weir = Weir::builder(env!("CARGO_BIN_EXE_weir"))
        .target("shop", server, shop::DATABASE, account, shop::CLASSES)
        .target_with("plain", "plain", account, &unlooked, &[])
        .target_with("shapes", "shapes", account, &unlooked, &SHAPES_CLASSES)
        .target_with("sights", "sights", account, &lines, &SIGHTS_CLASSES)
        .target_with("stored", "stored", account, &lines, &STORED_CLASSES)
        .policies(POLICIES);
    let weir = WORK.into_iter().fold(weir, |weir, name| weir.target_with(name, name, account, &lines, &WORK_CLASSES));
    ["users", "carriers", "keepers", "lesser", "clear", "partial", "token"].into_iter().fold(weir, weir::Builder::group)
}

/// The folder of this test's data files.
pub fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// Statics are never dropped, so a small watcher waits on a pipe that only this process holds, and kills its Weir when
/// the kernel closes it. The server has a watcher of its own.
fn watch(weir: &Weir) -> Child {
    const SCRIPT: &str = r#"trap '' INT TERM HUP
read -r word
tr '\0' ' ' <"/proc/$1/cmdline" | grep -qF "$2" && kill -s KILL "$1""#;
    Command::new("sh")
        .args(["-c", SCRIPT, "weir-test-watcher", &weir.pid().unwrap().to_string()])
        .arg(weir.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Asserts that two texts are the same, and shows the lines around the first that differs if not.
#[track_caller]
pub fn same(what: &str, direct: &str, through: &str) {
    if direct == through {
        return;
    }
    let (direct, through): (Vec<&str>, Vec<&str>) = (direct.lines().collect(), through.lines().collect());
    let at = direct.iter().zip(&through).take_while(|(one, other)| one == other).count();
    let part = |lines: &[&str]| lines[at.saturating_sub(6)..(at + 8).min(lines.len())].join("\n");
    panic!(
        "{what} differs at line {}.\n--- directly\n{}\n--- through Weir\n{}\n",
        at + 1,
        part(&direct),
        part(&through)
    );
}
