//! What applications, reports and people ask every day: nothing is refused, and what is not classified is the same as directly.

use testkit::Release;

use crate::house::house;

#[test]
fn ordinary_statements_bring_what_they_bring_directly() {
    for release in Release::ALL {
        let outcome = house(release).python("ordinary/compare.py", &[]);
        let counted = outcome.stdout.split(' ').next().and_then(|count| count.parse::<usize>().ok());
        assert!(counted >= Some(80), "{}", outcome.stdout);
    }
}
