//! Values: of what an expression is made.

use lineage::{Column, Found, Origin, Output, Source};
use pg_query::protobuf::SubLinkType;

use super::function::returns_more;
use super::probe::by_name;
use super::{At, Probe, Resolver};
use crate::analyse::newer_syntax;
use crate::functions::effect;
use crate::tree::{Node, Tree, name_parts, schema_and_name};

impl<'a> Resolver<'a> {
    /// Of what a value is made, or all the values of a list.
    pub(super) fn value(&mut self, tree: &'a Tree, at: &At<'a>) -> Origin {
        match tree {
            Tree::Node(node) => self.expression(node, at),
            Tree::List(items) => {
                let mut origin = Origin::Free;
                items.iter().for_each(|item| origin.mix(self.value(item, at)));
                origin
            }
            Tree::Nothing | Tree::Text(_) | Tree::Int(_) => Origin::Free,
        }
    }

    /// Of what an expression is made.
    pub(super) fn expression(&mut self, node: &'a Node, at: &At<'a>) -> Origin {
        if !self.step() {
            return Origin::Unknown;
        }
        match node.kind {
            "ColumnRef" => {
                let parts = name_parts(node.get("fields").list());
                match parts.as_slice() {
                    // As an argument: f(t.*).
                    [qualifier @ .., "*"] => {
                        self.star(qualifier, at).iter().map(|output| output.origin().clone()).collect()
                    }
                    parts => self.column(parts, at).origin,
                }
            }
            "AConst" | "ParamRef" | "SetToDefault" | "CurrentOfExpr" | "MergeSupportFunc" => Origin::Free,
            // CURRENT_USER and the like.
            "SqlvalueFunction" => Origin::Free,
            // Its arguments are those of GROUP BY: it says which of them are in the group, not what they are.
            "GroupingFunc" => Origin::Free,
            "FuncCall" => self.call(node, at),
            "AExpr" => self.comparison(node, at, false).computed(),
            // What is shown depends on it.
            "CaseExpr" => {
                let mut origin = self.value(node.get("arg"), at);
                self.probe(&origin, Probe::Equality);
                for case in node.get("args").list().iter().filter_map(Tree::node) {
                    let condition = match node.has("arg") {
                        true => {
                            let compared = self.value(case.get("expr"), at);
                            self.probe(&compared, Probe::Equality);
                            compared
                        }
                        false => self.condition(case.get("expr"), at),
                    };
                    origin.mix(condition);
                    origin.mix(self.value(case.get("result"), at));
                }
                origin.with(self.value(node.get("defresult"), at)).computed()
            }
            "NullTest" if self.is_stored_row(node.get("arg"), at) => Origin::Free,
            "NullTest" => match self.value(node.get("arg"), at) {
                // That a value is missing says nothing of what it is. That what is made of it is missing may.
                Origin::Copy(_) => Origin::Free,
                other => other.computed(),
            },
            // What is not computed has no effect: whether it has tells of the rest.
            "BoolExpr" if self.has_effects => self.condition(node.get("args"), at).computed(),
            "CoalesceExpr" => {
                let origin = self.coalesce(node, at);
                if self.has_effects && !matches!(origin, Origin::Shaped(_)) {
                    self.probe(&origin, Probe::Pattern);
                }
                origin
            }
            "RowExpr" => self.row(node, at),
            "SubLink" => self.sublink(node, at, self.has_effects),
            "SelectStmt" | "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => {
                let outputs = self.query(node, at);
                outputs.iter().map(|output| output.origin().clone()).collect::<Origin>().computed()
            }
            "AIndirection" => self.part_of_value(node, at),
            "TypeCast" => {
                let names = node.get("type_name").node().map(|name| name.get("names").list());
                let to = names.and_then(<[Tree]>::last).map_or("", Tree::text);
                let code = self.catalog.casts_by_code(to);
                let origin = self.value(node.get("arg"), at);
                match &origin {
                    _ if code => self.code(origin),
                    // A text that is taken for another kind of text, and not cut.
                    Origin::Copy(source) if is_whole_text(node) && self.is_text(*source) => origin,
                    _ => self.cast_document(node, origin),
                }
            }
            "CollateClause" => self.value(node.get("arg"), at),
            // `OVER w`, and a window that is made of another.
            "WindowDef" => {
                let window = |name: &str| at.windows.iter().flat_map(|all| all.iter()).find(|known| known.0 == name);
                let mut origin = Origin::Free;
                for field in ["name", "refname"] {
                    match node.text(field) {
                        "" => {}
                        name => origin.mix(window(name).map_or(Origin::Free, |known| known.1.clone())),
                    }
                }
                for (field, how) in [("partition_clause", Probe::Group), ("order_clause", Probe::Order)] {
                    let sorted = self.value(node.get(field), at);
                    self.probe(&sorted, how);
                    origin.mix(sorted);
                }
                origin.with(self.value(node.get("start_offset"), at)).with(self.value(node.get("end_offset"), at))
            }
            "SortBy" => {
                let code = self.catalog.is_users_operator(node.get("use_op"));
                let origin = self.value(node.get("node"), at);
                if code { self.code(origin) } else { origin }
            }
            kind => {
                // A server that does not have the syntax calls the users' function of that name.
                let users = |name: &&&str| self.catalog.user_functions("", name).next().is_some();
                if newer_syntax(kind).iter().any(|name| users(&name)) {
                    let origin = self.below(node, at);
                    return self.code(origin);
                }
                match kind {
                    "JsonObjectConstructor" => self.json_object(node, at),
                    "JsonArrayAgg" => self.json_array_agg(node, at),
                    _ => self.below(node, at).computed(),
                }
            }
        }
    }

    /// Of what all is made that stands below.
    pub(super) fn below(&mut self, node: &'a Node, at: &At<'a>) -> Origin {
        let mut origin = Origin::Free;
        for (name, value) in &node.fields {
            // The names of operators and of types are no values.
            if !matches!(*name, "name" | "oper_name" | "type_name" | "use_op") {
                origin.mix(self.value(value, at));
            }
        }
        origin
    }

    /// Whether a source holds text.
    pub(super) fn is_text(&self, source: Source) -> bool {
        let field = usize::try_from(source.0).ok().and_then(|at| self.fields.get(at));
        field.is_some_and(|field| self.catalog.is_text(field))
    }

    // ---- names

    /// What a column reference means.
    pub(super) fn column(&mut self, parts: &[&'a str], at: &At<'a>) -> Column<'a> {
        let scope = &at.scope;
        match parts {
            [name] => {
                self.steps(scope.size());
                match scope.name(name) {
                    Some(Found::Column(column)) => column,
                    Some(Found::Row(origin)) => Column::computed(None, self.made(origin)),
                    None => Column::computed(None, Origin::Unknown),
                }
            }
            // With a schema the table is meant, and no alias of that name: it may be in a query around.
            [_, .., table, name] => {
                self.steps(scope.size());
                let columns = scope.all_items(table).filter_map(|item| item.rows.column(name));
                let column = columns.reduce(|one, two| Column {
                    bare: one.bare && two.bare,
                    origin: one.origin.or(two.origin),
                    ..one
                });
                column.unwrap_or_else(|| Column::computed(None, Origin::Unknown))
            }
            [table, name] => {
                self.steps(scope.size());
                let mut found: Option<Column<'a>> = None;
                let (mut certain, mut row) = (true, Origin::Free);
                for item in scope.items(table) {
                    let column = item.rows.column(name);
                    certain &= column.as_ref().is_some_and(|column| column.certain);
                    row.mix(item.rows.row());
                    if let Some(column) = column {
                        found = Some(match found {
                            Some(other) => Column { bare: false, origin: other.origin.or(column.origin), ..other },
                            None => column,
                        });
                    }
                }
                match found {
                    Some(column) if certain => column,
                    // A function of the row can be written like a column of it.
                    found => match (found, self.function_of_row(name, row)) {
                        (Some(column), Some(function)) => {
                            Column { bare: false, origin: column.origin.or(function), ..column }
                        }
                        (Some(column), None) => column,
                        (None, function) => Column::computed(None, function.unwrap_or(Origin::Unknown)),
                    },
                }
            }
            [] => Column::computed(None, Origin::Unknown),
        }
    }

    /// What a function makes of a row whose column it is taken for, if there is one of that name.
    fn function_of_row(&mut self, name: &str, row: Origin) -> Option<Origin> {
        self.gives_rows(&[name], &row);
        if self.catalog.user_functions("", name).any(|function| !function.computes) {
            return Some(self.code(row));
        }
        let more = effect(name).is_some_and(returns_more);
        let known = self.catalog.only_computes("", name);
        known.then(|| if more { Origin::Code(row.sources()) } else { row.computed() })
    }

    /// What a star gives.
    pub(super) fn star(&mut self, qualifier: &[&'a str], at: &At<'a>) -> Vec<Output<'a>> {
        let outputs: Vec<Output<'a>> = match qualifier {
            [] => {
                let items = at.scope.innermost().map_or(&[][..], |level| level.items());
                items.iter().filter(|item| item.open).flat_map(|item| item.rows.star()).collect()
            }
            [schema @ .., name] => {
                self.steps(at.scope.size());
                let items: Vec<_> = match schema {
                    [] => at.scope.items(name).collect(),
                    _ => at.scope.all_items(name).collect(),
                };
                match items.as_slice() {
                    [item] => item.rows.star(),
                    [] => vec![Output::many(Origin::Unknown)],
                    items => vec![Output::many(items.iter().map(|item| item.rows.row()).collect())],
                }
            }
        };
        self.steps(outputs.len());
        outputs
    }

    /// `(value).*`
    pub(super) fn star_of_value(&mut self, node: &'a Node, at: &At<'a>) -> Vec<Output<'a>> {
        if let ([_star], Some(row)) = (node.get("indirection").list(), self.row_named(node, at)) {
            return self.star(&[row], at);
        }
        let origin = self.below(node, at).computed();
        let steps: Vec<&str> = node.get("indirection").list().iter().map(Tree::text).collect();
        self.gives_rows(&steps, &origin);
        vec![Output::many(origin)]
    }

    /// `(value).part` and `(value)[index]`
    fn part_of_value(&mut self, node: &'a Node, at: &At<'a>) -> Origin {
        let steps = node.get("indirection").list();
        if let ([step], Some(row)) = (steps, self.row_named(node, at))
            && !step.text().is_empty()
        {
            return self.column(&[row, step.text()], at).origin;
        }
        let origin = self.below(node, at).computed();
        let names: Vec<&str> = steps.iter().map(Tree::text).collect();
        self.gives_rows(&names, &origin);
        let code = |step: &Tree| self.catalog.user_functions("", step.text()).any(|function| !function.computes);
        if steps.iter().any(code) { self.code(origin) } else { origin }
    }

    /// Whether a value is the whole row of something whose columns are as they are stored.
    pub(super) fn is_stored_row(&self, tree: &Tree, at: &At<'a>) -> bool {
        let Some(reference) = tree.as_kind("ColumnRef") else { return false };
        match name_parts(reference.get("fields").list()).as_slice() {
            [name] | [name, "*"] => {
                let is_row = matches!(at.scope.name(name), Some(Found::Row(_)));
                is_row && at.scope.items(name).all(|item| item.rows.is_stored())
            }
            _ => false,
        }
    }

    /// Functions of these names may be called with this: if one returns a set, how many rows it gives may tell of it.
    fn gives_rows(&mut self, names: &[&str], of: &Origin) {
        let returns_set = |name: &&&str| self.catalog.returns_set(name);
        if names.iter().any(|name| returns_set(&name)) {
            self.probe(of, Probe::Range);
        }
    }

    /// The name of what stands in FROM, if the value that something is taken of is its row.
    fn row_named(&mut self, node: &'a Node, at: &At<'a>) -> Option<&'a str> {
        let reference = node.get("arg").as_kind("ColumnRef")?;
        match name_parts(reference.get("fields").list()).as_slice() {
            [name] | [name, "*"] => match at.scope.name(name) {
                Some(Found::Row(_)) => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    // ---- subqueries

    /// If it `decides` something, what it compares is learnt of.
    pub(super) fn sublink(&mut self, node: &'a Node, at: &At<'a>, decides: bool) -> Origin {
        let kind = i32::try_from(node.int("sub_link_type")).ok().and_then(|kind| SubLinkType::try_from(kind).ok());
        let code = self.catalog.is_users_operator(node.get("oper_name"));
        let test = self.value(node.get("testexpr"), at);
        let outputs = match node.get("subselect").node() {
            Some(query) => self.query(query, at),
            None => vec![Output::many(Origin::Unknown)],
        };
        if decides && kind != Some(SubLinkType::ExistsSublink) && kind != Some(SubLinkType::ExprSublink) {
            let parts = name_parts(node.get("oper_name").list());
            // `IN` has no operator.
            let how = if parts.is_empty() { Probe::Equality } else { by_name(schema_and_name(&parts).1) };
            let how = if how == Probe::Equality { Probe::Join } else { how };
            self.probe(&test, how);
            self.all(&outputs, how);
        }
        let given = || outputs.iter().map(|output| output.origin().clone()).collect::<Origin>();
        match kind {
            _ if code => {
                let made = test.with(given());
                self.code(made)
            }
            // Whether there are rows is a matter of conditions.
            Some(SubLinkType::ExistsSublink) => Origin::Free,
            Some(SubLinkType::ExprSublink) => match outputs.as_slice() {
                [Output::One(column)] => {
                    if decides {
                        self.probe(&column.origin, Probe::Equality);
                    }
                    column.origin.clone()
                }
                _ => {
                    if decides {
                        self.probe(&given(), Probe::Pattern);
                    }
                    given().computed()
                }
            },
            Some(SubLinkType::ArraySublink) => self.list_of(&outputs).unwrap_or_else(|| given().computed()),
            _ => test.with(given()).computed(),
        }
    }
}

/// Whether a cast is to text or to varchar of any length.
fn is_whole_text(cast: &Node) -> bool {
    let Some(name) = cast.get("type_name").node() else { return false };
    let parts = name_parts(name.get("names").list());
    let (schema, kind) = schema_and_name(&parts);
    let whole = !name.has("typmods") && !name.has("array_bounds") && !name.has("setof");
    matches!(schema, "" | "pg_catalog") && matches!(kind, "text" | "varchar") && whole
}
