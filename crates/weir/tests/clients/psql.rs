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

/// What must differ between two runs: the moments of `\watch`.
fn masked(text: &str) -> String {
    let dated = |line: &str| if line.contains("(every 0.") { "(a moment)".to_owned() } else { line.to_owned() };
    text.lines().map(dated).collect::<Vec<_>>().join("\n")
}

fn compare(house: &House, psql: Release, file: &str) {
    let script = script(file);
    let direct = run(house.psql_direct(psql, "shop"), &script);
    let through = run(house.psql_through(psql, "alice", "shop"), &script);
    let what = format!("{file} with psql of {psql} on {}", house.release);
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
    everywhere(|house, psql| compare(house, psql, "describe.psql"));
}

#[test]
fn statements_on_open_tables_run_as_they_do_directly() {
    everywhere(|house, psql| compare(house, psql, "session.psql"));
}

#[test]
fn psql_18_binds_prepares_and_pipelines_as_it_does_directly() {
    for server in Release::ALL {
        compare(house(server), Release::V18, "v18.psql");
    }
}
