//! The names of the columns that each output is made of, as they are written.
//!
//! What a name says of the values under it is lost where the server gives an output no column: behind UNION, an aggregate, a cast. Here it
//! is kept, by names alone: nothing is resolved, and a name that means several things means all of them. Of what a star stands for, or a
//! whole row, nothing is known.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use pg_query::protobuf::SubLinkType;

use crate::resolve::{figured, is_nullif};
use crate::tree::{Node, Tree};

/// Names that one output may be made of; with more it may be made of anything.
const NAMES_MAX: usize = 32;
/// The same of all outputs of a statement together.
const NAMES_OF_ALL_MAX: usize = 1024;
/// Outputs that are told apart: the server has no more columns (`MaxTupleAttributeNumber`).
const OUTPUTS_MAX: usize = 1664;
/// Nodes of the tree that are looked at.
const NODES_MAX: usize = 100_000;
/// Bytes of a name and what it takes to keep one: no more than so many bytes of a name count (`NAMEDATALEN`).
const NAME_BYTES: usize = 80;

/// Nodes that give names to columns.
const NAMING: [&str; 8] = [
    "ResTarget",
    "RangeSubselect",
    "CommonTableExpr",
    "RangeFunction",
    "RangeTableFunc",
    "JsonTable",
    "RangeVar",
    "JoinExpr",
];

/// Stands for a row as one value: nobody knows of which columns. It is no name.
const ROW: &str = "";

/// Names of columns. Outputs that are made of the same share them.
pub type Names = Arc<[Box<str>]>;

/// Of each output, the names of the columns that it is made of; `None` if they are too many to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MadeOf {
    /// Each by its place.
    Each(Vec<Option<Names>>),
    /// A star stands among them, so that their places are not known: those that have one of these names, and any others.
    Named(HashMap<Box<str>, Option<Names>>, Option<Names>),
    /// Nothing is known of any.
    Anything,
}

impl Default for MadeOf {
    fn default() -> Self {
        Self::Each(Vec::new())
    }
}

impl MadeOf {
    /// No outputs are made of anything.
    pub const NOTHING: Self = Self::Each(Vec::new());

    /// The names of the columns that the result's column at this place, of this name, is made of. `None` if it may be any.
    pub fn names(&self, at: usize, name: &str) -> Option<Names> {
        match self {
            Self::Each(outputs) => outputs.get(at).map_or_else(|| Some(Names::default()), Option::clone),
            Self::Named(named, others) => named.get(name).unwrap_or(others).clone(),
            Self::Anything => None,
        }
    }

    /// About how many bytes it takes to keep.
    pub fn bytes(&self) -> usize {
        let (count, names): (usize, Vec<&Names>) = match self {
            Self::Each(outputs) => (outputs.len(), outputs.iter().flatten().collect()),
            Self::Named(named, others) => (named.len(), named.values().chain([others]).flatten().collect()),
            Self::Anything => (0, Vec::new()),
        };
        let mut seen = BTreeSet::new();
        let distinct = names.into_iter().filter(|names| seen.insert(names.as_ptr())).map(|names| names.len());
        count.saturating_add(distinct.sum()).saturating_mul(NAME_BYTES)
    }
}

/// What the outputs of a statement are made of.
pub(super) fn made_of(tree: &Tree) -> MadeOf {
    let Some(node) = tree.node() else { return MadeOf::default() };
    let mut arms = Vec::new();
    match node.kind {
        "SelectStmt" => arms_of(node, &mut arms),
        "CopyStmt" if node.has("query") => return made_of(node.get("query")),
        "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => {
            arms.extend(node.get("returning_clause").node().map(|clause| clause.get("exprs").list()));
        }
        _ => {}
    }
    let width = arms.iter().map(|targets| targets.len()).max().unwrap_or(0);
    if width == 0 {
        return MadeOf::default();
    }
    let gathered = (width <= OUTPUTS_MAX).then(|| Gathering::of(tree)).flatten();
    gathered.and_then(|gathering| gathering.outputs(&arms, width)).unwrap_or(MadeOf::Anything)
}

/// The names that a query's columns have, as far as they are written.
fn columns_of<'a>(query: &'a Tree, aliases: &'a [Tree]) -> Vec<&'a str> {
    let mut arms = Vec::new();
    match query.node() {
        Some(node) if node.kind == "SelectStmt" => arms_of(node, &mut arms),
        Some(node) => arms.extend(node.get("returning_clause").node().map(|clause| clause.get("exprs").list())),
        None => {}
    }
    let targets = arms.first().copied().unwrap_or_default();
    let named = targets.iter().skip(aliases.len()).filter_map(|target| target.as_kind("ResTarget"));
    let named = named.filter_map(names_of_output).filter_map(|names| match names.as_slice() {
        [name] => Some(*name),
        _ => None,
    });
    aliases.iter().map(Tree::text).chain(named).collect()
}

/// The targets of each arm of a query, and the rows of VALUES.
fn arms_of<'a>(node: &'a Node, arms: &mut Vec<&'a [Tree]>) {
    let sides = [node.get("larg").node(), node.get("rarg").node()];
    if sides.iter().all(Option::is_none) {
        arms.push(node.get("target_list").list());
        arms.extend(node.get("values_lists").list().iter().map(Tree::list));
    }
    sides.into_iter().flatten().for_each(|side| arms_of(side, arms));
}

/// What a name may stand for, by what is written where an output gets it, anywhere in a statement.
#[derive(Default)]
struct Meanings<'a> {
    made_of: HashMap<&'a str, BTreeSet<&'a str>>,
    /// What outputs are made of whose names can't be told: any name may be theirs.
    of_any: BTreeSet<&'a str>,
    /// Names that may stand for any column: those that a table's columns get in FROM.
    renamed: BTreeSet<&'a str>,
    /// Names of tables, queries and what else has rows: alone they stand for one.
    rows: BTreeSet<&'a str>,
}

/// The names in a statement.
struct Gathering<'a> {
    meanings: Meanings<'a>,
    /// Nodes that may still be looked at.
    left: usize,
    /// Those that were handed out.
    shared: HashMap<BTreeSet<&'a str>, Names>,
    /// Names that may still be.
    names_left: usize,
}

impl<'a> Gathering<'a> {
    fn of(tree: &'a Tree) -> Option<Self> {
        let mut nodes = Vec::new();
        let mut left = NODES_MAX;
        tree.walk(&mut |node| {
            left = left.saturating_sub(1);
            nodes.extend(NAMING.contains(&node.kind).then_some(node));
            left > 0
        });
        let (meanings, shared) = (Meanings::default(), HashMap::new());
        let mut gathering = Self { meanings, left, shared, names_left: NAMES_OF_ALL_MAX };
        gathering.gather_rows(&nodes);
        nodes.into_iter().for_each(|node| gathering.gather(node));
        (gathering.left > 0).then_some(gathering)
    }

    /// Adds what this node gives a name.
    fn gather(&mut self, node: &'a Node) {
        let aliases = node.get("alias").node().map_or(&[][..], |alias| alias.get("colnames").list());
        match node.kind {
            "ResTarget" => {
                let written = self.of_value(node.get("val"));
                match names_of_output(node) {
                    Some(names) => names.into_iter().for_each(|name| self.mean(name, &written)),
                    None => self.meanings.of_any.extend(written),
                }
            }
            "RangeSubselect" => self.rename(aliases, node.get("subquery")),
            "CommonTableExpr" => self.rename(node.get("aliascolnames").list(), node.get("ctequery")),
            // A function's one column has the name of its alias, or the function's.
            "RangeFunction" => {
                let written = self.of_value(node.get("functions"));
                let alias = node.get("alias").node().map(|alias| alias.text("aliasname"));
                let functions = node.get("functions").list().iter().flat_map(Tree::list).filter_map(Tree::node);
                let functions = functions.filter_map(|function| last_name(function, "funcname"));
                let defined = node.get("coldeflist").list().iter().filter_map(Tree::node);
                let names = aliases.iter().map(Tree::text).chain(alias).chain(functions);
                names.chain(defined.map(|column| column.text("colname"))).for_each(|name| self.mean(name, &written));
            }
            "RangeTableFunc" | "JsonTable" => {
                let mut written = self.of_value(node.get("docexpr"));
                written.append(&mut self.of_value(node.get("context_item")));
                node.walk(&mut |column| {
                    match column.kind {
                        "JsonTableColumn" => self.mean(column.text("name"), &written),
                        "RangeTableFuncCol" => self.mean(column.text("colname"), &written),
                        _ => {}
                    }
                    self.left > 0
                });
                aliases.iter().for_each(|name| self.mean(name.text(), &written));
            }
            _ => self.meanings.renamed.extend(aliases.iter().map(Tree::text)),
        }
    }

    /// What is named in FROM: it stands for all of its columns where it stands alone, unless one of them is called so. A function's one
    /// column has its name.
    fn gather_rows(&mut self, nodes: &[&'a Node]) {
        let is_query = |node: &&&'a Node| node.kind == "CommonTableExpr";
        let queries: HashMap<&str, Vec<&str>> = nodes
            .iter()
            .filter(is_query)
            .map(|node| (node.text("ctename"), columns_of(node.get("ctequery"), node.get("aliascolnames").list())))
            .collect();
        for node in nodes {
            let alias = node.get("alias").node();
            let renamed = alias.map_or(&[][..], |alias| alias.get("colnames").list());
            let alias = alias.map(|alias| alias.text("aliasname"));
            let (name, columns) = match node.kind {
                "RangeVar" => (alias.unwrap_or(node.text("relname")), queries.get(node.text("relname")).cloned()),
                "RangeSubselect" => (alias.unwrap_or(""), Some(columns_of(node.get("subquery"), renamed))),
                "JoinExpr" | "RangeTableFunc" | "JsonTable" => (alias.unwrap_or(""), None),
                _ => continue,
            };
            if !columns.is_some_and(|columns| columns.contains(&name)) {
                self.meanings.rows.insert(name);
            }
        }
    }

    /// The columns of a query get these names.
    fn rename(&mut self, aliases: &'a [Tree], query: &'a Tree) {
        if aliases.is_empty() {
            return;
        }
        let mut arms = Vec::new();
        match query.node() {
            Some(node) if node.kind == "SelectStmt" => arms_of(node, &mut arms),
            Some(node) => arms.extend(node.get("returning_clause").node().map(|clause| clause.get("exprs").list())),
            None => {}
        }
        // Behind a star nobody can count.
        if arms.is_empty() || arms.iter().any(|targets| targets.iter().any(|target| is_star(value_of(target)))) {
            return self.meanings.renamed.extend(aliases.iter().map(Tree::text));
        }
        for targets in arms {
            for (name, target) in aliases.iter().zip(targets) {
                let written = self.of_value(value_of(target));
                self.mean(name.text(), &written);
            }
        }
    }

    fn mean(&mut self, name: &'a str, written: &BTreeSet<&'a str>) {
        self.left = self.left.saturating_sub(written.len().saturating_add(1));
        if written.len() > NAMES_MAX {
            self.meanings.renamed.insert(name);
        } else if self.left > 0 {
            self.meanings.made_of.entry(name).or_default().extend(written);
        }
    }

    fn outputs(mut self, arms: &[&'a [Tree]], width: usize) -> Option<MadeOf> {
        let mut outputs: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); width];
        let mut has_star = false;
        for targets in arms {
            for (target, names) in targets.iter().zip(&mut outputs) {
                has_star |= is_star(value_of(target));
                self.written(value_of(target), names);
            }
        }
        // What was not looked at is not known.
        (self.left > 0).then_some(())?;
        if !has_star {
            return Some(MadeOf::Each(outputs.into_iter().map(|names| self.share(names)).collect()));
        }
        let all: BTreeSet<&str> = outputs.into_iter().flatten().collect();
        let names: BTreeSet<&str> = self.meanings.made_of.keys().chain(&self.meanings.renamed).copied().collect();
        (all.len() <= NAMES_MAX && names.len() <= NAMES_OF_ALL_MAX).then_some(())?;
        let others = self.share(all.clone());
        let is_of_all = |name: &str| others.as_ref().is_some_and(|all| all.iter().any(|other| **other == *name));
        let mut named = HashMap::new();
        for name in names {
            let mut meant: BTreeSet<&str> = all.iter().copied().chain([name]).collect();
            if self.meant(&mut meant).is_none() {
                named.insert(name.into(), None);
            // Its own name counts in any case.
            } else if others.is_none() || meant.iter().any(|more| *more != name && !is_of_all(more)) {
                named.insert(name.into(), self.share(meant));
            }
        }
        Some(MadeOf::Named(named, others))
    }

    /// These names and all that they may mean, to be kept. `None` if they are too many.
    fn share(&mut self, mut names: BTreeSet<&'a str>) -> Option<Names> {
        self.meant(&mut names)?;
        if let Some(known) = self.shared.get(&names) {
            return Some(Arc::clone(known));
        }
        self.names_left = self.names_left.checked_sub(names.len())?;
        let shared: Names = names.iter().copied().map(Box::from).collect();
        self.shared.insert(names, Arc::clone(&shared));
        Some(shared)
    }

    /// Adds the names of which the outputs are made that these may mean. `None` if they are too many.
    fn meant(&self, names: &mut BTreeSet<&'a str>) -> Option<()> {
        let Meanings { made_of, of_any, renamed, .. } = &self.meanings;
        if !names.is_empty() {
            (of_any.len() <= NAMES_MAX).then_some(())?;
            names.extend(of_any);
        }
        let mut waiting: Vec<&str> = names.iter().copied().collect();
        while let Some(name) = waiting.pop() {
            if name == ROW || renamed.contains(name) || names.len() > NAMES_MAX {
                return None;
            }
            for more in made_of.get(name).into_iter().flatten() {
                if names.insert(more) {
                    waiting.push(more);
                    (names.len() <= NAMES_MAX).then_some(())?;
                }
            }
        }
        Some(())
    }

    fn of_value(&mut self, value: &'a Tree) -> BTreeSet<&'a str> {
        let mut names = BTreeSet::new();
        self.written(value, &mut names);
        names
    }

    /// Adds the names in an expression that its value is made of: not those of what it only depends on.
    fn written(&mut self, value: &'a Tree, names: &mut BTreeSet<&'a str>) {
        let mut waiting = vec![(value, Within::Value)];
        while let Some((value, within)) = waiting.pop() {
            self.left = self.left.saturating_sub(1);
            let mut push = |value: &'a Tree| waiting.push((value, within));
            match value {
                Tree::List(items) => items.iter().for_each(push),
                Tree::Node(node) => match node.kind {
                    "ColumnRef" => {
                        let (name, is_one) = (last_name(node, "fields"), node.get("fields").list().len() == 1);
                        match name.is_some_and(|name| is_one && self.meanings.rows.contains(name)) {
                            // A document has the names of what is in it.
                            true if within == Within::Document => {}
                            true => names.extend(name.into_iter().chain([ROW])),
                            false => names.extend(name),
                        }
                    }
                    "AExpr" if takes_a_key(node) => {
                        let is_told = self.keys(node.get("rexpr"), names);
                        waiting.push((node.get("lexpr"), if is_told { within } else { Within::Opened }));
                    }
                    "AIndices" => _ = self.keys(node.get("uidx"), names),
                    "AIndirection" => {
                        names.extend(last_name(node, "indirection"));
                        push(node.get("indirection"));
                        match node.get("arg").as_kind("ColumnRef") {
                            Some(row) => names.extend(last_name(row, "fields")),
                            None => push(node.get("arg")),
                        }
                    }
                    "NullTest" | "BooleanTest" | "BoolExpr" | "WindowDef" | "SortBy" => {}
                    "AExpr" if is_comparison(node) => {}
                    "CaseExpr" => [node.get("args"), node.get("defresult")].into_iter().for_each(push),
                    "CaseWhen" => push(node.get("result")),
                    "FuncCall" if is_own(node, "count") => {}
                    "FuncCall" => {
                        let arguments = node.get("args");
                        if PATHS.iter().any(|path| is_own(node, path)) {
                            arguments.list().iter().skip(1).for_each(|key| _ = self.keys(key, names));
                        }
                        let function = last_name(node, "funcname");
                        // `ssn(p)` is `p.ssn`.
                        names.extend(function.filter(|_| arguments.list().len() == 1));
                        let makes_document = function.is_some_and(|name| DOCUMENTS.contains(&name));
                        let opens_one = function.is_some_and(|name| name.contains("json")) && !makes_document;
                        let within = match within {
                            Within::Opened => Within::Opened,
                            _ if opens_one => Within::Opened,
                            _ if makes_document => Within::Document,
                            _ => within,
                        };
                        waiting.push((arguments, within));
                        // What stands behind WITHIN GROUP is given to it.
                        let sorted = node.get("agg_order").list().iter().filter(|_| node.has("agg_within_group"));
                        waiting.extend(sorted.filter_map(Tree::node).map(|sort| (sort.get("node"), within)));
                    }
                    "SubLink" if returns_rows(node) => push(node.get("subselect")),
                    "SubLink" => {}
                    "SelectStmt" => {
                        ["target_list", "values_lists", "larg", "rarg"]
                            .map(|field| node.get(field))
                            .into_iter()
                            .for_each(push);
                    }
                    kind => {
                        let makes_document = kind.starts_with("Json") && within != Within::Opened;
                        let within = if makes_document { Within::Document } else { within };
                        waiting.extend(node.fields.iter().map(|(_, value)| (value, within)));
                    }
                },
                Tree::Nothing | Tree::Text(_) | Tree::Int(_) => {}
            }
            if self.left == 0 {
                return;
            }
        }
    }

    /// Adds the keys that stand in a text: one, or a path of them. Whether there are any.
    fn keys(&mut self, key: &'a Tree, names: &mut BTreeSet<&'a str>) -> bool {
        let mut key = key;
        while let Some(cast) = key.as_kind("TypeCast") {
            key = cast.get("arg");
        }
        if let Some(array) = key.as_kind("AArrayExpr") {
            return array.get("elements").list().iter().fold(false, |any, key| self.keys(key, names) | any);
        }
        let constant = key.as_kind("AConst").and_then(|constant| constant.get("val").node());
        let text = constant.map_or("", |text| text.text("sval"));
        for key in text.split(['{', '}', ',', '"']).map(str::trim).filter(|key| !key.is_empty()) {
            self.left = self.left.saturating_sub(1);
            if names.len() > NAMES_MAX {
                break;
            }
            names.insert(key);
        }
        constant.is_some()
    }
}

/// What an expression is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Of a value.
    Value,
    /// Of a document, which has the names of what is in it.
    Document,
    /// Of a document that is taken apart by names that are not known.
    Opened,
}

/// Functions that make a document.
const DOCUMENTS: [&str; 15] = [
    "row_to_json",
    "to_json",
    "to_jsonb",
    "array_to_json",
    "json_agg",
    "jsonb_agg",
    "json_agg_strict",
    "jsonb_agg_strict",
    "json_build_object",
    "jsonb_build_object",
    "json_build_array",
    "jsonb_build_array",
    "json_object_agg",
    "jsonb_object_agg",
    "hstore",
];

/// Functions that give what is under keys.
const PATHS: [&str; 4] =
    ["jsonb_extract_path", "jsonb_extract_path_text", "json_extract_path", "json_extract_path_text"];

/// Whether this calls PostgreSQL's own function of this name.
fn is_own(call: &Node, name: &str) -> bool {
    match call.get("funcname").list() {
        [own] => own.text() == name,
        [schema, own] => schema.text() == "pg_catalog" && own.text() == name,
        _ => false,
    }
}

/// Whether this operator gives what is under a key.
fn takes_a_key(node: &Node) -> bool {
    matches!(node.get("name").list().last().map(Tree::text), Some("->" | "->>" | "#>" | "#>>"))
}

/// Whether this operator says whether, and not what.
pub(super) fn is_comparison(node: &Node) -> bool {
    let [name] = node.get("name").list() else { return false };
    let name = name.text();
    // `~ 5` and `1 << 2` are numbers.
    let compares = name.contains(['=', '<', '>', '~'])
        && name.bytes().all(|byte| b"=<>~!*".contains(&byte))
        && !matches!(name, "<<" | ">>")
        && node.has("lexpr");
    !is_nullif(node) && (name.ends_with("BETWEEN") || name.ends_with("SYMMETRIC") || compares)
}

/// Whether this gives what a query returns, and not whether something is in that.
pub(super) fn returns_rows(sublink: &Node) -> bool {
    use SubLinkType::{ArraySublink, ExprSublink, MultiexprSublink};
    matches!(kind_of(sublink), Some(ExprSublink | ArraySublink | MultiexprSublink))
}

fn kind_of(sublink: &Node) -> Option<SubLinkType> {
    i32::try_from(sublink.int("sub_link_type")).ok().and_then(|kind| SubLinkType::try_from(kind).ok())
}

/// The names that an output may have for what stands around it. `None` if they can't be told.
fn names_of_output(target: &Node) -> Option<Vec<&str>> {
    match target.text("name") {
        "" => names_of_value(target.get("val")),
        name => Some(vec![name]),
    }
}

fn names_of_value(value: &Tree) -> Option<Vec<&str>> {
    let name = figured(value).map(|(name, _)| vec![name]);
    let Some(node) = value.node() else { return name };
    match node.kind {
        "FuncCall" if name.is_none() => Some(vec!["extract", "date_part"]),
        "SubLink" => match kind_of(node)? {
            SubLinkType::ExprSublink => {
                let mut arms = Vec::new();
                arms_of(node.get("subselect").node()?, &mut arms);
                // It is the first arm that gives its name.
                arms.first()?.first()?.as_kind("ResTarget").map_or(Some(vec!["?column?"]), names_of_output)
            }
            SubLinkType::ArraySublink => Some(vec!["array"]),
            SubLinkType::ExistsSublink => Some(vec!["exists"]),
            _ => Some(vec!["?column?"]),
        },
        _ => name,
    }
}

/// What an output's value is; in RETURNING and in VALUES it stands for itself.
fn value_of(target: &Tree) -> &Tree {
    target.as_kind("ResTarget").map_or(target, |node| node.get("val"))
}

fn last_name<'a>(node: &'a Node, list: &str) -> Option<&'a str> {
    node.get(list).list().iter().rev().map(Tree::text).find(|name| !name.is_empty())
}

fn is_star(value: &Tree) -> bool {
    let last =
        |node: &'_ Node, field: &str| node.get(field).list().last().is_some_and(|last| last.as_kind("AStar").is_some());
    value.node().is_some_and(|node| match node.kind {
        "ColumnRef" => last(node, "fields"),
        "AIndirection" => last(node, "indirection"),
        _ => false,
    })
}
