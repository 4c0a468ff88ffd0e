//! The shop: what it holds, and that it is the same every time.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use std::collections::HashSet;

use sandbox::PostgresServer;
use sandbox::shop::{CLASSES, ROLE, Shop};
use testkit::{Clients, Release};

fn shop(database: &str) -> Shop {
    Shop { database: database.to_owned(), customers: 1000, password: "it's \\ odd".to_owned() }
}

fn lines(server: &PostgresServer, sql: &str) -> Vec<String> {
    server.psql("shop", sql).unwrap().lines().map(str::to_owned).collect()
}

/// The check of ISO/IEC 7812, by the book: from the right, every second digit doubled, and its digits added.
fn luhn(number: &str) -> bool {
    let digits = number.chars().rev().map(|digit| digit.to_digit(10).unwrap());
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    (15..=16).contains(&number.len()) && sum.is_multiple_of(10)
}

#[test]
fn people_are_as_various_and_as_valid_as_they_should_be() {
    let server = Clients::find().unwrap().server(Release::Distribution).start().unwrap();
    shop("shop").load(&server).unwrap();

    for (table, least, most) in
        [("customers", 1000, 1000), ("orders", 5000, 5000), ("payments", 4700, 4900), ("order_items", 9500, 10500)]
    {
        let count: u32 = lines(&server, &format!("SELECT count(*) FROM {table}"))[0].parse().unwrap();
        assert!((least..=most).contains(&count), "{table}: {count}");
    }
    let cards =
        lines(&server, "SELECT card FROM customers UNION ALL SELECT card_number FROM payments WHERE method = 'card'");
    assert!(cards.len() > 4000);
    for card in &cards {
        assert!(luhn(card), "{card}");
    }
    let first: HashSet<_> = lines(&server, "SELECT split_part(name, ' ', 1) FROM customers").into_iter().collect();
    let last: HashSet<_> =
        lines(&server, "SELECT regexp_replace(name, '^[^ ]+ ', '') FROM customers").into_iter().collect();
    assert!(first.len() >= 200 && last.len() >= 200, "{} first names, {} last names", first.len(), last.len());
    for (what, wrong) in [
        ("national ids", "ssn !~ '^[0-8]\\d\\d-\\d\\d-\\d{4}$' OR ssn ~ '^(000|666)|-00-|-0000$'"),
        ("e-mail addresses", "email !~ '^[a-z]+([._][a-z]+)?\\d+@([a-z]+\\.)*(example|example\\.(com|org|net))$'"),
        ("phone numbers", "phone !~ '^\\+\\d[\\d -]{8,}$'"),
        ("streets", "street !~ '^(\\d+ \\D+|\\D+ \\d+)$'"),
        ("birth dates", "birth_date NOT BETWEEN '1941-01-01' AND '2007-12-31'"),
        ("missing values", "num_nulls(name, email, card, ssn, phone, street, city, postcode, birth_date) > 0"),
    ] {
        let found =
            lines(&server, &format!("SELECT name, email, ssn, phone, street FROM customers WHERE {wrong} LIMIT 3"));
        assert!(found.is_empty(), "{what}: {found:?}");
    }
    let totals =
        "SELECT count(*) FROM orders JOIN (SELECT order_id, sum(quantity * unit_price_cents) AS cents FROM order_items
                  GROUP BY 1) AS items ON order_id = id WHERE cents <> total_cents";
    assert_eq!(lines(&server, totals), ["0"]);
    assert_eq!(
        lines(
            &server,
            "SELECT count(*) FROM orders JOIN customers c ON c.id = customer_id WHERE placed_at < created_at"
        ),
        ["0"]
    );
}

#[test]
fn every_class_has_a_column_and_the_role_owns_all() {
    let server = Clients::find().unwrap().server(Release::V18).start().unwrap();
    shop("shop").load(&server).unwrap();
    let columns = lines(
        &server,
        "SELECT format('%s.%s.%s', table_schema, table_name, column_name) FROM information_schema.columns WHERE table_schema = 'public'",
    );
    for (pattern, _) in CLASSES {
        let wanted = pattern.rsplit('*').next().unwrap();
        assert!(columns.iter().any(|column| column.ends_with(wanted)), "no column for {pattern}");
    }
    let others = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'S') AND relowner <> 'weir_shop'::regrole";
    assert_eq!(lines(&server, others), ["0"]);
    let psql = |password: &str, sql: &str| {
        let psql =
            Clients::find().unwrap().psql(Release::V18).args(["-At", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]);
        let psql = psql.args(["-U", ROLE, "-d", "shop", "-p"]).arg(server.port().to_string());
        psql.env("PGPASSWORD", password).input(sql).finish().unwrap()
    };
    let odd = "it's \\ odd";
    let used = psql(
        odd,
        "UPDATE customers SET note = 'x' WHERE id = 1; INSERT INTO orders (customer_id, shipping_address) VALUES (1, 'here') RETURNING id;",
    );
    assert_eq!((&*used.stdout, used.success()), ("UPDATE 1\n5001\nINSERT 0 1\n", true), "{}", used.stderr);
    assert!(psql(odd, "DROP TABLE payments CASCADE").success());
    assert!(!psql(odd, "CREATE ROLE another").success());
    assert!(psql("wrong", "SELECT 1").stderr.contains("password authentication failed"));
}

#[test]
fn it_is_the_same_in_every_database_of_every_release() {
    let mut sums = HashSet::new();
    for release in Release::ALL {
        let server = Clients::find().unwrap().server(release).start().unwrap();
        for database in ["one", "two"] {
            shop(database).load(&server).unwrap();
            let mut all = Vec::new();
            for table in ["customers", "products", "orders", "order_items", "payments", "customer_orders"] {
                let sum = format!(
                    "SET timezone = 'UTC'; SELECT md5(string_agg(t::text, ' ' ORDER BY t::text COLLATE \"C\")) FROM {table} AS t"
                );
                all.push(server.psql(database, &sum).unwrap());
            }
            sums.insert(all);
        }
    }
    assert_eq!(sums.len(), 1, "{sums:#?}");
}
