//! dbt: a project of seeds, views, tables and tests, built directly and through Weir. It drops with CASCADE before it makes,
//! so who runs it must be permitted `opaque`.

use std::collections::BTreeMap;
use std::fs;

use sandbox::shop;
use testkit::{Outcome, Release, temp_folder};

use crate::house::{House, folder, house, same};

const DATABASE: &str = "work_dbt";

/// What one run of dbt came to: its own words, and each node's state.
struct Built {
    outcome: Outcome,
    nodes: BTreeMap<String, (String, String)>,
}

/// `dbt ARGUMENTS`, building into this schema, directly or through Weir as this user.
fn dbt(house: &House, user: Option<&str>, schema: &str, arguments: &[&str]) -> Built {
    let (folder, work) = (folder().join("dbt/project"), temp_folder("dbt").unwrap());
    let run = house.clients().dbt().unwrap().args(["--no-use-colors", "--quiet"]).args(arguments);
    let run = run.arg("--project-dir").arg(&folder).arg("--profiles-dir").arg(&folder);
    let run = run.arg("--target-path").arg(work.path()).arg("--log-path").arg(work.path()).env("WAY_SCHEMA", schema);
    let run = match user {
        None => run
            .env("WAY_HOST", "127.0.0.1")
            .env("WAY_PORT", house.server.port().to_string())
            .env("WAY_USER", shop::ROLE)
            .env("WAY_PASSWORD", house.direct_password())
            .env("WAY_SSLMODE", "disable")
            .env("WAY_CA", ""),
        Some(user) => run
            .env("WAY_HOST", "localhost")
            .env("WAY_PORT", house.weir.port().to_string())
            .env("WAY_USER", user)
            .env("WAY_PASSWORD", house.token(user))
            .env("WAY_SSLMODE", "verify-full")
            .env("WAY_CA", house.weir.state().join("ca.pem")),
    };
    let outcome = run.finish().unwrap();
    let results = fs::read_to_string(work.path().join("run_results.json"));
    let results = results.unwrap_or_else(|_| panic!("{outcome:?}\n{}", house.last_words()));
    let results: serde_json::Value = serde_json::from_str(&results).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let nodes = results["results"].as_array().unwrap().iter();
    let nodes = nodes.map(|node| (text(&node["unique_id"]), (text(&node["status"]), text(&node["message"])))).collect();
    Built { outcome, nodes }
}

/// Everything that stands in a schema: relations, columns, comments, indexes, rows.
fn standing(house: &House, schema: &str) -> String {
    let of = |sql: &str| house.server.psql(DATABASE, &sql.replace("SCHEMA", schema)).unwrap().replace(schema, "SCHEMA");
    let tables = of("SELECT relkind, relname, obj_description(oid), pg_get_userbyid(relowner) FROM pg_class \
                     WHERE relnamespace = 'SCHEMA'::regnamespace AND relkind IN ('r', 'v', 'm') ORDER BY 2");
    let columns = of("SELECT table_name, column_name, data_type FROM information_schema.columns \
                      WHERE table_schema = 'SCHEMA' ORDER BY 1, ordinal_position");
    let indexes = of("SELECT count(*) FROM pg_indexes WHERE schemaname = 'SCHEMA'");
    let rows = tables.lines().filter_map(|line| line.split('|').nth(1)).map(|name| {
        // What a snapshot notes of its own moment differs.
        of(&format!(
            "SELECT '{name}', to_jsonb(t) - '{{dbt_scd_id,dbt_updated_at,dbt_valid_from,dbt_valid_to}}'::text[] \
                     FROM SCHEMA.{name} t ORDER BY 2"
        ))
    });
    let rows: String = rows.collect();
    tables + &columns + &indexes + &rows
}

#[test]
fn a_project_builds_as_it_does_directly() {
    for release in Release::ALL {
        let house = house(release);
        house.server.psql(DATABASE, "INSERT INTO ledger VALUES (1, 'one'), (2, 'two')").unwrap();
        let arguments = ["build", "--exclude", "tag:refused"];
        // dbt is slow to start: what it does to what stands already is seen once.
        let rounds = if release == Release::Distribution { 2 } else { 1 };
        for round in 1..=rounds {
            let direct = dbt(house, None, "dbt_direct", &arguments);
            let through = dbt(house, Some("alice"), "dbt_weir", &arguments);
            assert!(direct.outcome.success(), "{:?}", direct.outcome);
            let words = format!("{:?}\n{}", through.outcome, house.last_words());
            assert_eq!(through.nodes, direct.nodes, "round {round} on {release}: {words}");
            assert!(through.nodes.len() > 10 && through.outcome.success(), "{words}");
            same(&format!("what dbt built on {release}"), &standing(house, "dbt_direct"), &standing(house, "dbt_weir"));
            house.server.psql(DATABASE, "INSERT INTO ledger VALUES (3, 'three')").unwrap();
        }
    }
}

/// A model that would store what is classified is refused as dbt's own database error; the others are built.
#[test]
fn a_refused_model_fails_alone() {
    let house = house(Release::Distribution);
    let built = dbt(house, Some("alice"), "dbt_refused", &["run", "--select", "names", "births"]);
    let (status, message) = &built.nodes["model.office.births"];
    assert!(status == "error" && message.contains("Database Error"), "{:?}", built.outcome);
    assert_eq!(built.nodes["model.office.names"].0, "success", "{:?}", built.outcome);
    let made = "SELECT relname FROM pg_class WHERE relnamespace = 'dbt_refused'::regnamespace AND relkind = 'r'";
    assert_eq!(house.server.psql(DATABASE, made).unwrap(), "names\n");
}
