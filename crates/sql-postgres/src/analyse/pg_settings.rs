//! `SELECT set_config(name, '…', false) FROM pg_settings WHERE name = '…'`: how pg_dump sets what the server may not have. The
//! setting's name is not the argument, but the condition says what it is.

use super::Findings;
use crate::tree::{Node, Tree, name_parts, schema_and_name};

impl<'a> Findings<'a> {
    /// Whether a SELECT is that and nothing more; then what it sets has been noted, and what it reads.
    pub(super) fn sets_one_of_pg_settings(&mut self, select: &'a Node) -> bool {
        let Some(call) = the_one_call(select) else { return false };
        let ([setting, value, ..], [relation]) = (call.get("args").list(), select.get("from_clause").list()) else {
            return false;
        };
        let Some(range) = relation.as_kind("RangeVar") else { return false };
        let entries = self.resolve(range);
        let own = !entries.is_empty() && entries.iter().all(|entry| entry.is_system() && entry.sets_settings);
        let condition = select.get("where_clause");
        // An equals sign of somebody else's could let other rows through.
        let equals = self.catalog.user_operators("", "=").next().is_none();
        if range.has("alias") || !own || !equals || !is_name(setting) {
            return false;
        }
        let Some(name) = compared_with_name(condition).and_then(|text| self.constant(text)) else { return false };
        let value = self.constant(value);
        self.function(&["set_config"], false);
        self.setting(&name, value.as_deref());
        self.sinks.push(call);
        self.look_below(call, &["funcname"]);
        self.look_below(select, &["target_list"]);
        true
    }
}

/// The call of `set_config` that is all that a SELECT gives.
fn the_one_call(select: &Node) -> Option<&Node> {
    let [target] = select.get("target_list").list() else { return None };
    let call = target.as_kind("ResTarget")?.get("val").as_kind("FuncCall")?;
    let parts = name_parts(call.get("funcname").list());
    matches!(schema_and_name(&parts), ("" | "pg_catalog", "set_config")).then_some(call)
}

fn is_name(tree: &Tree) -> bool {
    tree.as_kind("ColumnRef").is_some_and(|column| name_parts(column.get("fields").list()) == ["name"])
}

/// What `name` is compared with, where a condition is `name = …` and nothing else.
fn compared_with_name(condition: &Tree) -> Option<&Tree> {
    use pg_query::protobuf::AExprKind;
    let compares = condition.as_kind("AExpr")?;
    let plain = compares.int("kind") == i64::from(i32::from(AExprKind::AexprOp));
    let equals = name_parts(compares.get("name").list()) == ["="];
    (plain && equals && is_name(compares.get("lexpr"))).then(|| compares.get("rexpr"))
}
