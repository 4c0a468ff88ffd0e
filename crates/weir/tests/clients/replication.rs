//! Replication through Weir: base backups, the server's log, decoded changes, and a subscription of another server. What comes
//! through is what comes directly; who may not see everything gets none of it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sandbox::PostgresServer;
use serde_json::Value;
use tempfile::TempDir;
use testkit::weir::Weir;
use testkit::{Clients, Outcome, Release, Run, temp_folder, wait_until};

const LIMIT: Duration = Duration::from_secs(120);
const PASSWORD: &str = "what the publisher asks";
const CANARY: &str = "903-77-4141";

const SCHEMA: &str = "
CREATE TABLE people (id int PRIMARY KEY, ssn text, city text);
INSERT INTO people VALUES (1, '903-77-4141', 'Leeds'), (2, '903-77-4142', 'York');
CREATE PUBLICATION everything FOR ALL TABLES;
";

const POLICIES: &str = r#"
@id("use")
permit (
  principal in Group::"users",
  action in [Action::"connect", Action::"session", Action::"read", Action::"administer", Action::"copy_out"],
  resource in Env::"dev"
);
@id("logical")  permit (principal in Group::"logical", action == Action::"replication", resource);
@id("physical") permit (principal in Group::"physical", action == Action::"physical_replication", resource);
@id("clear")    permit (principal in Group::"clear", action == Action::"see", resource);
"#;

/// The users, and their groups beside `users`.
const USERS: [(&str, &[&str]); 4] =
    [("nora", &[]), ("lou", &["logical"]), ("phil", &["physical"]), ("clara", &["logical", "physical", "clear"])];

/// A publisher with two databases, of which one has something classified, and a Weir before it.
struct Publisher {
    release: Release,
    clients: Clients,
    server: PostgresServer,
    weir: Weir,
    tokens: Vec<(&'static str, String)>,
    folder: TempDir,
}

impl Publisher {
    fn of(release: Release) -> Self {
        let clients = Clients::find().unwrap();
        let mut server = clients.server(release).setting("wal_level", "logical").setting("autovacuum", "off");
        if release == Release::V18 {
            server = server.setting("summarize_wal", "on");
        }
        let server = server.start().unwrap();
        server.psql("postgres", &format!("CREATE ROLE holder SUPERUSER LOGIN PASSWORD '{PASSWORD}'")).unwrap();
        for database in ["open", "closed"] {
            server.psql("postgres", &format!("CREATE DATABASE {database}")).unwrap();
            server.psql(database, SCHEMA).unwrap();
        }
        let account = ("holder", PASSWORD);
        let weir = Weir::builder(env!("CARGO_BIN_EXE_weir"))
            .target("open", &server, "open", account, &[])
            .target("closed", &server, "closed", account, &[("public.people.ssn", "pii.national_id")])
            .policies(POLICIES);
        let weir = ["users", "logical", "physical", "clear"].into_iter().fold(weir, |weir, group| weir.group(group));
        let weir = weir.start();
        let token = |(user, groups): (&'static str, &[&str])| (user, weir.token(user, &[&["users"], groups].concat()));
        let tokens = USERS.map(token).into();
        Self { release, clients, server, weir, tokens, folder: temp_folder("replication").unwrap() }
    }

    fn token(&self, user: &str) -> &str {
        &self.tokens.iter().find(|(known, _)| *known == user).unwrap().1
    }

    /// A program of the server's release that names a database.
    fn through(&self, program: &str, user: &str, database: &str) -> Run {
        let run = self.clients.program(self.release, program).env("PGPASSWORD", self.token(user));
        run.arg("-d").arg(self.weir.conninfo(user, database))
    }

    /// A program that names none.
    fn of_server(&self, program: &str, user: &str, target: &str) -> Run {
        self.through(program, user, "replication").env("PGOPTIONS", format!("-c weir.target={target}"))
    }

    fn direct(&self, program: &str, database: &str) -> Run {
        let port = self.server.port();
        let run = self.clients.program(self.release, program).env("PGPASSWORD", PASSWORD);
        run.arg("-d").arg(format!("host=127.0.0.1 port={port} dbname={database} user=holder"))
    }

    fn done(&self, run: Run) -> Outcome {
        let outcome = run.limit(LIMIT).finish().unwrap();
        let log = || String::from_utf8_lossy(&self.weir.run(&["log", "--last", "8"]).stdout).into_owned();
        assert!(outcome.success(), "on {}: {}\n{}{}", self.release, outcome.stderr, self.weir.stderr(), log());
        outcome
    }

    fn refused(&self, run: Run, why: &str) {
        let outcome = run.limit(LIMIT).finish().unwrap();
        assert!(!outcome.success(), "on {}: {}", self.release, outcome.stdout);
        assert!(outcome.stderr.contains(why), "on {}: {} does not say {why}", self.release, outcome.stderr);
        assert!(!outcome.stdout.contains(CANARY) && !outcome.stderr.contains(CANARY), "{outcome:?}");
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn sql(&self, database: &str, sql: &str) -> String {
        self.server.psql(database, sql).unwrap().trim().to_owned()
    }

    /// The end of the server's log, as a place in it.
    fn end(&self) -> String {
        self.sql("postgres", "SELECT pg_current_wal_insert_lsn()")
    }
}

#[test]
fn base_backups_are_whole_and_for_those_who_may_see_everything() {
    for release in Release::ALL {
        let publisher = Publisher::of(release);
        let backup = |user, target, name: &str| {
            let path = publisher.path(name);
            publisher.of_server("pg_basebackup", user, target).args(["-c", "fast", "-D", &path])
        };
        publisher.done(backup("phil", "open", "plain").args(["-X", "stream"]));
        let verify = publisher.clients.program(release, "pg_verifybackup").arg(publisher.path("plain"));
        publisher.done(verify);
        publisher.done(backup("phil", "open", "tar").args(["-F", "t", "-z", "-X", "fetch"]));
        assert!(fs::metadata(publisher.path("tar") + "/base.tar.gz").unwrap().len() > 1_000_000);
        // What is written at the server is not the caller's to choose.
        publisher.refused(
            publisher.of_server("pg_basebackup", "phil", "open").args(["-X", "none", "-t", "server:/tmp/never"]),
            "server_file",
        );
        publisher.refused(backup("lou", "open", "no").args(["-X", "none"]), "physical_replication");
        publisher.refused(backup("phil", "closed", "no").args(["-X", "none"]), "see");
        if release == Release::Distribution {
            // Newer ones name the database of their connection string.
            publisher.refused(publisher.through("pg_basebackup", "phil", "open").args(["-D", "no"]), "weir.target");
        }
        publisher.done(backup("clara", "closed", "seen").args(["-X", "none"]));
        if release == Release::V18 {
            // The list of the first backup's files goes the other way.
            let manifest = publisher.path("seen") + "/backup_manifest";
            publisher.done(backup("clara", "closed", "more").args(["-X", "none", "-i", &manifest]));
        }
        logged(&publisher.weir, "BASE_BACKUP");
        publisher.weir.verify();
    }
}

#[test]
fn the_servers_log_comes_through_as_it_is() {
    for release in Release::ALL {
        let publisher = Publisher::of(release);
        let folder = publisher.path("wal");
        fs::create_dir(&folder).unwrap();
        let receive = || publisher.of_server("pg_receivewal", "phil", "open").args(["-D", &folder, "-S", "kept"]);
        publisher.done(receive().args(["--create-slot"]));
        let mut receiver = receive().args(["--no-loop", "--synchronous"]).spawn().unwrap();
        let active = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'kept' AND active";
        wait_until(LIMIT, "the stream", || publisher.sql("open", active) == "1").unwrap();
        publisher.sql("open", "INSERT INTO people SELECT g, 'number ' || g FROM generate_series(10, 20000) g");
        let file = publisher.sql("open", "SELECT pg_walfile_name(pg_switch_wal())");
        let received = Path::new(&folder).join(&file);
        wait_until(LIMIT, "a whole file", || received.exists()).unwrap();
        let sent = fs::read(publisher.server.folder().join("data/pg_wal").join(&file)).unwrap();
        assert!(sent == fs::read(received).unwrap(), "{file} differs on {release}");
        // Asked to stop, it ends the stream in the protocol's way and waits for the server's end of it.
        assert!(Command::new("kill").args(["-INT", &receiver.id().to_string()]).status().unwrap().success());
        assert!(receiver.wait().unwrap().success());
        publisher.done(receive().arg("--drop-slot"));
        publisher.refused(receive().arg("--create-slot").env("PGOPTIONS", "-c weir.target=nowhere"), "nowhere");
        logged(&publisher.weir, "START_REPLICATION");
        publisher.weir.verify();
    }
}

/// A standby that is made of a base backup through Weir, and follows through Weir.
#[test]
fn a_standby_follows() {
    for release in Release::ALL {
        let publisher = Publisher::of(release);
        let mut standby = publisher.clients.server(release).start().unwrap();
        let data = standby.folder().join("data");
        let own = fs::read_to_string(data.join("sandbox.conf")).unwrap();
        standby.stop().unwrap();
        fs::remove_dir_all(&data).unwrap();
        let path = data.display().to_string();
        let backup = publisher.of_server("pg_basebackup", "phil", "open");
        publisher.done(backup.args(["-c", "fast", "-X", "stream", "-D", &path]));
        // Its account can't look into Weir's folder.
        fs::copy(publisher.weir.state().join("ca.pem"), data.join("weir.pem")).unwrap();
        let primary = format!(
            "host=localhost port={} user=phil password={} sslmode=verify-full sslrootcert={path}/weir.pem \
             options=''-c weir.target=open''",
            publisher.weir.port(),
            publisher.token("phil"),
        );
        fs::write(data.join("sandbox.conf"), format!("{own}primary_conninfo = '{primary}'\n")).unwrap();
        fs::write(data.join("standby.signal"), "").unwrap();
        let owner = format!("--reference={}", standby.folder().display());
        assert!(Command::new("chown").args(["-R", &owner, &path]).status().unwrap().success());
        standby.restart().unwrap();
        publisher.sql("open", "INSERT INTO people VALUES (4, 'followed', 'Hull')");
        // The account and its password are the publisher's.
        let info = format!("host=127.0.0.1 port={} user=holder dbname=open", standby.port());
        let psql = || publisher.clients.psql(release).env("PGPASSWORD", PASSWORD).args(["-X", "-A", "-t", "-d", &info]);
        let followed = || psql().args(["-c", "SELECT ssn FROM people WHERE id = 4"]).finish().unwrap();
        let log = || fs::read_to_string(standby.log_path()).unwrap_or_default() + &publisher.weir.stderr();
        let came = wait_until(LIMIT, "the change", || followed().stdout == "followed\n");
        assert!(came.is_ok(), "{:?}\n{}", followed(), log());
        standby.stop().unwrap();
        publisher.weir.verify();
    }
}

#[test]
fn decoded_changes_are_for_those_who_may_see_them() {
    for release in Release::ALL {
        let mut publisher = Publisher::of(release);
        for (database, user) in [("open", "lou"), ("closed", "clara")] {
            let slot = |name: &str| ["--slot".to_owned(), format!("{database}_{name}")];
            publisher.done(publisher.through("pg_recvlogical", user, database).args(slot("through")).args([
                "--create-slot",
                "-P",
                "test_decoding",
            ]));
            publisher.done(publisher.direct("pg_recvlogical", database).args(slot("direct")).args([
                "--create-slot",
                "-P",
                "test_decoding",
            ]));
            publisher.sql(database, "UPDATE people SET city = 'Hull'; DELETE FROM people WHERE id = 2");
            publisher.sql(database, "INSERT INTO people SELECT g, repeat('x', 5000) FROM generate_series(10, 500) g");
            let end = publisher.end();
            // Without the numbers of transactions, which are those of the whole server.
            let start = ["--start", "--no-loop", "-o", "include-xids=0", "-f", "-", "--endpos", &end];
            let through =
                publisher.done(publisher.through("pg_recvlogical", user, database).args(slot("through")).args(start));
            let direct = publisher.done(publisher.direct("pg_recvlogical", database).args(slot("direct")).args(start));
            assert_eq!(through.stdout, direct.stdout, "{database} on {release}");
            assert!(through.stdout.contains("Hull") && through.stdout.len() > 2_000_000, "{}", through.stdout.len());
        }
        // A slot may be made by who may not see what it would give.
        let of_lou = || publisher.through("pg_recvlogical", "lou", "closed").args(["--slot", "closed_lou"]);
        publisher.done(of_lou().args(["--create-slot", "-P", "test_decoding"]));
        publisher.refused(of_lou().args(["--start", "--no-loop", "-f", "-"]), "see");
        publisher.done(of_lou().arg("--drop-slot"));
        let nora = publisher.through("pg_recvlogical", "nora", "open").args(["--slot", "no", "--drop-slot"]);
        publisher.refused(nora, "replication");
        sql_beside_commands(&publisher);
        ends_with_its_token(&publisher);
        ends_with_its_policies(&mut publisher);
        logged(&publisher.weir, "START_REPLICATION");
        publisher.weir.verify();
    }
}

/// A replication connection to a database takes SQL, which is decided and masked as anywhere.
fn sql_beside_commands(publisher: &Publisher) {
    let psql = |user: &str, commands: &[&str]| {
        let info = publisher.weir.conninfo(user, "closed") + " replication=database";
        let run = publisher.clients.psql(publisher.release).env("PGPASSWORD", publisher.token(user));
        commands.iter().fold(run.args(["-X", "-A", "-t", "-d", &info]), |run, command| run.args(["-c", command]))
    };
    let said = publisher.done(psql("lou", &["IDENTIFY_SYSTEM", "SHOW wal_level", "SELECT * FROM people WHERE id = 1"]));
    assert!(said.stdout.contains("|closed\n") && said.stdout.contains("logical\n"), "{}", said.stdout);
    assert!(said.stdout.contains("1|[redacted]|Hull") && !said.stdout.contains(CANARY), "{}", said.stdout);
    for (commands, why) in [
        (&["IDENTIFY_SYSTEM; SELECT ssn FROM people"][..], "cannot read this IDENTIFY_SYSTEM"),
        (&["BASE_BACKUP (WAL false)"], "physical_replication"),
        (&["START_REPLICATION 0/0"], "physical_replication"),
        (&["CREATE_REPLICATION_SLOT p PHYSICAL"], "physical_replication"),
        // Nothing can be described on such a connection, so nothing can be masked in a copy.
        (&["COPY people TO STDOUT"], "cannot mask a COPY on a replication connection"),
        (&["DROP TABLE people"], "drop"),
    ] {
        publisher.refused(psql("lou", commands), why);
    }
    let seen = publisher.done(psql("clara", &["COPY people TO STDOUT"]));
    assert!(seen.stdout.contains(CANARY) || seen.stdout.contains("Hull"), "{}", seen.stdout);
}

/// A stream goes on until the credential ends.
fn ends_with_its_token(publisher: &Publisher) {
    let token = publisher.weir.token("passing", &["users", "logical"]);
    let run = publisher.clients.program(publisher.release, "pg_recvlogical").env("PGPASSWORD", token);
    let slot = ["--slot", "passing", "--create-slot", "--start", "-P", "test_decoding", "--no-loop", "-f", "-"];
    let stream = run.arg("-d").arg(publisher.weir.conninfo("passing", "open")).args(slot);
    let mut stream = stream.spawn().unwrap();
    let active = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'passing' AND active";
    wait_until(LIMIT, "the stream", || publisher.sql("open", active) == "1").unwrap();
    let listed = String::from_utf8(publisher.weir.run(&["token", "list", "--json"]).stdout).unwrap();
    let entries = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let id = entries.filter(|entry| entry["principal"] == "local:passing").map(|entry| entry["id"].clone()).next();
    let revoked = publisher.weir.run(&["token", "revoke", id.unwrap().as_str().unwrap()]);
    assert!(revoked.status.success(), "{revoked:?}");
    wait_until(LIMIT, "its end", || stream.try_wait().unwrap().is_some()).unwrap();
    wait_until(LIMIT, "its slot", || publisher.sql("open", active) == "0").unwrap();
}

/// A stream goes on until its policies change, and gives nothing that the target sends after that.
fn ends_with_its_policies(publisher: &mut Publisher) {
    let run = publisher.through("pg_recvlogical", "lou", "open");
    let slot = ["--slot", "ruled", "--create-slot", "--start", "-P", "test_decoding", "--no-loop", "-f", "-"];
    let mut stream = run.args(slot).spawn().unwrap();
    let active = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'ruled' AND active";
    wait_until(LIMIT, "the stream", || publisher.sql("open", active) == "1").unwrap();
    let changed = |weir: &Weir| weir.log().iter().filter(|record| record["event"] == "policies_changed").count();
    let before = changed(&publisher.weir);
    publisher.weir.replace_policies(&POLICIES.replace("Group::\"logical\"", "Group::\"physical\""));
    wait_until(LIMIT, "the policies", || changed(&publisher.weir) > before).unwrap();
    publisher.sql("open", "UPDATE people SET city = 'Unseen'");
    wait_until(LIMIT, "its end", || stream.try_wait().unwrap().is_some()).unwrap();
    let ended = stream.wait_with_output().unwrap();
    let (shown, said) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(!shown.contains("Unseen") && said.contains("FATAL") && said.contains("replication"), "{shown}\n{said}");
    publisher.weir.replace_policies(POLICIES);
}

#[test]
fn another_server_subscribes() {
    let clients = Clients::find().unwrap();
    let subscriber = clients.server(Release::Distribution).setting("wal_level", "logical").start().unwrap();
    subscriber.psql("postgres", "CREATE TABLE people (id int PRIMARY KEY, ssn text, city text)").unwrap();
    for release in Release::ALL {
        let publisher = Publisher::of(release);
        let info = format!(
            "host=localhost port={} dbname=closed user=clara password={} sslmode=require",
            publisher.weir.port(),
            publisher.token("clara")
        );
        subscriber.psql("postgres", "TRUNCATE people").unwrap();
        let name = format!("from_{}", publisher.server.port());
        subscriber
            .psql("postgres", &format!("CREATE SUBSCRIPTION {name} CONNECTION '{info}' PUBLICATION everything"))
            .unwrap();
        let people = || subscriber.psql("postgres", "SELECT * FROM people ORDER BY id").unwrap();
        let log = || fs::read_to_string(subscriber.log_path()).unwrap_or_default() + &publisher.weir.stderr();
        let first = wait_until(LIMIT, "the first copy", || people().lines().count() == 2);
        assert!(first.is_ok(), "{}", log());
        publisher.sql("closed", "UPDATE people SET city = 'Hull'; INSERT INTO people VALUES (3, 'another', 'Bath')");
        let changed = wait_until(LIMIT, "the changes", || people().contains("Bath"));
        assert!(changed.is_ok(), "{}", log());
        assert_eq!(people(), publisher.server.psql("closed", "SELECT * FROM people ORDER BY id").unwrap());
        subscriber.psql("postgres", &format!("DROP SUBSCRIPTION {name}")).unwrap();
        publisher.weir.verify();
    }
}

/// The log has what this command was permitted, and how much went with it.
fn logged(weir: &Weir, command: &str) {
    let log = weir.log();
    let carried = |begun: &Value| {
        let same = |record: &&Value| record["session"] == begun["session"] && record["op"] == begun["op"];
        let ended = log.iter().filter(same).find(|record| record["event"] == "ended");
        ended.and_then(|record| record["bytes"].as_u64()).is_some_and(|bytes| bytes > 100_000)
    };
    let begun = log.iter().filter(|record| record["text"].as_str().is_some_and(|text| text.starts_with(command)));
    assert!(begun.clone().any(carried), "{:?}", begun.collect::<Vec<_>>());
}
