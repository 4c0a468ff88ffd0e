//! SELECT: its clauses, its arms, and the queries of its WITH.

use std::rc::Rc;

use lineage::{Column, Level, Origin, Output, Rows};
use pg_query::protobuf::SetOperation;

use super::names::name;
use super::{At, Named, NamedList, Probe, Resolver, State};
use crate::tree::{Node, Tree, name_parts};

/// How often a query that refers to itself is followed until nothing new is found in it.
const ROUNDS_MAX: usize = 256;

impl<'a> Resolver<'a> {
    /// The outputs of whatever can stand where a query can.
    pub(super) fn query(&mut self, node: &'a Node, around: &At<'a>) -> Vec<Output<'a>> {
        if !self.step() {
            return vec![Output::many(Origin::Unknown)];
        }
        let at = &self.with(node, around);
        let outputs = match node.kind {
            "SelectStmt" if node.has("larg") => {
                let mut arm = |field: &str| match node.get(field).node() {
                    Some(arm) => Rows::of(self.query(arm, at)),
                    None => Rows::unknown(),
                };
                let (left, right) = (arm("larg"), arm("rarg"));
                let outputs = left.united(right).star();
                // The first arm holds INTO, and the others are kept with it.
                if first_arm(node).has("into_clause") {
                    outputs.iter().for_each(|output| self.store(output.origin()));
                }
                // All but UNION ALL compare rows.
                let union = node.int("op") == i64::from(i32::from(SetOperation::SetopUnion));
                if !(union && node.has("all")) {
                    self.all(&outputs, Probe::Group);
                }
                self.sorted(node, &outputs, at);
                outputs
            }
            "SelectStmt" if node.has("values_lists") => self.values(node, at),
            "SelectStmt" => self.select(node, at),
            "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => self.change(node, at),
            _ => vec![Output::many(Origin::Unknown)],
        };
        // What changes data runs whether somebody asks for its rows or not.
        self.follow_all(at, around);
        outputs
    }

    fn select(&mut self, node: &'a Node, at: &At<'a>) -> Vec<Output<'a>> {
        let items = self.stands(node.get("from_clause"), Vec::new(), at);
        let mut inside =
            At { scope: at.scope.inside(Rc::new(Level::new(items))), named: at.named.clone(), windows: None };
        for window in node.get("window_clause").list().iter().filter_map(Tree::node) {
            let origin = self.expression(window, &inside);
            Rc::make_mut(inside.windows.get_or_insert_default()).push((window.text("name"), origin));
        }
        let outputs = self.targets(node.get("target_list"), &inside);
        self.condition(node.get("where_clause"), &inside);
        self.sorts(node.get("group_clause"), &outputs, &inside, Probe::Group);
        self.condition(node.get("having_clause"), &inside);
        match node.get("distinct_clause").list() {
            [] => {}
            // DISTINCT alone is a list of nothing.
            list if list.iter().all(|item| item.node().is_none()) => self.all(&outputs, Probe::Group),
            _ => self.sorts(node.get("distinct_clause"), &outputs, &inside, Probe::Group),
        }
        self.sorted(node, &outputs, &inside);
        if node.has("into_clause") {
            outputs.iter().for_each(|output| self.store(output.origin()));
        }
        outputs
    }

    /// ORDER BY and LIMIT.
    fn sorted(&mut self, node: &'a Node, outputs: &[Output<'a>], at: &At<'a>) {
        self.sorts(node.get("sort_clause"), outputs, at, Probe::Order);
        for clause in ["limit_count", "limit_offset"] {
            let origin = self.value(node.get(clause), at);
            self.probe(&origin, Probe::Range);
        }
    }

    /// A list of outputs, of SELECT or RETURNING.
    pub(super) fn targets(&mut self, targets: &'a Tree, at: &At<'a>) -> Vec<Output<'a>> {
        let mut outputs = Vec::new();
        for target in targets.list().iter().filter_map(Tree::node) {
            if outputs.len() > OUTPUTS_MAX || self.steps == 0 {
                self.steps = 0;
                return vec![Output::many(Origin::Unknown)];
            }
            let value = target.get("val");
            if let Some(all) = self.star_in_list(value, at) {
                outputs.extend(all);
                continue;
            }
            let column = match value.as_kind("ColumnRef") {
                Some(reference) => {
                    let column = self.column(&name_parts(reference.get("fields").list()), at);
                    Column { name: name(target), certain: true, ..column }
                }
                None => Column::computed(name(target), self.value(value, at)),
            };
            outputs.push(Output::One(column));
        }
        outputs
    }

    /// In a list of values: what a star stands for, if this is one.
    fn star_in_list(&mut self, value: &'a Tree, at: &At<'a>) -> Option<Vec<Output<'a>>> {
        let value = value.node()?;
        match value.kind {
            "ColumnRef" => {
                let parts = name_parts(value.get("fields").list());
                let [qualifier @ .., "*"] = parts.as_slice() else { return None };
                Some(self.star(qualifier, at))
            }
            "AIndirection" if is_star(value.get("indirection")) => Some(self.star_of_value(value, at)),
            _ => None,
        }
    }

    fn values(&mut self, node: &'a Node, at: &At<'a>) -> Vec<Output<'a>> {
        let mut columns: Vec<Origin> = Vec::new();
        let (mut first, mut ragged) = (true, false);
        for row in node.get("values_lists").list() {
            let mut values: Vec<Origin> = Vec::new();
            for value in row.list() {
                let Some(all) = self.star_in_list(value, at) else {
                    values.push(self.value(value, at));
                    continue;
                };
                for output in all {
                    ragged |= matches!(output, Output::Many { .. });
                    values.push(output.origin().clone());
                }
            }
            if values.len() > OUTPUTS_MAX || self.steps == 0 {
                self.steps = 0;
                return vec![Output::many(Origin::Unknown)];
            }
            if first {
                (columns, first) = (values, false);
                continue;
            }
            ragged |= values.len() != columns.len();
            for (column, value) in columns.iter_mut().zip(values) {
                *column = std::mem::take(column).or(value);
            }
        }
        if ragged {
            return vec![Output::many(Origin::Unknown)];
        }
        let names = (0_usize..).map(|at| VALUES_NAMES.get(at).copied());
        let named = names.zip(columns);
        let outputs: Vec<_> = named.map(|(name, origin)| Output::One(Column::computed(name, origin))).collect();
        self.sorted(node, &outputs, at);
        outputs
    }

    // ---- WITH

    /// What can be seen where this query's WITH can.
    fn with(&mut self, node: &'a Node, around: &At<'a>) -> At<'a> {
        let mut at = around.clone();
        let Some(clause) = node.get("with_clause").node() else { return at };
        let recursive = clause.has("recursive");
        let first = self.queries.len();
        for query in clause.get("ctes").list().iter().filter_map(Tree::node) {
            let named = Named { node: query, recursive, at: at.clone(), state: State::Waiting };
            let next = at.named.take();
            at.named = Some(Rc::new(NamedList { name: query.text("ctename"), query: self.queries.len(), next }));
            self.queries.push(named);
        }
        if recursive {
            // Each sees all of them, itself too.
            for named in self.queries.iter_mut().skip(first) {
                named.at = at.clone();
            }
        }
        at
    }

    /// Follows what nobody has asked for.
    fn follow_all(&mut self, at: &At<'a>, around: &At<'a>) {
        let mut next = at.named.clone();
        let last = around.named.as_ref().map(|named| named.query);
        while let Some(named) = next.filter(|named| Some(named.query) != last) {
            self.rows_of_named(named.query);
            next = named.next.clone();
        }
    }

    /// The query of a WITH that this name means, if it means one.
    pub(super) fn named(&mut self, name: &str, at: &At<'a>) -> Option<usize> {
        let mut next = at.named.as_deref();
        while let Some(named) = next {
            self.step();
            if named.name == name {
                return Some(named.query);
            }
            next = named.next.as_deref();
        }
        None
    }

    /// The rows of a query of a WITH.
    pub(super) fn rows_of_named(&mut self, query: usize) -> Rc<Rows<'a>> {
        let unknown = || Rc::new(Rows::unknown());
        let Some(named) = self.queries.get_mut(query) else { return unknown() };
        match &mut named.state {
            State::Done(rows) => return Rc::clone(rows),
            State::Going { rows, asked } => {
                *asked = true;
                return rows.clone().unwrap_or_else(unknown);
            }
            State::Waiting => {}
        }
        let (node, recursive, at) = (named.node, named.recursive, named.at.clone());
        let Some(body) = node.get("ctequery").node() else { return unknown() };
        self.going(query, None);
        let mut known: Option<Rc<Rows<'a>>> = None;
        if recursive && body.has("larg") {
            // The first arm does not refer to the query itself.
            let inside = self.with(body, &at);
            let first = body.get("larg").node().map(|arm| self.query(arm, &inside)).unwrap_or_default();
            known = Some(Rc::new(self.as_named(node, Rows::of(first))));
        }
        let mut settled = false;
        for _ in 0..ROUNDS_MAX {
            self.going(query, known.clone());
            let outputs = self.query(body, &at);
            let rows = Rc::new(self.as_named(node, Rows::of(outputs)));
            let asked =
                matches!(self.queries.get(query).map(|named| &named.state), Some(State::Going { asked: true, .. }));
            settled = !asked || known.as_ref() == Some(&rows);
            known = Some(rows);
            if settled {
                break;
            }
            if !self.step() {
                break;
            }
        }
        // What has not settled may hold more than was found.
        if !settled {
            known = None;
            self.probes_anything = true;
        }
        let rows = known.unwrap_or_else(unknown);
        if let Some(named) = self.queries.get_mut(query) {
            named.state = State::Done(Rc::clone(&rows));
        }
        rows
    }

    fn going(&mut self, query: usize, rows: Option<Rc<Rows<'a>>>) {
        if let Some(named) = self.queries.get_mut(query) {
            named.state = State::Going { rows, asked: false };
        }
    }

    /// The rows of a WITH's query under the names that the WITH gives them, with what SEARCH and CYCLE add.
    fn as_named(&mut self, node: &'a Node, rows: Rows<'a>) -> Rows<'a> {
        let mut rows = rows.renamed(node.get("aliascolnames").list().iter().map(Tree::text));
        let row = rows.row();
        let mut add = |clause: &'a Node, field: &str| {
            if clause.has(field) {
                // It can be named, and is not in every star.
                rows.unordered = true;
                rows.columns.push(Column::computed(Some(clause.text(field)), row.clone()));
            }
        };
        if let Some(search) = node.get("search_clause").node() {
            add(search, "search_seq_column");
        }
        if let Some(cycle) = node.get("cycle_clause").node() {
            add(cycle, "cycle_mark_column");
            add(cycle, "cycle_path_column");
        }
        rows
    }
}

/// The first arm of a set operation.
fn first_arm(node: &Node) -> &Node {
    let mut first = node;
    while let Some(left) = first.get("larg").node() {
        first = left;
    }
    first
}

/// Whether the last step that is taken into a value is a star.
fn is_star(steps: &Tree) -> bool {
    steps.list().last().is_some_and(|last| last.as_kind("AStar").is_some())
}

/// More outputs than PostgreSQL takes (`MaxTupleAttributeNumber`).
const OUTPUTS_MAX: usize = 1664;

/// The names of the columns of VALUES, as far as anybody uses them. Those beyond may have any name.
const VALUES_NAMES: [&str; 32] = [
    "column1", "column2", "column3", "column4", "column5", "column6", "column7", "column8", "column9", "column10",
    "column11", "column12", "column13", "column14", "column15", "column16", "column17", "column18", "column19",
    "column20", "column21", "column22", "column23", "column24", "column25", "column26", "column27", "column28",
    "column29", "column30", "column31", "column32",
];
