//! Calls: what a function makes of its arguments.

use lineage::Origin;
use pg_query::protobuf::CoercionForm;

use super::{At, Probe, Resolver};
use crate::functions::{Effect, says_nothing};
use crate::tree::{Node, name_parts, schema_and_name};

impl<'a> Resolver<'a> {
    /// Of what the result of a call is made.
    pub(super) fn call(&mut self, node: &'a Node, at: &At<'a>) -> Origin {
        let parts = name_parts(node.get("funcname").list());
        let (schema, name) = schema_and_name(&parts);
        let arguments: Vec<Origin> = node.get("args").list().iter().map(|value| self.argument(value, at)).collect();
        // The order, the window, and what is counted at all.
        let mut around = self.condition(node.get("agg_filter"), at);
        let sorted = self.value(node.get("agg_order"), at);
        self.probe(&sorted, Probe::Order);
        around.mix(sorted);
        around.mix(self.value(node.get("over"), at));
        if node.has("agg_distinct") {
            arguments.iter().for_each(|origin| self.probe(origin, Probe::Group));
        }
        // What it is given is kept: in a sequence, a setting, a notification, a lock.
        if self.catalog.effect(schema, name).is_some() {
            arguments.iter().for_each(|origin| self.store(origin));
        }
        let own_syntax = node.int("funcformat") == i64::from(i32::from(CoercionForm::CoerceSqlSyntax));
        let users = self.catalog.user_functions(schema, name).any(|function| !function.computes);
        let casts = self.catalog.casts_by_code(name);
        let returns_set = self.catalog.returns_set(name);
        if returns_set && !gives_elements(name, &arguments) {
            // How many rows come of it may depend on what it is given.
            arguments.iter().for_each(|origin| self.probe(origin, Probe::Range));
        }
        if users || casts || !own_syntax && !self.catalog.only_computes(schema, name) {
            return self.code(arguments.into_iter().fold(around, Origin::with));
        }
        // Before PostgreSQL 16 it is the name of a column.
        if own_syntax && name == "system_user" {
            return Origin::Unknown;
        }
        if self.catalog.effect(schema, name).is_some_and(returns_more) {
            return Origin::Code(arguments.into_iter().fold(around, Origin::with).sources());
        }
        if let Some(made) = self.made_by_call(node, &arguments, &around) {
            return made;
        }
        // It says nothing of a value that is as it was stored. Of what is computed of one it may say everything.
        let whole = |origin: &Origin| matches!(origin, Origin::Free | Origin::Copy(_));
        let stored_row = name == "count" && node.get("args").list().iter().all(|value| self.is_stored_row(value, at));
        let alone = self.catalog.user_functions(schema, name).next().is_none();
        let rest_free = arguments.iter().skip(1).all(Origin::is_free);
        let says_nothing = says_nothing(name)
            || name == "length" && matches!(arguments.first(), Some(Origin::Copy(source)) if self.is_text(*source));
        if alone
            && says_nothing
            && rest_free
            && (stored_row || arguments.first().is_none_or(whole))
            && !self.is_projection(name)
        {
            return around.computed();
        }
        arguments.into_iter().fold(around, Origin::with).computed()
    }

    /// Whether a call with one argument may take a part of it instead: `ssn(c)` is c.ssn.
    fn is_projection(&self, name: &str) -> bool {
        // There is a count of anything, so it is never looked for in a row.
        name != "count" && self.catalog.has_column(name)
    }
}

/// Whether a call gives the elements of arrays that are as they were stored: how many there are says nothing of them.
fn gives_elements(name: &str, arguments: &[Origin]) -> bool {
    name == "unnest" && arguments.iter().all(|origin| matches!(origin, Origin::Free | Origin::Copy(_)))
}

/// Whether a function with this effect may return what it was not given.
pub(super) fn returns_more(effect: Effect) -> bool {
    use Effect::{LargeObject, OthersStatements, ReplicateData, RunsSql, RunsSqlUnlessArguments, ServerFile};
    matches!(effect, RunsSql | RunsSqlUnlessArguments(_) | ServerFile | OthersStatements | LargeObject | ReplicateData)
}
