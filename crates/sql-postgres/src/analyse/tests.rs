//! Statements and what they do, as a table: `cases.txt` beside this file, with one paragraph a statement.
//!
//! To write the answers down as they are now, run with `BLESS=1`, and then read the difference.

use std::fmt::Write as _;
use std::path::Path;

use model::{AttrValue, Object, OnWrite};
use proptest::prelude::*;

use super::*;
use crate::catalog::tests::{shop, shop_rows, shop_rules};
use crate::statement::OutputShape;
use crate::vocabulary::VOCABULARY;

/// The statement in a few words.
fn told(statement: &Statement) -> String {
    let mut text = String::new();
    let asks: Vec<String> = statement.asks.iter().map(ask).collect();
    writeln!(text, "    {}", asks.join("; ")).unwrap();
    if let Certainty::Opaque(reason) = &statement.certainty {
        writeln!(text, "    opaque: {reason}").unwrap();
    }
    let touches: Vec<String> =
        statement.touches.iter().map(|field| format!("{}.{}", field.part.name, field.name)).collect();
    if !touches.is_empty() {
        writeln!(text, "    touches {}", touches.join(" ")).unwrap();
    }
    if statement.touches_unknown || !statement.unknown_names.is_empty() {
        let word = if statement.touches_unknown { "unknown" } else { "not found" };
        writeln!(text, "    {word}: {}", statement.unknown_names.join(" ")).unwrap();
    }
    if let Outputs::Columns(columns) = &statement.outputs {
        let columns: Vec<&str> = columns
            .iter()
            .map(|column| match column {
                OutputShape::Column(name) => name.as_str(),
                OutputShape::Star => "*",
                OutputShape::Computed => "()",
            })
            .collect();
        let how = match (statement.set_operation, statement.names_are_plain) {
            (true, _) => " of all arms",
            (false, true) => "",
            (false, false) => " perhaps renamed",
        };
        writeln!(text, "    gives {}{how}", columns.join(" ")).unwrap();
    }
    if let Some(step) = &statement.transaction {
        writeln!(text, "    {step:?}").unwrap();
    }
    if statement.changes_catalog {
        writeln!(text, "    changes the catalog").unwrap();
    }
    text
}

fn ask(ask: &Ask) -> String {
    let mut text = ask.action.0.to_owned();
    match &ask.object {
        Object::Target => {}
        Object::Part(part) if part.kind == "Table" => write!(text, " {}", part.name).unwrap(),
        Object::Part(part) if part.kind == "Object" => write!(text, " {}:{}", part.attrs[0].1, part.name).unwrap(),
        Object::Part(part) => write!(text, " {}:{}", part.kind, part.name).unwrap(),
        Object::Field(field) => write!(text, " {}.{}", field.part.name, field.name).unwrap(),
    }
    for (name, value) in &ask.context {
        if *value == AttrValue::Bool(false) {
            write!(text, " without {name}").unwrap();
        }
    }
    text
}

#[test]
fn what_statements_do() {
    let catalog = shop();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/analyse/cases.txt");
    let written = std::fs::read_to_string(&path).unwrap();
    let (mut now, mut count) = (String::new(), 0);
    for paragraph in written.split("\n\n").map(str::trim_end).filter(|paragraph| !paragraph.is_empty()) {
        let sql: Vec<&str> = paragraph.lines().filter(|line| !line.starts_with("    ")).collect();
        if sql.iter().all(|line| line.starts_with('#')) {
            writeln!(now, "{}\n", sql.join("\n")).unwrap();
            continue;
        }
        count += 1;
        writeln!(now, "{}", sql.join("\n")).unwrap();
        match analyse(&sql.join("\n"), &catalog) {
            Ok(statements) => statements.iter().for_each(|statement| now.push_str(&told(statement))),
            Err(error) => writeln!(now, "    unreadable: {error} at {:?}", error.position).unwrap(),
        }
        now.push('\n');
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, now.trim_end().to_owned() + "\n").unwrap();
        return;
    }
    assert!(count >= 250, "{count}");
    for (paragraph, (was, is)) in written.split("\n\n").zip(now.split("\n\n")).enumerate() {
        assert_eq!(was.trim_end(), is.trim_end(), "paragraph {paragraph}");
    }
    assert_eq!(written.trim_end(), now.trim_end());
}

/// Every ask is one that the vocabulary (or policy) knows, on a kind of part that it knows, and main asks come first.
#[test]
fn every_ask_is_in_the_vocabulary() {
    let catalog = shop();
    let written = include_str!("cases.txt");
    for sql in written.lines().filter(|line| !line.starts_with("    ") && !line.starts_with('#')) {
        for statement in analyse(sql, &catalog).unwrap_or_default() {
            let first = statement.asks.first().unwrap();
            assert!(first.object == Object::Target || first.action.0 == "notify", "{sql}: {first:?}");
            for ask in &statement.asks {
                let def = VOCABULARY.actions.iter().find(|def| def.id == ask.action);
                match &ask.object {
                    Object::Field(_) if ask.action.0 == "probe" => {
                        assert_eq!(ask.context.len(), 1, "{sql}: {ask:?}");
                        continue;
                    }
                    _ if matches!(ask.action.0, "opaque" | "store" | "overwrite") => {}
                    Object::Target => assert!(def.is_some(), "{sql}: {ask:?}"),
                    Object::Part(part) => {
                        let def = def.unwrap_or_else(|| panic!("{sql}: {ask:?}"));
                        assert!(def.on.contains(&part.kind), "{sql}: {} is not on {}", ask.action, part.kind);
                        let kind = VOCABULARY.parts.iter().find(|kind| kind.name == part.kind).unwrap();
                        assert!(kind.attrs.iter().copied().eq(part.attrs.iter().map(|(name, _)| *name)), "{sql}");
                    }
                    Object::Field(_) => panic!("{sql}: {ask:?}"),
                }
                let has: Vec<_> = ask.context.iter().map(|(name, _)| *name).collect();
                let declared: Vec<_> = def.map_or(vec![], |def| def.context.iter().map(|attr| attr.name).collect());
                assert_eq!(has, declared, "{sql}: {}", ask.action);
            }
            let opaque = statement.asks.iter().any(|ask| ask.action == OPAQUE);
            assert_eq!(opaque, matches!(statement.certainty, Certainty::Opaque(_)), "{sql}");
        }
    }
}

/// Every kind of statement of the grammar is in some case, or said here to be none of its own.
#[test]
fn every_kind_of_statement_has_a_case() {
    let kinds = include_str!("kinds.rs");
    let mut missing = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for sql in include_str!("cases.txt").lines().filter(|line| !line.starts_with("    ") && !line.starts_with('#')) {
        for raw in read(sql).unwrap_or_default() {
            Tree::of(&raw.stmt).unwrap().walk(&mut |node| {
                seen.insert(node.kind);
                true
            });
        }
    }
    for kind in kinds.split('"').filter(|word| word.ends_with("Stmt") && !word.contains(' ')) {
        if !seen.contains(kind) {
            missing.push(kind);
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// Every statement node of the protobuf is in the list of kinds.
#[test]
fn no_kind_of_statement_is_forgotten() {
    // Nodes that end in Stmt and are no statements that a client can send.
    let inner = ["RawStmt", "SetOperationStmt", "ReturnStmt", "PlAssignStmt", "ReplicaIdentityStmt"];
    let source = include_str!("kinds.rs");
    let listed = |kind: &str| source.contains(&format!("\"{kind}\""));
    for kind in STATEMENT_NODES.split_whitespace() {
        assert!(listed(kind) || inner.contains(&kind), "{kind}");
    }
}

/// The statement messages of `pg_query.proto` 18.1, by the names that Rust gives them.
const STATEMENT_NODES: &str = "RawStmt InsertStmt DeleteStmt UpdateStmt MergeStmt SelectStmt SetOperationStmt ReturnStmt \
    PlAssignStmt CreateSchemaStmt AlterTableStmt ReplicaIdentityStmt AlterCollationStmt AlterDomainStmt GrantStmt \
    GrantRoleStmt AlterDefaultPrivilegesStmt CopyStmt VariableSetStmt VariableShowStmt CreateStmt CreateTableSpaceStmt \
    DropTableSpaceStmt AlterTableSpaceOptionsStmt AlterTableMoveAllStmt CreateExtensionStmt AlterExtensionStmt \
    AlterExtensionContentsStmt CreateFdwStmt AlterFdwStmt CreateForeignServerStmt AlterForeignServerStmt \
    CreateForeignTableStmt CreateUserMappingStmt AlterUserMappingStmt DropUserMappingStmt ImportForeignSchemaStmt \
    CreatePolicyStmt AlterPolicyStmt CreateAmStmt CreateTrigStmt CreateEventTrigStmt AlterEventTrigStmt CreatePLangStmt \
    CreateRoleStmt AlterRoleStmt AlterRoleSetStmt DropRoleStmt CreateSeqStmt AlterSeqStmt DefineStmt CreateDomainStmt \
    CreateOpClassStmt CreateOpFamilyStmt AlterOpFamilyStmt DropStmt TruncateStmt CommentStmt SecLabelStmt \
    DeclareCursorStmt ClosePortalStmt FetchStmt IndexStmt CreateStatsStmt AlterStatsStmt CreateFunctionStmt \
    AlterFunctionStmt DoStmt CallStmt RenameStmt AlterObjectDependsStmt AlterObjectSchemaStmt AlterOwnerStmt \
    AlterOperatorStmt AlterTypeStmt RuleStmt NotifyStmt ListenStmt UnlistenStmt TransactionStmt CompositeTypeStmt \
    CreateEnumStmt CreateRangeStmt AlterEnumStmt ViewStmt LoadStmt CreatedbStmt AlterDatabaseStmt \
    AlterDatabaseRefreshCollStmt AlterDatabaseSetStmt DropdbStmt AlterSystemStmt ClusterStmt VacuumStmt ExplainStmt \
    CreateTableAsStmt RefreshMatViewStmt CheckPointStmt DiscardStmt LockStmt ConstraintsSetStmt ReindexStmt \
    CreateConversionStmt CreateCastStmt CreateTransformStmt PrepareStmt ExecuteStmt DeallocateStmt DropOwnedStmt \
    ReassignOwnedStmt AlterTsDictionaryStmt AlterTsConfigurationStmt CreatePublicationStmt AlterPublicationStmt \
    CreateSubscriptionStmt AlterSubscriptionStmt DropSubscriptionStmt";

#[test]
fn spans_are_those_of_the_statements() {
    let sql = "SELECT 1; /* é */ SELECT 2 ;;  -- end\n";
    let spans: Vec<&str> = analyse(sql, &shop()).unwrap().into_iter().map(|statement| &sql[statement.span]).collect();
    assert_eq!(spans, ["SELECT 1", "SELECT 2 "]);
    assert!(analyse(" -- nothing", &shop()).unwrap().is_empty());
}

#[test]
fn where_nothing_is_classified_the_unknown_hides_nothing() {
    use crate::catalog::tests::shop_rows;
    use crate::classes::ClassRules;
    let catalog = Catalog::build(shop_rows(), &ClassRules::default(), None);
    let statement = &analyse("SELECT refund(1) FROM nowhere", &catalog).unwrap()[0];
    assert!(!statement.touches_unknown && statement.touches.is_empty());
    assert_eq!(statement.unknown_names, ["nowhere"]);
    // PostgreSQL's own secrets stay secret.
    assert!(!analyse("SELECT * FROM pg_authid", &catalog).unwrap()[0].touches.is_empty());
}

/// The deepest trees that are read go through every pass on a small stack.
#[test]
fn the_deepest_statements_fit_a_small_stack() {
    let nested = |make: fn(usize) -> String| {
        let deepest = (1..200).map(make).take_while(|sql| read(sql).is_ok()).last();
        deepest.unwrap()
    };
    let statements = [
        nested(|n| format!("INSERT INTO products (name) SELECT ssn{} FROM customers", "||ssn".repeat(n))),
        nested(|n| {
            format!("INSERT INTO products {}SELECT * FROM customers{}", "SELECT * FROM (".repeat(n), ") x".repeat(n))
        }),
        nested(|n| format!("SELECT ssn FROM customers{}", " UNION SELECT ssn FROM customers".repeat(n))),
        nested(|n| format!("DELETE FROM customers WHERE {}id = 5", "NOT ".repeat(n))),
        nested(|n| format!("SELECT * FROM customers{}", " JOIN products USING (id)".repeat(n))),
    ];
    let run = move || statements.iter().for_each(|sql| assert_eq!(analyse(sql, &shop()).unwrap().len(), 1));
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(run).unwrap().join().unwrap();
}

/// A text of the longest kind is read in time that grows with its length, however many names are in it.
/// What this thread has worked (proc(5), schedstat).
fn thread_seconds() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1_000_000_000
}

/// A shop whose numbers may be stored as tokens.
fn lowering_shop() -> Catalog {
    Catalog::build(shop_rows(), &shop_rules().on_write("public.customers.ssn", OnWrite::Token), None)
}

#[test]
fn long_texts_take_no_square_time() {
    let many = |what: &dyn Fn(usize) -> String, count: usize| (0..count).map(what).collect::<Vec<_>>().join(", ");
    let texts = [
        format!("SELECT 1 FROM {}", many(&|n| format!("t{n}"), 80_000)),
        format!("SELECT {}", many(&|n| format!("f{n}()"), 60_000)),
        format!("INSERT INTO products SELECT {} FROM customers c", many(&|_| "c.ssn".into(), 80_000)),
        format!(
            "INSERT INTO products SELECT {} FROM {}",
            many(&|_| "*".into(), 40_000),
            many(&|_| "customers".into(), 40_000)
        ),
        format!("INSERT INTO products VALUES {}", many(&|_| "(1, 'a', 2)".into(), 60_000)),
        // Columns times values.
        format!(
            "INSERT INTO nosuch SELECT {} FROM (VALUES {}) v(a)",
            many(&|_| "a".into(), 1600),
            many(&|_| "(1)".into(), 100_000)
        ),
        format!(
            "INSERT INTO nosuch ({}) VALUES (x.*, {})",
            many(&|_| "c".into(), 10_000),
            many(&|_| "1".into(), 100_000)
        ),
        format!(
            "INSERT INTO products ({}) VALUES (x.*, {})",
            many(&|_| "id".into(), 10_000),
            many(&|_| "1".into(), 100_000)
        ),
        format!("INSERT INTO nosuch ({}) VALUES ({})", many(&|_| "c".into(), 100_000), many(&|_| "1".into(), 100_000)),
        format!("INSERT INTO customers (ssn) VALUES {}", many(&|n| format!("(a), (${})", n + 1), 50_000)),
        format!("INSERT INTO customers (ssn) VALUES {}", many(&|n| format!("(ARRAY[a, a]), (${})", n + 1), 30_000)),
        format!("INSERT INTO nosuch VALUES {}, ({})", many(&|_| "(1)".into(), 100_000), many(&|_| "1".into(), 1600)),
        format!("UPDATE products SET ({}) = ({})", many(&|_| "id".into(), 400), many(&|_| "1".into(), 400)),
    ];
    // Of constants that give way to less, in one statement and in many.
    let lowered = [
        format!("INSERT INTO customers (id, ssn) VALUES {}", many(&|_| "(1,'a')".into(), 100_000)),
        "UPDATE customers SET ssn='a';".repeat(35_000),
    ];
    let texts = texts.map(|sql| (sql, shop())).into_iter().chain(lowered.map(|sql| (sql, lowering_shop())));
    for (sql, catalog) in texts {
        let start = thread_seconds();
        assert!(analyse(&sql, &catalog).is_ok());
        // Seconds without optimisation, whatever else the machine does; a square would be minutes.
        let took = thread_seconds() - start;
        assert!(took < 20, "{} took {took} s", &sql[..40]);
    }
}

fn deep() -> impl Strategy<Value = String> {
    let written: Vec<&'static str> =
        include_str!("cases.txt").lines().filter(|line| !line.starts_with("    ") && !line.starts_with('#')).collect();
    let words: Vec<&'static str> = written.iter().flat_map(|sql| sql.split_inclusive(' ')).collect();
    prop::collection::vec(prop::sample::select(words), 0..24).prop_map(|words| words.concat())
}

/// How many cases of each: scripts/fuzz tries more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(512)
}

/// The library writes what several columns are set to once for each of them.
#[test]
fn what_is_written_for_each_column_takes_no_memory() {
    let list = |what: &str, count: usize| vec![what; count].join(", ");
    for source in ["(SELECT {})", "({})", "ROW ({})", "CASE WHEN a THEN f({}) END", "(VALUES ({}))"] {
        for set in [
            "UPDATE t SET ({}) = ",
            "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET ({})/* */ =\n",
            "UPDATE t SET a = 1, ({}) --\n= ",
        ] {
            let sql =
                format!("{}{} WHERE b", set.replace("{}", &list("c", 3000)), source.replace("{}", &list("1", 3000)));
            assert!(analyse(&sql, &shop()).unwrap_err().beyond_limit, "{set}{source}");
            let sql = format!("{}{} WHERE b", set.replace("{}", &list("c", 90)), source.replace("{}", &list("1", 90)));
            assert!(analyse(&sql, &shop()).is_ok(), "{set}{source}");
        }
    }
    // However it is nested, and wherever it seems to end.
    let nested = (0..4).fold("SELECT 1".to_owned(), |inner, _| {
        format!("WITH x AS (UPDATE t SET ({}) = ({inner})) SELECT 1", list("a", 100))
    });
    for sql in [
        nested,
        format!("UPDATE t SET ({}) = (SELECT '{}')", list("a", 1000), "x".repeat(100_000)),
        format!("UPDATE t SET ({}) = ARRAY[{}]", list("a", 1000), list("1", 1000)),
        format!("UPDATE t SET ({}) = NULL IS DISTINCT FROM (ROW({}))", list("a", 1000), list("1", 1000)),
        format!("UPDATE t SET ({}) = t. /**/ from + (ROW({}))", list("a", 1000), list("1", 1000)),
        format!("UPDATE t SET ({}) = t.where[1] = (ROW({}))", list("a", 1000), list("1", 1000)),
    ] {
        assert!(analyse(&sql, &shop()).unwrap_err().beyond_limit, "{}", &sql[..60]);
    }
    // Nor is what stands before an error, which is looked for by reading what comes before it.
    let nested = |columns: usize| {
        (0..4).fold("SELECT 1".to_owned(), |inner, _| {
            format!("WITH x AS (UPDATE t SET ({}) = ({inner})) SELECT 1", list("a", columns))
        })
    };
    for sql in [format!("{} -- 1a\n1a", nested(100)), format!("{} -- {}\nSELEC", nested(24), "SELEC ".repeat(63))] {
        let start = thread_seconds();
        assert!(analyse(&sql, &shop()).is_err());
        assert!(thread_seconds() - start < 3, "{}", &sql[..60]);
    }
    let start = thread_seconds();
    assert!(analyse(&format!("set {}", ",()=(".repeat(100_000)), &shop()).is_err());
    assert!(thread_seconds() - start < 10);
    // What is compared, and what is long beside it, is not copied.
    let list = |between: &str, count: usize| vec!["(a, b) = (1, 2)"; count].join(between);
    for sql in [
        format!("SELECT 1 FROM t WHERE {}", list(" OR ", 1500)),
        format!("SELECT {} FROM t", list(", ", 20_000)),
        format!("UPDATE t SET (a, b) = (1, 2) WHERE {}", list(" OR ", 1500)),
    ] {
        let read = analyse(&sql, &shop());
        assert!(read.is_ok(), "{}: {:?}", &sql[..60], read.err());
    }
    let list = |what: &str, count: usize| vec![what; count].join(", ");
    let sql = format!(
        "UPDATE t SET (a, b) = (1, 2) FROM (VALUES {}) v WHERE (v.a, v.b) = (t.a, t.b)",
        list("(1, 2)", 60_000)
    );
    assert!(analyse(&sql, &shop()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = analyse(&String::from_utf8_lossy(&bytes), &shop());
    }

    #[test]
    fn no_mix_of_words_panics(sql in deep()) {
        let _ = analyse(&sql, &shop());
    }

    #[test]
    fn no_mutation_panics(
        case in prop::sample::select(
            include_str!("cases.txt")
                .lines()
                .filter(|line| !line.starts_with("    ") && !line.starts_with('#') && !line.is_empty())
                .collect::<Vec<_>>(),
        ),
        at in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        with in prop::sample::select(vec!["", "(", ")", "*", ".", ",", "''", " AND ", " NULL ", ";", "\"a\"", "::", "$1", "--"]),
    ) {
        let letters: Vec<char> = case.chars().collect();
        let (at, cut) = (at.index(letters.len()), cut.index(4));
        let mut sql: String = letters[..at].iter().collect();
        sql.push_str(with);
        sql.extend(&letters[(at + cut).min(letters.len())..]);
        if let Ok(statements) = analyse(&sql, &shop()) {
            for statement in statements {
                prop_assert!(!statement.asks.is_empty());
                prop_assert!(sql.get(statement.span).is_some());
            }
        }
    }
}

#[test]
fn what_is_put_into_classified_columns_is_looked_at() {
    let catalog = shop();
    let written = |sql: &str| {
        let statement = analyse(sql, &catalog).unwrap().remove(0);
        let masks: Vec<String> = statement.masks_returned.iter().map(|field| field.name.clone()).collect();
        let parameters = statement.parameters_kept.iter().map(|kept| format!("${} {}", kept.number, kept.field.name));
        (masks, parameters.collect::<Vec<_>>())
    };
    let masks = |sql: &str| written(sql).0;
    assert_eq!(masks("UPDATE customers SET ssn = '[redacted]', note = '[redacted]' WHERE id = 1"), ["ssn"]);
    assert_eq!(masks("UPDATE customers SET email = 'j***@e***.com'::text WHERE id = 1"), ["email"]);
    assert_eq!(masks("INSERT INTO customers (id, card) VALUES (1, 'a'), (2, '************1234')"), ["card"]);
    assert_eq!(masks("INSERT INTO customers (id, ssn) SELECT id, 'tok_abcdefghijklmnop' FROM products"), ["ssn"]);
    assert_eq!(
        masks("INSERT INTO customers (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET ssn = '[redacted]'"),
        ["ssn"]
    );
    for (sql, fields) in [
        ("UPDATE customers SET (email, city) = ('j***@e***.com', 'York') WHERE id = 7", "email"),
        ("UPDATE customers SET (city, email) = ROW('York', 'j***@e***.com') WHERE id = 7", "email"),
        ("UPDATE customers SET (city, email) = ('j***@e***.com', 'York') WHERE id = 7", ""),
        ("UPDATE customers SET (city, email) = (SELECT 'York', '[redacted]') WHERE id = 7", "email"),
        ("UPDATE customers SET email = (SELECT '[redacted]') WHERE id = 7", "email"),
        ("UPDATE customers SET email = CASE id WHEN 7 THEN '[redacted]' ELSE email END", "email"),
        ("UPDATE customers SET email = coalesce('[redacted]', email)", "email"),
        ("INSERT INTO customers (id, email) SELECT 1, 'j***@e***.com' UNION ALL SELECT 2, '[redacted]'", "email"),
        ("UPDATE customers c SET email = v.e FROM (VALUES (7, 'j***@e***.com')) v(i, e) WHERE c.id = v.i", "email"),
        ("WITH v AS (SELECT '[redacted]' AS e) UPDATE customers SET email = (SELECT e FROM v)", "email"),
        ("UPDATE customers SET email = u FROM unnest(ARRAY['[redacted]']) u", "email"),
        ("UPDATE customers SET email = 'x' WHERE email = '[redacted]'", ""),
        ("INSERT INTO customers (id, email) SELECT id, name FROM products WHERE name <> '[redacted]'", ""),
        (
            "MERGE INTO customers c USING (SELECT 7 AS id, 'x' AS name) s ON c.id = s.id WHEN NOT MATCHED THEN INSERT (id, name, ssn) VALUES (s.*, '[redacted]')",
            "ssn",
        ),
    ] {
        assert_eq!(masks(sql).join(" "), fields, "{sql}");
    }
    assert_eq!(masks("UPDATE orders SET status = '[redacted]' WHERE id = 1"), Vec::<String>::new());
    assert_eq!(masks("SELECT * FROM customers WHERE ssn = '[redacted]'"), Vec::<String>::new());
    let parameters = |sql: &str| written(sql).1;
    assert_eq!(
        parameters("UPDATE customers SET ssn = $2, note = $3, email = $1::varchar(9), card = upper($4) WHERE id = $5"),
        ["$2 ssn", "$1 email"]
    );
    assert_eq!(parameters("INSERT INTO customers VALUES ($1, $2, $3)"), ["$3 email"]);
    assert_eq!(parameters("UPDATE customers SET (email, city) = ($1, $2) WHERE id = $3"), ["$1 email"]);
    assert_eq!(parameters("INSERT INTO customers (id, email) SELECT $1, $2 UNION SELECT $3, $4").len(), 4);
}

#[test]
fn what_stands_behind_a_star_in_values_is_stored() {
    let catalog = shop();
    for sql in [
        "MERGE INTO customers c USING (SELECT 7 AS id, 'x' AS name) s ON c.id = s.id WHEN NOT MATCHED THEN INSERT (id, name, ssn) VALUES (s.*, '512-44-9821')",
        "INSERT INTO customers (id, name, ssn) VALUES ((ROW(1, 'b')::pair).*, '512-44-9821')",
        "INSERT INTO customers (id, name, ssn) VALUES (1, 'a', 'b'), ((ROW(1, 'b')::pair).*, '512-44-9821')",
        "INSERT INTO customers (ssn, id) VALUES ((ROW('512-44-9821')::one).*, 1)",
    ] {
        let statement = analyse(sql, &catalog).unwrap().remove(0);
        let stored: Vec<_> = statement.asks.iter().filter(|ask| ask.action == STORE).map(|ask| &ask.object).collect();
        assert!(stored.iter().any(|object| matches!(object, Object::Field(field) if field.name == "ssn")), "{sql}");
    }
}
