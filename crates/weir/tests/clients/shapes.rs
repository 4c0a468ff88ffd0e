//! Columns of many types, open and classified, at every sight and in both formats.

use testkit::Release;

use crate::house::{house, same};

#[test]
fn every_type_at_every_sight() {
    for release in Release::ALL {
        house(release).python("shapes/shapes.py", &[]);
    }
}

#[test]
fn psql_prints_every_type_as_it_does_directly() {
    let script = "SELECT * FROM open ORDER BY id \\gx\nSELECT * FROM open ORDER BY id;\nSELECT * FROM open \\gdesc\n";
    for release in Release::ALL {
        let house = house(release);
        for psql in Release::ALL {
            let run = |run: testkit::Run| run.args(["-P", "pager=off"]).input(script).finish().unwrap();
            let direct = run(house.psql_direct(psql, "shapes"));
            let through = run(house.psql_through(psql, "alice", "shapes"));
            same(&format!("psql of {psql} on {release}"), &direct.stdout, &through.stdout);
            assert_eq!(through.stderr, "");
            // The same, classified, to who may see it.
            let closed = |run: testkit::Run| {
                let script = script.replace("open", "closed");
                run.args(["-P", "pager=off"]).input(script).finish().unwrap().stdout
            };
            let direct = closed(house.psql_direct(psql, "shapes"));
            same("the classified table", &direct, &closed(house.psql_through(psql, "clara", "shapes")));
        }
    }
}
