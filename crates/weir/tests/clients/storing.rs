//! Values that policy lets somebody store in part or as tokens alone, on both releases.

use testkit::Release;

use crate::house::house;

#[test]
fn values_are_stored_as_policy_lets_them() {
    for release in Release::ALL {
        let house = house(release);
        house.python("storing/storing.py", &[]);
        let log = String::from_utf8(house.weir.run(&["log", "--json", "--last", "2000"]).stdout).unwrap();
        assert!(log.contains("store_token Field::\\\"stored/public.persons.ssn\\\""), "the log says how it was stored");
    }
}

#[test]
fn explain_says_how_a_value_would_be_stored() {
    let house = house(Release::Distribution);
    let explain = |sql: &str| {
        let arguments = [
            "policy", "explain", "--user", "lena", "--group", "users", "--group", "lesser", "--target", "stored",
            "--sql", sql,
        ];
        String::from_utf8(house.weir.run(&arguments).stdout).unwrap()
    };
    let said = explain("INSERT INTO persons (id, ssn) VALUES ($1, $2)");
    assert!(said.starts_with("permitted") && said.contains("permit  store_token Field public.persons.ssn"), "{said}");
    let said = explain("INSERT INTO persons (id, ssn) VALUES (1, upper('x'))");
    assert!(said.starts_with("refused") && said.contains("public.persons.ssn opts in to token, but"), "{said}");
}
