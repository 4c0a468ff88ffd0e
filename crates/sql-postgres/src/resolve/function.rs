//! Calls: what a function makes of its arguments.

use lineage::Origin;
use pg_query::protobuf::CoercionForm;

use super::{At, Resolver};
use crate::functions::{Effect, effect, says_nothing};
use crate::tree::{Node, name_parts, schema_and_name};

impl<'a> Resolver<'a> {
    /// Of what the result of a call is made.
    pub(super) fn call(&mut self, node: &'a Node, at: &At<'a>) -> Origin {
        let parts = name_parts(node.get("funcname").list());
        let (schema, name) = schema_and_name(&parts);
        let arguments: Vec<Origin> = node.get("args").list().iter().map(|value| self.value(value, at)).collect();
        // The order, the window, and what is counted at all.
        let mut around = Origin::Free;
        for field in ["agg_order", "agg_filter", "over"] {
            around.mix(self.value(node.get(field), at));
        }
        let own_syntax = node.int("funcformat") == i64::from(i32::from(CoercionForm::CoerceSqlSyntax));
        let users = self.catalog.user_functions(schema, name).any(|function| !function.computes);
        let casts = self.catalog.casts_by_code(name);
        if users || casts || !own_syntax && !self.catalog.only_computes(schema, name) {
            return self.code();
        }
        // Before PostgreSQL 16 it is the name of a column.
        if own_syntax && name == "system_user" {
            return Origin::Unknown;
        }
        if self.catalog.is_system_function(schema, name) && effect(name).is_some_and(returns_more) {
            return Origin::Unknown;
        }
        // It says nothing of a value that is as it was stored. Of what is computed of one it may say everything.
        let whole = |origin: &Origin| matches!(origin, Origin::Free | Origin::Copy(_));
        let alone = self.catalog.user_functions(schema, name).next().is_none();
        let rest_free = arguments.iter().skip(1).all(Origin::is_free);
        if alone && says_nothing(name) && rest_free && arguments.first().is_none_or(whole) && !self.is_projection(name)
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

/// Whether a function with this effect may return what it was not given.
fn returns_more(effect: Effect) -> bool {
    use Effect::{LargeObject, OthersStatements, ReplicateData, RunsSql, RunsSqlUnlessArguments, ServerFile};
    matches!(effect, RunsSql | RunsSqlUnlessArguments(_) | ServerFile | OthersStatements | LargeObject | ReplicateData)
}
