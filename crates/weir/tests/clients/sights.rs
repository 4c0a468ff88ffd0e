//! What the sights `partial`, `token` and `nothing` show of every type, and that the server takes it for a value of it.

use testkit::Release;

use crate::house::house;

#[test]
fn every_type_is_shown_as_a_value_of_it() {
    for release in Release::ALL {
        house(release).python("sights/sights.py", &[]);
    }
}
