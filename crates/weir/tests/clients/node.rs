//! node-postgres: the scripts of `node/`, on both releases.

use testkit::Release;

use crate::house::house;

#[test]
fn a_node_program_runs_as_it_does_directly() {
    for release in Release::ALL {
        house(release).node("node/same.js", &[]);
    }
}

#[test]
fn a_node_program_sees_what_policy_shows() {
    for release in Release::ALL {
        house(release).node("node/sight.js", &[]);
    }
}
