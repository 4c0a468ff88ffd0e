//! The cost of following values: statements over a catalog in which something is classified, and over the same without; and
//! a catalog of many tables, built from its rows.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

use model::ClassId;
use sql_postgres::{Catalog, CatalogRows, ClassRules, analyse};

/// As an ORM writes it.
const ORM: &str = "SELECT c.id AS c_id, c.name AS c_name, c.email AS c_email, c.city AS c_city, o.id AS o_id, o.status AS o_status, \
    o.total AS o_total, i.id AS i_id, i.product AS i_product FROM customers AS c \
    LEFT OUTER JOIN orders AS o ON c.id = o.customer_id LEFT OUTER JOIN items AS i ON o.id = i.order_id \
    WHERE c.id IN ($1, $2, $3) AND o.status = $4 ORDER BY c.id, o.id LIMIT $5";

const TABLES: [(&str, &str); 4] = [
    ("customers", "id name email ssn city created"),
    ("orders", "id customer_id status total note placed"),
    ("items", "id order_id product amount price"),
    ("products", "id name price category"),
];

fn rows() -> CatalogRows {
    let mut rows = CatalogRows::default();
    for (oid, (table, columns)) in (20_000..).zip(TABLES) {
        add_table(&mut rows, oid, table, columns);
    }
    for function in ["count", "sum", "avg", "max", "min", "upper", "date_trunc", "coalesce", "rank", "round"] {
        rows.add("system_functions", &[Some(function), Some("f"), Some("")]).expect("a row");
    }
    rows
}

fn add_table(rows: &mut CatalogRows, oid: u32, table: &str, columns: &str) {
    let oid = oid.to_string();
    rows.add("relations", &[Some(&oid), Some("public"), Some(table), Some("r")]).expect("a row");
    for (number, column) in (1..).zip(columns.split(' ')) {
        let number = number.to_string();
        rows.add("columns", &[Some(&oid), Some(&number), Some(column), Some("f"), Some("t")]).expect("a row");
    }
}

fn rules(classified: bool) -> ClassRules {
    let lines = [
        ("public.customers.email", "pii.email"),
        ("public.customers.ssn", "pii.national_id"),
        ("*.*.note", "pii.note"),
    ];
    let lines = lines.iter().filter(|_| classified);
    let lines = lines.map(|(pattern, class)| (*pattern, ClassId::parse(class).expect("a class")));
    ClassRules::parse(lines, false).expect("rules")
}

/// An analytical query of 300 lines: a chain of WITH, each of the one before.
fn analytical() -> String {
    let mut sql = String::from(
        "WITH s0 AS (SELECT c.id, c.city, c.email, o.total, o.status FROM customers c JOIN orders o ON o.customer_id = c.id)",
    );
    for step in 1..25 {
        let before = step - 1;
        let _ = write!(
            sql,
            ",\ns{step} AS (\nSELECT\n s.id,\n s.city,\n upper(s.email) AS email,\n s.total + 1 AS total,\n\
             CASE WHEN s.total > 10 THEN s.status ELSE 'x' END AS status\n\
             FROM s{before} AS s\nLEFT JOIN products AS p\nON p.id = s.id\nWHERE s.total > {step}\n)"
        );
    }
    sql + "\nSELECT city, count(*), sum(total), max(email), rank() OVER (ORDER BY city) FROM s24 GROUP BY city ORDER BY 2 DESC LIMIT 10"
}

/// Prints one line for each.
pub fn run() {
    let (classified, plain) = (Catalog::build(rows(), &rules(true), None), Catalog::build(rows(), &rules(false), None));
    let analytical = analytical();
    println!("reading a statement (µs, median of 9 runs; all, and what following its values adds):");
    for (what, sql) in [("a join as an ORM writes it", ORM), ("an analytical query of 300 lines", analytical.as_str())]
    {
        let (with, without) = (median(sql, &classified), median(sql, &plain));
        println!("  {what:<42} {with:>8.1} {:>8.1}", with - without);
    }
    let begun = Instant::now();
    let mut rows = rows();
    for table in 0..5_000 {
        let columns = (0..12).map(|column| format!("column_{column}")).collect::<Vec<_>>().join(" ");
        add_table(&mut rows, 30_000 + table, &format!("table_{table}"), &columns);
    }
    let before = resident();
    let catalog = Catalog::build(rows, &rules(true), None);
    let kib = resident().saturating_sub(before);
    println!(
        "  a catalog of 5,000 tables of 12 columns: {:.2} s, {kib} KiB more resident",
        begun.elapsed().as_secs_f64()
    );
    black_box(catalog);
    println!();
}

fn median(sql: &str, catalog: &Catalog) -> f64 {
    let rounds = 400;
    let mut runs: Vec<f64> = (0..9)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..rounds {
                let _ = black_box(analyse(sql, catalog).expect("a statement"));
            }
            begun.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
        })
        .collect();
    runs.sort_by(f64::total_cmp);
    runs[4]
}

/// This process's resident memory, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse().ok()).unwrap_or(0)
}
