//! JDBC: the programs of `jdbc/`. The driver prepares a statement by name at its fifth run, and asks for binary then.

use sandbox::shop;
use testkit::Release;

use crate::house::{House, folder, house, same};

fn java(house: &House, program: &str, password: &str, arguments: &[&str]) -> String {
    let run = house.clients().java(&folder().join("jdbc").join(program)).unwrap();
    let outcome = run.env("PASSWORD", password).args(arguments).finish().unwrap();
    assert!(
        outcome.success(),
        "{program} {arguments:?} on {}:\n{}{}\nWeir says:\n{}",
        house.release,
        outcome.stdout,
        outcome.stderr,
        house.last_words()
    );
    outcome.stdout
}

fn parameters(house: &House) -> String {
    let ca = house.weir.state().join("ca.pem");
    format!("?sslmode=verify-full&sslrootcert={}", ca.display())
}

#[test]
fn a_java_program_runs_as_it_does_directly() {
    for release in Release::ALL {
        let house = house(release);
        let direct = format!("jdbc:postgresql://127.0.0.1:{}/", house.server.port());
        let direct = [&*direct, "?sslmode=disable", shop::ROLE, "SELEC 1"];
        let direct = java(house, "Same.java", house.direct_password(), &direct);
        let through = format!("jdbc:postgresql://localhost:{}/", house.weir.port());
        let through = [&*through, &*parameters(house), "alice", "COPY ledger TO STDOUT"];
        let through = java(house, "Same.java", house.token("alice"), &through);
        same(&format!("JDBC on {release}"), &direct, &through);
        assert_eq!(direct.matches("== ").count(), 14, "{direct}");
    }
}

#[test]
fn a_java_program_copies_as_it_does_directly() {
    for release in Release::ALL {
        let house = house(release);
        let direct = format!("jdbc:postgresql://127.0.0.1:{}/plain?sslmode=disable", house.server.port());
        let direct = java(house, "Copies.java", house.direct_password(), &[&direct, shop::ROLE]);
        let through = format!("jdbc:postgresql://localhost:{}/plain{}", house.weir.port(), parameters(house));
        let through = java(house, "Copies.java", house.token("carol"), &[&through, "carol"]);
        same(&format!("COPY by JDBC on {release}"), &direct, &through);
        assert!(direct.lines().count() > 20, "{direct}");
    }
}

#[test]
fn a_java_program_sees_what_policy_shows() {
    for release in Release::ALL {
        let house = house(release);
        let url = format!("jdbc:postgresql://localhost:{}/shop{}", house.weir.port(), parameters(house));
        let shown = java(house, "Sight.java", house.token("alice"), &[&url, "alice"]);
        let customer = "1|Giuseppe Esposito|g***@w***.example|************0836|[redacted]|";
        let lines: Vec<&str> = shown.lines().collect();
        let (customers, rest) = lines.split_at(10);
        assert!(customers.iter().all(|line| line.starts_with(customer) && line.ends_with("|Roma")), "{shown}");
        // A date in text, and in binary from the run on in which the driver asks for that.
        let (dates, rest) = rest.split_at(7);
        assert!(dates.iter().all(|line| *line == "1|1975-01-01"), "{shown}");
        let (text, rest) = rest.split_at(14);
        assert!(text.iter().all(|line| *line == "1|1975-01-01"), "{shown}");
        assert_eq!(rest, ["300 rows"; 7], "{shown}");
    }
}
