//! pgbench 15 and 18: its own tables and transactions in all three protocols, one connection a transaction, and pipelines.

use sandbox::shop;
use testkit::{Outcome, Release, Run};

use crate::house::{House, folder, house};

const DATABASE: &str = "work_pgbench";

/// A run of pgbench of this release through Weir.
fn pgbench(house: &House, release: Release, user: &str, arguments: &[&str]) -> Run {
    let run = house.clients().program(release, "pgbench").args(arguments);
    let run = run.env("PGPASSWORD", house.token(user)).env("PGSSLMODE", "verify-full");
    let run = run.env("PGSSLROOTCERT", house.weir.state().join("ca.pem"));
    run.args(["-h", "localhost", "-p", &house.weir.port().to_string(), "-U", user]).arg(DATABASE)
}

fn finish(house: &House, run: Run) -> Outcome {
    let outcome = run.finish().unwrap();
    assert!(outcome.success(), "{}{}\nWeir says:\n{}", outcome.stdout, outcome.stderr, house.last_words());
    outcome
}

/// One number that the server itself knows.
fn number(house: &House, sql: &str) -> i64 {
    house.server.psql(DATABASE, sql).unwrap().trim().parse().unwrap()
}

fn processed(outcome: &Outcome, transactions: u32) {
    let line = format!("number of transactions actually processed: {transactions}/{transactions}");
    assert!(outcome.stdout.contains(&line), "{}{}", outcome.stdout, outcome.stderr);
}

#[test]
fn its_own_transactions_add_up_in_every_protocol() {
    for release in Release::ALL {
        let house = house(release);
        // Data made by the server, then data that pgbench makes and brings by COPY.
        finish(house, pgbench(house, release, "alice", &["-i", "-I", "dtGvpf", "-q"]));
        finish(house, pgbench(house, release, "carol", &["-i", "-q"]));
        assert_eq!(number(house, "SELECT count(*) FROM pgbench_accounts"), 100_000);
        for (round, protocol) in (1..).zip(["simple", "extended", "prepared"]) {
            let outcome = finish(
                house,
                pgbench(house, release, "alice", &["-n", "-M", protocol, "-c", "4", "-j", "2", "-t", "25"]),
            );
            processed(&outcome, 100);
            assert_eq!(number(house, "SELECT count(*) FROM pgbench_history"), round * 100, "{protocol}");
            let sums = "SELECT count(DISTINCT balance) FROM (SELECT sum(abalance) FROM pgbench_accounts UNION ALL \
                        SELECT sum(bbalance) FROM pgbench_branches UNION ALL SELECT sum(tbalance) FROM pgbench_tellers \
                        UNION ALL SELECT sum(delta) FROM pgbench_history) AS sums (balance)";
            assert_eq!(number(house, sums), 1, "{protocol}");
        }
        // Logging in anew for each transaction, with other scripts of its own.
        processed(&finish(house, pgbench(house, release, "alice", &["-n", "-S", "-C", "-c", "2", "-t", "10"])), 20);
        processed(&finish(house, pgbench(house, release, "alice", &["-n", "-N", "-M", "prepared", "-t", "20"])), 20);
    }
}

/// Pipelines, `\gset` and `\aset`, a serialization failure that pgbench tries again.
#[test]
fn scripts_of_ours_run_as_they_do_directly() {
    for release in Release::ALL {
        let house = house(release);
        let script = folder().join("pgbench.pgbench").display().to_string();
        for protocol in ["extended", "prepared"] {
            let arguments = ["-n", "-M", protocol, "-c", "2", "-t", "20", "-f", &script];
            let direct =
                house.clients().program(release, "pgbench").args(arguments).env("PGPASSWORD", house.direct_password());
            let direct = direct.args(["-h", "127.0.0.1", "-p", &house.server.port().to_string(), "-U", shop::ROLE]);
            processed(&finish(house, direct.arg(DATABASE)), 40);
            processed(&finish(house, pgbench(house, release, "alice", &arguments)), 40);
        }
    }
}

#[test]
fn a_refusal_is_an_error_of_its_statement() {
    for release in Release::ALL {
        let house = house(release);
        for protocol in ["simple", "extended", "prepared"] {
            let run = pgbench(house, release, "alice", &["-n", "-M", protocol, "-t", "1", "-f", "/dev/stdin"]);
            let outcome = run.input("SELECT gold FROM vault;\n").finish().unwrap();
            assert!(!outcome.success() && outcome.stderr.contains("Nobody opens the vault."), "{outcome:?}");
        }
    }
}
