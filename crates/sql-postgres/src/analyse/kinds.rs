//! What each kind of statement does to the objects it names.
//!
//! The list is complete for PostgreSQL 18; what is not in it is opaque. Kinds whose effect lies in code that can't be
//! followed (functions, triggers, rules, extensions) are listed, and opaque as well.

use model::Object;
use pg_query::protobuf::{DropBehavior, GrantTargetType, ObjectType, ReindexObjectType, TransactionStmtKind};

use super::Findings;
use super::objects::{dotted, object_type, role_name, type_word};
use crate::settings::plain_name;
use crate::statement::TransactionStep;
use crate::tree::{Node, Tree, name_parts, schema_and_name};
use crate::vocabulary::{object_part, plain_part, schema_part, table_part};

impl<'a> Findings<'a> {
    /// What a statement does. Statements inside others (EXPLAIN, CREATE SCHEMA, rules) come here too.
    pub(super) fn statement(&mut self, node: &'a Node) {
        match node.kind {
            // ---- data
            "SelectStmt" => {
                // INTO stands in the first arm of a set operation.
                let into = node.contains(&["IntoClause"]);
                self.main(if into { "create" } else { "select" });
                if !self.sets_one_of_pg_settings(node) {
                    self.look_below(node, &[]);
                }
            }
            "InsertStmt" => {
                self.main("insert");
                self.insert(node);
            }
            "UpdateStmt" => {
                self.main("update");
                self.update(node);
            }
            "DeleteStmt" => {
                self.main("delete");
                self.delete(node);
            }
            "MergeStmt" => {
                self.main("merge");
                self.merge(node);
            }
            "TruncateStmt" => {
                self.main("truncate");
                node.get("relations").list().iter().for_each(|range| self.acts_on("truncate", range));
                self.cascades(node);
            }
            "CopyStmt" => self.copy(node),
            "CallStmt" => {
                self.main("call");
                self.look_below(node, &[]);
                self.unknown_call = true;
                self.changes_catalog = true;
                let called = node.get("funccall").node().map(|call| name_parts(call.get("funcname").list()));
                let called = called.unwrap_or_default();
                let (schema, name) = schema_and_name(&called);
                if self.catalog.user_functions(schema, name).next().is_none() {
                    self.part("call", schema_part("Function", schema, name));
                }
            }
            "DoStmt" => {
                self.main("do");
                self.opaque("DO runs code that Weir can't follow");
            }
            "ExplainStmt" => {
                self.main("explain");
                self.inner(node.get("query"));
            }
            "RefreshMatViewStmt" => {
                self.main("refresh");
                self.acts_on("refresh", node.get("relation"));
            }
            "LockStmt" => {
                self.main("lock");
                node.get("relations").list().iter().for_each(|range| self.acts_on("lock", range));
            }

            // ---- what runs by name: `names` says which, and what stands behind the name is asked as well
            "PrepareStmt" | "DeclareCursorStmt" => {
                self.main("prepare");
                self.inner(node.get("query"));
            }
            "ExecuteStmt" => {
                self.main("prepare");
                self.look_below(node, &[]);
            }
            "FetchStmt" => self.main("prepare"),
            "ClosePortalStmt" => self.main("close"),
            "DeallocateStmt" => self.main("deallocate"),

            // ---- the session
            "TransactionStmt" => self.transaction(node),
            "VariableSetStmt" => {
                let at = self.asks.len();
                let main = self.set(node);
                self.main_at(at, main);
            }
            "VariableShowStmt" => {
                self.main("show");
                self.part("show", plain_part("Setting", &plain_name(node.text("name"))));
            }
            "ConstraintsSetStmt" => self.main("set"),
            "DiscardStmt" => {
                self.main("discard");
                // Temporary tables may be gone.
                self.changes_catalog = true;
            }
            "ListenStmt" => {
                self.main("listen");
                self.part("listen", plain_part("Channel", node.text("conditionname")));
            }
            "UnlistenStmt" => {
                self.main("unlisten");
                let channel = if node.has("conditionname") { node.text("conditionname") } else { "*" };
                self.part("unlisten", plain_part("Channel", channel));
            }
            "NotifyStmt" => {
                self.main("notify");
                self.part("notify", plain_part("Channel", node.text("conditionname")));
            }

            // ---- upkeep
            "VacuumStmt" => {
                let action = if node.has("is_vacuumcmd") { "vacuum" } else { "analyze" };
                self.main(action);
                for relation in node.get("rels").list().iter().filter_map(Tree::node) {
                    self.acts_on(action, relation.get("relation"));
                }
            }
            "ClusterStmt" => {
                self.main("cluster");
                self.acts_on("cluster", node.get("relation"));
            }
            "ReindexStmt" => self.reindex(node),
            "CheckPointStmt" => self.main("checkpoint"),
            "LoadStmt" => {
                self.main("load");
                self.opaque("LOAD runs code of a library");
            }
            "AlterSystemStmt" => {
                self.main("alter_system");
                let setting = node.get("setstmt").node().map_or("", |set| set.text("name"));
                self.part("alter_system", plain_part("Setting", &plain_name(setting)));
            }

            // ---- roles
            "CreateRoleStmt" => {
                self.main("manage_roles");
                self.part("manage_roles", plain_part("Role", node.text("role")));
            }
            "AlterRoleStmt" | "AlterRoleSetStmt" => {
                self.main("manage_roles");
                self.part("manage_roles", plain_part("Role", &role_name(node.get("role"))));
            }
            "DropRoleStmt" | "ReassignOwnedStmt" => {
                self.main("manage_roles");
                self.roles(node.get("roles").list());
            }
            "GrantRoleStmt" => {
                self.main("manage_roles");
                self.roles(node.get("granted_roles").list());
                self.roles(node.get("grantee_roles").list());
            }
            "AlterDatabaseSetStmt" => {
                self.main("manage_roles");
                self.part("manage_roles", plain_part("Database", node.text("dbname")));
            }
            "DropOwnedStmt" => {
                self.define("drop");
                self.roles(node.get("roles").list());
                self.opaque("DROP OWNED drops what it doesn't name");
            }
            "GrantStmt" => self.grant(node),
            "AlterDefaultPrivilegesStmt" => {
                if let Some(action) = node.get("action").node() {
                    self.grant(action);
                }
            }

            // ---- definitions
            "CreateStmt" => {
                self.define("create");
                self.create_table(node);
            }
            "CreateForeignTableStmt" => {
                self.define("create");
                if let Some(table) = node.get("base_stmt").node() {
                    self.create_table(table);
                }
                self.part("foreign", object_part("foreign_server", node.text("servername")));
            }
            "CreateTableAsStmt" => {
                self.define("create");
                self.look(node.get("into"));
                match node.get("query").as_kind("ExecuteStmt") {
                    Some(execute) => self.statement(execute),
                    None => self.look(node.get("query")),
                }
            }
            "ViewStmt" => {
                self.define("create");
                self.part_of_new_relation("create", node.get("view"));
                self.look(node.get("query"));
            }
            "IndexStmt" => {
                self.define("create");
                let table = node.get("relation").node();
                let schema = table.map_or("", |table| table.text("schemaname"));
                self.part("create", schema_part("Index", schema, node.text("idxname")));
                self.acts_on("alter", node.get("relation"));
                self.look_below(node, &["relation"]);
            }
            "CreateSeqStmt" => {
                self.define("create");
                self.part_of_new_relation("create", node.get("sequence"));
            }
            "AlterSeqStmt" => {
                self.define("alter");
                self.acts_on("alter", node.get("sequence"));
            }
            "CreateSchemaStmt" => {
                self.define("create");
                let schema = node.text("schemaname");
                let owner = role_name(node.get("authrole"));
                self.part("create", plain_part("Schema", if schema.is_empty() { &owner } else { schema }));
                node.get("schema_elts").list().iter().for_each(|element| self.inner(element));
            }
            "AlterTableStmt" => self.alter_table(node),
            "RenameStmt" => {
                self.define("alter");
                self.alter_named(node, object_type(node.int("rename_type")));
                self.renames(node);
            }
            "AlterObjectSchemaStmt" | "AlterOwnerStmt" | "AlterObjectDependsStmt" => {
                self.define("alter");
                self.alter_named(node, object_type(node.int("object_type")));
                if node.has("newschema") {
                    self.part("alter", plain_part("Schema", node.text("newschema")));
                    self.changes_schema(node);
                }
            }
            "DropStmt" => {
                self.define("drop");
                let kind = object_type(node.int("remove_type"));
                node.get("objects").list().iter().for_each(|object| self.acts_on_object("drop", kind, object));
                self.cascades(node);
            }
            "CommentStmt" | "SecLabelStmt" => {
                self.main("comment");
                self.acts_on_object("comment", object_type(node.int("objtype")), node.get("object"));
            }
            "CreatePolicyStmt" | "AlterPolicyStmt" => {
                let action = if node.kind == "CreatePolicyStmt" { "create" } else { "alter" };
                self.define(action);
                self.part(action, object_part("policy", node.text("policy_name")));
                self.acts_on("alter", node.get("table"));
                self.look_below(node, &["table"]);
            }
            "CreateStatsStmt" => {
                self.define("create");
                self.part("create", object_part("statistic_ext", &dotted(node.get("defnames")).join(".")));
                self.look_below(node, &["defnames"]);
            }
            "AlterStatsStmt" => self.alter_object("statistic_ext", node, "defnames"),
            "CreateEnumStmt" | "CreateRangeStmt" => {
                self.define("create");
                self.named_type("create", node.get("type_name"));
            }
            "CompositeTypeStmt" => {
                self.define("create");
                let range = node.get("typevar");
                self.named_type("create", range);
                self.look_below(node, &["typevar"]);
            }
            "CreateDomainStmt" => {
                self.define("create");
                self.named_type("create", node.get("domainname"));
                self.look_below(node, &["domainname"]);
            }
            "AlterEnumStmt" | "AlterTypeStmt" => {
                self.define("alter");
                self.named_type("alter", node.get("type_name"));
                if node.kind == "AlterTypeStmt" {
                    self.opaque("ALTER TYPE … SET changes the functions of a type");
                }
            }
            "AlterDomainStmt" => {
                self.define("alter");
                self.named_type("alter", node.get("type_name"));
                self.look_below(node, &["type_name"]);
            }
            "AlterCollationStmt" => self.alter_object("collation", node, "collname"),
            "AlterTsDictionaryStmt" => self.alter_object("tsdictionary", node, "dictname"),
            "AlterTsConfigurationStmt" => self.alter_object("tsconfiguration", node, "cfgname"),
            "DefineStmt" => self.define_object(node),

            // ---- databases, tablespaces
            "CreatedbStmt" => {
                self.define("create");
                self.part("create", plain_part("Database", node.text("dbname")));
            }
            "AlterDatabaseStmt" | "AlterDatabaseRefreshCollStmt" => {
                self.define("alter");
                self.part("alter", plain_part("Database", node.text("dbname")));
            }
            "DropdbStmt" => {
                self.define("drop");
                self.part("drop", plain_part("Database", node.text("dbname")));
            }
            "CreateTableSpaceStmt" => self.tablespace("create", node),
            "AlterTableSpaceOptionsStmt" => self.tablespace("alter", node),
            "DropTableSpaceStmt" => self.tablespace("drop", node),
            "AlterTableMoveAllStmt" => {
                self.define("alter");
                self.opaque("ALTER … ALL IN TABLESPACE moves what it doesn't name");
            }

            // ---- other systems
            "CreateForeignServerStmt" => self.foreign("create", "foreign_server", node.text("servername")),
            "AlterForeignServerStmt" => self.foreign("alter", "foreign_server", node.text("servername")),
            "CreateUserMappingStmt" => self.foreign("create", "user_mapping", node.text("servername")),
            "AlterUserMappingStmt" => self.foreign("alter", "user_mapping", node.text("servername")),
            "DropUserMappingStmt" => self.foreign("drop", "user_mapping", node.text("servername")),
            "ImportForeignSchemaStmt" => {
                self.foreign("create", "foreign_server", node.text("server_name"));
                self.part("create", plain_part("Schema", node.text("local_schema")));
            }
            "CreateFdwStmt" | "AlterFdwStmt" => {
                let action = if node.kind == "CreateFdwStmt" { "create" } else { "alter" };
                self.foreign(action, "fdw", node.text("fdwname"));
                self.opaque("a foreign-data wrapper runs code that Weir can't follow");
            }
            "CreatePublicationStmt" => self.publication("create", node),
            "AlterPublicationStmt" => self.publication("alter", node),
            "CreateSubscriptionStmt" => self.subscription("create", node),
            "AlterSubscriptionStmt" => self.subscription("alter", node),
            "DropSubscriptionStmt" => self.subscription("drop", node),

            // ---- code
            "CreateFunctionStmt" => {
                self.define("create");
                let names = name_parts(node.get("funcname").list());
                let (schema, name) = schema_and_name(&names);
                self.part("create", schema_part("Function", schema, name));
                self.look_below(node, &["funcname"]);
                self.opaque("a function's body runs where Weir can't follow it");
            }
            "AlterFunctionStmt" => {
                self.define("alter");
                self.acts_on_object("alter", object_type(node.int("objtype")), node.get("func"));
                self.look_below(node, &["func"]);
                self.opaque("a function's body runs where Weir can't follow it");
            }
            "CreateTrigStmt" => {
                self.define("create");
                self.part("create", object_part("trigger", node.text("trigname")));
                self.acts_on("alter", node.get("relation"));
                self.look_below(node, &["relation", "funcname"]);
                self.function(&name_parts(node.get("funcname").list()), false);
                self.opaque("a trigger runs code that Weir can't follow");
            }
            "RuleStmt" => {
                self.define("create");
                self.part("create", object_part("rule", node.text("rulename")));
                self.acts_on("alter", node.get("relation"));
                self.look(node.get("where_clause"));
                node.get("actions").list().iter().for_each(|action| self.inner(action));
                self.opaque("a rule changes what other statements do");
            }
            "CreateEventTrigStmt" => self.code("create", "event_trigger", node.text("trigname")),
            "AlterEventTrigStmt" => self.code("alter", "event_trigger", node.text("trigname")),
            "CreatePLangStmt" => self.code("create", "language", node.text("plname")),
            "CreateAmStmt" => self.code("create", "access_method", node.text("amname")),
            "CreateTransformStmt" => self.code("create", "transform", node.text("lang")),
            "CreateCastStmt" => {
                let name = [node.get("sourcetype"), node.get("targettype")].map(|ty| dotted(ty).join(".")).join(" ");
                self.code("create", "cast", &name);
            }
            "CreateConversionStmt" => self.code("create", "conversion", &dotted(node.get("conversion_name")).join(".")),
            "CreateOpClassStmt" => self.code("create", "opclass", &dotted(node.get("opclassname")).join(".")),
            "CreateOpFamilyStmt" => self.code("create", "opfamily", &dotted(node.get("opfamilyname")).join(".")),
            "AlterOpFamilyStmt" => self.code("alter", "opfamily", &dotted(node.get("opfamilyname")).join(".")),
            "AlterOperatorStmt" => {
                self.define("alter");
                self.acts_on_object("alter", ObjectType::ObjectOperator, node.get("opername"));
                self.opaque("an operator runs code that Weir can't follow");
            }
            "CreateExtensionStmt" | "AlterExtensionStmt" => {
                let action = if node.kind == "CreateExtensionStmt" { "create" } else { "alter" };
                self.define(action);
                self.part(action, plain_part("PgExtension", node.text("extname")));
                self.opaque("an extension's script runs where Weir can't follow it");
            }
            "AlterExtensionContentsStmt" => {
                self.define("alter");
                self.part("alter", plain_part("PgExtension", node.text("extname")));
                self.acts_on_object("alter", object_type(node.int("objtype")), node.get("object"));
                self.opaque("what belongs to an extension is taken to be as harmless as the extension");
            }

            other => {
                self.main("do");
                self.look_below(node, &[]);
                self.opaque(format!("Weir does not know what a {other} does"));
            }
        }
    }

    /// A statement inside this one.
    fn inner(&mut self, tree: &'a Tree) {
        match tree.node() {
            Some(node) => self.statement(node),
            None => self.opaque("a statement inside this one is empty"),
        }
    }

    /// A definition: what it does to the catalog will be read again.
    fn define(&mut self, action: &'static str) {
        self.main(action);
        self.changes_catalog = true;
    }

    /// Puts the main ask before what was found on the way to it.
    fn main_at(&mut self, at: usize, action: &'static str) {
        self.main(action);
        let is_main = |ask: &model::Ask| ask.action.0 == action && ask.object == model::Object::Target;
        if let Some(found) = self.asks.iter().rposition(is_main)
            && let Some(after) = self.asks.get_mut(at..)
            && let Some(steps) = found.checked_sub(at)
            && let Some(upto) = steps.checked_add(1).and_then(|upto| after.get_mut(..upto))
        {
            upto.rotate_right(1);
        }
    }

    fn cascades(&mut self, node: &'a Node) {
        if node.int("behavior") == i64::from(i32::from(DropBehavior::DropCascade)) {
            self.opaque("CASCADE reaches what it doesn't name");
        }
    }

    fn transaction(&mut self, node: &'a Node) {
        use TransactionStmtKind as Kind;
        let kind = i32::try_from(node.int("kind")).ok().and_then(|kind| Kind::try_from(kind).ok());
        let (name, chain) = (node.text("savepoint_name").to_owned(), node.has("chain"));
        let (action, step) = match kind {
            Some(Kind::TransStmtBegin | Kind::TransStmtStart) => ("begin", TransactionStep::Begin),
            Some(Kind::TransStmtCommit) => ("commit", TransactionStep::Commit { chain }),
            Some(Kind::TransStmtRollback) => ("rollback", TransactionStep::Rollback { chain }),
            Some(Kind::TransStmtSavepoint) => ("savepoint", TransactionStep::Savepoint(name)),
            Some(Kind::TransStmtRelease) => ("savepoint", TransactionStep::Release(name)),
            Some(Kind::TransStmtRollbackTo) => ("rollback", TransactionStep::RollbackTo(name)),
            Some(Kind::TransStmtPrepare) => ("commit", TransactionStep::Prepare),
            Some(Kind::TransStmtCommitPrepared) => ("commit", TransactionStep::Finish),
            Some(Kind::TransStmtRollbackPrepared) => ("rollback", TransactionStep::Finish),
            Some(Kind::Undefined) | None => {
                self.main("begin");
                self.opaque("a transaction step of a kind that Weir does not know");
                return;
            }
        };
        self.main(action);
        // Another transaction's definitions become visible.
        self.changes_catalog |= step == TransactionStep::Finish;
        self.transaction = Some(step);
    }

    fn copy(&mut self, node: &'a Node) {
        let bulk = if node.has("is_from") { "copy_in" } else { "copy_out" };
        if node.has("is_program") {
            self.main("copy_program");
        } else if node.has("filename") {
            self.main("server_file");
        }
        self.main(bulk);
        if node.has("is_from") {
            self.acts_on("insert", node.get("relation"));
        } else {
            self.look(node.get("relation"));
        }
        self.acts_on(bulk, node.get("relation"));
        if node.has("query") {
            let asked = self.asks.len();
            self.inner(node.get("query"));
            // What may not be copied out as a table is not copied out through a query either.
            let read = self.asks.iter().skip(asked).filter(|ask| ask.action.0 == "select");
            for object in read.map(|ask| ask.object.clone()).collect::<Vec<_>>() {
                if let Object::Part(part) = object {
                    self.part(bulk, part);
                }
            }
        }
        self.look(node.get("where_clause"));
    }

    fn create_table(&mut self, node: &'a Node) {
        self.part_of_new_relation("create", node.get("relation"));
        // A parent shows the new table's rows.
        node.get("inh_relations").list().iter().for_each(|parent| self.acts_on("alter", parent));
        self.look_below(node, &["relation", "inh_relations"]);
    }

    fn alter_table(&mut self, node: &'a Node) {
        self.define("alter");
        match object_type(node.int("objtype")) {
            ObjectType::ObjectIndex => self.acts_on_index("alter", node.get("relation")),
            ObjectType::ObjectType => self.named_type("alter", node.get("relation")),
            _ => self.acts_on("alter", node.get("relation")),
        }
        for command in node.get("cmds").list().iter().filter_map(Tree::node) {
            let definition = command.get("def");
            self.command_moves(node.get("relation"), command);
            match definition.node() {
                // ATTACH, DETACH, INHERIT: the other table is changed as well.
                Some(partition) if partition.kind == "PartitionCmd" => {
                    self.acts_on("alter", partition.get("name"));
                    self.look(partition.get("bound"));
                }
                Some(range) if range.kind == "RangeVar" => self.acts_on("alter", definition),
                _ => self.look(definition),
            }
        }
    }

    /// RENAME, SET SCHEMA, OWNER TO and the like: the object stands as a relation or as a name.
    fn alter_named(&mut self, node: &'a Node, kind: ObjectType) {
        if node.has("relation") {
            match kind {
                ObjectType::ObjectIndex => self.acts_on_index("alter", node.get("relation")),
                ObjectType::ObjectRule | ObjectType::ObjectTrigger | ObjectType::ObjectPolicy => {
                    self.part("alter", object_part(&type_word(kind), node.text("subname")));
                    self.acts_on("alter", node.get("relation"));
                }
                ObjectType::ObjectAttribute => self.named_type("alter", node.get("relation")),
                _ => self.acts_on("alter", node.get("relation")),
            }
        } else if node.has("object") {
            self.acts_on_object("alter", kind, node.get("object"));
        } else if kind == ObjectType::ObjectRole {
            self.part("manage_roles", plain_part("Role", node.text("subname")));
        } else {
            let part = match kind {
                ObjectType::ObjectSchema => plain_part("Schema", node.text("subname")),
                ObjectType::ObjectDatabase => plain_part("Database", node.text("subname")),
                _ => object_part(&type_word(kind), node.text("subname")),
            };
            self.part("alter", part);
        }
    }

    fn alter_object(&mut self, kind: &str, node: &'a Node, names: &str) {
        self.define("alter");
        self.part("alter", object_part(kind, &dotted(node.get(names)).join(".")));
    }

    fn named_type(&mut self, action: &'static str, name: &Tree) {
        let names = dotted(name);
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        let (schema, name) = schema_and_name(&parts);
        self.part(action, schema_part("Type", schema, name));
    }

    /// CREATE AGGREGATE, OPERATOR, TYPE, COLLATION, TEXT SEARCH …
    fn define_object(&mut self, node: &'a Node) {
        self.define("create");
        let kind = object_type(node.int("kind"));
        let names = dotted(node.get("defnames"));
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        let (schema, name) = schema_and_name(&parts);
        let (part, harmless) = match kind {
            ObjectType::ObjectAggregate | ObjectType::ObjectOperator => (schema_part("Function", schema, name), false),
            // CREATE TYPE name; only takes the name.
            ObjectType::ObjectType => (schema_part("Type", schema, name), !node.has("definition")),
            ObjectType::ObjectCollation | ObjectType::ObjectTsconfiguration => {
                (object_part(&type_word(kind), &parts.join(".")), true)
            }
            _ => (object_part(&type_word(kind), &parts.join(".")), false),
        };
        self.part("create", part);
        if !harmless {
            self.opaque("it is made of functions that Weir can't follow");
        }
    }

    fn grant(&mut self, node: &'a Node) {
        let action = if node.has("is_grant") { "grant" } else { "revoke" };
        self.main(action);
        let kind = object_type(node.int("objtype"));
        let target = i32::try_from(node.int("targtype")).ok().and_then(|kind| GrantTargetType::try_from(kind).ok());
        for object in node.get("objects").list() {
            match target {
                Some(GrantTargetType::AclTargetObject) => self.acts_on_object(action, kind, object),
                _ => self.part(action, plain_part("Schema", object.text())),
            }
        }
    }

    fn reindex(&mut self, node: &'a Node) {
        self.main("reindex");
        let kind = i32::try_from(node.int("kind")).ok().and_then(|kind| ReindexObjectType::try_from(kind).ok());
        match kind {
            Some(ReindexObjectType::ReindexObjectIndex) => self.acts_on_index("reindex", node.get("relation")),
            Some(ReindexObjectType::ReindexObjectTable) => self.acts_on("reindex", node.get("relation")),
            Some(ReindexObjectType::ReindexObjectSchema) => {
                self.part("reindex", plain_part("Schema", node.text("name")));
            }
            _ => self.part("reindex", plain_part("Database", node.text("name"))),
        }
    }

    fn tablespace(&mut self, action: &'static str, node: &'a Node) {
        self.main(action);
        self.part(action, object_part("tablespace", node.text("tablespacename")));
    }

    /// What lies in another system, or leads there.
    fn foreign(&mut self, action: &'static str, kind: &str, name: &str) {
        self.define(action);
        self.part(action, object_part(kind, name));
        self.part("foreign", object_part(kind, name));
    }

    fn publication(&mut self, action: &'static str, node: &'a Node) {
        self.define(action);
        self.part(action, object_part("publication", node.text("pubname")));
        self.main("replicate");
        for object in node.get("pubobjects").list().iter().filter_map(Tree::node) {
            match object.get("pubtable").node() {
                Some(table) => {
                    self.acts_on("replicate", table.get("relation"));
                    self.look(table.get("where_clause"));
                }
                None => self.part(action, plain_part("Schema", object.text("name"))),
            }
        }
        if node.has("for_all_tables") {
            self.part("replicate", table_part("*", "*"));
        }
    }

    fn subscription(&mut self, action: &'static str, node: &'a Node) {
        self.define(action);
        self.main("replicate");
        self.part(action, object_part("subscription", node.text("subname")));
    }

    /// What brings code that runs in other statements.
    fn code(&mut self, action: &'static str, kind: &str, name: &str) {
        self.define(action);
        self.part(action, object_part(kind, name));
        self.opaque("it runs code that Weir can't follow");
    }
}
