//! What the session sees of the catalog that Weir does not: asked on its own connection, and nobody notices.

use sql_postgres::CATALOG_QUERIES;

use super::house::*;
use crate::conversation::{Ended, Stall};

const HASH: &str = "SELECT md5(note) FROM orders";

/// A house in a transaction that has changed the catalog.
fn changed() -> House {
    let mut house = House::new();
    house.bring();
    house.caller(&query("BEGIN"));
    house.target(&[complete(), ready(b'T')].concat());
    house.caller(&query("ALTER TABLE orders ADD x text"));
    house.target(&[complete(), ready(b'T')].concat());
    house.shown();
    house
}

/// The types of the frames that ask.
fn questions() -> String {
    "CCPBE".repeat(CATALOG_QUERIES.len() + 4) + "CCS"
}

fn undoing() -> String {
    "CCPBE".repeat(2) + "CCS"
}

fn answer_to_one(rows: &[Vec<u8>]) -> Vec<u8> {
    let close = [plain(b'3'), plain(b'3')].concat();
    [close, plain(b'1'), plain(b'2'), rows.concat(), complete()].concat()
}

fn end(status: u8) -> Vec<u8> {
    [plain(b'3'), plain(b'3'), ready(status)].concat()
}

/// The answers, where the tables are called so: the oid, the name, and the columns of each.
fn answers(isolation: &str, tables: &[(u32, &str, &[&str])]) -> Vec<u8> {
    let mut bytes = answer_to_one(&[]);
    bytes.extend(answer_to_one(&[row(&[isolation, "", "", "", "", "", ""])]));
    for (name, _) in CATALOG_QUERIES {
        let rows: Vec<Vec<u8>> = match *name {
            "relations" => tables.iter().map(|(oid, name, _)| row(&[&oid.to_string(), "public", name, "r"])).collect(),
            "columns" => tables
                .iter()
                .flat_map(|(oid, _, columns)| {
                    columns
                        .iter()
                        .enumerate()
                        .map(|(at, column)| row(&[&oid.to_string(), &(at + 1).to_string(), column, "f", "t"]))
                })
                .collect(),
            _ => Vec::new(),
        };
        bytes.extend(answer_to_one(&rows));
    }
    bytes.extend([answer_to_one(&[]), answer_to_one(&[]), end(b'T')].concat());
    bytes
}

fn as_it_is(isolation: &str) -> Vec<u8> {
    let customers: (u32, &str, &[&str]) = (CUSTOMERS, "customers", &["id", "email", "ssn", "city"]);
    answers(isolation, &[customers, (ORDERS, "orders", &["id", "status", "total", "note", "x"])])
}

/// What one computed column of a query shows.
fn computed(house: &mut House) -> String {
    house.conversation.to_caller.clear();
    house.target(&[shape(&[("md5", 0, 0, 25)]), row(&["abc"]), complete(), ready(b'T')].concat());
    cells(&house.conversation.to_caller)[0][0].clone()
}

#[test]
fn what_the_session_has_changed_is_followed() {
    let mut house = changed();
    assert_eq!(house.caller(&query(HASH)), questions());
    assert_eq!(house.conversation.stall(), Some(&Stall::OwnCatalog));
    assert_eq!(house.target(&as_it_is("read committed")), "Q");
    assert_eq!(house.shown(), "", "nobody notices");
    assert_eq!(computed(&mut house), "abc");
    // It is known now, until the session changes it again, or takes a change back.
    assert_eq!(house.caller(&query("SELECT upper(x) FROM orders")), "Q");
    assert_eq!(computed(&mut house), "abc");
    for text in ["ALTER TABLE orders DROP x", "ROLLBACK TO SAVEPOINT a"] {
        assert_eq!(house.caller(&query(text)), "Q");
        house.target(&[complete(), ready(b'T')].concat());
        assert_eq!(house.caller(&query(HASH)), questions(), "{text}");
        assert_eq!(house.target(&as_it_is("read committed")), "Q");
        assert_eq!(computed(&mut house), "abc");
    }
}

#[test]
fn it_arrives_in_pieces_with_what_is_said_meanwhile() {
    let mut house = changed();
    house.caller(&query(HASH));
    let notified = named(b'A', &[], &[&[0; 4][..], b"channel\0\0"].concat());
    let parameter = named(b'S', &["search_path", "pg_catalog, pg_temp"], b"");
    let bytes = [notified, parameter, as_it_is("read committed")].concat();
    let forwarded: String = bytes.iter().map(|byte| house.target(&[*byte])).collect();
    assert_eq!(forwarded, "Q");
    assert_eq!(house.shown(), "A", "a notification is the caller's, a setting of Weir's is not");
    assert_eq!(computed(&mut house), "abc");
}

#[test]
fn names_mean_what_they_mean_to_the_session() {
    let mut house = changed();
    house.caller(&query(HASH));
    // The tables have changed places.
    let tables: [(u32, &str, &[&str]); 2] = [
        (CUSTOMERS, "orders", &["id", "mail", "note", "city"]),
        (ORDERS, "customers", &["id", "status", "total", "n", "x"]),
    ];
    assert_eq!(house.target(&answers("read committed", &tables)), "Q");
    assert_eq!(computed(&mut house), "[redacted]");
}

#[test]
fn what_can_not_be_used_is_asked_for_once_and_nothing_is_followed() {
    let mut house = changed();
    house.caller(&query(HASH));
    assert_eq!(house.target(&as_it_is("repeatable read")), "Q");
    assert_eq!(computed(&mut house), "[redacted]");
    assert_eq!(house.caller(&query(HASH)), "Q");
    assert_eq!(computed(&mut house), "[redacted]");
    // Not to be read.
    let mut house = changed();
    house.caller(&query(HASH));
    let tables: [(u32, &str, &[&str]); 1] = [(ORDERS, "orders", &["id", "status\u{ff}"])];
    let mut bytes = answers("read committed", &tables);
    let at = bytes.windows(2).position(|pair| pair == "\u{ff}".as_bytes()).unwrap();
    bytes[at] = 0xff;
    assert_eq!(house.target(&bytes), "Q");
    assert_eq!(computed(&mut house), "[redacted]");
}

#[test]
fn an_error_of_weirs_own_is_undone_and_not_told() {
    let mut house = changed();
    house.caller(&query(HASH));
    let failed = [answer_to_one(&[]), answer_to_one(&[]), error("57014"), ready(b'E')].concat();
    assert_eq!(house.target(&failed), undoing());
    assert_eq!(house.target(&[answer_to_one(&[]), answer_to_one(&[]), end(b'T')].concat()), "Q");
    assert_eq!(house.shown(), "");
    assert_eq!(computed(&mut house), "[redacted]");
    // If that fails too, the caller's transaction is lost, and nobody goes on as if it were not.
    let mut house = changed();
    house.caller(&query(HASH));
    assert_eq!(house.target(&failed), undoing());
    house.target(&[error("3B001"), ready(b'E')].concat());
    assert!(matches!(house.conversation.ended(), Some(Ended::TargetBroke(_))));
    assert_eq!(house.shown(), "E08P01");
}

#[test]
fn the_session_may_be_ended_while_it_is_asked() {
    let mut house = changed();
    house.caller(&query(HASH));
    let fatal = named(b'E', &["SFATAL", "VFATAL", "C57P01", "Mterminating connection"], b"\0");
    house.target(&fatal);
    assert_eq!(house.conversation.ended(), Some(&Ended::CutOff("57P01".to_owned())));
    assert_eq!(house.shown(), "E57P01");
}

#[test]
fn it_is_asked_between_batches_alone() {
    let mut house = changed();
    // A batch that begins with what needs it waits for it; what comes later in one can't.
    let one = [parse("", HASH), bind("", ""), execute(""), sync()].concat();
    assert_eq!(house.caller(&one), questions());
    assert_eq!(house.target(&as_it_is("read committed")), "PBDES");
    let mut house = changed();
    let batch = [parse("a", "SET application_name = x"), one].concat();
    assert_eq!(house.caller(&batch), "PPBDES");
    // Behind a batch that is under way it waits for its end.
    let mut house = changed();
    let change = [parse("", "ALTER TABLE orders DROP x"), bind("", ""), execute(""), sync()].concat();
    assert_eq!(house.caller(&[change, query(HASH)].concat()), "PBES");
    let done = [plain(b'1'), plain(b'2'), complete(), ready(b'T')].concat();
    assert_eq!(house.target(&done), questions());
    assert_eq!(house.target(&as_it_is("read committed")), "Q");
    // In a transaction that has failed nobody can be asked.
    let mut house = changed();
    house.caller(&query("SELECT nix FROM orders"));
    house.target(&as_it_is("read committed"));
    house.target(&[error("42703"), ready(b'E')].concat());
    house.caller(&query("ALTER TABLE orders DROP x"));
    house.target(&[error("25P02"), ready(b'E')].concat());
    assert_eq!(house.caller(&query(HASH)), "Q");
}

#[test]
fn a_name_that_is_not_in_it_is_looked_for_once_more() {
    let mut house = changed();
    house.caller(&query(HASH));
    house.target(&as_it_is("read committed"));
    house.target(&[shape(&[("md5", 0, 0, 25)]), complete(), ready(b'T')].concat());
    assert_eq!(house.caller(&query("SELECT 1 FROM made_elsewhere")), questions());
    assert_eq!(house.target(&as_it_is("read committed")), "Q");
    // And the same of what can't be asked for.
    let mut house = changed();
    assert_eq!(house.caller(&query("SELECT 1 FROM made_elsewhere")), questions());
    assert_eq!(house.target(&as_it_is("serializable")), "Q");
}

/// The answers of a session in no transaction, whose temporary table has these columns.
fn with_temporary(columns: &[&str]) -> Vec<u8> {
    let mut bytes = answer_to_one(&[]);
    bytes.extend(answer_to_one(&[row(&["read committed", "pg_temp_3", "", "", "", "", ""])]));
    let table = |oid: u32, schema: &str, name: &str| row(&[&oid.to_string(), schema, name, "r"]);
    for (name, _) in CATALOG_QUERIES {
        let rows: Vec<Vec<u8>> = match *name {
            "relations" => {
                let others = table(50_002, "pg_temp_4", "t");
                vec![table(CUSTOMERS, "public", "customers"), table(50_001, "pg_temp_3", "t"), others]
            }
            "columns" => {
                let of = |oid: u32, columns: &[&str]| -> Vec<Vec<u8>> {
                    let column =
                        |(at, name): (usize, &&str)| row(&[&oid.to_string(), &(at + 1).to_string(), name, "f", "t"]);
                    columns.iter().enumerate().map(column).collect()
                };
                [of(CUSTOMERS, &["id", "email", "ssn", "city"]), of(50_001, columns), of(50_002, &["x"])].concat()
            }
            _ => Vec::new(),
        };
        bytes.extend(answer_to_one(&rows));
    }
    bytes.extend([answer_to_one(&[]), end(b'I')].concat());
    bytes
}

#[test]
fn a_session_with_a_temporary_table_that_holds_something_is_asked_as_long_as_it_has_it() {
    let mut house = House::new();
    house.bring();
    assert_eq!(house.caller(&query("CREATE TEMP TABLE t AS SELECT ssn AS a, city FROM customers")), "Q");
    house.target(&[tagged("SELECT 2"), ready(b'I')].concat());
    house.read_catalog();
    let outside = "CCPBE".repeat(CATALOG_QUERIES.len() + 3) + "CCS";
    assert_eq!(house.caller(&query("SELECT upper(city), a FROM t")), outside);
    house.shown();
    assert_eq!(house.target(&with_temporary(&["a", "city"])), "Q");
    house.target(&[shape(&[("upper", 0, 0, 25), ("a", 50_001, 1, 25)]), row(&["LEEDS", "512-44-9821"])].concat());
    assert_eq!(cells(&house.conversation.to_caller), [["LEEDS", "[redacted]"]]);
    house.target(&[complete(), ready(b'I')].concat());
    // What is read anew by all is read anew by it.
    assert_eq!(house.caller(&query("SELECT a FROM t")), "Q");
    house.target(&[complete(), ready(b'I')].concat());
    house.read_catalog();
    assert_eq!(house.caller(&query("SELECT a FROM t")), outside);
    // An error outside of a transaction is undone as well.
    assert_eq!(house.target(&[answer_to_one(&[]), error("57014"), ready(b'E')].concat()), "CCPBECCS");
    assert_eq!(house.target(&[answer_to_one(&[]), end(b'I')].concat()), "Q");
}

#[test]
fn a_catalog_that_is_no_more_is_not_kept_in_memory() {
    let mut house = House::new();
    for sql in ["SELECT id FROM customers", "SELECT id FROM customers WHERE id = 7"] {
        house.caller(&query(sql));
        house.target(&[shape(&[("id", CUSTOMERS, 1, 23)]), complete(), ready(b'I')].concat());
    }
    let before = house.catalog();
    house.read_empty_catalog();
    assert!(before.upgrade().is_some(), "what was read by it is still known");
    house.caller(&query("SELECT 1"));
    assert!(before.upgrade().is_none(), "a catalog is kept that is no more");
}
