//! Columns of PostgreSQL's own catalogs that nobody may see through Weir, whatever a policy says: others' statements,
//! password hashes, connection strings, and statistics, which hold samples of every column's values.

use model::ClassId;

/// Catalog columns and their class. `%` as the schema stands for any (extensions are installed where one likes).
const SEALED: &[(&str, &str, &[&str], &str)] = &[
    ("pg_catalog", "pg_authid", &["rolpassword"], "secret.password_hash"),
    ("pg_catalog", "pg_shadow", &["passwd"], "secret.password_hash"),
    ("pg_catalog", "pg_user_mapping", &["umoptions"], "secret.connection"),
    ("pg_catalog", "pg_user_mappings", &["umoptions"], "secret.connection"),
    ("information_schema", "_pg_user_mappings", &["umoptions"], "secret.connection"),
    ("information_schema", "user_mapping_options", &["option_value"], "secret.connection"),
    ("pg_catalog", "pg_subscription", &["subconninfo"], "secret.connection"),
    ("pg_catalog", "pg_stat_wal_receiver", &["conninfo"], "secret.connection"),
    ("pg_catalog", "pg_file_settings", &["setting"], "secret.server_file"),
    ("pg_catalog", "pg_hba_file_rules", &["database", "user_name", "address", "options"], "secret.server_file"),
    ("pg_catalog", "pg_ident_file_mappings", &["sys_name", "pg_username"], "secret.server_file"),
    ("pg_catalog", "pg_stat_activity", &["query"], "secret.statement_text"),
    ("%", "pg_stat_statements", &["query"], "secret.statement_text"),
    ("%", "pg_stat_monitor", &["query", "comments", "query_plan", "relations"], "secret.statement_text"),
    ("pg_catalog", "pg_largeobject", &["data"], "large_object"),
    (
        "pg_catalog",
        "pg_statistic",
        &[
            "stanumbers1",
            "stanumbers2",
            "stanumbers3",
            "stanumbers4",
            "stanumbers5",
            "stavalues1",
            "stavalues2",
            "stavalues3",
            "stavalues4",
            "stavalues5",
        ],
        "statistics",
    ),
    (
        "pg_catalog",
        "pg_stats",
        &[
            "most_common_vals",
            "most_common_freqs",
            "histogram_bounds",
            "most_common_elems",
            "most_common_elem_freqs",
            "elem_count_histogram",
            "range_length_histogram",
            "range_bounds_histogram",
        ],
        "statistics",
    ),
    (
        "pg_catalog",
        "pg_statistic_ext_data",
        &["stxddependencies", "stxdmcv", "stxdndistinct", "stxdexpr"],
        "statistics",
    ),
    ("pg_catalog", "pg_stats_ext", &["most_common_vals", "most_common_freqs", "most_common_base_freqs"], "statistics"),
    (
        "pg_catalog",
        "pg_stats_ext_exprs",
        &[
            "most_common_vals",
            "most_common_freqs",
            "histogram_bounds",
            "most_common_elems",
            "most_common_elem_freqs",
            "elem_count_histogram",
            "range_length_histogram",
            "range_bounds_histogram",
        ],
        "statistics",
    ),
];

/// Whether what nobody may see is a matter of policy all the same: only in a build for `scripts/conformance`, which sends
/// PostgreSQL's own tests through Weir. They look at passwords and statistics that they made.
pub const NOTHING_IS_SEALED: bool = cfg!(feature = "conformance");

/// The class of a sealed catalog column.
pub(crate) fn sealed_class(schema: &str, relation: &str, column: &str) -> Option<ClassId> {
    if NOTHING_IS_SEALED {
        return None;
    }
    SEALED
        .iter()
        .find(|(in_schema, name, columns, _)| {
            *name == relation && (*in_schema == "%" || *in_schema == schema) && columns.contains(&column)
        })
        .and_then(|(_, _, _, class)| ClassId::parse(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_well_formed() {
        for (schema, relation, columns, class) in SEALED {
            assert!(ClassId::parse(class).is_some(), "{schema}.{relation}: {class}");
            assert!(!columns.is_empty());
        }
        assert_eq!(
            sealed_class("monitoring", "pg_stat_statements", "query").unwrap().as_str(),
            "secret.statement_text"
        );
        assert!(sealed_class("pg_catalog", "pg_stat_activity", "pid").is_none());
        assert!(sealed_class("public", "pg_authid", "rolpassword").is_none());
    }
}
