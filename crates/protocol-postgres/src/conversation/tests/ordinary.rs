//! What programs store every day: it is not refused, whatever could be made of it by who wants to.

use super::house::*;
use super::kept::{card_behind, copied, executes, runs};
use super::storing::{bind_values, bound};

const CARD: u64 = 4_539_148_803_436_467;

/// CopyInResponse for one column of text.
fn copies_one() -> Vec<u8> {
    let mut bytes = Vec::new();
    crate::wire::build::frame(&mut bytes, b'G', |out| out.extend_from_slice(&[0, 0, 1, 0, 0]));
    bytes
}

#[track_caller]
fn copies(column: &str, value: &str, goes: bool) {
    let mut house = House::forbidding();
    assert_eq!(house.caller(&query(&format!("COPY dim ({column}) FROM STDIN"))), "Q");
    house.target(&copies_one());
    assert_eq!(
        house.caller(&copied(format!("{value}\n").as_bytes())),
        if goes { "d" } else { "f" },
        "{column} {value}"
    );
}

#[test]
fn no_number_is_a_counter_and_no_list_is_money() {
    for (column, value) in [
        ("member_id", "-1"),
        ("member_id", "-07"),
        ("list", "4539,1488,0343,6467"),
        ("list", "-1,2,3"),
        ("list", "4539148803436467_front.jpg"),
        ("area", "(3001,1488),(1190,2055)"),
        ("region", "((3001,1488),(1190,2055),(4539,1488),(343,6467))"),
    ] {
        bound(&format!("INSERT INTO dim ({column}) VALUES ($1)"), false, value.as_bytes(), true);
        runs(&format!("INSERT INTO dim ({column}) VALUES ('{value}')"), true);
        copies(column, value, true);
    }
    for text in [
        "INSERT INTO dim (member_id) VALUES (-1)",
        "INSERT INTO dim (member_id) VALUES ('-1'::integer)",
        "INSERT INTO dim (title) SELECT coalesce(x::text, '-1') FROM (SELECT 1 AS x) q",
        "INSERT INTO typed (body, tags) VALUES ('x', string_to_array('4539,1488,0343,6467', ','))",
        "INSERT INTO dim (title) VALUES (upper('4539148803436467_front.jpg'))",
        "INSERT INTO dim (title) VALUES (lower('4539148803436467ab9f03c1d2e47a60'))",
        "UPDATE dim SET member_id = CASE WHEN title = 'x' THEN -1 ELSE -2 END",
    ] {
        runs(text, true);
    }
    bound("UPDATE dim SET member_id = $1 WHERE title = $1", false, b"-1", true);
    bound("UPDATE dim SET member_id = $1 WHERE $1::text IS NOT NULL", false, b"-1", true);
    bound("INSERT INTO dim (amount, list) VALUES (money('1'), coalesce($1, 'x'))", false, b"4539,1488,0343,6467", true);
    bound("INSERT INTO dim (seen, member_id) VALUES ('1'::xid8, coalesce($1, 'x'))", false, b"-1", true);
    executes("p AS INSERT INTO dim (member_id) VALUES ($1)", "-1", true);
}

#[test]
fn what_stays_bits_in_its_column_is_no_number() {
    let bits = format!("0{CARD:b}");
    let count = bits.len();
    let sent = [64_u32.to_be_bytes().as_slice(), &CARD.to_be_bytes()].concat();
    for (table, column) in [("dim", "bits"), ("more", "flags")] {
        for value in [
            format!("B'{bits}'"),
            format!("x'{CARD:014x}'"),
            format!("'{bits}'::bit({count})"),
            format!("B'{bits}'::\"bit\""),
            format!("'{bits}'::varbit"),
            format!("'{bits}'::bit varying({count})"),
            format!("CASE WHEN true THEN B'{bits}' ELSE B'0' END"),
        ] {
            runs(&format!("INSERT INTO {table} ({column}) VALUES ({value})"), true);
            runs(&format!("UPDATE {table} SET {column} = {value}"), true);
        }
        runs(&format!("INSERT INTO {table} ({column}) VALUES (B'0101'), (B'{bits}')"), true);
        runs(&format!("INSERT INTO {table} ({column}) SELECT B'{bits}'"), true);
        executes(&format!("p AS INSERT INTO {table} ({column}) VALUES ($1)"), &format!("B'{bits}'"), true);
        for cast in [format!("bit({count})"), "bit(64)".to_owned(), "varbit".to_owned()] {
            let text = format!("INSERT INTO {table} ({column}) VALUES ($1::{cast})");
            bound(&text, false, bits.as_bytes(), true);
            bound(&text, true, &sent, true);
        }
    }
    // Also beside other bits, and where they are cut off.
    let insert = "INSERT INTO more (flags) SELECT p0::BIT(64) FROM (VALUES ($1), ($2)) AS v(p0)";
    let wide = format!("{CARD:064b}");
    let batch = [parse("", insert), bind_values(false, &[wide.as_bytes(), b"0"]), execute(""), sync()].concat();
    assert_eq!(House::forbidding().caller(&batch), "PBES");
    for value in ["coalesce($1::bit(64), flags)", "flags | $1::bit(64)", "$1::bit(64)::varbit"] {
        bound(&format!("UPDATE more SET flags = {value}"), false, wide.as_bytes(), true);
        bound(&format!("UPDATE more SET flags = {value}"), true, &sent, true);
        bound(&format!("UPDATE dim SET card = ({value})::bit(64)::bigint"), false, wide.as_bytes(), false);
    }
    for value in
        ["flags | ?", "flags & ~ ?", "?::bit(64)::varbit", "coalesce(?, flags)", "CASE WHEN true THEN flags | ? END"]
    {
        let value = value.replace('?', &format!("B'{bits}'"));
        runs(&format!("UPDATE more SET flags = {value}"), true);
        runs(&format!("UPDATE dim SET title = ({value})::bit(64)::bigint"), false);
        runs(&format!("UPDATE dim SET card = ({value})::bigint"), false);
    }
    for (prepared, goes) in [
        ("p AS INSERT INTO dim (bits) VALUES ($1::varbit)", true),
        ("p AS INSERT INTO dim (bits) VALUES ($1::bit(64))", true),
        ("p AS INSERT INTO dim (bits) SELECT $1::varbit", true),
        ("p AS INSERT INTO dim (card) VALUES ($1::varbit::bigint)", false),
        ("p AS INSERT INTO dim (card) VALUES ($1::bit(64)::bigint)", false),
    ] {
        for argument in [format!("B'{wide}'"), format!("'{wide}'"), format!("B'{wide}'::varbit")] {
            executes(prepared, &argument, goes);
        }
    }
    runs(&format!("INSERT INTO dim (card) SELECT p0::BIT(64)::bigint FROM (VALUES ('{wide}')) AS v(p0)"), false);
    runs(&format!("INSERT INTO dim (title) SELECT p0::BIT(64) FROM (VALUES ('{wide}')) AS v(p0)"), false);
    // What becomes a number is found.
    for value in [
        format!("B'{bits}'::bigint"),
        format!("'{bits}'::bit({count})::bigint"),
        format!("'{bits}'::varbit::bigint"),
        format!("x'{CARD:014x}'::bigint::text"),
    ] {
        runs(&format!("INSERT INTO dim (card) VALUES ({value})"), false);
        runs(&format!("INSERT INTO dim (title) VALUES ({value})"), false);
        runs(&format!("INSERT INTO dim (bits) VALUES ({value}::bit(64))"), false);
    }
    for cast in ["bit(64)::bigint", "varbit::bigint", "bigint"] {
        let text = format!("INSERT INTO dim (card) VALUES ($1::{cast})");
        bound(&text, false, format!("{CARD:064b}").as_bytes(), cast == "bigint");
    }
    bound("INSERT INTO dim (card) VALUES ($1::bit(64)::bigint)", true, &sent, false);
    bound("INSERT INTO dim (title) VALUES ($1::bit(64)::bigint)", true, &sent, false);
    executes("p AS INSERT INTO dim (card) VALUES ($1::bigint)", &format!("B'{bits}'"), false);
    executes("p AS INSERT INTO dim (bits, card) VALUES ($1, $1::bigint)", &format!("B'{bits}'"), false);
}

/// A caller in this encoding binds a value; `set` may have been sent in the same batch before.
#[track_caller]
fn encoded(encoding: &str, set: &str, text: &str, (binary, value): (bool, &[u8]), goes: bool) {
    let mut house = House::forbidding();
    house.target(&parameter("client_encoding", encoding));
    let (before, went) = match set {
        "" => (Vec::new(), ""),
        set => ([parse("", set), bind_values(false, &[]), execute("")].concat(), "PBE"),
    };
    let batch = [before, parse("", text), bind_values(binary, &[value]), execute(""), sync()].concat();
    let expected = format!("{went}{}", if goes { "PBES" } else { "P!S" });
    // What gives rows is asked for their shape.
    assert_eq!(house.caller(&batch).replace('D', ""), expected, "{encoding} {set} {text}");
}

#[test]
fn what_is_no_text_has_no_letters() {
    let bytes = [0xe9_u8; 40];
    for (text, value) in [
        ("INSERT INTO dim (title) VALUES ($1::int8::varchar(4))", &(-2_i64).to_be_bytes()[..]),
        ("INSERT INTO dim (title) VALUES ($1::timestamptz::varchar(4))", &(-2_i64).to_be_bytes()),
        ("INSERT INTO dim (title) VALUES (encode($1::bytea, 'hex')::varchar(30))", &bytes),
        ("INSERT INTO typed (label) VALUES (encode($1::bytea, 'hex'))", &bytes),
    ] {
        encoded("LATIN1", "", text, (true, value), true);
    }
    // What may be one has.
    for text in [
        "INSERT INTO dim (title) VALUES ($1::varchar(30))",
        "INSERT INTO dim (title) VALUES ($1::text::varchar(30))",
        "INSERT INTO dim (title) VALUES (upper($1)::varchar(30))",
        "INSERT INTO dim (title) VALUES ($1::odd::varchar(30))",
        "INSERT INTO dim (title) SELECT $1::bytea::varchar(30) WHERE $1 = 'x'",
        "INSERT INTO typed (label) VALUES ($1)",
    ] {
        encoded("LATIN1", "", text, (true, &bytes), false);
        encoded("LATIN1", "", text, (false, &bytes), false);
    }
}

#[test]
fn code_that_ran_before_in_the_batch_is_not_taken_to_change_the_encoding() {
    let text = "INSERT INTO dim (member_id, title) VALUES (some_code(), $1::varchar(40))";
    let letters = "é".repeat(50);
    let batch = |value: &str| {
        let again = [bind_values(false, &[value.as_bytes()]), execute(""), sync()].concat();
        [parse("", text), bind_values(false, &[b"x"]), execute(""), again].concat()
    };
    let mut house = House::forbidding_alone();
    assert_eq!(house.caller(&batch(&letters)), "PBEBES");
    // Both of the places where it may be cut off are looked at.
    for (letters, blanks) in [(23, " "), (11, "  ")] {
        let behind = format!("{}{blanks}4539148803436467zzz", "é".repeat(letters));
        let mut house = House::forbidding_alone();
        assert_eq!(house.caller(&batch(&behind)), "PBE!S", "{letters}");
    }
    let (plain, value) = ("INSERT INTO dim (title) VALUES ($1::varchar(20))", (false, letters.as_bytes()));
    encoded("UTF8", "SELECT some_code()", plain, value, true);
    encoded("UTF8", "SELECT 1", plain, value, true);
    // Another encoding is told, or set.
    encoded("LATIN1", "SELECT some_code()", plain, value, false);
    encoded("LATIN1", "", plain, value, false);
    encoded("UTF8", "SET client_encoding = 'LATIN1'", plain, value, false);
}

#[test]
fn what_becomes_no_name_is_not_cut_off() {
    let long = card_behind(46);
    for value in [
        "upper('?')",
        "concat('?', 'x')",
        "upper('?'::text)",
        "'?' || 'x'",
        "'?'::varchar(200)",
        "'?'::text::varchar(200)",
        "upper('?')::varchar(200)",
        "replace('?'::varchar(200), 'a', 'b')",
        "coalesce('?'::text, 'x')",
        "CASE WHEN true THEN '?'::varchar(200) ELSE 'x'::varchar END",
        "CASE WHEN true THEN '?'::text END",
        "coalesce(nullif('?'::text, ''), 'x')",
        "coalesce(upper('?'), 'x')",
        "coalesce(CASE WHEN true THEN '?'::text END, NULL, 'x')",
        "text('?')",
        "array_append(ARRAY['x'], '?'::text)::text",
        "ARRAY['?'::text, 'x']",
    ] {
        let value = value.replace('?', &long);
        runs(&format!("INSERT INTO typed (body) VALUES ({value})"), true);
        // A column of names keeps no more.
        runs(&format!("INSERT INTO typed (label) VALUES ({value})"), false);
    }
    for value in [
        "upper($1)",
        "$1::varchar(200)",
        "concat($1::text, 'x')",
        "upper($1)::varchar(200)",
        "coalesce($1::text, 'x')",
        "coalesce($1::varchar(200), NULL)",
        "ARRAY[$1::text]",
    ] {
        bound(&format!("INSERT INTO typed (body) VALUES ({value})"), false, long.as_bytes(), true);
        bound(&format!("INSERT INTO typed (label) VALUES ({value})"), false, long.as_bytes(), false);
    }
    for value in [
        "upper(coalesce('?', current_user))",
        "upper((SELECT '?' UNION ALL SELECT current_user))",
        "upper(CASE WHEN true THEN '?' ELSE current_user END)",
        "upper('?'::information_schema.sql_identifier)",
        "coalesce('?', current_user)::varchar(200)",
        "(SELECT '?' UNION ALL SELECT current_user)::varchar(200)",
    ] {
        runs(&format!("INSERT INTO typed (body) VALUES ({})", value.replace('?', &long)), false);
    }
    bound("UPDATE typed SET body = upper($1) WHERE $1::name IS NOT NULL", false, long.as_bytes(), false);
    bound("UPDATE typed SET body = $1::varchar(200) WHERE $1::name IS NOT NULL", false, long.as_bytes(), false);
}
