//! psql's `\copy`: files go out and come back.

use testkit::{Release, temp_folder};

use crate::house::house;

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
            assert_eq!((&*outcome.stdout, &*outcome.stderr), ("5000\n", ""), "{options} on {release}");
        }
        let outcome = psql("\\copy vault TO '/dev/null'\nSELECT 1;\n");
        assert!(outcome.stderr.contains("Nobody opens the vault.") && outcome.stdout.is_empty(), "{outcome:?}");
    }
}
