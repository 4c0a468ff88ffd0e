//! Finds relations, functions, operators and settings wherever they stand.

use super::Findings;
use crate::catalog::{Entry, RelationKind};
use crate::functions::{Effect, effect};
use crate::settings::{Change, change, plain_name};
use crate::tree::{Node, Tree, name_parts, schema_and_name};
use crate::vocabulary::{plain_part, schema_part, table_part};

impl<'a> Findings<'a> {
    /// Looks through everything below.
    pub(super) fn look(&mut self, tree: &'a Tree) {
        match tree {
            Tree::Node(node) => self.look_at(node),
            Tree::List(items) => items.iter().for_each(|item| self.look(item)),
            Tree::Nothing | Tree::Text(_) | Tree::Int(_) => {}
        }
    }

    /// Looks through a node's fields, all but these.
    pub(super) fn look_below(&mut self, node: &'a Node, but: &[&str]) {
        for (name, value) in &node.fields {
            if !but.contains(name) {
                self.look(value);
            }
        }
    }

    fn look_at(&mut self, node: &'a Node) {
        match node.kind {
            "RangeVar" => self.reads(node),
            // These say for themselves what they do with the relation that they name first.
            "InsertStmt" => self.insert(node),
            "UpdateStmt" => self.update(node),
            "DeleteStmt" => self.delete(node),
            "MergeStmt" => self.merge(node),
            "IntoClause" => {
                self.part_of_new_relation("create", node.get("rel"));
                self.changes_catalog = true;
                self.look_below(node, &["rel"]);
            }
            // It names what is in FROM already, by alias.
            "LockingClause" => self.locks_rows = true,
            "FuncCall" => self.call(node),
            "SelectStmt" if self.sets_one_of_pg_settings(node) => {}
            "ColumnRef" => {
                // `c.fullname` is also a call of fullname with the row c.
                let parts = name_parts(node.get("fields").list());
                if let [.., table, name] = parts.as_slice() {
                    // What a function in FROM gives need not be a row.
                    self.attribute(name, !self.is_function(table));
                }
            }
            "AIndirection" => {
                // `(x).fullname` as well, and here x need not be a row: ('abc').upper works.
                for name in node.get("indirection").list() {
                    self.attribute(name.text(), false);
                }
                self.look_below(node, &[]);
            }
            "TypeCast" => {
                let name = node.get("type_name").node().map(|name| name_parts(name.get("names").list()));
                let parts = name.unwrap_or_default();
                let (schema, name) = schema_and_name(&parts);
                if self.catalog.casts_by_code(name) {
                    self.unknown_call = true;
                    self.part("call", schema_part("Function", schema, name));
                }
                self.look_below(node, &[]);
            }
            "AExpr" => {
                self.operator(node.get("name").list());
                self.look_below(node, &["name"]);
            }
            "SubLink" => {
                self.operator(node.get("oper_name").list());
                self.look_below(node, &["oper_name"]);
            }
            "SortBy" => {
                self.operator(node.get("use_op").list());
                self.look_below(node, &["use_op"]);
            }
            "RangeTableSample" => {
                let parts = name_parts(node.get("method").list());
                self.function(&parts, false);
                self.look_below(node, &["method"]);
            }
            "VariableSetStmt" => {
                self.set(node);
            }
            kind => {
                // Syntax of newer grammars: a server that doesn't have it calls the users' function of that name.
                newer_syntax(kind).iter().for_each(|name| self.function(&[*name], true));
                self.look_below(node, &[]);
            }
        }
    }

    // ---- relations

    /// Every relation of the snapshot that a name may mean, tables and what can be read like one.
    pub(super) fn resolve(&self, range: &'a Node) -> Vec<&'a Entry> {
        let (schema, name) = (range.text("schemaname"), range.text("relname"));
        self.catalog
            .named(schema, name)
            .filter(|entry| !matches!(entry.relation.kind, RelationKind::Index | RelationKind::Composite))
            .collect()
    }

    /// The relation is read.
    fn reads(&mut self, range: &'a Node) {
        let (schema, name) = (range.text("schemaname"), range.text("relname"));
        let entries = self.resolve(range);
        if entries.is_empty() && schema.is_empty() && self.ctes.contains(name) {
            return;
        }
        if entries.is_empty() {
            self.unknown(schema, name);
            self.unknown_relation = true;
            self.part("select", table_part(schema, name));
        }
        for entry in entries {
            self.touch(entry);
            self.part("select", entry.part.clone());
            self.read.insert(entry.relation.oid);
        }
    }

    /// Something is done to the relation that a `RangeVar` names, other than reading it.
    pub(super) fn acts_on(&mut self, action: &'static str, range: &'a Tree) {
        let Some(range) = range.as_kind("RangeVar") else { return };
        let entries = self.resolve(range);
        if entries.is_empty() {
            let (schema, name) = (range.text("schemaname"), range.text("relname"));
            self.unknown(schema, name);
            // That hides nothing of what is read, but its own values can come back.
            self.unknown_call = true;
            self.part(action, table_part(schema, name));
        }
        let writes = matches!(action, "insert" | "update" | "delete" | "merge" | "truncate");
        for entry in entries {
            self.touch(entry);
            self.part(action, entry.part.clone());
            if writes && entry.is_system() {
                self.part("write_catalog", entry.part.clone());
            }
            // An UPDATE of pg_settings is a SET of what can't be told.
            if writes && entry.sets_settings {
                self.part("unsafe_setting", plain_part("Setting", "*"));
            }
        }
    }

    /// A relation that is made: what has its name already may be what is meant (IF NOT EXISTS, OR REPLACE).
    pub(super) fn part_of_new_relation(&mut self, action: &'static str, range: &'a Tree) {
        let Some(range) = range.as_kind("RangeVar") else { return };
        let (schema, name) = (range.text("schemaname"), range.text("relname"));
        let temporary = range.text("relpersistence") == "t" && schema.is_empty();
        self.part(action, table_part(if temporary { "pg_temp" } else { schema }, name));
        for entry in self.resolve(range) {
            self.part(action, entry.part.clone());
        }
    }

    // ---- statements that write rows

    pub(super) fn insert(&mut self, node: &'a Node) {
        self.acts_on("insert", node.get("relation"));
        if let Some(conflict) = node.get("on_conflict_clause").node()
            && conflict.has("target_list")
        {
            self.acts_on("update", node.get("relation"));
        }
        self.returns(node);
        self.look_below(node, &["relation"]);
    }

    pub(super) fn update(&mut self, node: &'a Node) {
        self.acts_on("update", node.get("relation"));
        self.lacks_where |= !self.restricts(node.get("where_clause"));
        self.returns(node);
        self.look_below(node, &["relation"]);
    }

    pub(super) fn delete(&mut self, node: &'a Node) {
        self.acts_on("delete", node.get("relation"));
        self.lacks_where |= !self.restricts(node.get("where_clause"));
        self.returns(node);
        self.look_below(node, &["relation"]);
    }

    pub(super) fn merge(&mut self, node: &'a Node) {
        use pg_query::protobuf::CmdType;
        self.acts_on("merge", node.get("relation"));
        for clause in node.get("merge_when_clauses").list().iter().filter_map(Tree::node) {
            let command = i32::try_from(clause.int("command_type")).ok().and_then(|kind| CmdType::try_from(kind).ok());
            let action = match command {
                Some(CmdType::CmdInsert) => "insert",
                Some(CmdType::CmdUpdate) => "update",
                Some(CmdType::CmdDelete) => "delete",
                Some(CmdType::CmdNothing) => continue,
                _ => {
                    self.opaque("a MERGE does something that Weir does not know");
                    continue;
                }
            };
            self.acts_on(action, node.get("relation"));
            if action != "insert" {
                self.lacks_where |=
                    !self.restricts(node.get("join_condition")) && !self.restricts(clause.get("condition"));
            }
        }
        self.returns(node);
        self.look_below(node, &["relation"]);
    }

    /// RETURNING reads the relation that is written.
    fn returns(&mut self, node: &'a Node) {
        if node.get("returning_clause").node().is_some_and(|clause| clause.has("exprs")) {
            self.acts_on("select", node.get("relation"));
        }
    }

    /// Whether a condition restricts anything: see [`is_condition`].
    fn restricts(&mut self, condition: &Tree) -> bool {
        self.looks_at_constants |= compares_constants(condition);
        is_condition(condition)
    }

    /// The text of a constant, also one with a cast around it.
    pub(super) fn constant(&mut self, tree: &Tree) -> Option<String> {
        self.looks_at_constants = true;
        constant(tree)
    }

    // ---- functions and operators

    fn call(&mut self, node: &'a Node) {
        use pg_query::protobuf::CoercionForm;
        let parts = name_parts(node.get("funcname").list());
        // What the grammar itself writes as a call (EXTRACT, OVERLAY) is PostgreSQL's own on any server.
        let own_syntax = node.int("funcformat") == i64::from(i32::from(CoercionForm::CoerceSqlSyntax));
        self.function(&parts, own_syntax);
        let (schema, name) = schema_and_name(&parts);
        if let Some(effect) = self.catalog.effect(schema, name) {
            self.effect(effect, name, node.get("args").list());
            self.sinks.push(node);
        }
        self.look_below(node, &["funcname"]);
    }

    /// A function is called: is it PostgreSQL's own?
    pub(super) fn function(&mut self, parts: &[&str], own_syntax: bool) {
        let (schema, name) = schema_and_name(parts);
        let mut users = false;
        for function in self.catalog.user_functions(schema, name) {
            users = true;
            self.unknown_call |= !function.computes;
            self.part("call", schema_part("Function", &function.schema, name));
        }
        if !users && !own_syntax && !self.catalog.is_system_function(schema, name) {
            self.unknown_call = true;
            self.unknown(schema, name);
            self.part("call", schema_part("Function", schema, name));
        }
    }

    /// A name after a dot, which is a column or a call of the function of this name.
    fn attribute(&mut self, name: &str, of_a_row: bool) {
        if name.is_empty() || name == "*" {
            return;
        }
        let mut users = false;
        for function in self.catalog.user_functions("", name).filter(|function| function.takes_row || !of_a_row) {
            users = true;
            self.part("call", schema_part("Function", &function.schema, name));
        }
        self.unknown_call |= users;
        // None of the functions with effects takes a row.
        if !of_a_row
            && self.catalog.is_system_function("", name)
            && let Some(effect) = effect(name)
        {
            self.effect(effect, name, &[]);
            self.opaque(format!("{name} is called as if it were a column"));
        }
    }

    /// Whether a name may be that of a function in FROM.
    fn is_function(&self, name: &str) -> bool {
        self.functions.iter().any(|function| function.is_none_or(|function| function == name))
    }

    fn operator(&mut self, name: &[Tree]) {
        let parts = name_parts(name);
        let (schema, name) = schema_and_name(&parts);
        for schema in self.catalog.user_operators(schema, name) {
            self.unknown_call = true;
            self.part("call", schema_part("Function", schema, name));
        }
        if !matches!(schema, "" | "pg_catalog") && self.catalog.user_operators(schema, name).next().is_none() {
            self.unknown_call = true;
            self.unknown(schema, name);
            self.part("call", schema_part("Function", schema, name));
        }
    }

    /// What one of PostgreSQL's own functions does beside computing.
    fn effect(&mut self, effect: Effect, name: &str, arguments: &'a [Tree]) {
        match effect {
            Effect::RunsSql => self.opaque(format!("{name} runs SQL that it is given as text")),
            Effect::RunsSqlUnlessArguments(count) if arguments.len() == count => {}
            Effect::RunsSqlUnlessArguments(_) => self.opaque(format!("{name} runs SQL that it is given as text")),
            Effect::ServerFile => self.main("server_file"),
            Effect::OthersStatements => self.main("others_statements"),
            Effect::LargeObject => {
                self.main("large_object");
                self.unknown_call = true;
            }
            Effect::Signal => self.main("signal"),
            Effect::Notify => match arguments.first().and_then(|tree| self.constant(tree)) {
                Some(channel) => self.part("notify", plain_part("Channel", &channel)),
                None => self.part("notify", plain_part("Channel", "*")),
            },
            Effect::SetConfig => {
                let value = arguments.get(1).and_then(|tree| self.constant(tree));
                match arguments.first().and_then(|tree| self.constant(tree)) {
                    Some(setting) => self.setting(&setting, value.as_deref()),
                    None => {
                        self.main("set");
                        self.opaque("set_config sets a setting whose name the text doesn't say");
                    }
                }
            }
            Effect::ShowSetting => {
                let setting = arguments.first().and_then(|tree| self.constant(tree));
                let setting = setting.map_or_else(|| "*".to_owned(), |name| plain_name(&name));
                self.part("show", plain_part("Setting", &setting));
            }
            Effect::Sequence => {
                let name = arguments.first().and_then(|tree| self.constant(tree));
                self.sequence(name);
            }
            Effect::AdvisoryLock => self.main("lock"),
            Effect::Replicate => self.main("replicate"),
            Effect::ReplicateData => {
                self.main("replicate");
                self.unknown_call = true;
            }
            Effect::AdministerServer => self.main("administer_server"),
            Effect::Keeps => {}
        }
    }

    /// nextval and setval take the sequence as a text that is read like a name in SQL.
    fn sequence(&mut self, written: Option<String>) {
        let Some(parts) = written.as_deref().and_then(written_name) else {
            self.main("update");
            return;
        };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (schema, name) = schema_and_name(&parts);
        let entries: Vec<_> = self.catalog.named(schema, name).collect();
        if entries.is_empty() {
            self.part("update", table_part(schema, name));
        }
        for entry in entries {
            self.part("update", entry.part.clone());
        }
    }

    // ---- settings

    /// A SET or RESET, wherever it stands. Gives the main action that it is.
    pub(super) fn set(&mut self, node: &'a Node) -> &'static str {
        use pg_query::protobuf::VariableSetKind as Kind;
        let kind = i32::try_from(node.int("kind")).ok().and_then(|kind| Kind::try_from(kind).ok());
        let name = plain_name(node.text("name"));
        match kind {
            Some(Kind::VarSetValue) => {
                let values: Option<Vec<String>> =
                    node.get("args").list().iter().map(|value| self.constant(value)).collect();
                let value = values.map(|values| values.join(", "));
                if name == "role" && value.as_deref() == Some("none") {
                    self.part("reset", plain_part("Setting", &name));
                    return "reset";
                }
                self.setting(&name, value.as_deref());
                match change(&name, value.as_deref()) {
                    Change::Plain => "set",
                    Change::Role => "change_role",
                    Change::Unsafe(_) => "unsafe_setting",
                }
            }
            Some(Kind::VarSetDefault | Kind::VarReset) => {
                self.part("reset", plain_part("Setting", &name));
                "reset"
            }
            Some(Kind::VarResetAll) => {
                self.part("reset", plain_part("Setting", "all"));
                "reset"
            }
            // SET TRANSACTION and its like, and a function's SET … FROM CURRENT.
            Some(Kind::VarSetMulti | Kind::VarSetCurrent) => {
                self.part("set", plain_part("Setting", &name));
                "set"
            }
            Some(Kind::Undefined) | None => {
                self.opaque("a SET of a kind that Weir does not know");
                "set"
            }
        }
    }

    pub(super) fn setting(&mut self, name: &str, value: Option<&str>) {
        let part = plain_part("Setting", &plain_name(name));
        match change(name, value) {
            Change::Plain => self.part("set", part),
            Change::Role if value == Some("none") && plain_name(name) == "role" => self.part("reset", part),
            Change::Role => self.main("change_role"),
            Change::Unsafe(_) => self.part("unsafe_setting", part),
        }
    }
}

/// What a node of the grammar's own JSON functions would call on a server before PostgreSQL 16 or 17.
pub(crate) fn newer_syntax(kind: &str) -> &'static [&'static str] {
    match kind {
        "JsonFuncExpr" => &["json_exists", "json_query", "json_value"],
        "JsonParseExpr" => &["json"],
        "JsonScalarExpr" => &["json_scalar"],
        "JsonSerializeExpr" => &["json_serialize"],
        "JsonObjectConstructor" => &["json_object"],
        "JsonArrayConstructor" | "JsonArrayQueryConstructor" => &["json_array"],
        "JsonObjectAgg" => &["json_objectagg"],
        "JsonArrayAgg" => &["json_arrayagg"],
        _ => &[],
    }
}

/// The text of a constant, also one with a cast around it.
fn constant(tree: &Tree) -> Option<String> {
    let node = tree.node()?;
    match node.kind {
        "TypeCast" => constant(node.get("arg")),
        "AConst" => {
            let value = node.get("val").node();
            match value.map(|value| (value.kind, value)) {
                Some(("String", value)) => Some(value.text("sval").to_owned()),
                Some(("Integer", value)) => Some(value.int("ival").to_string()),
                Some(("Float", value)) => Some(value.text("fval").to_owned()),
                Some(("Boolean", value)) => Some(if value.int("boolval") == 0 { "false" } else { "true" }.to_owned()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A name written in a text, as `'public."Seq"'::regclass` is read. `None` if it isn't one.
fn written_name(text: &str) -> Option<Vec<String>> {
    let (mut parts, mut part, mut chars) = (Vec::new(), String::new(), text.trim().chars().peekable());
    loop {
        match chars.next() {
            Some('"') => loop {
                match chars.next()? {
                    '"' if chars.peek() == Some(&'"') => part.extend(chars.next()),
                    '"' => break,
                    letter => part.push(letter),
                }
            },
            Some('.') => parts.push(std::mem::take(&mut part)),
            Some(letter) => part.extend(letter.to_lowercase()),
            None => {
                parts.push(part);
                return parts.iter().all(|part| !part.is_empty()).then_some(parts);
            }
        }
    }
}

/// Whether a WHERE restricts anything: a constant, or a column compared with itself, does not.
pub(super) fn is_condition(tree: &Tree) -> bool {
    use pg_query::protobuf::BoolExprType as Bool;
    let Some(node) = tree.node() else { return false };
    if node.kind == "BoolExpr" {
        let mut arguments = node.get("args").list().iter();
        let or = node.int("boolop") == i64::from(i32::from(Bool::OrExpr));
        return if or { arguments.all(is_condition) } else { arguments.any(is_condition) };
    }
    if node.kind == "AExpr" && same_value(node.get("lexpr"), node.get("rexpr")) {
        return false;
    }
    node.contains(&["ColumnRef", "CurrentOfExpr"])
}

/// Whether there is a constant on both sides of a comparison in a condition: whether that restricts anything may depend on
/// their values.
fn compares_constants(tree: &Tree) -> bool {
    let has_constant =
        |side: &Tree| side.as_kind("AConst").is_some() || side.node().is_some_and(|node| node.contains(&["AConst"]));
    let Some(node) = tree.node() else { return false };
    match node.kind {
        "BoolExpr" => node.get("args").list().iter().any(compares_constants),
        "AExpr" => [node.get("lexpr"), node.get("rexpr")].into_iter().all(has_constant),
        _ => false,
    }
}

/// Whether two expressions are written the same, wherever they stand.
fn same_value(left: &Tree, right: &Tree) -> bool {
    match (left, right) {
        (Tree::Node(left), Tree::Node(right)) => {
            let placed = |name: &&(&str, Tree)| name.0 != "location";
            left.kind == right.kind
                && left.fields.iter().filter(placed).count() == right.fields.iter().filter(placed).count()
                && left
                    .fields
                    .iter()
                    .filter(placed)
                    .zip(right.fields.iter().filter(placed))
                    .all(|((left_name, left), (right_name, right))| left_name == right_name && same_value(left, right))
        }
        (Tree::List(left), Tree::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_value(left, right))
        }
        (left, right) => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_texts_are_read_as_postgresql_does() {
        let read = |text| written_name(text).map(|parts| parts.join("|"));
        assert_eq!(read("orders_id_seq").as_deref(), Some("orders_id_seq"));
        assert_eq!(read("Public.\"Odd \"\"One.\"").as_deref(), Some("public|Odd \"One."));
        assert_eq!(read(""), None);
        assert_eq!(read("\"open"), None);
        assert_eq!(read("a..b"), None);
    }
}
