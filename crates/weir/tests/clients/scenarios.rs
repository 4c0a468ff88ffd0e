//! A refusal in the middle leaves exactly what an error of PostgreSQL's own leaves at the same place: the same rows, the
//! same state of the transaction after each step, the same statements that fail with it.

use testkit::Release;

use crate::house::{house, same};

/// What Weir refuses, by policy and because it does not carry it.
const REFUSED: [&str; 5] = [
    "SELECT * FROM vault",
    "INSERT INTO vault VALUES (1)",
    "COPY ledger TO STDOUT",
    "PREPARE refused AS SELECT * FROM vault",
    "DECLARE refused CURSOR WITH HOLD FOR SELECT * FROM vault",
];

#[test]
fn a_refusal_leaves_what_an_error_leaves() {
    for release in Release::ALL {
        let house = house(release);
        // The same steps under the same names on both ways.
        let play = |way: &str, refused: &str| house.python("scenarios/play.py", &[way, refused]).stdout;
        // A refusal is what a syntax error is: it comes before all else, and of a text of several it takes all.
        let direct = play("direct", "SELEC 1");
        assert!(direct.matches("left in the ledger").count() > 30, "{direct}");
        for refused in REFUSED {
            let through = play("weir", refused);
            same(&format!("{refused} on {release}"), &direct, &through);
        }
        assert_eq!(house.server.psql("work", "SELECT count(*), sum(gold) FROM vault").unwrap(), "1|1\n");
        house.weir.verify();
    }
}

#[test]
fn a_statement_that_is_closed_after_it_was_prepared_fails_when_it_runs() {
    for release in Release::ALL {
        let house = house(release);
        // Policies are replaced here, so this is a Weir of its own.
        let weir = house.another_weir();
        let open = weir.folder().join("policies/test.cedar");
        let closing = weir.folder().join("policies/.closing");
        let text = std::fs::read_to_string(&open).unwrap();
        let forbid = "@id(\"closed\") forbid (principal, action, resource in Table::\"work_meanwhile/public.people\");";
        std::fs::write(&closing, format!("{text}\n{forbid}\n")).unwrap();
        let script = house.clients().python().arg(crate::house::folder().join("scenarios/closed_meanwhile.py"));
        let run = house.lend(script.arg(&open).arg(&closing)).env("WEIR_PORT", weir.port().to_string());
        let run = run.env("WEIR_CA", weir.state().join("ca.pem")).env("TOKEN_alice", weir.token("alice", &["users"]));
        let outcome = run.finish().unwrap();
        assert!(outcome.success(), "{release}:\n{}{}\n{}", outcome.stdout, outcome.stderr, weir.stderr());
    }
}
