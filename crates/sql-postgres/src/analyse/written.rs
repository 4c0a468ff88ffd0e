//! What a statement puts into columns, by INSERT, UPDATE, MERGE, COPY FROM and what makes tables: masks and parameters into those that are
//! classified, and constants and parameters into all others.
//!
//! Not of what it is made that is read from columns: that is [`super::store`]'s. A column that gets its default or NULL gets nothing of
//! anybody's. Where a value names a column or holds a query, it may be any constant of the statement that has no column of its own: which
//! it is would have to be found out by following it.

mod settled;
mod source;
mod target;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

use model::{Field, Part};
use pg_query::protobuf::AlterTableType;
use redact::is_mask;
use settled::Settled;
pub(super) use source::arguments;
use source::{NamedRows, Rows, Source, into_of, names_a_column};
pub(super) use target::Scope;
pub(crate) use target::copied_into;
use target::{Classified, Goal, Target, column_name, part_named, part_of, sort};

use super::constants::{AsGiven, Beside, bare, each_in_fields, each_made_beside, each_made_of, given, is_star};
use super::lowering::{Lowerings, Place, Put};
use crate::copy::PlainInto;
use crate::statement::{Given, KeptParameter, PlainPut, ReadAs};
use crate::tree::{Node, Tree};

/// The server has no tables with more (`MaxHeapAttributeNumber`).
const COLUMNS_MAX: usize = 1600;

/// Statements that put something anywhere.
pub(super) const WRITING: [&str; 14] = [
    "InsertStmt",
    "UpdateStmt",
    "MergeStmt",
    "CreateTableAsStmt",
    "IntoClause",
    "CreateStmt",
    "AlterTableStmt",
    "CreateDomainStmt",
    "AlterDomainStmt",
    "ViewStmt",
    "CreateEnumStmt",
    "AlterEnumStmt",
    "CreateSeqStmt",
    "AlterSeqStmt",
];

/// The most values of one text of which is kept where they go, and the most columns that they may go into.
const VALUES_MAX: usize = 262_144;
const GOALS_MAX: usize = 1024 * 1024;
/// How many classified columns all values of one text together may go into. Each is counted as often as something goes there, and one of a view
/// as all those that it is made of.
const USES_MAX: usize = 2 * GOALS_MAX;

/// What is put into columns.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Whether there is more than can be kept.
    pub(super) too_much: bool,
    /// Each classified column that gets a value.
    pub(super) fields: Vec<Field>,
    /// Those that get what Weir has shown in the place of a value, each once.
    pub(super) masks: Vec<Field>,
    masked: HashSet<Field>,
    /// Parameters that are put into one as they are.
    pub(super) parameters: Vec<KeptParameter>,
    /// Values that are put into columns that are not classified.
    pub(super) puts: Vec<PlainPut>,
    /// Columns that may be given less than the values.
    pub(super) lowerings: Lowerings,
}

/// The constants and parameters that a classified column gets as they are. Their values are gone through once, however many columns get them.
#[derive(Debug, Default)]
struct AsTheyAre {
    /// Whether one of the constants is a mask.
    has_mask: bool,
    /// The numbers of the parameters, and whether each is of the column's type.
    parameters: Vec<(usize, bool)>,
    /// Whether more may get there that has no column of its own.
    reaches: bool,
}

impl AsTheyAre {
    fn of(source: &Source<'_>) -> Self {
        let mut all = Self { reaches: matches!(source, Source::Anything), ..Self::default() };
        for value in source.values() {
            let alone = value.as_kind("ParamRef").or_else(|| value.as_kind("AConst")).is_some();
            let is_typed = alone && !matches!(source, Source::Named(..) | Source::Parts(_));
            let mut found = |node: &Node| all.add(node, is_typed);
            let mut search = AsGiven { found: &mut found, reaches: false };
            search.look(value);
            let reaches = search.reaches;
            all.reaches |= reaches;
        }
        all
    }

    fn add(&mut self, node: &Node, is_typed: bool) {
        if node.kind == "ParamRef" {
            self.parameters.push((usize::try_from(node.int("number")).unwrap_or(0), is_typed));
        } else {
            self.has_mask |= holds_mask(node);
        }
    }
}

/// What is gathered from a statement.
struct Gathering<'a, 'c> {
    scope: &'a Scope<'c>,
    written: Written,
    /// The classified fields that are in it.
    fields: HashSet<Field>,
    /// Of which types parameters are.
    settled: Settled,
    /// How many of its parts put something anywhere.
    writes: usize,
    /// Values whose column is known, and whether they can be named elsewhere.
    placed: Vec<(&'a Tree, bool)>,
    /// Whether what is to be inserted into one column may go into another.
    crosses: bool,
    /// Where that may go which has no column of its own, each once.
    reached: Vec<Field>,
    reaches: HashSet<Field>,
    reached_plain: Vec<Arc<[PlainInto]>>,
}

/// What the statement of this tree puts into columns.
pub(super) fn written(tree: &Tree, scope: &Scope<'_>) -> Written {
    let mut gathering = Gathering {
        scope,
        written: Written::default(),
        fields: HashSet::new(),
        settled: Settled::default(),
        writes: 0,
        placed: Vec::new(),
        crosses: false,
        reached: Vec::new(),
        reaches: HashSet::new(),
        reached_plain: Vec::new(),
    };
    let mut is_into = false;
    tree.walk(&mut |node| {
        match node.kind {
            "InsertStmt" => gathering.insert(node),
            "UpdateStmt" => {
                let target = Target::new(node, scope);
                gathering.set(&target, node.get("target_list"), false);
            }
            "MergeStmt" => gathering.merge(node),
            "AlterTableStmt" | "CreateStmt" => gathering.defaults(node),
            "CreateDomainStmt" => gathering.define(node, part_named(node.get("domainname"))),
            "AlterDomainStmt" => gathering.define(node, part_named(node.get("type_name"))),
            "CreateSeqStmt" | "AlterSeqStmt" => gathering.define(node, part_of(node.get("sequence"))),
            "CreateEnumStmt" | "AlterEnumStmt" => gathering.label(node),
            // A table that is made of a query, and what a view has in each row.
            "CreateTableAsStmt" => gathering.made(node.get("into").node().and_then(|into| part_of(into.get("rel")))),
            "ViewStmt" => gathering.made(part_of(node.get("view"))),
            "SelectStmt" if !is_into && scope.tells_puts => {
                let into = into_of(node);
                is_into = into.is_some();
                gathering.made(into.and_then(part_of));
            }
            "CopyStmt" if node.has("is_from") => {
                let target = Target::new(node, scope);
                gathering.rows(&target, node.get("attlist"), 0, |_| Some(Source::Copied(node)));
            }
            _ => {}
        }
        gathering.writes = gathering.writes.saturating_add(usize::from(WRITING.contains(&node.kind)));
        true
    });
    gathering.loose(tree);
    let Gathering { mut written, settled, .. } = gathering;
    written.lowerings.finish(tree);
    let mut seen = HashSet::new();
    written.parameters.retain(|kept| seen.insert((kept.number, kept.field.clone(), kept.type_oid)));
    settled.finish(tree, scope, &mut written);
    let mut seen = HashSet::new();
    written.puts.retain(|put| seen.insert((put.given.clone(), put.read_as, Arc::as_ptr(&put.into))));
    written
}

impl<'a, 'c> Gathering<'a, 'c> {
    fn insert(&mut self, node: &'a Node) {
        let columns = node.get("cols");
        let target = Target::new(node, self.scope);
        match node.get("select_stmt").node() {
            // DEFAULT VALUES.
            None => {}
            Some(source) if source.has("values_lists") => {
                let rows = Rows::new(source.get("values_lists").list().iter().map(Tree::list).collect());
                self.rows(&target, columns, rows.width(), |at| rows.at(at));
            }
            Some(source) => {
                // A star gives any number of columns.
                let outputs = source.get("target_list").list().iter();
                let outputs: Vec<&Tree> =
                    outputs.map(|output| output.node().map_or(output, |node| node.get("val"))).collect();
                let is_plain = !outputs.is_empty() && !outputs.iter().any(|output| is_star(output));
                let named = NamedRows::of(source, &outputs);
                self.rows(&target, columns, outputs.len(), |at| match is_plain {
                    true => outputs.get(at).map(|output| {
                        let named = named.as_ref().and_then(|rows| rows.named(output));
                        named.unwrap_or(Source::Selected(output))
                    }),
                    false => Some(Source::Anything),
                });
            }
        }
        if let Some(conflict) = node.get("on_conflict_clause").node() {
            self.set(&target, conflict.get("target_list"), true);
        }
    }

    fn merge(&mut self, node: &'a Node) {
        let target = Target::new(node, self.scope);
        for clause in node.get("merge_when_clauses").list().iter().filter_map(Tree::node) {
            match clause.get("values").list() {
                [] => self.set(&target, clause.get("target_list"), false),
                values => {
                    let rows = Rows::new(vec![values]);
                    self.rows(&target, clause.get("target_list"), rows.width(), |at| rows.at(at));
                }
            }
        }
    }

    /// What rows of a table get that come without a value, and what is put into those that there are.
    fn defaults(&mut self, node: &'a Node) {
        let target = Target::new(node, self.scope);
        let defined = if self.scope.tells_puts { node.fields.as_slice() } else { &[] };
        for (_, defined) in defined {
            let whole = std::slice::from_ref(defined);
            for defined in if defined.list().is_empty() { whole } else { defined.list() } {
                let own =
                    defined.node().map_or("", |node| node.text(if node.has("name") { "name" } else { "colname" }));
                let new = defined.node().and_then(|command| command.get("def").as_kind("ColumnDef"));
                let name = if own.is_empty() { new.map_or("", |column| column.text("colname")) } else { own };
                if let Some(goal) = self.goal(&target, COLUMNS_MAX, name) {
                    self.put_plain(defined, ReadAs::Anything, &goal.plain);
                }
            }
        }
        let set = i64::from(i32::from(AlterTableType::AtColumnDefault));
        let commands = node.get("cmds").list().iter().filter_map(Tree::node);
        for command in commands.filter(|command| command.int("subtype") == set && command.has("def")) {
            let place = Place { single: true, named: true, conflict: false };
            if let Some(goal) = self.goal(&target, COLUMNS_MAX, command.text("name")) {
                self.put_all(&goal, &Source::Values(vec![command.get("def")]), place);
            }
        }
    }

    /// What a column of a type gets that comes without a value, and a sequence gives.
    fn define(&mut self, node: &'a Node, part: Option<Part>) {
        if let Some(into) = self.without_column(part) {
            node.fields.iter().for_each(|(_, defined)| self.put_plain(defined, ReadAs::Anything, &into));
        }
    }

    /// The labels of an enum, each of which is a value.
    fn label(&mut self, node: &'a Node) {
        let Some(into) = self.without_column(part_named(node.get("type_name"))) else { return };
        for label in node.get("vals").list().iter().filter_map(Tree::node) {
            self.written.put_one(self.scope, label, ReadAs::Anything, &into);
        }
        let new = node.text("new_val");
        if !new.is_empty() && self.scope.takes_value() {
            let given = Given::Constant(new.into());
            self.written.puts.push(PlainPut { given, read_as: ReadAs::Anything, into });
        }
    }

    /// What has no columns that are known.
    fn without_column(&self, part: Option<Part>) -> Option<Arc<[PlainInto]>> {
        let part = part.filter(|_| self.scope.tells_puts)?;
        Some(Arc::new([PlainInto { part, column: String::new(), type_oid: 0 }]))
    }

    /// A table is made of a query.
    fn made(&mut self, part: Option<Part>) {
        let into = self.without_column(part);
        self.reached_plain.extend(into);
    }

    /// So many values for these columns, or for all in their order if none is named. `source` says what the one at a place gets.
    fn rows(
        &mut self,
        target: &Target<'c>,
        columns: &'a Tree,
        width: usize,
        source: impl Fn(usize) -> Option<Source<'a>>,
    ) {
        let is_whole = |name: &Tree| !name.node().is_some_and(|name| name.has("indirection"));
        let named = !columns.list().is_empty() && columns.list().iter().all(is_whole);
        let place = Place { single: target.is_single(), named, conflict: false };
        let names: Vec<&str> = columns.list().iter().take(COLUMNS_MAX).map(column_name).collect();
        let count = if names.is_empty() { target.width().max(width).min(COLUMNS_MAX) } else { names.len() };
        for at in 0..count {
            let is_part = columns.list().get(at).is_some_and(|name| !is_whole(name));
            let source = match source(at) {
                Some(Source::Values(values)) if is_part => Source::Parts(values),
                Some(source) => source,
                None => continue,
            };
            let Some(goal) = self.goal(target, at, names.get(at).copied().unwrap_or("")) else { return };
            self.give(target, &goal, &source, place);
        }
        // Columns that are newer than the catalog.
        if names.is_empty()
            && matches!(source(0), Some(Source::Anything))
            && let Some(goal) = self.goal(target, COLUMNS_MAX, "")
        {
            self.give(target, &goal, &Source::Anything, place);
        }
    }

    /// SET, also that of ON CONFLICT. The server takes none of more columns than a table may have.
    fn set(&mut self, target: &Target<'c>, assignments: &'a Tree, conflict: bool) {
        let mut names: HashSet<&str> = HashSet::new();
        for assignment in assignments.list().iter().filter_map(Tree::node) {
            let place = Place { single: target.is_single(), named: !assignment.has("indirection"), conflict };
            let (name, value) = (assignment.text("name"), assignment.get("val"));
            if names.insert(name) && names.len() > COLUMNS_MAX {
                return;
            }
            let Some(goal) = self.goal(target, COLUMNS_MAX, name) else { return };
            // What goes into a part of a column is not of the column's type.
            let source = if place.named { Source::Values(vec![value]) } else { Source::Parts(vec![value]) };
            self.give(target, &goal, &source, place);
            // Keys of documents.
            self.put_plain(assignment.get("indirection"), ReadAs::Anything, &goal.plain);
            self.crosses |= conflict && takes_of_another(value, name);
        }
    }

    /// The columns of this name, or without one those at this place. `None` if it is too much.
    fn goal(&mut self, target: &Target<'c>, at: usize, name: &str) -> Option<Rc<Goal<'c>>> {
        let goal = target.goal(at, name, self.scope);
        self.written.too_much |= goal.is_none();
        goal
    }

    /// A value goes there.
    fn give(&mut self, target: &Target<'c>, goal: &Goal<'c>, source: &Source<'a>, place: Place) {
        self.put_all(goal, source, place);
        let is_anything = matches!(source, Source::Anything);
        let others = match source {
            Source::Named(values, _) => Beside::of(values.iter().copied()),
            _ => Beside::default(),
        };
        for value in source.values() {
            let scope = self.scope;
            let mut found = |node: &Node, read_as| self.written.put_one(scope, node, read_as, &goal.plain);
            match source {
                _ if goal.plain.is_empty() => {}
                Source::Named(_, read_as) => each_made_beside(value, *read_as, &others, &mut found),
                Source::Parts(_) => each_made_of(value, ReadAs::Anything, &mut found),
                _ => {
                    each_made_of(value, ReadAs::Column, &mut found);
                    self.settled.put(value, goal.type_oid);
                }
            }
            self.placed.push((value, target.returns));
        }
        if is_anything || !goal.plain.is_empty() && source.values().iter().any(|value| names_a_column(value)) {
            self.reached_plain.push(Arc::clone(&goal.plain));
        }
    }

    /// The classified columns of those get a value.
    fn put_all(&mut self, goal: &Goal<'c>, source: &Source<'a>, place: Place) {
        let values = source.values();
        if goal.classified.is_empty() || !values.is_empty() && values.iter().all(|value| gives_nothing(value)) {
            return;
        }
        let uses = goal.classified.iter().map(|column| column.fields.len().max(1)).fold(0, usize::saturating_add);
        if !self.scope.takes_uses(uses) {
            self.written.too_much = true;
            return;
        }
        let given = AsTheyAre::of(source);
        goal.classified.iter().for_each(|column| self.put(column, source, &given, place));
    }

    /// A column gets a value, if it is classified.
    fn put(
        &mut self,
        Classified { entry, column, fields }: &Classified<'c>,
        source: &Source<'a>,
        given: &AsTheyAre,
        place: Place,
    ) {
        let own = entry.field(column);
        if let Some((field, to)) = own.as_ref().zip(column.on_write) {
            let put = match source {
                Source::Values(values) | Source::Parts(values) => Put::Values(values),
                Source::Copied(copy) => Put::Copied(copy),
                Source::Selected(_) | Source::Named(..) | Source::Anything => Put::Something,
            };
            self.written.lowerings.put((field, to), column.type_oid, &put, place);
        }
        for field in fields {
            if own.is_none() || column.on_write.is_none() {
                self.written.lowerings.otherwise(field);
            }
            self.written.keep(self.scope, given, field, column.type_oid);
            if given.reaches && !self.reaches.contains(field) {
                self.reaches.insert(field.clone());
                self.reached.push(field.clone());
            }
            if !self.fields.contains(field) {
                self.fields.insert(field.clone());
                self.written.fields.push(field.clone());
            }
        }
    }

    /// Constants and parameters that go into columns that are not classified.
    fn put_plain(&mut self, value: &'a Tree, alone: ReadAs, into: &Arc<[PlainInto]>) {
        if !into.is_empty() {
            let scope = self.scope;
            each_made_of(value, alone, &mut |node, read_as| self.written.put_one(scope, node, read_as, into));
        }
    }

    /// What has no column of its own may go wherever something is named that may be it.
    fn loose(&mut self, tree: &'a Tree) {
        if self.reached.is_empty() && self.reached_plain.is_empty() {
            return;
        }
        let mut placed: HashSet<*const Node> = HashSet::new();
        let own = |(_, returns): &&(&Tree, bool)| !self.crosses && (!returns || self.writes == 1);
        for (value, _) in self.placed.iter().filter(own) {
            each_made_of(value, ReadAs::Anything, &mut |node, _| _ = placed.insert(ptr::from_ref(node)));
        }
        let mut loose: Vec<(&Node, ReadAs)> = Vec::new();
        let mut found = |node: &'a Node, read_as| {
            loose.extend((!placed.contains(&ptr::from_ref(node))).then_some((node, read_as)));
        };
        // What the caller gets is put nowhere: the server takes no statement that writes deeper within.
        match tree.node() {
            Some(query) if query.kind == "SelectStmt" && into_of(query).is_none() => {
                each_made_of(query.get("with_clause"), ReadAs::Anything, &mut found);
            }
            Some(node) => each_in_fields(node, "returning_clause", &mut found),
            None => {}
        }
        let into = if loose.is_empty() { None } else { self.all_reached() };
        for (into, (node, read_as)) in into.iter().flat_map(|into| loose.iter().map(move |loose| (into, loose))) {
            self.written.put_one(self.scope, node, *read_as, into);
        }
        let mut given = AsTheyAre::default();
        loose.iter().for_each(|(node, _)| given.add(node, false));
        for field in &self.reached {
            self.written.keep(self.scope, &given, field, 0);
        }
    }

    /// All columns that are not classified and get what has none of its own.
    fn all_reached(&mut self) -> Option<Arc<[PlainInto]>> {
        let mut seen = HashSet::new();
        self.reached_plain.retain(|into| !into.is_empty() && seen.insert(Arc::as_ptr(into)));
        match self.reached_plain.as_slice() {
            [] => None,
            [one] => Some(Arc::clone(one)),
            more => {
                let count = more.iter().map(|into| into.len()).fold(0, usize::saturating_add);
                if !self.scope.takes_goals(count) {
                    self.written.too_much = true;
                    return None;
                }
                let mut all: Vec<PlainInto> = more.iter().flat_map(|into| into.iter().cloned()).collect();
                sort(&mut all);
                Some(all.into())
            }
        }
    }
}

impl Written {
    /// A constant or parameter goes into one of these columns.
    fn put_one(&mut self, scope: &Scope<'_>, node: &Node, alone: ReadAs, into: &Arc<[PlainInto]>) {
        let Some(given) = given(node) else { return };
        if scope.takes_value() {
            self.puts.push(PlainPut { given, read_as: as_put(node, alone), into: Arc::clone(into) });
        } else {
            self.too_much = true;
        }
    }

    /// These go into a classified field as they are.
    fn keep(&mut self, scope: &Scope<'_>, given: &AsTheyAre, field: &Field, type_oid: u32) {
        if given.has_mask && !self.masked.contains(field) {
            self.masked.insert(field.clone());
            self.masks.push(field.clone());
        }
        for (number, is_typed) in &given.parameters {
            if !scope.takes_value() {
                self.too_much = true;
                return;
            }
            let type_oid = if *is_typed { type_oid } else { 0 };
            self.parameters.push(KeptParameter { number: *number, field: field.clone(), type_oid });
        }
    }
}

/// As what a constant is taken that stands there: a number is none of its column's type, and bits may be.
fn as_put(node: &Node, alone: ReadAs) -> ReadAs {
    let kind = node.get("val").node().map(|value| value.kind);
    match (alone, kind) {
        (ReadAs::Column | ReadAs::ColumnPerhaps, Some("BitString")) => ReadAs::Bits(None),
        (ReadAs::Column | ReadAs::ColumnPerhaps, Some(kind)) if kind != "String" => ReadAs::Anything,
        _ => alone,
    }
}

/// Whether what is set where a row is there already may be what was to be inserted into another column than this one.
fn takes_of_another(value: &Tree, name: &str) -> bool {
    let mut takes = false;
    each_made_of(value, ReadAs::Anything, &mut |node, _| {
        let fields: Vec<&str> = node.get("fields").list().iter().map(Tree::text).collect();
        takes |= fields.first() == Some(&"excluded") && fields != ["excluded", name];
    });
    takes
}

/// DEFAULT, or NULL.
pub(super) fn gives_nothing(value: &Tree) -> bool {
    match bare(value) {
        Some(node) if node.kind == "SetToDefault" => true,
        Some(node) if node.kind == "AConst" => node.has("isnull"),
        _ => false,
    }
}

/// A constant that is a mask.
fn holds_mask(value: &Node) -> bool {
    value.kind == "AConst" && value.get("val").node().is_some_and(|text| is_mask(text.text("sval").as_bytes()))
}
