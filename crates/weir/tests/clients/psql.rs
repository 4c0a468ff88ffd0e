//! psql 15 and 18: what it describes, what it runs, and how it behaves at a terminal.

use testkit::{Outcome, Release, Run};

use crate::house::{House, folder, house, same};

/// Each line of a data file is run under a heading of its own, so that a difference has a name.
fn script(file: &str) -> String {
    let text = std::fs::read_to_string(folder().join("psql").join(file)).unwrap();
    text.lines().fold("\\set QUIET off\n".to_owned(), |script, line| {
        let heading = line.replace('\\', "\\\\").replace('\'', "''");
        format!("{script}\\echo '=== {heading}'\n\\warn '=== {heading}'\n{line}\n")
    })
}

fn run(psql: Run, script: &str) -> Outcome {
    psql.args(["-P", "pager=off"]).input(script).finish().unwrap()
}

/// What must differ between two runs: the moments of `\watch`, and processes.
fn masked(text: &str) -> String {
    let masked = |line: &str| match line.split_once("server process with PID ") {
        _ if line.contains("(every 0.") => "(a moment)".to_owned(),
        Some((before, _)) => format!("{before}(a process)"),
        None => line.to_owned(),
    };
    text.lines().map(masked).collect::<Vec<_>>().join("\n")
}

fn compare(house: &House, psql: Release, target: &str, file: &str) {
    let script = script(file);
    let direct = run(house.psql_direct(psql, target), &script);
    let through = run(house.psql_through(psql, "alice", target), &script);
    let what = format!("{file} on {target} with psql of {psql} on {}", house.release);
    same(&what, &masked(&direct.stdout), &masked(&through.stdout));
    same(&format!("{what}, standard error"), &masked(&direct.stderr), &masked(&through.stderr));
    assert!(direct.stdout.len() > 1000, "{what} shows next to nothing:\n{}", direct.stdout);
}

fn everywhere(test: impl Fn(&House, Release)) {
    for server in Release::ALL {
        for psql in Release::ALL {
            test(house(server), psql);
        }
    }
}

#[test]
fn meta_commands_show_what_they_show_directly() {
    everywhere(|house, psql| compare(house, psql, "shop", "describe.psql"));
}

#[test]
fn statements_on_open_tables_run_as_they_do_directly() {
    everywhere(|house, psql| compare(house, psql, "shop", "session.psql"));
}

#[test]
fn everything_runs_as_it_does_directly_where_nothing_is_classified() {
    everywhere(|house, psql| compare(house, psql, "plain", "open.psql"));
}

#[test]
fn psql_18_binds_prepares_and_pipelines_as_it_does_directly() {
    for server in Release::ALL {
        compare(house(server), Release::V18, "shop", "v18.psql");
    }
}

/// The same dialogue at a terminal: completion by Tab, Ctrl-C, `\watch`, prompts that tell the state of the transaction.
#[test]
fn psql_at_a_terminal_behaves_as_it_does_directly() {
    everywhere(|house, release| {
        let talk = |target: &str, password: &str| {
            let psql = house.clients().installation(release).program("psql");
            let number = if release == Release::V18 { "18" } else { "older" };
            let run = house.clients().python().arg(folder().join("psql/terminal.py")).arg(number).arg(psql);
            let run = run.args(["-X", "-P", "pager=off", "-d", target]).env("PGPASSWORD", password);
            let run = run.env("INPUTRC", folder().join("psql/inputrc")).env("TERM", "dumb");
            let run = run.env("PSQL_HISTORY", "/dev/null").env("COLUMNS", "200");
            let outcome = house.lend(run).finish().unwrap();
            assert!(outcome.success(), "{release} on {}:\n{}{}", house.release, outcome.stdout, outcome.stderr);
            let start = outcome.stdout.find("\\set PROMPT1").unwrap();
            outcome.stdout[start..].to_owned()
        };
        let direct = talk(&house.direct_conninfo("shop"), house.direct_password());
        let through = talk(&house.weir.conninfo("alice", "shop"), house.token("alice"));
        same(&format!("the terminal of psql of {release} on {}", house.release), &direct, &through);
    });
}

/// What psql shows of one session's input, both streams in one.
fn shows(house: &House, psql: Release, user: &str, input: &str) -> String {
    let outcome = run(house.psql_through(psql, user, "shop").args(["-q", "-A", "-t"]), input);
    outcome.stdout + &outcome.stderr
}

#[test]
fn classified_columns_are_shown_as_policy_says() {
    everywhere(|house, psql| {
        let alice = shows(
            house,
            psql,
            "alice",
            "SELECT id, name, email, card, ssn, birth_date, city FROM customers WHERE id = 1;",
        );
        let expected = "1|Giuseppe Esposito|g***@w***.example|************0836|[redacted]|1975-01-01|Roma\n";
        assert!(alice.starts_with(expected), "{alice}");
        assert!(alice.contains("NOTICE:  Weir shows some columns masked"), "{alice}");
        assert_eq!(alice.matches("NOTICE").count(), 1);

        let quiet = "SET weir.notices = off;\nSELECT ssn FROM customers WHERE id = 1;\n";
        assert_eq!(shows(house, psql, "alice", quiet), "[redacted]\n");
        let twice = "SELECT ssn FROM customers WHERE id = 1;\n".repeat(2);
        assert_eq!(shows(house, psql, "alice", &twice).matches("NOTICE").count(), 1);
        let expanded = shows(house, psql, "alice", "\\x\nSELECT ssn, card FROM customers WHERE id = 1 \\gx\n");
        assert!(expanded.starts_with("ssn|[redacted]\ncard|************0836\n"), "{expanded}");
        let kept = shows(house, psql, "alice", "SELECT ssn FROM customers WHERE id = 1 \\gset\n\\echo :ssn\n");
        assert!(kept.starts_with("[redacted]\n"), "{kept}");

        // Who may see it sees what is there, and is told nothing.
        let query =
            "SELECT * FROM customers ORDER BY id LIMIT 20;\nSELECT upper(email) FROM customers ORDER BY id LIMIT 3;";
        let clear = shows(house, psql, "clara", query);
        let direct = run(house.psql_direct(psql, "shop").args(["-q", "-A", "-t"]), query);
        same("what Clara sees", &direct.stdout, &clear);
    });
}

#[test]
fn a_refusal_says_which_rule_and_the_session_goes_on() {
    everywhere(|house, psql| {
        let to = |user: &str| house.psql_through(psql, user, "work").args(["-q", "-A", "-t"]);
        let script = "SELECT * FROM vault;\n\\errverbose\n\\echo :SQLSTATE\nCOPY ledger TO STDOUT;\n\\echo :SQLSTATE\n\
                      DECLARE c CURSOR FOR SELECT 1;\n\\echo :SQLSTATE\n\\copy ledger TO '/dev/null'\nSELECT 'here';\n";
        let outcome = run(to("alice"), script);
        assert_eq!(outcome.stdout, "42501\n42501\n25P01\nhere\n", "{}", outcome.stderr);
        for text in
            ["ERROR:  Nobody opens the vault.", "Rule vault refuses select", "ERROR:  42501: Nobody opens the vault."]
        {
            assert!(outcome.stderr.contains(text), "no {text:?} in {}", outcome.stderr);
        }
    });
}

#[test]
fn conninfo_tells_of_weir() {
    everywhere(|house, psql| {
        let shown = shows(house, psql, "alice", "\\conninfo\n");
        let port = house.weir.port().to_string();
        for text in ["shop", "alice", "localhost", port.as_str(), "TLSv1.3"] {
            assert!(shown.contains(text), "no {text:?} in {shown}");
        }
    });
}

/// What the server says by the way about tables with classified columns.
#[test]
fn notices_of_the_servers_own_are_told() {
    everywhere(|house, psql| {
        let script = "SET weir.notices = off;\nBEGIN;\nCREATE TABLE IF NOT EXISTS people (id int);\n\
                      ALTER TABLE people ADD COLUMN IF NOT EXISTS born date;\nBEGIN;\nROLLBACK;\n\
                      ALTER TABLE people DROP COLUMN IF EXISTS hair;\n";
        let direct = run(house.psql_direct(psql, "work"), script);
        let through = run(house.psql_through(psql, "alice", "work"), script);
        let said = "relation \"people\" already exists, skipping";
        assert!(direct.stderr.contains(said), "{}", direct.stderr);
        // The last names what is not there, which could be anything.
        assert_eq!(through.stderr, direct.stderr.replace("\"hair\"", "\"…\""));
    });
}
