//! `weir policy explain` before a real catalog, and a Weir that will not start on what is wrong.

use std::fs;

use serde_json::Value;

use crate::house::{PASSWORD, SERVER, before, builder, database, run};

const POLICIES: &str = r#"
@id("in")    permit (principal, action in [Action::"connect", Action::"session"], resource);
@id("read")  permit (principal in Group::"staff", action in Action::"read", resource);
@id("write") permit (principal in Group::"staff", action in Action::"write", resource);
@id("kept") @message("Customers are never deleted.")
forbid (principal, action == Action::"delete", resource == Table::"explained/public.customers");
@id("bulk") forbid (principal, action == Action::"truncate", resource) unless { context.approvals >= 2 };
@id("last4") permit (principal, action == Action::"see_partial", resource in Class::"pci");
"#;

#[test]
fn explain_says_what_would_be_decided_and_why() {
    database(
        "explained",
        "CREATE TABLE customers (id int, name text, ssn text, card text); CREATE TABLE orders (id int, note text)",
    );
    let classes = [("public.customers.ssn", "pii.national_id"), ("public.customers.card", "pci.card")];
    let weir = builder()
        .target("explained", &SERVER, "explained", ("holder", PASSWORD), &classes)
        .group("staff")
        .policies(POLICIES)
        .start();
    let explain = |sql: &str, more: &[&str]| {
        let args = ["policy", "explain", "--user", "alice", "--target", "explained", "--sql", sql];
        run(&weir, &[&args, more].concat())
    };
    let staff = &["--group", "staff"][..];
    let cases: [(&str, &[&str], i32, &[&str]); 15] = [
        ("SELECT note FROM orders", staff, 0, &["permit  select Table public.orders [rule read]"]),
        (
            "SELECT name, card, ssn FROM customers",
            staff,
            0,
            &[
                "permit  select Table public.customers [rule read]",
                "column public.customers.card (pci.card) is shown: partial [rule last4]",
                "column public.customers.ssn (pii.national_id) is shown: nothing [no rule shows more]",
                "output name: clear, nothing classified is in it",
                "output card: partial, a copy of public.customers.card (pci.card) [rule last4]",
                "output ssn: nothing, a copy of public.customers.ssn (pii.national_id) [no rule shows more]",
            ],
        ),
        (
            "SELECT c.*, upper(ssn || card) AS both FROM customers c ORDER BY id",
            staff,
            0,
            &[
                "output both: nothing, computed of public.customers.ssn (pii.national_id), public.customers.card (pci.card)",
                "output id: clear",
            ],
        ),
        (
            "SELECT name, json_agg(json_build_object('i', id, 'n', ssn, 'm', upper(ssn))) AS data FROM customers GROUP BY name",
            staff,
            0,
            &["output data: a document, redacted whole for what is computed in it\n    \
                 [].n: nothing, a copy of public.customers.ssn (pii.national_id) [no rule shows more]\n    \
                 [].m: nothing, computed of public.customers.ssn (pii.national_id) [no rule shows more]\n"],
        ),
        (
            "SELECT row_to_json(c) AS data FROM customers c",
            staff,
            0,
            &["output data: a document, clear but for what is listed here\n", "\n    ssn: nothing, a copy of"],
        ),
        (
            "SELECT id FROM customers WHERE ssn = 'x'",
            staff,
            1,
            &["deny    probe Field public.customers.ssn", "output id: clear"],
        ),
        ("SELECT note FROM orders", &[], 1, &["deny    select Table public.orders [no rule permits it]"]),
        (
            "DELETE FROM customers WHERE id = 1",
            staff,
            1,
            &["deny    delete Table public.customers [rule kept]: Customers are never deleted."],
        ),
        ("DELETE FROM orders WHERE id = 1", staff, 0, &["permit  delete Table public.orders [rule write]"]),
        (
            "TRUNCATE orders",
            staff,
            1,
            &["deny    truncate Table public.orders [rule bulk]", "it would take 2 approvals"],
        ),
        ("DO $$ BEGIN DELETE FROM customers; END $$", staff, 1, &["opaque"]),
        ("SELECT 1 +", staff, 1, &["42601"]),
        ("COPY orders TO PROGRAM 'cat'", staff, 1, &["deny    copy_program"]),
        ("SELECT * FROM not_there", staff, 0, &["not_there"]),
        (
            "SELECT note FROM orders; DELETE FROM customers",
            staff,
            1,
            &["deny    delete Table public.customers [rule kept]"],
        ),
    ];
    for (sql, more, expected, said) in cases {
        let (code, out, err) = explain(sql, more);
        for words in said {
            assert!(out.contains(words), "{sql} {more:?}: \"{words}\" in\n{out}{err}");
        }
        if !sql.contains("not_there") {
            assert_eq!(code, expected, "{sql} {more:?}: {out}{err}");
        }
        let (json_code, out, err) = explain(sql, &[more, &["--json"]].concat());
        let json: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{sql}: {out}{err}"));
        assert_eq!((json_code, json["permitted"].as_bool()), (code, Some(code == 0)), "{sql}: {out}");
        assert_eq!((&json["principal"], &json["target"]), (&"local:alice".into(), &"explained".into()));
        let rulings: Vec<&str> =
            json["asks"].as_array().unwrap().iter().map(|ask| ask["ruling"].as_str().unwrap()).collect();
        assert!(rulings[0] == "permit" && json["asks"][0]["action"] == "connect", "{out}");
        let unfit = !json["unfit"].is_null();
        assert_eq!(code == 0, !unfit && rulings.iter().all(|ruling| *ruling == "permit"), "{sql}: {out}");
        match sql {
            "SELECT 1 +" => assert_eq!(json["unfit"]["code"], "42601"),
            _ if sql.starts_with("DO") => assert!(json["opaque"].is_string(), "{out}"),
            _ if sql.contains("not_there") => assert_eq!(json["unknown_names"][0], "not_there", "{out}"),
            _ if sql.contains("card") => {
                let sights: Vec<&str> =
                    json["sights"].as_array().unwrap().iter().map(|sight| sight["sight"].as_str().unwrap()).collect();
                assert_eq!((sights.len(), sights.contains(&"partial")), (2, true), "{out}");
                let outputs = json["outputs"][0].as_array().unwrap();
                let last = outputs.last().unwrap();
                assert_eq!(
                    (&last["sight"], outputs.iter().any(|output| output["how"] == "copy")),
                    (&"nothing".into(), true),
                    "{out}"
                );
            }
            _ if sql.contains("json_agg") => {
                let document = &json["outputs"][0][1];
                assert_eq!((&document["how"], &document["sight"]), (&"document".into(), &"nothing".into()), "{out}");
                let keys = &document["keys"];
                assert_eq!((&keys[0]["name"], &keys[0]["how"]), (&"[].n".into(), &"copy".into()), "{out}");
                assert_eq!((&keys[1]["name"], &keys[1]["how"]), (&"[].m".into(), &"computed".into()), "{out}");
            }
            "TRUNCATE orders" => {
                let denied = json["asks"].as_array().unwrap().iter().find(|ask| ask["ruling"] == "deny").unwrap();
                assert_eq!(denied["needs"]["approvals"], 2, "{out}");
            }
            _ => assert!(json["opaque"].is_null() && json["unknown_names"].as_array().unwrap().is_empty(), "{out}"),
        }
    }
    // The statement itself goes nowhere, and leaves no record.
    let rows = SERVER.psql("explained", "SELECT count(*) FROM pg_stat_user_tables WHERE n_tup_del > 0").unwrap();
    assert_eq!(rows.trim(), "0");
    assert!(!weir.log().iter().any(|record| record["event"] == "decided"));

    for (args, code, words) in [
        (&["--user", "alice", "--target", "explaind"][..], 2, "did you mean \"explained\"?"),
        (&["--user", "alice", "--group", "staf", "--target", "explained"], 2, "did you mean \"staff\"?"),
        (&["--target", "explained"], 2, "--user"),
        (&["--user", "a", "--workload", "b", "--target", "explained"], 2, "cannot be used with"),
        (&["--user", "alice", "--target", "explained/not_there"], 1, "can't be read"),
    ] {
        let (got, out, err) = run(&weir, &[&["policy", "explain", "--sql", "SELECT 1"], args].concat());
        assert!(got == code && out.is_empty() && err.contains(words), "{args:?}: {got} {out}{err}");
    }
}

#[test]
fn a_broken_configuration_starts_nothing_and_says_where() {
    database("unstarted", "CREATE TABLE t (id int)");
    let weir = before("unstarted").write();
    let file = weir.folder().join("weir.toml");
    let good = fs::read_to_string(&file).unwrap();
    let line_of = |text: &str, words: &str| text.lines().position(|line| line.contains(words)).unwrap() + 1;
    let broken: [(&str, &str, &str); 5] = [
        ("tls = \"off\"", "tls = \"of\"", "unstarted.tls"),
        ("user = \"holder\"", "usr = \"holder\"", "did you mean `user`?"),
        ("postgres = \"127.0.0.1:0\"", "postgres = 6432", "listen.postgres"),
        ("policies = \"policies\"", "policies = \"policies", "error"),
        ("password = { file = \"unstarted.password\" }", "password = \"hunter2-in-clear\"", "is the secret itself"),
    ];
    for (from, to, words) in broken {
        let text = good.replace(from, to);
        fs::write(&file, &text).unwrap();
        let (code, out, err) = run(&weir, &["serve"]);
        assert_eq!((code, out.as_str()), (1, ""), "{to}: {err}");
        assert!(err.contains(&format!("weir.toml:{}:", line_of(&text, to))) && err.contains(words), "{to}: {err}");
        assert!(!err.contains("hunter2"), "{err}");
    }
    fs::write(&file, &good).unwrap();
    let policies = weir.folder().join("policies/test.cedar");
    fs::write(
        &policies,
        "permit (principal, action, resource);\n\npermit (principal, action == Action::\"slect\", resource);\n",
    )
    .unwrap();
    let (code, out, err) = run(&weir, &["serve"]);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("test.cedar:3:") && err.contains("select"), "{err}");
    assert!(!weir.state().join("log").exists() || weir.log().is_empty(), "nothing was begun");

    // An address that somebody listens on, a log that another Weir writes, a key that is none.
    fs::write(&policies, crate::house::ALL).unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    fs::write(&file, good.replace("127.0.0.1:0", &taken.local_addr().unwrap().to_string())).unwrap();
    let (code, _, err) = run(&weir, &["serve"]);
    assert!(code == 1 && err.contains("cannot listen on 127.0.0.1:") && err.contains("[listen]"), "{err}");
    fs::write(&file, &good).unwrap();
    let mut weir = weir;
    weir.start();
    let (code, out, err) = run(&weir, &["serve"]);
    assert!(code == 1 && out.is_empty() && err.contains("log"), "{err}");
    weir.stop();
    fs::write(weir.state().join("instance.key"), "short").unwrap();
    let (code, _, err) = run(&weir, &["serve"]);
    assert!(code == 1 && err.contains("instance.key") && err.contains("32 bytes"), "{err}");
}
