//! A refusal in the middle leaves exactly what an error of PostgreSQL's own leaves at the same place: the same rows, the
//! same state of the transaction after each step, the same statements that fail with it.

use testkit::Release;

use crate::house::{house, same};

/// What Weir refuses, by policy and because it does not carry it.
const REFUSED: [&str; 4] =
    ["SELECT * FROM vault", "INSERT INTO vault VALUES (1)", "COPY ledger TO STDOUT", "DECLARE c CURSOR FOR SELECT 1"];

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
