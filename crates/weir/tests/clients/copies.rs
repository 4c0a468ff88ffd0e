//! COPY through real clients, on both releases: scripts of `copies/`, psql's `\copy`, and dumps.

use testkit::Release;

use crate::house::{house, same};

#[test]
fn copy_in_all_forms() {
    for release in Release::ALL {
        house(release).python("copies/copies.py", &[]);
    }
}

#[test]
fn psql_copies_both_ways() {
    for release in Release::ALL {
        let house = house(release);
        for psql in Release::ALL {
            let script = "\\copy (SELECT id, status FROM orders ORDER BY id) TO STDOUT (FORMAT csv)\n\
                          CREATE TEMP TABLE t (LIKE orders);\nCOPY t (id, status) FROM STDIN;\n1\tpaid\n2\topen\n\\.\n\
                          \\copy t TO STDOUT\n\\copy t FROM STDIN\nnonsense\n\\.\nSELECT count(*) FROM t;\n";
            let run = |psql: testkit::Run| psql.args(["-q", "-A", "-t"]).input(script).finish().unwrap();
            let direct = run(house.psql_direct(psql, "plain"));
            let through = run(house.psql_through(psql, "carol", "plain"));
            same("what psql copies", &direct.stdout, &through.stdout);
            same("what psql says of it", &direct.stderr, &through.stderr);
            assert!(direct.stdout.lines().count() > 1000, "{}", direct.stdout);
        }
    }
}

#[test]
fn functions_are_called_by_the_fast_path() {
    for release in Release::ALL {
        house(release).python("copies/fastpath.py", &[]);
    }
}

#[test]
fn psql_moves_large_objects() {
    for release in Release::ALL {
        let house = house(release);
        let (there, back) = (house.server.folder().join("blob"), house.server.folder().join("blob.back"));
        let bytes: Vec<u8> = (0..300_000_u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
        std::fs::write(&there, &bytes).unwrap();
        for psql in Release::ALL {
            let script = format!(
                "\\lo_import {}\n\\lo_export :LASTOID {}\n\\lo_unlink :LASTOID\n",
                there.display(),
                back.display()
            );
            let run = |user: &str| {
                house.psql_through(psql, user, "work_copies").args(["-q"]).input(&*script).finish().unwrap()
            };
            let outcome = run("carol");
            assert!(std::fs::read(&back).unwrap() == bytes, "{}{}", outcome.stdout, outcome.stderr);
            std::fs::remove_file(&back).unwrap();
            let refused = run("alice");
            assert!(refused.stderr.contains("function_call"), "{}{}", refused.stdout, refused.stderr);
            assert!(!back.exists());
        }
    }
}
