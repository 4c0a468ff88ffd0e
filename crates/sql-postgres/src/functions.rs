//! PostgreSQL's own functions that do more than compute.
//!
//! Reviewed against `pg_proc` of PostgreSQL 15 (3,244 rows: every volatile function, every one that takes a query, a file or
//! a relation by name), and the release notes of 16 to 18. What is not listed here only computes from its arguments, the
//! catalog and the session, and a statement's asks say enough about it. Triggers' and index methods' own functions can't be
//! called in SQL.

/// What one of PostgreSQL's own functions does beside computing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It runs SQL that it is given as text.
    RunsSql,
    /// It runs SQL that it is given as text unless it has that many arguments.
    RunsSqlUnlessArguments(usize),
    /// It reads or writes files of the server.
    ServerFile,
    /// It shows others' statements, or the values that statistics hold.
    OthersStatements,
    /// It works on large objects, and what it returns is unknown.
    LargeObject,
    /// It cancels or ends another session.
    Signal,
    /// It sends a notification: channel, payload.
    Notify,
    /// It sets a setting: name, value.
    SetConfig,
    /// It shows a setting: name.
    ShowSetting,
    /// It moves a sequence: name.
    Sequence,
    /// It takes or gives a lock whose key others can see.
    AdvisoryLock,
    /// It works on replication.
    Replicate,
    /// It returns what was written to any table, from the log.
    ReplicateData,
    /// It governs the server.
    AdministerServer,
    /// It keeps its argument in the session, where it can be found again.
    Keeps,
}

/// Functions by their whole name.
const BY_NAME: &[(&str, Effect)] = &[
    ("brin_desummarize_range", Effect::AdministerServer),
    ("brin_summarize_new_values", Effect::AdministerServer),
    ("brin_summarize_range", Effect::AdministerServer),
    ("current_setting", Effect::ShowSetting),
    ("gin_clean_pending_list", Effect::AdministerServer),
    ("loread", Effect::LargeObject),
    ("lowrite", Effect::LargeObject),
    ("lo_export", Effect::ServerFile),
    ("lo_import", Effect::ServerFile),
    ("nextval", Effect::Sequence),
    ("pg_backup_start", Effect::AdministerServer),
    ("pg_backup_stop", Effect::AdministerServer),
    ("pg_cancel_backend", Effect::Signal),
    ("pg_create_restore_point", Effect::AdministerServer),
    ("pg_current_logfile", Effect::ServerFile),
    ("pg_drop_replication_slot", Effect::Replicate),
    ("pg_extension_config_dump", Effect::AdministerServer),
    ("pg_hba_file_rules", Effect::ServerFile),
    ("pg_ident_file_mappings", Effect::ServerFile),
    ("pg_import_system_collations", Effect::AdministerServer),
    ("pg_log_backend_memory_contexts", Effect::AdministerServer),
    ("pg_log_standby_snapshot", Effect::AdministerServer),
    ("pg_logical_emit_message", Effect::Replicate),
    ("pg_mcv_list_items", Effect::OthersStatements),
    ("pg_nextoid", Effect::AdministerServer),
    ("pg_notify", Effect::Notify),
    ("pg_promote", Effect::AdministerServer),
    ("pg_reload_conf", Effect::AdministerServer),
    ("pg_rotate_logfile", Effect::AdministerServer),
    ("pg_rotate_logfile_old", Effect::AdministerServer),
    ("pg_show_all_file_settings", Effect::ServerFile),
    ("pg_start_backup", Effect::AdministerServer),
    ("pg_stat_file", Effect::ServerFile),
    ("pg_stat_get_activity", Effect::OthersStatements),
    ("pg_stat_get_backend_activity", Effect::OthersStatements),
    ("pg_stat_get_wal_receiver", Effect::OthersStatements),
    ("pg_stats_ext_mcvlist_items", Effect::OthersStatements),
    ("pg_stop_backup", Effect::AdministerServer),
    ("pg_stop_making_pinned_objects", Effect::AdministerServer),
    ("pg_switch_wal", Effect::AdministerServer),
    ("pg_sync_replication_slots", Effect::Replicate),
    ("pg_terminate_backend", Effect::Signal),
    ("pg_wal_replay_pause", Effect::AdministerServer),
    ("pg_wal_replay_resume", Effect::AdministerServer),
    ("set_config", Effect::SetConfig),
    ("setseed", Effect::Keeps),
    ("setval", Effect::Sequence),
    ("ts_rewrite", Effect::RunsSqlUnlessArguments(3)),
    ("ts_stat", Effect::RunsSql),
];

/// Functions by how their names begin. The first that fits decides.
const BY_PREFIX: &[(&str, Effect)] = &[
    ("binary_upgrade_", Effect::AdministerServer),
    ("cursor_to_xml", Effect::RunsSql),
    ("database_to_xml", Effect::RunsSql),
    ("query_to_xml", Effect::RunsSql),
    ("schema_to_xml", Effect::RunsSql),
    ("table_to_xml", Effect::RunsSql),
    ("lo_", Effect::LargeObject),
    ("pg_advisory_", Effect::AdvisoryLock),
    ("pg_try_advisory_", Effect::AdvisoryLock),
    ("pg_clear_", Effect::AdministerServer),
    ("pg_restore_", Effect::AdministerServer),
    ("pg_stat_reset", Effect::AdministerServer),
    ("pg_copy_logical_replication_slot", Effect::Replicate),
    ("pg_copy_physical_replication_slot", Effect::Replicate),
    ("pg_create_logical_replication_slot", Effect::Replicate),
    ("pg_create_physical_replication_slot", Effect::Replicate),
    ("pg_logical_slot_", Effect::ReplicateData),
    ("pg_replication_origin_", Effect::Replicate),
    ("pg_replication_slot_", Effect::Replicate),
    ("pg_file_", Effect::ServerFile),
    ("pg_ls_", Effect::ServerFile),
    ("pg_logdir_ls", Effect::ServerFile),
    ("pg_read_", Effect::ServerFile),
];

/// What the function of this name does, if it is PostgreSQL's own and does more than compute.
pub(crate) fn effect(name: &str) -> Option<Effect> {
    let by_name = BY_NAME.iter().find(|(listed, _)| *listed == name);
    by_name.or_else(|| BY_PREFIX.iter().find(|(prefix, _)| name.starts_with(prefix))).map(|(_, effect)| *effect)
}

/// Whether what the function of this name returns says nothing of the value that it is given, but how long it is, of what type,
/// or how many there are.
pub(crate) fn says_nothing(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "array_length",
        "array_ndims",
        "bit_length",
        "cardinality",
        "char_length",
        "character_length",
        "count",
        "num_nonnulls",
        "num_nulls",
        "octet_length",
        "pg_typeof",
    ];
    NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_beyond_the_statement_is_known() {
        for (name, expected) in [
            ("query_to_xml_and_xmlschema", Effect::RunsSql),
            ("table_to_xmlschema", Effect::RunsSql),
            ("ts_stat", Effect::RunsSql),
            ("pg_read_binary_file", Effect::ServerFile),
            ("pg_read_file_old", Effect::ServerFile),
            ("pg_ls_waldir", Effect::ServerFile),
            ("pg_ls_summariesdir", Effect::ServerFile),
            ("lo_import", Effect::ServerFile),
            ("lo_export", Effect::ServerFile),
            ("lo_get", Effect::LargeObject),
            ("lo_truncate64", Effect::LargeObject),
            ("pg_try_advisory_xact_lock_shared", Effect::AdvisoryLock),
            ("pg_logical_slot_peek_binary_changes", Effect::ReplicateData),
            ("pg_replication_origin_session_setup", Effect::Replicate),
            ("pg_stat_reset_single_table_counters", Effect::AdministerServer),
            ("binary_upgrade_set_next_heap_pg_class_oid", Effect::AdministerServer),
            ("pg_stat_get_activity", Effect::OthersStatements),
        ] {
            assert_eq!(effect(name), Some(expected), "{name}");
        }
    }

    #[test]
    fn what_clients_call_all_day_is_not_an_effect() {
        for name in [
            "lower",
            "count",
            "now",
            "pg_get_expr",
            "pg_get_viewdef",
            "format_type",
            "pg_table_is_visible",
            "version",
            "obj_description",
            "pg_get_userbyid",
            "pg_relation_size",
            "current_schemas",
            "pg_backend_pid",
            "pg_sleep",
            "pg_is_in_recovery",
            "log",
            "lower_inc",
            "currval",
            "pg_get_replication_slots",
            "pg_stat_get_numscans",
            "pg_encoding_to_char",
            "has_table_privilege",
            "pg_export_snapshot",
            "pg_get_statisticsobjdef",
        ] {
            assert_eq!(effect(name), None, "{name}");
        }
    }
}
