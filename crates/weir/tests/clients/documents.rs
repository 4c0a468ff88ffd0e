//! Rows and JSON made of columns: what is not classified is the server's own to the byte, and the rest is shown as its column is.

use testkit::Release;

use crate::house::house;

#[test]
fn documents_are_shown_key_by_key() {
    for release in Release::ALL {
        house(release).python("documents/documents.py", &[&release.to_string()]);
    }
}
