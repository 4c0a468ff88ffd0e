use pg_query::protobuf::Token;
use proptest::prelude::*;

use super::*;
use crate::analyse::analyse;
use crate::catalog::Catalog;
use crate::classes::ClassRules;
use crate::log_text::log_text;
use crate::{CatalogRows, Skeleton};

fn skeleton(sql: &str) -> Option<String> {
    let mut skeleton = Skeleton::default();
    skeleton.read(sql).then(|| {
        let marks = |byte: &u8| match *byte {
            INTEGER => '¹',
            NUMBER => '²',
            TEXT => '³',
            byte => char::from(byte),
        };
        skeleton.bytes().iter().map(marks).collect()
    })
}

fn nothing() -> Catalog {
    Catalog::build(CatalogRows::default(), &ClassRules::default(), None)
}

/// Whether what is found out about a text holds for all of its skeleton.
fn stands(sql: &str) -> bool {
    let mut skeleton = Skeleton::default();
    assert!(skeleton.read(sql), "{sql}");
    skeleton.stands_for(&analyse(sql, &nothing()).unwrap())
}

#[test]
fn constants_become_marks() {
    for (sql, expected) in [
        ("SELECT 1", "SELECT ¹"),
        ("SELECT a1, 'it''s', 2.50 FROM t WHERE x=-5", "SELECT a1, ³, ² FROM t WHERE x=-¹"),
        ("SELECT 2147483647, 2147483648, 007", "SELECT ¹, ², ¹"),
        ("SELECT \"odd \"\"1 'name\", $1, x::varchar(10)", "SELECT \"odd \"\"1 'name\", $1, x::varchar(¹)"),
        ("SELECT 'a' || 'b'", "SELECT ³ || ³"),
        ("SELECT date '2020-01-01', '\\'", "SELECT date ³, ³"),
        ("SELECT '-- no comment', '/* nor this */'", "SELECT ³, ³"),
    ] {
        assert_eq!(skeleton(sql).as_deref(), Some(expected), "{sql}");
    }
}

#[test]
fn it_gives_up_where_its_knowledge_ends() {
    for sql in [
        "SELECT 1 -- comment",
        "SELECT /* comment */ 1",
        "SELECT E'\\n'",
        "SELECT e'\\''",
        "SELECT U&'\\0041'",
        "SELECT U&\"\\0041\"",
        "SELECT B'01'",
        "SELECT x'ff'",
        "SELECT n'x'",
        "SELECT date'2020-01-01'",
        "SELECT $$text$$",
        "SELECT $a$text$a$",
        "SELECT 'one'\n'two'",
        "SELECT 'one' 'two'",
        "SELECT 1e5",
        "SELECT 1.",
        "SELECT .5",
        "SELECT 0x1F",
        "SELECT 1_000",
        "SELECT 1a",
        "SELECT 1'a'",
        "SELECT $1a",
        "SELECT 'open",
        "SELECT \"open",
        "SELECT 1\u{1}",
        "SELECT \"\u{3}\"",
        "SELECT 1234567890123456789",
        "SELECT \\1",
        "SELECT {1}",
    ] {
        assert_eq!(skeleton(sql), None, "{sql}");
    }
    assert_eq!(skeleton(&format!("SELECT '{}'", "x".repeat(SKELETON_BYTES_MAX))), None);
}

#[test]
fn a_reading_stands_for_all_where_nothing_looked_at_a_constant() {
    for sql in [
        "SELECT id FROM orders WHERE id = 5",
        "SELECT id FROM orders WHERE total > -5 AND note LIKE 'a%' ORDER BY id LIMIT 10 OFFSET 20",
        "SELECT count(*) FILTER (WHERE x > 1.5) FROM t WHERE a IN (1, 2, 3) AND b BETWEEN 'x' AND 'y'",
        "INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y') RETURNING a",
        "UPDATE t SET a = 'x', b = b + 1 WHERE id = 3",
        "DELETE FROM t WHERE id = 3; SELECT 4",
        "SELECT interval '1 day', '5'::int, cast(5 AS numeric(10, 2)), substring('abc' FROM 2 FOR 1)",
        "SELECT - 5, 1 - 5, (SELECT 'x')",
    ] {
        assert!(stands(sql), "{sql}");
    }
}

#[test]
fn a_reading_stands_for_one_text_where_a_constant_was_looked_at() {
    for sql in [
        // The condition, the sequence, the setting, the channel that is meant.
        "DELETE FROM t WHERE 5 = 5",
        "DELETE FROM t WHERE id = 3 OR 'a' = 'b'",
        "UPDATE t SET a = 1 WHERE a + 1 = a + 2",
        "MERGE INTO t USING s ON 1 = 1 WHEN MATCHED THEN DELETE",
        "SELECT nextval('orders_id_seq')",
        "SELECT set_config('role', 'x', false)",
        "SELECT current_setting('search_path')",
        "SELECT pg_notify('channel', 'text')",
        // The column.
        "SELECT a, b FROM t ORDER BY 2",
        "SELECT a FROM t GROUP BY 1",
        "SELECT DISTINCT ON (1) a FROM t",
        "SELECT a FROM t GROUP BY GROUPING SETS ((1), 1)",
        "SELECT a, b FROM t GROUP BY (1, 2)",
        "SELECT a, b FROM t GROUP BY ROLLUP ((1, 2))",
        // Statements that are no reading or writing of rows.
        "SET search_path = 'a'",
        "COMMENT ON TABLE t IS 'x'",
        "NOTIFY c, 'x'",
        "SELECT 1; SET work_mem = 5",
        "EXPLAIN SELECT 1",
    ] {
        assert!(!stands(sql), "{sql}");
    }
}

#[test]
fn the_log_keeps_the_same_as_without_a_skeleton() {
    let token = |value: &[u8]| format!("<{}>", String::from_utf8_lossy(value));
    for sql in ["SELECT 'it''s', 5, 5.5, -7 FROM t", "SELECT 1 ", "INSERT INTO t VALUES ('a', 'b')"] {
        let mut skeleton = Skeleton::default();
        assert!(skeleton.read(sql));
        for withhold in [false, true] {
            assert_eq!(skeleton.log_text(sql, withhold, &token), log_text(sql, withhold, &token).text, "{sql}");
        }
    }
}

/// Pieces that texts are made of: what statements hold, and what makes lexers stumble.
fn piece() -> impl Strategy<Value = String> {
    let fixed = [
        "SELECT",
        " ",
        " ",
        "\n",
        "'",
        "''",
        "\"",
        "-",
        "--",
        "/",
        "*",
        "/*",
        "*/",
        "$",
        "$$",
        "$a$",
        "$1",
        ".",
        ",",
        "(",
        ")",
        "::",
        "=",
        "<",
        ">",
        "&",
        "|",
        "u&",
        "U&'",
        "e",
        "E'",
        "x'",
        "b",
        "n'",
        "\\",
        ";",
        "é",
        "_",
        "1",
        "0",
        "12",
        "3.4",
        "1e",
        "0x",
        "9999999999",
        "abc",
        "date",
        "@",
        "#",
        "%",
        "?",
        "[",
        "]",
        "\t",
        "\u{b}",
        "\u{1}",
        "UESCAPE",
        ":",
        "!",
    ];
    prop_oneof![
        8 => prop::sample::select(fixed.to_vec()).prop_map(str::to_owned),
        1 => "[a-z0-9' ]{0,6}",
        1 => "\\PC{0,3}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30_000))]

    /// PostgreSQL's own lexer sees a constant of that kind in just these places, and every other token as it stands.
    #[test]
    fn it_sees_what_postgresqls_lexer_sees(pieces in prop::collection::vec(piece(), 0..10)) {
        let sql = pieces.concat();
        let mut skeleton = Skeleton::default();
        if sql.contains('\0') || !skeleton.read(&sql) {
            return Ok(());
        }
        // What PostgreSQL can't scan either (an empty name) is the same in all texts of the skeleton: it can't be read.
        let Ok(scanned) = pg_query::scan(&sql) else { return Ok(()) };
        let is_constant = |token: i32| match Token::try_from(token) {
            Ok(Token::Iconst) => Some(INTEGER),
            Ok(Token::Fconst) => Some(NUMBER),
            Ok(Token::Sconst) => Some(TEXT),
            _ => None,
        };
        let theirs: Vec<(usize, usize, u8)> = scanned.tokens.iter()
            .filter_map(|token| is_constant(token.token).map(|kind| (token.start as usize, token.end as usize, kind)))
            .collect();
        let marks = skeleton.bytes.iter().filter(|byte| matches!(**byte, INTEGER | NUMBER | TEXT));
        let ours: Vec<(usize, usize, u8)> = skeleton.constants.iter().zip(marks)
            .map(|(constant, kind)| (constant.place.start, constant.place.end, *kind))
            .collect();
        prop_assert_eq!(ours, theirs, "{:?}", sql);
        let odd = |token: &pg_query::protobuf::ScanToken| matches!(Token::try_from(token.token),
            Ok(Token::SqlComment | Token::CComment | Token::Bconst | Token::Xconst | Token::Usconst | Token::Uident));
        prop_assert!(!scanned.tokens.iter().any(odd), "{:?}", sql);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Two texts of one skeleton are analysed alike, whatever their constants, where one stands for the other.
    #[test]
    fn texts_of_one_skeleton_do_the_same(
        one in (any::<i32>(), "[ -~é]{0,12}", 0_u32..1000),
        other in (any::<i32>(), "[ -~é]{0,12}", 0_u32..1000),
        which in 0..TEMPLATES.len(),
    ) {
        let fill = |(number, text, small): &(i32, String, u32)| TEMPLATES[which]
            .replace("{n}", &number.unsigned_abs().min(i32::MAX as u32).to_string())
            .replace("{t}", &text.replace('\'', "''"))
            .replace("{s}", &small.to_string());
        let (one, other) = (fill(&one), fill(&other));
        let (mut first, mut second) = (Skeleton::default(), Skeleton::default());
        prop_assert!(first.read(&one) && second.read(&other));
        prop_assert_eq!(first.bytes(), second.bytes());
        let catalog = nothing();
        let (one, other) = (analyse(&one, &catalog).unwrap(), analyse(&other, &catalog).unwrap());
        prop_assert_eq!(first.stands_for(&one), second.stands_for(&other));
        if first.stands_for(&one) {
            let facts = |statements: &[Statement]| statements.iter()
                .map(|found| format!("{:?}{:?}{:?}{:?}{:?}", found.asks, found.certainty, found.touches, found.unknown_names, found.outputs))
                .collect::<Vec<_>>();
            prop_assert_eq!(facts(&one), facts(&other));
        }
    }
}

const TEMPLATES: [&str; 8] = [
    "SELECT id FROM orders WHERE id = {n} AND note = '{t}'",
    "UPDATE t SET a = '{t}' WHERE b = {n} OR {s} < c",
    "DELETE FROM t WHERE {n} = {s}",
    "SELECT nextval('{t}'), {n}",
    "SELECT a FROM t ORDER BY {s}, '{t}'",
    "INSERT INTO t VALUES ({n}, '{t}', -{s})",
    "SELECT CASE WHEN a = {n} THEN '{t}' ELSE b END FROM t LIMIT {s}",
    "SELECT x FROM t WHERE a = ANY ('{t}'::int[]) AND pg_sleep({s}) IS NULL",
];
