//! pg_dump, pg_restore and psql's `\copy`: what is dumped through Weir is what is dumped directly, what is restored through it
//! stands as if restored directly, and a dump by somebody who may not see everything holds nothing of it.

use std::fs;
use std::time::Duration;

use sandbox::shop::{self, Shop};
use tempfile::TempDir;
use testkit::weir::Weir;
use testkit::{Outcome, Release, Run, temp_folder};

use crate::house::{House, house, same};

/// How long a dump or a restore may take: on a busy machine, with a Weir that is not optimised.
const LIMIT: Duration = Duration::from_secs(240);

const RESTORED: [&str; 4] = ["restored_plain", "restored_custom", "restored_directory", "restored_masked"];

/// Who dumps may run what a dump holds: functions, too. `masked` sees tokens; `carol` what everybody sees.
const POLICIES: &str = r#"
@id("dump")
permit (
  principal in Group::"users",
  action in [Action::"connect", Action::"session", Action::"read", Action::"write", Action::"define", Action::"execute",
             Action::"copy_in", Action::"copy_out", Action::"opaque"],
  resource in Env::"dev"
);
@id("vault") @message("Nobody opens the vault.")
forbid (principal, action, resource is Table) when { resource.name == "public.vault" };
@id("token") permit (principal in Group::"token", action == Action::"see_token", resource);
"#;

/// What a dump could hold, and the shop does not.
const MORE: &str = r#"
SET ROLE weir_shop;
CREATE TYPE mood AS ENUM ('good', 'it''s bad');
CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
CREATE TABLE odd (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "With Spaces" text DEFAULT E'a\tb\\c', mood mood, part percent,
    twice int GENERATED ALWAYS AS (part * 2) STORED, bytes bytea, day date, many int[], missing text);
INSERT INTO odd ("With Spaces", mood, part, bytes, day, many) VALUES
    (E'tab\tline\nback\\slash \\. "quote"', 'good', 7, '\x00ff0a5c', '2026-11-25', '{1,NULL,3}'),
    ('', 'it''s bad', NULL, '', NULL, '{}'), (NULL, NULL, 100, NULL, 'infinity', NULL);
CREATE TABLE parted (at date, what text) PARTITION BY RANGE (at);
CREATE TABLE parted_2026 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO parted SELECT date '2026-01-01' + g, md5(g::text) FROM generate_series(0, 300) g;
CREATE FUNCTION half(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN n / 2; END $$;
CREATE INDEX ON odd (half(part));
CREATE VIEW seen AS SELECT id, half(part) AS half FROM odd;
CREATE MATERIALIZED VIEW kept AS SELECT count(*) FROM parted;
CREATE SEQUENCE apart START 77 INCREMENT 3;
SELECT nextval('apart');
COMMENT ON TABLE odd IS 'It''s "odd"; -- and; more';
CREATE TABLE wide AS SELECT g AS id, repeat(md5(g::text), 40) AS text FROM generate_series(1, 3000) g;
"#;

/// A server with what is dumped and what is restored into, and a Weir before it.
struct Dumps<'a> {
    house: &'a House,
    weir: Weir,
    tokens: [(&'static str, String); 2],
    folder: TempDir,
}

impl Dumps<'_> {
    fn of(release: Release) -> Dumps<'static> {
        let house = house(release);
        let server = &house.server;
        // Not a copy of `plain`: a database can't be copied while other tests are connected to it.
        let shop = Shop { database: "dumped".to_owned(), customers: 300, ..Shop::new(house.direct_password()) };
        shop.load(server).unwrap();
        server.psql("dumped", MORE).unwrap();
        for name in RESTORED {
            server.psql("postgres", &format!("CREATE DATABASE {name} OWNER {}", shop::ROLE)).unwrap();
        }
        let account = (shop::ROLE, house.direct_password());
        // It holds people's data that nobody has classified, to be the same as directly.
        let unlooked = format!("address = \"127.0.0.1:{}\"\ntls = \"off\"\ndetect = \"off\"\n", server.port());
        let weir = Weir::builder(env!("CARGO_BIN_EXE_weir"))
            .target("shop", server, shop::DATABASE, account, shop::CLASSES)
            .target_with("dumped", "dumped", account, &unlooked, &[])
            .policies(POLICIES)
            .group("users")
            .group("token");
        let weir = RESTORED.into_iter().fold(weir, |weir, name| weir.target(name, server, name, account, &[])).start();
        let tokens = [("carol", weir.token("carol", &["users"])), ("theo", weir.token("theo", &["users", "token"]))];
        Dumps { house, weir, tokens, folder: temp_folder("dumps").unwrap() }
    }

    /// A program of the server's release, through Weir as this user.
    fn through(&self, program: &str, user: &str, database: &str) -> Run {
        let token = &self.tokens.iter().find(|(known, _)| *known == user).unwrap().1;
        let run = self.house.clients().program(self.house.release, program).env("PGPASSWORD", token);
        run.arg("-d").arg(self.weir.conninfo(user, database))
    }

    /// The same program without Weir.
    fn direct(&self, program: &str, database: &str) -> Run {
        let run = self.house.clients().program(self.house.release, program);
        run.env("PGPASSWORD", self.house.direct_password()).arg("-d").arg(self.house.direct_conninfo(database))
    }

    fn finish(&self, run: Run) -> Outcome {
        let outcome = run.limit(LIMIT).finish().unwrap();
        let words = || self.weir.stderr() + &String::from_utf8_lossy(&self.weir.run(&["log", "--last", "8"]).stdout);
        assert!(outcome.success(), "on {}: {}\n{}", self.house.release, outcome.stderr, words());
        assert_eq!(outcome.stderr, "", "on {}", self.house.release);
        outcome
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A plain dump of a database, without Weir: what stands there.
    fn standing(&self, database: &str) -> String {
        self.finish(plain(self.direct("pg_dump", database))).stdout
    }
}

/// A dump as text that is the same whenever it is made. The key is random otherwise.
fn plain(run: Run) -> Run {
    run.args(["--no-owner", "--no-privileges", "--restrict-key=weir"])
}

#[test]
fn a_dump_through_weir_is_the_dump_made_directly_and_can_be_restored_through_it() {
    for release in Release::ALL {
        let dumps = Dumps::of(release);
        let original = dumps.standing("dumped");
        let through = dumps.finish(plain(dumps.through("pg_dump", "carol", "dumped"))).stdout;
        same(&format!("pg_dump of {release}"), &original, &through);
        assert!(through.contains("COPY public.customers") && through.len() > 3_000_000, "{}", through.len());
        for more in [
            &["--inserts", "--rows-per-insert=50"][..],
            &["--schema-only"],
            &["--data-only", "--column-inserts", "-t", "odd"],
        ] {
            let direct = dumps.finish(plain(dumps.direct("pg_dump", "dumped").args(more))).stdout;
            let through = dumps.finish(plain(dumps.through("pg_dump", "carol", "dumped").args(more))).stdout;
            same(&format!("pg_dump {more:?} of {release}"), &direct, &through);
        }

        let psql = dumps.through("psql", "carol", "restored_plain").args([
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-o",
            "/dev/null",
        ]);
        dumps.finish(psql.input(original.as_str()));
        same(&format!("a plain dump restored on {release}"), &original, &dumps.standing("restored_plain"));

        let custom = dumps.path("custom");
        dumps.finish(dumps.through("pg_dump", "carol", "dumped").args(["-Fc", "-f", &custom]));
        let restore = ["--no-owner", "--no-privileges", "--exit-on-error"];
        dumps.finish(
            dumps
                .through("pg_restore", "carol", "restored_custom")
                .args(restore)
                .arg("--single-transaction")
                .arg(&custom),
        );
        same(&format!("a custom dump restored on {release}"), &original, &dumps.standing("restored_custom"));

        // Two connections at once, each way: they share a snapshot.
        let directory = dumps.path("directory");
        dumps.finish(dumps.through("pg_dump", "carol", "dumped").args(["-Fd", "-j2", "-f", &directory]));
        dumps.finish(
            dumps.through("pg_restore", "carol", "restored_directory").args(restore).arg("-j2").arg(&directory),
        );
        same(&format!("a directory dump restored on {release}"), &original, &dumps.standing("restored_directory"));

        masked(&dumps);
        closed(&dumps);
    }
}

/// A dump by who sees tokens holds nothing that is classified, and can be restored.
fn masked(dumps: &Dumps<'_>) {
    let server = &dumps.house.server;
    let secrets = server.psql(
        shop::DATABASE,
        "SELECT unnest(ARRAY[name, email, card, ssn, phone, street]) FROM customers \
         UNION SELECT shipping_address FROM orders UNION SELECT card_number FROM payments",
    );
    let secrets = secrets.unwrap();
    for (user, more) in [("carol", &[][..]), ("theo", &[]), ("theo", &["--inserts"]), ("theo", &["-Fc", "-Z0"])] {
        let file = dumps.path("masked");
        dumps.finish(
            dumps
                .through("pg_dump", user, shop::DATABASE)
                .args(["--no-owner", "--no-privileges", "-f", &file])
                .args(more),
        );
        let dump = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let shown = secrets.lines().filter(|secret| secret.len() > 5).find(|secret| dump.contains(*secret));
        assert_eq!(shown, None, "pg_dump {more:?} of {user} on {}", dumps.house.release);
        assert!(dump.contains("customers") && dump.contains(if user == "theo" { "tok_" } else { "[redacted]" }));
        if more.first() == Some(&"-Fc") {
            let restore = ["--no-owner", "--no-privileges", "--exit-on-error"];
            dumps.finish(dumps.through("pg_restore", user, "restored_masked").args(restore).arg(&file));
        }
    }
    for table in ["customers", "orders", "order_items", "payments"] {
        let count = |database| server.psql(database, &format!("SELECT count(*) FROM {table}")).unwrap();
        assert_eq!(count("restored_masked"), count(shop::DATABASE), "{table}");
    }
    let tokens = "SELECT count(*) FROM customers WHERE name ~ '^tok_' AND ssn ~ '^tok_' AND birth_date IS NULL";
    assert_eq!(server.psql("restored_masked", tokens).unwrap(), "300\n");
    // Nothing but what is classified differs.
    let open = "SELECT id, city, tags, preferences, created_at FROM customers ORDER BY id";
    same("open columns", &server.psql(shop::DATABASE, open).unwrap(), &server.psql("restored_masked", open).unwrap());
}

/// A table that may not be read ends a dump, as it does on the server, with the rule's words.
fn closed(dumps: &Dumps<'_>) {
    dumps.house.server.psql("restored_plain", "SET ROLE weir_shop; CREATE TABLE vault (gold int)").unwrap();
    let outcome = dumps.through("pg_dump", "carol", "restored_plain").finish().unwrap();
    assert!(!outcome.success() && outcome.stderr.contains("Nobody opens the vault."), "{outcome:?}");
}

/// `\copy` both ways in text, CSV and binary.
#[test]
fn files_go_by_copy() {
    for release in Release::ALL {
        let house = house(release);
        let psql = |script: &str| {
            let run = house.psql_through(release, "carol", "work").args(["-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
            run.input(script).finish().unwrap()
        };
        let folder = temp_folder("copy").unwrap();
        for options in ["", " (FORMAT csv, HEADER)", " (FORMAT binary)", " (DELIMITER '|', NULL 'nothing')"] {
            let file = folder.path().join("file");
            let file = file.display();
            let outcome = psql(&format!(
                "CREATE TEMP TABLE one AS SELECT g AS n, CASE WHEN g % 3 > 0 THEN chr(9) || g || E'\\\\\\n\"|' END AS t \
                 FROM generate_series(1, 5000) g;\n\
                 CREATE TEMP TABLE other (LIKE one);\n\\copy one TO '{file}'{options}\n\\copy other FROM '{file}'{options}\n\
                 SELECT count(*) FROM other;\nTABLE one EXCEPT TABLE other;\n"
            ));
            let words = || house.last_words();
            assert_eq!((&*outcome.stdout, &*outcome.stderr), ("5000\n", ""), "{options} on {release}\n{}", words());
        }
        let outcome = psql("\\copy vault TO '/dev/null'\nSELECT 1;\n");
        assert!(outcome.stderr.contains("Nobody opens the vault.") && outcome.stdout.is_empty(), "{outcome:?}");
    }
}
