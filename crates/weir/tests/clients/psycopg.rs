//! psycopg 3: the scripts of `psycopg/`, each on both releases. They compare both ways themselves.

use testkit::Release;

use crate::house::house;

#[test]
fn statements() {
    for release in Release::ALL {
        house(release).python("psycopg/statements.py", &[]);
    }
}

#[test]
fn sight() {
    for release in Release::ALL {
        house(release).python("psycopg/sight.py", &[]);
    }
}
