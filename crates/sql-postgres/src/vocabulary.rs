//! PostgreSQL's words: the actions that policies can name, and the objects they act on.

use std::sync::Arc;

use model::{ActionDef, ActionGroup, ActionId, AttrDef, AttrType, Part, PartKind, Vocabulary};

/// PostgreSQL's actions and kinds of objects.
pub static VOCABULARY: Vocabulary = Vocabulary { protocol: "postgres", actions: ACTIONS, parts: PARTS };

const HAS_WHERE: &[AttrDef] = &[AttrDef { name: "has_where", ty: AttrType::Bool }];

/// What tables, functions, types and indexes can be made, changed and dropped as.
const DEFINED: &[&str] = &[
    "Table",
    "Index",
    "Function",
    "Type",
    "Schema",
    "PgExtension",
    "Database",
    "Role",
    "Object",
    "Setting",
    "Channel",
];

const fn action(id: &'static str, group: ActionGroup, on: &'static [&'static str], doc: &'static str) -> ActionDef {
    ActionDef { id: ActionId(id), group, on, context: &[], never: None, doc }
}

const fn never(id: &'static str, on: &'static [&'static str], reason: &'static str, doc: &'static str) -> ActionDef {
    ActionDef { id: ActionId(id), group: ActionGroup::Alone, on, context: &[], never: Some(reason), doc }
}

const fn with_where(id: &'static str, doc: &'static str) -> ActionDef {
    ActionDef { id: ActionId(id), group: ActionGroup::Write, on: &["Table"], context: HAS_WHERE, never: None, doc }
}

use ActionGroup::{Administer, Alone, Define, Execute, Read, Session, Write};

static ACTIONS: &[ActionDef] = &[
    action("begin", Session, &[], "BEGIN, START TRANSACTION"),
    action("commit", Session, &[], "COMMIT, END, PREPARE TRANSACTION, COMMIT PREPARED"),
    action("rollback", Session, &[], "ROLLBACK, ABORT, ROLLBACK TO, ROLLBACK PREPARED"),
    action("savepoint", Session, &[], "SAVEPOINT, RELEASE"),
    action("set", Session, &["Setting"], "SET, set_config, SET TRANSACTION, SET CONSTRAINTS"),
    action("show", Session, &["Setting"], "SHOW, current_setting"),
    action("reset", Session, &["Setting"], "RESET, SET … TO DEFAULT, SET ROLE NONE"),
    action("prepare", Session, &[], "PREPARE, EXECUTE, DECLARE, FETCH, MOVE in SQL"),
    action("deallocate", Session, &[], "DEALLOCATE"),
    action("discard", Session, &[], "DISCARD"),
    action("listen", Session, &["Channel"], "LISTEN"),
    action("unlisten", Session, &["Channel"], "UNLISTEN"),
    action("notify", Session, &["Channel"], "NOTIFY, pg_notify"),
    action("close", Session, &[], "CLOSE"),
    action("lock", Session, &["Table"], "LOCK, SELECT … FOR UPDATE or SHARE, advisory locks"),
    action("select", Read, &["Table"], "SELECT, TABLE, VALUES, and every relation that a statement reads"),
    action("explain", Read, &[], "EXPLAIN; what it explains is asked as well"),
    action("insert", Write, &["Table"], "INSERT"),
    with_where("update", "UPDATE, INSERT … ON CONFLICT DO UPDATE, nextval and setval of a sequence"),
    with_where("delete", "DELETE"),
    action("merge", Write, &["Table"], "MERGE; its INSERT, UPDATE and DELETE are asked as well"),
    action("truncate", Write, &["Table"], "TRUNCATE"),
    action("refresh", Write, &["Table"], "REFRESH MATERIALIZED VIEW"),
    action("create", Define, DEFINED, "CREATE, SELECT INTO, IMPORT FOREIGN SCHEMA"),
    action("alter", Define, DEFINED, "ALTER, RENAME, and what else changes a definition"),
    action("drop", Define, DEFINED, "DROP, DROP OWNED"),
    action("comment", Define, DEFINED, "COMMENT, SECURITY LABEL"),
    action("call", Execute, &["Function"], "CALL, and every function that is not PostgreSQL's own"),
    action("do", Execute, &[], "DO"),
    action("grant", Administer, DEFINED, "GRANT of privileges"),
    action("revoke", Administer, DEFINED, "REVOKE of privileges"),
    action("vacuum", Administer, &["Table"], "VACUUM"),
    action("analyze", Administer, &["Table"], "ANALYZE"),
    action("reindex", Administer, &["Table", "Index", "Schema", "Database"], "REINDEX"),
    action("cluster", Administer, &["Table"], "CLUSTER"),
    action("checkpoint", Administer, &[], "CHECKPOINT"),
    action("load", Administer, &[], "LOAD of a library; opaque as well"),
    action("signal", Administer, &[], "pg_cancel_backend, pg_terminate_backend"),
    action("replicate", Administer, &["Table", "Object"], "Publications, subscriptions, slots, replication origins"),
    action(
        "administer_server",
        Administer,
        &[],
        "Functions that govern the server: backups, WAL, statistics, log files",
    ),
    action("foreign", Alone, &["Table", "Object"], "Foreign tables, servers and wrappers: what lies in another system"),
    action("large_object", Alone, &[], "Large objects"),
    action(
        "function_call",
        Alone,
        &["Function"],
        "Function calls by the fast path; what the function does is asked as well",
    ),
    action(
        "replication",
        Alone,
        &[],
        "Replication connections to one database, and streams of its changes; a stream asks to see every classified field as well",
    ),
    action(
        "physical_replication",
        Alone,
        &[],
        "Copies and streams of the whole server: all its databases, and the password verifiers of its roles",
    ),
    action("copy_in", Alone, &["Table"], "COPY … FROM"),
    action("copy_out", Alone, &["Table"], "COPY … TO"),
    never("copy_program", &[], "programs are not run on the target's machine", "COPY … PROGRAM"),
    never(
        "server_file",
        &[],
        "files of the target's machine are out of reach",
        "Files on the server, also through COPY",
    ),
    never("change_role", &[], "a session keeps the role it was opened with", "SET ROLE, SET SESSION AUTHORIZATION"),
    never(
        "manage_roles",
        &["Role", "Database"],
        "roles of the target are not managed through Weir",
        "CREATE, ALTER, DROP ROLE; GRANT of a role; REASSIGN OWNED; settings of a role or database",
    ),
    never(
        "unsafe_setting",
        &["Setting"],
        "it changes what a text means, turns protection off, or loads code",
        "Settings that Weir can't follow",
    ),
    never("alter_system", &["Setting"], "the server's own configuration is not changed through Weir", "ALTER SYSTEM"),
    never(
        "write_catalog",
        &["Table"],
        "PostgreSQL's own tables are changed by its own statements only",
        "INSERT, UPDATE, DELETE and the like in pg_catalog and information_schema",
    ),
    never(
        "others_statements",
        &[],
        "what others are running, and samples of what is stored, is not shown",
        "Functions that show others' statements or statistics' values",
    ),
];

static PARTS: &[PartKind] = &[
    PartKind { name: "Table", attrs: &["schema"], doc: "Tables, views, sequences: public.customers" },
    PartKind { name: "Index", attrs: &["schema"], doc: "Indexes" },
    PartKind {
        name: "Function",
        attrs: &["schema"],
        doc: "Functions, procedures, aggregates, operators: public.refund",
    },
    PartKind { name: "Type", attrs: &["schema"], doc: "Types and domains" },
    PartKind { name: "Schema", attrs: &[], doc: "Schemas" },
    PartKind { name: "Setting", attrs: &[], doc: "Session settings, lower case: search_path" },
    PartKind { name: "Channel", attrs: &[], doc: "Channels of LISTEN and NOTIFY; * for all" },
    PartKind { name: "Role", attrs: &[], doc: "Roles of the target" },
    PartKind { name: "Database", attrs: &[], doc: "Databases of the target's server" },
    PartKind { name: "PgExtension", attrs: &[], doc: "Extensions" },
    PartKind {
        name: "Object",
        attrs: &["type"],
        doc: "Everything else that has a name, with its type: trigger, rule, policy, publication, server, language …",
    },
];

/// The action that policy owns for what could not be told.
pub(crate) const OPAQUE: ActionId = ActionId("opaque");
/// A function call by the fast path.
pub(crate) const FUNCTION_CALL: ActionId = ActionId("function_call");
/// What is done to large objects.
pub(crate) const LARGE_OBJECT: ActionId = ActionId("large_object");
/// A replication connection to one database.
pub(crate) const REPLICATION: ActionId = ActionId("replication");
/// A replication connection to the whole server.
pub(crate) const PHYSICAL_REPLICATION: ActionId = ActionId("physical_replication");
/// What is done to publications, subscriptions and slots.
pub(crate) const REPLICATE: ActionId = ActionId("replicate");
/// The action that policy owns for the values of classified fields.
pub(crate) const SEE: ActionId = ActionId("see");
/// What is done to files of the target's machine.
pub(crate) const SERVER_FILE: ActionId = ActionId("server_file");
/// The action that policy owns for values that travel into the target.
pub(crate) const STORE: ActionId = ActionId("store");
/// To change a field without being able to see it. Policy's own action.
pub(crate) const OVERWRITE: ActionId = ActionId("overwrite");
/// To filter, compare, sort or group by a field without being able to see it. Policy's own action.
pub(crate) const PROBE: ActionId = ActionId("probe");

/// The object of what a statement returns that is no column of anything. No relation has such a name: each has a schema.
pub fn result_part() -> Part {
    table_part("", "(result)")
}

/// The part that a relation is.
pub(crate) fn table_part(schema: &str, name: &str) -> Part {
    schema_part("Table", schema, name)
}

/// A part that lives in a schema. A schema that is not known is empty.
pub(crate) fn schema_part(kind: &'static str, schema: &str, name: &str) -> Part {
    let full: Arc<str> = if schema.is_empty() { name.into() } else { format!("{schema}.{name}").into() };
    Part { kind, name: full, attrs: vec![("schema", schema.into())] }
}

/// A part that has a name and nothing else.
pub(crate) fn plain_part(kind: &'static str, name: &str) -> Part {
    Part { kind, name: name.into(), attrs: Vec::new() }
}

/// A part of the long tail.
pub(crate) fn object_part(object_type: &str, name: &str) -> Part {
    Part { kind: "Object", name: name.into(), attrs: vec![("type", object_type.into())] }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn words_are_unique_and_refer_to_each_other() {
        let parts: BTreeSet<_> = PARTS.iter().map(|part| part.name).collect();
        assert_eq!(parts.len(), PARTS.len());
        let mut ids = BTreeSet::new();
        for action in ACTIONS {
            assert!(ids.insert(action.id), "{} twice", action.id);
            assert!(action.on.iter().all(|part| parts.contains(part)), "{}", action.id);
            assert!(!action.doc.is_empty());
        }
        for groups in ActionGroup::NAMED {
            assert!(groups.as_str() != Some("opaque"));
        }
    }
}
