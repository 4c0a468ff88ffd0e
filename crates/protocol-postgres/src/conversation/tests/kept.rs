//! What the target keeps of a value: what it cuts off, and what it takes for a value of another type than it seems to be of.

use super::house::*;
use super::storing::{bind_values, bound};

/// A card behind so many letters and a blank, which is seen only where the letters behind it are cut off.
pub(super) fn card_behind(letters: usize) -> String {
    format!("{} 4539148803436467zzz", "x".repeat(letters))
}

#[track_caller]
pub(super) fn runs(text: &str, goes: bool) {
    assert_eq!(House::forbidding().caller(&query(text)), if goes { "Q" } else { "!" }, "{text}");
}

/// What is prepared runs with this argument.
#[track_caller]
pub(super) fn executes(prepared: &str, argument: &str, goes: bool) {
    let mut house = House::forbidding();
    assert_eq!(house.caller(&query(&format!("PREPARE {prepared}"))), "Q", "{prepared}");
    house.target(&[tagged("PREPARE"), ready(b'I')].concat());
    let sent = house.caller(&query(&format!("EXECUTE p({argument})")));
    assert_eq!(sent, if goes { "Q" } else { "!" }, "{prepared} {argument}");
}

/// The same by the protocol's own messages, with a parameter that is declared to be of this type.
#[track_caller]
pub(super) fn declared(text: &str, type_oid: u32, value: &str, goes: bool) {
    let parse = named(b'P', &["", text], &[b"\0\x01".as_slice(), &type_oid.to_be_bytes()].concat());
    let batch = [parse, bind_values(false, &[value.as_bytes()]), execute(""), sync()].concat();
    assert_eq!(House::forbidding().caller(&batch), if goes { "PBES" } else { "P!S" }, "{text} {type_oid}");
}

#[test]
fn what_is_cut_off_behind_a_type_that_nobody_knows_is_seen() {
    let long = card_behind(84);
    for value in [
        format!("'{long}'::refcursor::varchar(101)"),
        format!("'{long}'::citext::varchar(101)"),
        format!("'\"{long}\"'::jsonpath::varchar(102)"),
        format!("'{long}'::odd(200)::varchar(101)"),
        format!("'{long}'::odd(101)::varchar(150)"),
        format!("'{}'::odd::varchar(101)", card_behind(46)),
    ] {
        runs(&format!("INSERT INTO typed (body) VALUES ({value})"), false);
    }
    bound("INSERT INTO typed (body) VALUES ($1::refcursor::varchar(101))", false, long.as_bytes(), false);
    bound("INSERT INTO typed (body) VALUES ($1::refcursor::varchar(101))", false, b"x", true);
}

#[test]
fn a_parameter_that_is_a_name_is_cut_off() {
    let (long, insert) = (card_behind(46), "INSERT INTO typed (body) VALUES ($1)");
    for (type_oid, goes) in [(19, false), (25, true), (1043, true), (0, true)] {
        declared(insert, type_oid, &long, goes);
    }
    declared(insert, 19, "x", true);
    for type_name in ["name", "information_schema.sql_identifier"] {
        executes(&format!("p({type_name}) AS {insert}"), &format!("'{long}'"), false);
        executes(&format!("p({type_name}) AS {insert}"), "'x'", true);
    }
    executes(&format!("p(name) AS {insert}"), &format!("upper('{long}')"), false);
    // What is prepared by the protocol runs by its name as well.
    let mut house = House::forbidding();
    house.caller(&[named(b'P', &["p", insert], b"\0\x01\0\0\0\x13"), sync()].concat());
    house.target(&[plain(b'1'), ready(b'I')].concat());
    assert_eq!(house.caller(&query(&format!("EXECUTE p('{long}')"))), "!");
    // Of which type it is may be settled elsewhere.
    bound("UPDATE typed SET body = $1 WHERE $1::name IS NOT NULL", false, long.as_bytes(), false);
    bound("UPDATE typed SET body = $1 WHERE $1::text IS NOT NULL", false, long.as_bytes(), true);
    bound("INSERT INTO typed (body, label) VALUES ($1, $1)", false, long.as_bytes(), false);
}

#[test]
fn a_constant_that_becomes_a_name_is_cut_off() {
    let long = card_behind(46);
    for text in [
        format!("INSERT INTO typed (body) VALUES (coalesce('{long}', current_user))"),
        format!("INSERT INTO typed (body) VALUES (nullif('{long}', current_user))"),
        format!("INSERT INTO typed (body) VALUES (CASE WHEN true THEN '{long}' ELSE 'a'::name END)"),
        format!("INSERT INTO typed (body) VALUES (coalesce('{long}', current_user)::text)"),
        format!("INSERT INTO typed (body) VALUES (coalesce('{long}', current_user)::varchar(100))"),
        format!("CREATE TABLE n AS VALUES ('{long}'), (current_user)"),
        format!("CREATE TABLE n AS SELECT '{long}' UNION ALL SELECT current_user"),
        format!("INSERT INTO typed (body) SELECT '{long}' UNION ALL SELECT current_user"),
        format!("INSERT INTO typed (body) SELECT a FROM (VALUES ('{long}'), (current_user)) v(a)"),
        format!("INSERT INTO typed (label) VALUES ('{long}'::text)"),
        format!("INSERT INTO typed (label) VALUES (upper('{long}'))"),
        format!("INSERT INTO typed (label) VALUES ('{long}'::varchar(80))"),
    ] {
        runs(&text, false);
    }
    bound("INSERT INTO typed (label) VALUES ($1::text)", false, long.as_bytes(), false);
    bound("INSERT INTO typed (body) VALUES (coalesce($1, current_user))", false, long.as_bytes(), false);
    runs(&format!("INSERT INTO typed (body) VALUES ('{long}'::text)"), true);
    runs("INSERT INTO typed (label) VALUES ('x'::text), (upper('y'))", true);
}

/// The same by the protocol's own messages, with parameters that are declared to be of these types.
#[track_caller]
fn all_declared(text: &str, types: &[u32], values: &[&str], goes: bool) {
    let count = u16::try_from(types.len()).unwrap().to_be_bytes();
    let oids: Vec<u8> = types.iter().flat_map(|oid| oid.to_be_bytes()).collect();
    let parse = named(b'P', &["", text], &[count.as_slice(), &oids].concat());
    let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
    let batch = [parse, bind_values(false, &values), execute(""), sync()].concat();
    // Constants are looked at where the text comes.
    assert_eq!(House::forbidding().caller(&batch).contains('!'), !goes, "{text} {types:?}");
}

#[test]
fn a_text_that_stands_beside_a_name_is_cut_off() {
    let long = card_behind(46);
    for value in [
        "CASE WHEN true THEN '?'::text ELSE current_user END",
        "CASE WHEN true THEN current_user ELSE '?'::varchar END",
        "coalesce('?'::varchar(200), current_user)",
        "coalesce(current_user, '?'::text)",
        "coalesce(current_user, '?'::text COLLATE \"C\")",
        "coalesce(current_user, coalesce('?'::text, 'x'))",
        "greatest('?'::varchar, current_user)",
        "nullif('?'::varchar, current_user)",
        "'?'::text::d",
        "'?'::text::information_schema.sql_identifier",
        "(ARRAY[current_user, '?'::text])[2]",
        "(ROW('?'::text)::pair).a",
        "(SELECT current_user UNION ALL SELECT '?'::text)",
    ] {
        runs(&format!("INSERT INTO typed (body) VALUES ({})", value.replace('?', &long)), false);
    }
    runs(&format!("INSERT INTO typed (body) SELECT current_user UNION ALL SELECT '{long}'::text"), false);
    let document = format!("'\"{}\"'::jsonb", card_behind(45));
    runs(&format!("INSERT INTO typed (body) VALUES (coalesce(current_user, {document}::text))"), false);
    runs(&format!("INSERT INTO typed (body) VALUES ({document}::text)"), true);
    for value in [
        "coalesce($1::varchar(200), current_user)",
        "coalesce(current_user, $1::text)",
        "coalesce(NULL::name, $1::text)",
        "$1::text::information_schema.sql_identifier",
    ] {
        let text = format!("INSERT INTO typed (body) VALUES ({value})");
        bound(&text, false, long.as_bytes(), false);
        bound(&text, true, long.as_bytes(), false);
        executes(&format!("p AS {text}"), &format!("'{long}'"), false);
    }
    executes("p AS INSERT INTO typed (body) VALUES ($1)", &format!("coalesce(current_user, '{long}'::text)"), false);
}

#[test]
fn of_letters_of_many_bytes_a_name_keeps_fewer_than_a_cast_around_it() {
    let wide = format!("{}x 4539148803436467zzz", "€".repeat(15));
    runs(&format!("INSERT INTO typed (body) VALUES (coalesce('{wide}', current_user)::varchar(40))"), false);
    runs(&format!("INSERT INTO typed (body) VALUES (coalesce('{wide}'::varchar(40), current_user))"), false);
    bound("INSERT INTO typed (body) VALUES (coalesce($1, current_user)::varchar(40))", false, wide.as_bytes(), false);
}

#[test]
fn a_function_that_is_called_as_a_type_is_a_cast() {
    let (long, negative, grouped) = (card_behind(46), "-18442204924906115149", "45,39,14,88,03,43,64,67");
    for (text, value) in [
        ("xid8('?')::text", negative),
        ("pg_catalog.xid8('?')::text", negative),
        ("money('?')::numeric", grouped),
        ("name('?')", long.as_str()),
        ("coalesce(current_user, text('?'))", &long),
        ("'{\"?\"}'::_money", grouped),
    ] {
        runs(&format!("INSERT INTO typed (body) VALUES ({})", text.replace('?', value)), false);
        if !text.contains('{') {
            let text = format!("INSERT INTO typed (body) VALUES ({})", text.replace("'?'", "$1"));
            bound(&text, false, value.as_bytes(), false);
        }
    }
    bound("WITH x AS (SELECT xid8($1)) UPDATE dim SET title = $1::text", false, negative.as_bytes(), false);
}

#[test]
fn an_argument_that_a_function_gives_back_is_cut_off() {
    let long = card_behind(46);
    for text in [
        "INSERT INTO typed (body) VALUES ((array_append(ARRAY[current_user], '?'))[2])",
        "INSERT INTO typed (body) VALUES ((array_prepend('?'::text, ARRAY[current_user]))[1])",
        "INSERT INTO typed (body) VALUES (array_append(ARRAY[current_user], '?')::text)",
        "INSERT INTO typed (body) SELECT lag(current_user, 1, '?') OVER ()",
        "INSERT INTO typed (body) SELECT lead(label, 1, '?') OVER () FROM typed",
    ] {
        runs(&text.replace('?', &long), false);
        bound(&text.replace("'?'", "$1"), false, long.as_bytes(), false);
    }
}

#[test]
fn values_that_are_named_are_of_one_type() {
    let (long, insert) = (card_behind(46), "INSERT INTO typed (body) SELECT");
    runs(&format!("{insert} a::varchar(200) FROM (VALUES ('{long}'), (current_user)) v(a)"), false);
    runs(&format!("{insert} a::text FROM (VALUES ('{long}'), (current_user)) v(a)"), false);
    for text in ["a::text FROM (VALUES ($1), ($2)) v(a)", "a::varchar(200) FROM (VALUES ($1), ($2)) v(a)"] {
        all_declared(&format!("{insert} {text}"), &[0, 19], &[&long, "x"], false);
    }
    all_declared(&format!("{insert} a::text FROM (VALUES ('{long}'), ($1)) v(a)"), &[19], &["x"], false);
    all_declared(&format!("{insert} a::text FROM (VALUES ('0x102054f002efb3'), ($1)) v(a)"), &[20], &["1"], false);
}

#[test]
fn a_parameter_is_of_the_type_that_it_is_cast_to_elsewhere() {
    let (negative, grouped) = ("-18442204924906115149", "45,39,14,88,03,43,64,67");
    for (text, value) in [
        ("WITH x AS (SELECT $1::xid8) UPDATE dim SET title = $1::text", negative),
        ("WITH x AS (SELECT $1::xid8) UPDATE dim SET title = $1", negative),
        ("WITH x AS (SELECT $1::xid8) UPDATE dim SET title = upper($1)", negative),
        ("WITH x AS (SELECT $1::xid8) UPDATE dim SET title = $1::varchar(30)", negative),
        ("WITH x AS (SELECT $1::money) UPDATE dim SET title = $1::numeric", grouped),
        ("UPDATE dim SET title = $1::numeric WHERE $1::pg_catalog.money IS NOT NULL", grouped),
    ] {
        bound(text, false, value.as_bytes(), false);
        bound(text, false, b"1", true);
        executes(&format!("p AS {text}"), &format!("'{value}'"), false);
    }
}

#[test]
fn what_stands_beside_a_counter_or_money_is_one() {
    let (negative, grouped) = ("-18442204924906115149", "45,39,14,88,03,43,64,67");
    for (text, value) in [
        ("('?' + '0'::money)::numeric", grouped),
        ("CASE WHEN true THEN '?' ELSE '1'::money END::numeric", grouped),
        ("nullif('?', money('1'))::numeric", grouped),
        ("coalesce('?', '1'::xid8)::text", negative),
        ("greatest('1'::pg_catalog.xid8, '?')::varchar(20)", negative),
        ("(array_append(ARRAY['1']::xid8[], '?'))[2]::text", negative),
        ("lag('1'::xid8, 1, '?') OVER ()", negative),
    ] {
        runs(&format!("INSERT INTO typed (body) VALUES ({})", text.replace('?', value)), false);
        let text = format!("INSERT INTO typed (body) VALUES ({})", text.replace("'?'", "$1"));
        bound(&text, false, value.as_bytes(), false);
    }
    runs(&format!("INSERT INTO typed (body) SELECT a::text FROM (VALUES ('{negative}'), ('1'::xid8)) v(a)"), false);
}

#[test]
fn bits_are_looked_at_as_the_number_that_is_left_of_them() {
    let number = 4_539_148_803_436_467_u64;
    let sent = |bits: u32, number: u64| [bits.to_be_bytes().as_slice(), &number.to_be_bytes()].concat();
    let insert = "INSERT INTO typed (body) VALUES ($1::bit(64)::bigint::text)";
    bound(insert, true, &sent(64, number), false);
    bound(insert, true, &sent(64, 7), true);
    bound("INSERT INTO typed (big) VALUES ($1::bit(56)::bigint)", true, &sent(64, number << 8 | 0xff), false);
    bound("INSERT INTO typed (big) VALUES ($1::bit(56)::bigint)", false, b"x102054f002efb3ffff", false);
    let binary = format!("b{number:053b}1111");
    for value in [
        "x'102054f002efb3ffff'::bit(56)::bigint".to_owned(),
        "'x102054f002efb3ffff'::bit(56)::bigint".to_owned(),
        "'x102054f002efb3ffffffffff'::bit(80)::bit(56)::bigint".to_owned(),
        format!("'{binary}'::bit(53)::bigint"),
        format!("'{}'::bit(53)::bigint", &binary[1..]),
        format!("B'{}'::bit(53)::bigint", &binary[1..]),
        // What is missing is filled up with zeros.
        "'x102054f002f04'::bit(56)::bigint".to_owned(),
    ] {
        runs(&format!("INSERT INTO typed (big) VALUES ({value})"), false);
    }
    // A number of nine digits has seven in hexadecimal.
    for value in ["x'ca8234e'::bit(28)::int", "'xca8234e'::bit(28)::int", "'xca8234efff'::bit(28)::int"] {
        runs(&format!("INSERT INTO more (ssn) VALUES ({value})"), false);
    }
    runs("INSERT INTO more (ssn) VALUES ('x1F'::bit(8)::int)", true);
}

#[test]
fn what_stays_bits_is_no_number() {
    runs("INSERT INTO more (flags) VALUES ('x00102054f002efb3')", true);
    let insert = "INSERT INTO more (flags) VALUES ($1)";
    bound(insert, false, b"x00102054f002efb3", true);
    let sent = [64_u32.to_be_bytes().as_slice(), &4_539_148_803_436_467_u64.to_be_bytes()].concat();
    bound(insert, true, &sent, true);
    bound("UPDATE more SET flags = $1, ssn = $1::bigint", true, &sent, false);
    let mut house = House::forbidding();
    assert_eq!(house.caller(&query("COPY more (flags) FROM STDIN")), "Q");
    house.target(&copies_one());
    assert_eq!(house.caller(&copied(b"x00102054f002efb3\n")), "d");
}

/// CopyInResponse for one column of text, and data.
fn copies_one() -> Vec<u8> {
    let mut bytes = Vec::new();
    crate::wire::build::frame(&mut bytes, b'G', |out| out.extend_from_slice(&[0, 0, 1, 0, 0]));
    bytes
}

pub(super) fn copied(data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    crate::wire::build::frame(&mut bytes, b'd', |out| out.extend_from_slice(data));
    bytes
}

#[test]
fn what_is_a_counter_or_money_is_looked_at_as_one() {
    let (negative, behind, grouped) = ("-18442204924906115149", "4539148803436467zzz", "45,39,14,88,03,43,64,67");
    for (text, value) in [
        ("'?'::xid8::varchar(20)", negative),
        ("'?'::xid8::text", behind),
        ("'?'::money::numeric", grouped),
        ("coalesce('?'::money, '1')::numeric", grouped),
        ("coalesce('?'::xid8, '1')::text", negative),
    ] {
        runs(&format!("INSERT INTO typed (body) VALUES ({})", text.replace('?', value)), false);
    }
    runs("INSERT INTO more (ssn) VALUES ('-4082621618'::cid::text::bigint)", false);
    bound("INSERT INTO typed (body) VALUES ($1::xid8::text)", false, negative.as_bytes(), false);
    bound("INSERT INTO dim (seen) VALUES ($1)", false, behind.as_bytes(), false);
    bound("INSERT INTO dim (amount) VALUES ($1)", false, grouped.as_bytes(), false);
    declared("INSERT INTO typed (body) VALUES ($1::text)", 5069, negative, false);
    declared("INSERT INTO typed (body) VALUES ($1::numeric)", 790, grouped, false);
    runs(&format!("INSERT INTO dim (seen, amount) VALUES ('{behind}', '1')"), false);
    runs(&format!("INSERT INTO dim (seen, amount) VALUES ('1', '{grouped}')"), false);
    for (prepared, argument) in [
        ("p(xid8) AS INSERT INTO typed (body) VALUES ($1::text)", negative),
        ("p(xid8) AS INSERT INTO typed (body) VALUES ($1::text)", behind),
        ("p(money) AS INSERT INTO typed (total) VALUES ($1::numeric)", grouped),
        ("p(xid) AS INSERT INTO more (ssn) VALUES ($1::text::bigint)", "-4082621618"),
    ] {
        executes(prepared, &format!("'{argument}'"), false);
    }
    // What programs send is none of them.
    for value in ["-5", "12 rue du Bac, 75007", "3,50", "1,2,3", "2024-01-15", "45.39148803436467"] {
        bound("UPDATE typed SET body = $1 WHERE label = $1", false, value.as_bytes(), true);
    }
}

#[test]
fn where_something_stands_between_two_cuts_both_are_looked_at() {
    let value = "'   4539148803436467zzz'::varchar(19)";
    runs(&format!("INSERT INTO typed (body) VALUES (upper({value})::varchar(16))"), false);
    runs("INSERT INTO typed (body) VALUES ('  4539148803436467zzz'::varchar(18)::numeric::varchar(16))", false);
    executes("p AS INSERT INTO typed (body) VALUES (upper($1)::varchar(16))", value, false);
    // More than are told apart.
    let many = (1..12).fold("'x'".to_owned(), |inner, at| format!("upper({inner}::varchar({at}))"));
    runs(&format!("INSERT INTO typed (body) VALUES ({many})"), false);
    runs("INSERT INTO typed (body) VALUES (upper(upper('x'::varchar(9))::varchar(8))::varchar(7))", true);
}

#[test]
fn a_parameter_of_another_type_is_cut_off_once_it_is_a_text() {
    bound("INSERT INTO typed (body) VALUES ($1::xml::varchar(16))", false, b"4539148803436467zzz", false);
    bound("INSERT INTO typed (body) VALUES ($1::json::varchar(17))", false, b"\"4539148803436467zzz\"", false);
    bound("INSERT INTO typed (body) VALUES ($1::json::varchar(17))", false, b"{\"a\": 1}", true);
    bound("INSERT INTO typed (body) VALUES ($1::int8::varchar(17))", true, &7_i64.to_be_bytes(), true);
}

#[test]
fn what_is_cut_off_after_who_knows_how_much_is_refused() {
    for modifier in ["'0x10'", "'1_6'"] {
        for value in ["'4539148803436467zzz'", "'x'", "upper('x')"] {
            runs(&format!("INSERT INTO typed (body) VALUES ({value}::\"varchar\"({modifier}))"), false);
        }
        bound(&format!("INSERT INTO typed (body) VALUES ($1::\"varchar\"({modifier}))"), false, b"x", false);
    }
    for value in ["'x'::varchar(0x10)", "'POINT(1 2)'::geometry(Point,4326)", "'[1,2]'::vector(2)", "1.5::numeric(9,2)"]
    {
        runs(&format!("INSERT INTO typed (body) VALUES ({value})"), true);
    }
}

#[test]
fn where_a_cut_falls_in_another_encoding_nobody_knows() {
    let behind = |letters: &[u8]| [letters, b" 4539148803436467zzz"].concat();
    let (accents, kana) = (behind(&[0xe9; 23]), behind(&[0xa4, 0xa2].repeat(10)));
    for (encoding, text, value, goes) in [
        ("LATIN1", "INSERT INTO typed (label) VALUES ($1)", &accents, false),
        ("EUC_JP", "INSERT INTO typed (body) VALUES ($1::varchar(27))", &kana, false),
        ("EUC_JP", "INSERT INTO typed (body) VALUES ($1::varchar(400))", &kana, true),
        ("LATIN1", "INSERT INTO typed (body) VALUES ($1)", &accents, true),
        ("LATIN1", "INSERT INTO typed (label) VALUES ($1)", &vec![0xe9], true),
        ("UTF8", "INSERT INTO typed (body) VALUES ($1::varchar(20))", &behind("é".repeat(10).as_bytes()), true),
    ] {
        let mut house = House::forbidding();
        house.target(&parameter("client_encoding", encoding));
        let batch = [parse("", text), bind_values(false, &[value]), execute(""), sync()].concat();
        assert_eq!(house.caller(&batch), if goes { "PBES" } else { "P!S" }, "{encoding} {text}");
    } // Code that was sent before may have changed it: the target has to say so first.
    let mut house = House::forbidding();
    assert_eq!(house.caller(&query("SELECT some_code()")), "Q");
    let text = "INSERT INTO typed (label) VALUES ($1)";
    let batch = [parse("", text), bind_values(false, &[&accents]), execute(""), sync()].concat();
    assert_eq!(house.caller(&batch), "P");
    let answer = [shape(&[("some_code", 0, 0, 25)]), row(&["x"]), complete(), parameter("client_encoding", "LATIN1")];
    assert_eq!(house.target(&[answer.concat(), ready(b'I')].concat()), "!S");
}

#[test]
fn what_programs_store_goes() {
    let body = "a letter of some length, in which nothing stands that anybody looks for, and which goes on for a while";
    for text in [
        format!("INSERT INTO typed (body) VALUES (upper('{body}'))"),
        format!("INSERT INTO typed (body, label) VALUES (coalesce('{body}', 'x'), 'orders')"),
        format!("INSERT INTO typed (body) SELECT '{body}' WHERE NOT EXISTS (SELECT 1 FROM typed)"),
        "INSERT INTO typed (body) VALUES ('active'::status), ('n'::\"char\"), ('{a,b}'::odd[])".to_owned(),
        "INSERT INTO typed (total) VALUES (CASE WHEN true THEN '-12.50' ELSE '1,5' END::numeric)".to_owned(),
        "INSERT INTO typed (body) VALUES ('1.2.3.4.5'), ('2024-01-15T10:20:30Z'::odd), ('-1'::odd)".to_owned(),
        "INSERT INTO typed (day) VALUES (coalesce('2024-01-15'::date, now()::date))".to_owned(),
        "INSERT INTO more (flags) VALUES (B'1010'), ('1010'::bit(4)), (x'ff'::bit varying(8))".to_owned(),
        "INSERT INTO typed (body) VALUES (md5('a')::varchar(8)::text || 'b'::char(3))".to_owned(),
    ] {
        runs(&text, true);
    }
    for argument in ["'orders_id_seq'", "'public'::name", "upper('a')"] {
        executes("p(regclass) AS INSERT INTO typed (body) VALUES ($1::text)", argument, true);
    }
    for (value, goes) in [("192.168.100.200", false), ("45.39148803436467,12.4", true), ("1,234.50", true)] {
        bound("UPDATE typed SET body = $1 WHERE label = $1", false, value.as_bytes(), goes);
        bound("INSERT INTO typed (body) VALUES ($1)", false, value.as_bytes(), goes);
    }
}
