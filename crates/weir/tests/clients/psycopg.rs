//! psycopg 3, and asyncpg: the scripts of `psycopg/`, each on both releases. They compare both ways themselves.

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

#[test]
fn pipelines() {
    for release in Release::ALL {
        house(release).python("psycopg/pipeline.py", &[]);
    }
}

#[test]
fn copies() {
    for release in Release::ALL {
        house(release).python("psycopg/with_copy.py", &[]);
        house(release).python("psycopg/asyncpg_copies.py", &[]);
    }
}

#[test]
fn with_asyncpg() {
    for release in Release::ALL {
        house(release).python("psycopg/with_asyncpg.py", &[]);
    }
}
