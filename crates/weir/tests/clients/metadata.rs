//! What ORMs and database tools ask of the catalogs: the same messages, byte for byte, through Weir as directly.

use testkit::Release;

use crate::house::house;

#[test]
fn statements_about_the_catalog_bring_the_same_messages() {
    for release in Release::ALL {
        let outcome = house(release).python("metadata/compare.py", &["plain", "shop"]);
        let counts: Vec<usize> =
            outcome.stdout.lines().filter_map(|line| line.split(' ').nth(1)?.parse().ok()).collect();
        assert!(counts.len() == 2 && counts.iter().all(|count| *count >= 60), "{}", outcome.stdout);
    }
}
