//! The names of the columns that each output is made of, as they are written.
//!
//! What a name says of the values under it is lost where the server gives an output no column: behind UNION, an aggregate, a cast. Here it
//! is kept, by names alone: nothing is resolved, and a name that means several things means all of them. Of what a star stands for, or a
//! whole row, nothing is known. A document has the names of what is in it; of those only the ones count that a query has given.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use pg_query::protobuf::{JsonExprOp, SubLinkType};

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
const NAMING: [&str; 12] = [
    "ResTarget",
    "RangeSubselect",
    "CommonTableExpr",
    "RangeFunction",
    "RangeTableFunc",
    "JsonTable",
    "RangeVar",
    "JoinExpr",
    "InsertStmt",
    "UpdateStmt",
    "DeleteStmt",
    "MergeStmt",
];

/// What VALUES calls its columns.
static OF_VALUES: LazyLock<Vec<String>> =
    LazyLock::new(|| (1..=OUTPUTS_MAX).map(|place| format!("column{place}")).collect());

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
    let arms = match node.kind {
        "SelectStmt" | "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => arms_of(tree),
        "CopyStmt" if node.has("query") => return made_of(node.get("query")),
        _ => Vec::new(),
    };
    let width = arms.iter().map(|targets| targets.len()).max().unwrap_or(0);
    if width == 0 {
        return MadeOf::default();
    }
    // It is the first arm's star that names the columns, and what others hold there may have any name.
    if arms.len() > 1 && has_star(&arms) && !is_of_one_table(tree) {
        return MadeOf::Anything;
    }
    let gathered = (width <= OUTPUTS_MAX).then(|| Gathering::of(tree, &arms)).flatten();
    gathered.and_then(|gathering| gathering.outputs(&arms, width)).unwrap_or(MadeOf::Anything)
}

/// The targets of each arm of a query, or what a statement returns; each row of VALUES is an arm.
fn arms_of(query: &Tree) -> Vec<&[Tree]> {
    let mut arms = Vec::new();
    match query.node() {
        Some(node) if node.kind == "SelectStmt" => {
            each_arm(node, &mut |arm| match arm.get("values_lists").list() {
                [] => arms.push(arm.get("target_list").list()),
                rows => arms.extend(rows.iter().map(Tree::list)),
            });
        }
        Some(node) => arms.extend(node.get("returning_clause").node().map(|clause| clause.get("exprs").list())),
        None => {}
    }
    arms
}

/// Visits what a set operation is of, from the left.
fn each_arm<'a>(query: &'a Node, visit: &mut impl FnMut(&'a Node)) {
    let sides = [query.get("larg").node(), query.get("rarg").node()];
    if sides.iter().all(Option::is_none) {
        visit(query);
    }
    sides.into_iter().flatten().for_each(|side| each_arm(side, visit));
}

/// Whether every arm is all of the same table, so that a name means the same in each.
fn is_of_one_table(query: &Tree) -> bool {
    let table_of = |arm: &Node| {
        let [target] = arm.get("target_list").list() else { return None };
        let star = value_of(target).as_kind("ColumnRef").filter(|star| is_star(star))?;
        let table = match (last_name(star, "fields"), arm.get("from_clause").list()) {
            (Some(name), from) => from.iter().find_map(|from| table_in(from, name))?,
            (None, [table]) => table.as_kind("RangeVar")?,
            (None, _) => return None,
        };
        let is_renamed = table.get("alias").node().is_some_and(|alias| alias.has("colnames"));
        (!is_renamed).then(|| ["catalogname", "schemaname", "relname"].map(|part| table.text(part).to_owned()))
    };
    let Some(node) = query.node() else { return false };
    let mut tables = HashSet::new();
    each_arm(node, &mut |arm| _ = tables.insert(table_of(arm)));
    // An arm's own WITH may call something else so.
    tables.len() == 1 && !tables.contains(&None) && !has_inner_with(node)
}

/// The table of this name in an item of FROM.
fn table_in<'a>(from: &'a Tree, name: &str) -> Option<&'a Node> {
    let node = from.node()?;
    match node.kind {
        "RangeVar" => (name_in_from(node) == name).then_some(node),
        "JoinExpr" if !node.has("alias") => ["larg", "rarg"].iter().find_map(|side| table_in(node.get(side), name)),
        _ => None,
    }
}

/// What a table is called in a statement.
fn name_in_from(table: &Node) -> &str {
    table.get("alias").node().map_or(table.text("relname"), |alias| alias.text("aliasname"))
}

fn has_inner_with(query: &Node) -> bool {
    let sides = [query.get("larg").node(), query.get("rarg").node()];
    sides.into_iter().flatten().any(|side| side.has("with_clause") || has_inner_with(side))
}

/// The name of a query's column by what the query's first arm has at its place. `None` if it can't be told.
fn names_at(first: &[Tree], at: usize) -> Option<Vec<&str>> {
    match first.get(at)?.as_kind("ResTarget") {
        Some(target) => names_of_output(target),
        None => OF_VALUES.get(at).map(|name| vec![name.as_str()]),
    }
}

/// The columns of what is in FROM, as far as their names are written.
#[derive(Default)]
struct Columns<'a> {
    names: HashSet<&'a str>,
    /// Whether it may have others.
    has_more: bool,
}

impl<'a> Columns<'a> {
    fn of(query: &'a Tree, aliases: &'a [Tree]) -> Self {
        let arms = arms_of(query);
        let first = arms.first().copied().unwrap_or_default();
        let mut columns = Self { names: aliases.iter().map(Tree::text).collect(), has_more: arms.is_empty() };
        for at in aliases.len()..first.len() {
            match names_at(first, at).as_deref() {
                Some([name]) if !first.get(at).is_some_and(is_star_target) => _ = columns.names.insert(name),
                _ => columns.has_more |= !first.get(at).is_some_and(|target| is_constant(value_of(target))),
            }
        }
        columns.has_more |= first.iter().any(is_star_target);
        columns
    }

    fn untold() -> Self {
        Self { has_more: true, ..Self::default() }
    }

    fn extend(&mut self, more: Self) {
        self.names.extend(more.names);
        self.has_more |= more.has_more;
    }

    /// Adds those of these names that may be of one of them. How much had to be looked at.
    fn of_them(&self, given: &BTreeSet<&'a str>, names: &mut BTreeSet<&'a str>) -> usize {
        let looked = if self.has_more { given.len() } else { self.names.len().min(given.len()) };
        if self.has_more {
            names.extend(given);
        } else if self.names.len() < given.len() {
            names.extend(self.names.iter().filter(|name| given.contains(*name)));
        } else {
            names.extend(given.iter().filter(|name| self.names.contains(*name)));
        }
        looked
    }
}

/// What a name in FROM may stand for.
#[derive(Default)]
struct Rows<'a> {
    columns: Columns<'a>,
    queries: BTreeSet<usize>,
}

/// What a name may stand for, by what is written where an output gets it, anywhere in a statement.
#[derive(Default)]
struct Meanings<'a> {
    made_of: HashMap<&'a str, BTreeSet<&'a str>>,
    /// What outputs are made of whose names can't be told: any name may be theirs.
    of_any: BTreeSet<&'a str>,
    /// Names that may stand for any column: those that a table's columns get in FROM.
    renamed: BTreeSet<&'a str>,
    /// Names of tables, queries and what else has rows: alone they stand for a row.
    rows: HashMap<&'a str, Rows<'a>>,
    /// Those of the queries of WITH.
    queries: Vec<Columns<'a>>,
    /// Names that mean more than themselves.
    given: BTreeSet<&'a str>,
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
    /// Whether a row is in a document, whose columns may have names that were given.
    has_document: bool,
}

impl<'a> Gathering<'a> {
    fn of(tree: &'a Tree, outputs: &[&'a [Tree]]) -> Option<Self> {
        // What is called by the name of an output is none.
        let outputs = outputs.iter().copied().flatten().filter_map(Tree::node);
        let outputs: HashSet<*const Node> = outputs.map(std::ptr::from_ref).collect();
        let mut nodes = Vec::new();
        let mut left = NODES_MAX;
        tree.walk(&mut |node| {
            left = left.saturating_sub(1);
            nodes.extend(
                Some(node).filter(|node| NAMING.contains(&node.kind) && !outputs.contains(&std::ptr::from_ref(*node))),
            );
            left > 0
        });
        if left == 0 {
            return None;
        }
        let (meanings, shared) = (Meanings::default(), HashMap::new());
        let mut gathering = Self { meanings, left, shared, names_left: NAMES_OF_ALL_MAX, has_document: false };
        gathering.gather_rows(tree, &nodes);
        nodes.iter().for_each(|node| gathering.gather(node));
        let Meanings { made_of, renamed, .. } = &gathering.meanings;
        let given = made_of.iter().filter(|(name, meant)| meant.iter().any(|more| more != *name)).map(|(name, _)| name);
        gathering.meanings.given = given.chain(renamed).copied().collect();
        // What was given a document has what was given to the document's columns.
        if gathering.has_document && !gathering.meanings.given.is_empty() {
            nodes.iter().for_each(|node| gathering.gather(node));
        }
        (gathering.left > 0).then_some(gathering)
    }

    /// Adds what this node gives a name.
    fn gather(&mut self, node: &'a Node) {
        let aliases = node.get("alias").node().map_or(&[][..], |alias| alias.get("colnames").list());
        match node.kind {
            // The columns of a star have the names that they have.
            "ResTarget" if node.get("val").node().is_some_and(is_star) => {
                let opened = node.get("val").as_kind("AIndirection").map(|row| row.get("arg"));
                if let Some(opened) = opened {
                    let written = match opened.as_kind("ColumnRef") {
                        Some(row) => last_name(row, "fields").into_iter().collect(),
                        None => self.of_value(opened),
                    };
                    self.meanings.of_any.extend(written);
                }
            }
            "ResTarget" => {
                let written = self.of_value(node.get("val"));
                self.mean_any_of(names_of_output(node), written);
            }
            "RangeSubselect" => self.fill(Some(aliases), node.get("subquery")),
            "CommonTableExpr" => {
                self.fill(Some(node.get("aliascolnames").list()), node.get("ctequery"));
                // What it is sorted by, and the way that it has come, are of the values of these columns.
                let ordered = (node.get("search_clause"), "search_col_list", "search_seq_column");
                let way = (node.get("cycle_clause"), "cycle_col_list", "cycle_path_column");
                for (clause, columns, name) in [ordered, way] {
                    let Some(clause) = clause.node() else { continue };
                    let columns = clause.get(columns).list().iter().map(Tree::text).collect();
                    self.mean(clause.text(name), &columns);
                }
            }
            // What is put into a column may be returned.
            "InsertStmt" if node.has("returning_clause") => {
                let columns = Some(node.get("cols").list()).filter(|columns| !columns.is_empty());
                self.fill(columns, node.get("select_stmt"));
            }
            "MergeStmt" if node.has("returning_clause") => {
                for when in node.get("merge_when_clauses").list().iter().filter_map(Tree::node) {
                    let columns = Some(when.get("target_list").list()).filter(|columns| !columns.is_empty());
                    self.hold(columns, &[when.get("values").list()]);
                }
            }
            "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => {}
            "RangeFunction" => self.gather_functions(node, aliases),
            "RangeTableFunc" | "JsonTable" => self.gather_table(node, aliases),
            _ => self.meanings.renamed.extend(aliases.iter().map(Tree::text)),
        }
    }

    /// Adds what functions in FROM give their columns.
    fn gather_functions(&mut self, node: &'a Node, aliases: &'a [Tree]) {
        let written = self.of_value(node.get("functions"));
        // A function's one column has the name of its alias, or the function's.
        let alias = node.get("alias").node().map(|alias| alias.text("aliasname"));
        let functions: Vec<&str> = functions_of(node).filter_map(|call| last_name(call, "funcname")).collect();
        let names = aliases.iter().map(Tree::text).chain(alias).chain(functions.iter().copied());
        names.chain(defined(node)).for_each(|name| self.mean(name, &written));
        let has_others = aliases.is_empty() && defined(node).next().is_none();
        for function in &functions {
            if function.starts_with("json") && (function.contains("_each") || function.contains("_array_elements")) {
                ["key", "value"].into_iter().for_each(|name| self.mean(name, &written));
            // Others may have several, of any name.
            } else if has_others && !OF_ONE_COLUMN.contains(function) {
                self.meanings.of_any.extend(&written);
            }
        }
    }

    /// Adds what XMLTABLE and JSON_TABLE give their columns.
    fn gather_table(&mut self, node: &'a Node, aliases: &'a [Tree]) {
        let mut written = BTreeSet::new();
        let taken = ["docexpr", "context_item", "passing"].map(|field| (node.get(field), Within::Opened));
        self.written_within(taken.to_vec(), &mut written);
        self.path_keys(node, &mut written);
        node.get("columns").walk(&mut |column| {
            match column.kind {
                // What nested columns are of, they are of that as well.
                "JsonTableColumn" if column.has("columns") => self.path_keys(column, &mut written),
                "JsonTableColumn" | "RangeTableFuncCol" => {
                    let mut own = written.clone();
                    self.left = self.left.saturating_sub(own.len());
                    self.path_keys(column, &mut own);
                    let name = column.text(if column.has("name") { "name" } else { "colname" });
                    // Where no path is written it is the name.
                    own.insert(name);
                    ["coldefexpr", "on_empty", "on_error"].iter().for_each(|or| self.written(column.get(or), &mut own));
                    self.mean(name, &own);
                    written.extend(own.iter().filter(|_| !aliases.is_empty()));
                }
                _ => {}
            }
            self.left > 0
        });
        aliases.iter().for_each(|name| self.mean(name.text(), &written));
    }

    /// Adds the keys on the way to what is taken of a document.
    fn path_keys(&mut self, taking: &'a Node, names: &mut BTreeSet<&'a str>) {
        let path = taking.get("pathspec");
        let path = path.as_kind("JsonTablePathSpec").map_or(path, |spec| spec.get("string"));
        for path in [path, taking.get("colexpr")] {
            self.keys(path, IN_PATHS, names);
        }
    }

    /// What is named in FROM: it stands for all of its columns where it stands alone, unless one of them is called so. A function's one
    /// column has its name.
    fn gather_rows(&mut self, tree: &'a Tree, nodes: &[&'a Node]) {
        let queries = self.queries(tree, nodes);
        for node in nodes {
            let alias = node.get("alias").node();
            let renamed = alias.map_or(&[][..], |alias| alias.get("colnames").list());
            let alias = alias.map(|alias| alias.text("aliasname"));
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                return;
            }
            match node.kind {
                "RangeVar" => {
                    let (schema, table) = (node.text("schemaname"), node.text("relname"));
                    let name = name_in_from(node);
                    let query = queries.get(table).filter(|_| schema.is_empty());
                    let has = |at: usize| self.meanings.queries.get(at).is_some_and(|it| it.names.contains(name));
                    if !query.is_some_and(|(at, is_sure)| *is_sure && renamed.is_empty() && has(*at)) {
                        self.add_row(name, query.map(|(at, _)| *at));
                    }
                    if !renamed.is_empty() {
                        let names = renamed.iter().map(Tree::text).collect();
                        self.add_row_of(name, Columns { names, has_more: false });
                    }
                }
                "RangeSubselect" => {
                    let columns = Columns::of(node.get("subquery"), renamed);
                    self.left = self.left.saturating_sub(columns.names.len());
                    let name = alias.unwrap_or("");
                    if !columns.names.contains(name) {
                        self.add_row_of(name, columns);
                    }
                }
                "JoinExpr" => {
                    let using = node.get("join_using_alias").node().map(|alias| alias.text("aliasname"));
                    for name in alias.into_iter().chain(using) {
                        self.add_row_of(name, Columns::untold());
                    }
                }
                "RangeTableFunc" | "JsonTable" => {
                    self.add_row_of(alias.unwrap_or(""), Columns::untold());
                }
                "RangeFunction" => {
                    let several = node.get("functions").list().len() > 1 || defined(node).next().is_some();
                    // Their rows are of the columns of a type.
                    if several || functions_of(node).any(|call| OF_A_TYPE.iter().any(|name| is_own(call, name))) {
                        self.add_row_of(alias.unwrap_or(""), Columns::untold());
                    }
                }
                "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" => {
                    let target = node.get("relation").node();
                    let target = target.map(name_in_from);
                    let returning = node.get("returning_clause").node();
                    let olds = returning.map(|clause| clause.get("options").list()).unwrap_or_default();
                    let olds = olds.iter().filter_map(Tree::node).map(|option| option.text("value"));
                    let own = returning.map_or(&[][..], |_| &["old", "new", "excluded"]);
                    target.into_iter().chain(olds).chain(own.iter().copied()).for_each(|name| self.add_row(name, None));
                }
                _ => {}
            }
        }
    }

    /// The queries of WITH by their names: where their columns are, and whether what is called so in FROM is surely that.
    fn queries(&mut self, tree: &'a Tree, nodes: &[&'a Node]) -> HashMap<&'a str, (usize, bool)> {
        let with = tree.node().and_then(|node| node.get("with_clause").node());
        // A query that stands before another of them does not see it, and what it calls so is a table.
        let (mut seen, mut is_table) = (HashSet::new(), HashSet::new());
        for query in with.map(|with| with.get("ctes").list()).unwrap_or_default().iter().filter_map(Tree::node) {
            if !with.is_some_and(|with| with.has("recursive")) {
                query.walk(&mut |node| {
                    self.left = self.left.saturating_sub(1);
                    let name =
                        Some(node.text("relname")).filter(|name| node.kind == "RangeVar" && !seen.contains(name));
                    is_table.extend(name);
                    self.left > 0
                });
            }
            seen.insert(query.text("ctename"));
        }
        let mut queries: HashMap<&str, (usize, bool)> = HashMap::new();
        for node in nodes.iter().filter(|node| node.kind == "CommonTableExpr") {
            let columns = Columns::of(node.get("ctequery"), node.get("aliascolnames").list());
            self.left = self.left.saturating_sub(columns.names.len());
            let name = node.text("ctename");
            let at = self.meanings.queries.len();
            let (at, is_sure) = queries.entry(name).or_insert((at, true));
            match self.meanings.queries.get_mut(*at) {
                // Which of them is meant depends on where it is.
                Some(others) => {
                    *is_sure = false;
                    others.extend(columns);
                }
                None => {
                    *is_sure = seen.contains(name) && !is_table.contains(name);
                    self.meanings.queries.push(columns);
                }
            }
        }
        queries
    }

    fn add_row(&mut self, name: &'a str, query: Option<usize>) {
        self.meanings.rows.entry(name).or_default().queries.extend(query);
    }

    fn add_row_of(&mut self, name: &'a str, columns: Columns<'a>) {
        self.meanings.rows.entry(name).or_default().columns.extend(columns);
    }

    /// What a query holds gets these names first, and then those that its first arm has; with `None` nobody knows which.
    fn fill(&mut self, aliases: Option<&'a [Tree]>, query: &'a Tree) {
        let arms = arms_of(query);
        self.left = self.left.saturating_sub(arms.len());
        if !is_of_one_table(query) || aliases.is_none_or(|aliases| !aliases.is_empty()) {
            self.hold(aliases, &arms);
        }
    }

    fn hold(&mut self, aliases: Option<&'a [Tree]>, arms: &[&'a [Tree]]) {
        let name_of = |alias: &'a Tree| alias.as_kind("ResTarget").map_or(alias.text(), |column| column.text("name"));
        let named = aliases.unwrap_or_default();
        let first = arms.first().copied().unwrap_or_default();
        self.left = self.left.saturating_sub(arms.iter().map(|targets| targets.len()).sum());
        // Behind a star nobody can count.
        if arms.is_empty() || has_star(arms) {
            self.meanings.renamed.extend(named.iter().map(name_of));
            if aliases.is_some() && arms.len() < 2 && !is_values(first) {
                return;
            }
            if aliases.is_none() || has_star(&[first]) {
                let more = if aliases.is_some() && !is_values(first) { arms.get(1..) } else { Some(arms) };
                for targets in more.unwrap_or_default() {
                    let written = self.of_targets(targets);
                    self.meanings.of_any.extend(written);
                }
            } else {
                for at in named.len()..first.len() {
                    match names_at(first, at) {
                        Some(names) => self.meanings.renamed.extend(names),
                        None => _ = self.meanings.of_any.insert(ROW),
                    }
                }
            }
            return;
        }
        let names: Vec<Option<Vec<&str>>> = (0..first.len())
            .map(|at| match named.get(at) {
                Some(alias) => Some(vec![name_of(alias)]),
                None => names_at(first, at).filter(|_| aliases.is_some()),
            })
            .collect();
        for (arm, targets) in arms.iter().enumerate() {
            // A target gives what it is to its own name.
            let is_given = arm == 0 && aliases.is_some() && !is_values(first);
            let held = if is_given { named.len() } else { targets.len() };
            let held = targets.iter().map(value_of).zip(&names).take(held);
            for (value, names) in held.filter(|(value, _)| !is_constant(value)) {
                let written = self.of_value(value);
                self.mean_any_of(names.clone(), written);
            }
        }
    }

    /// What stands in a list where a star stands for columns.
    fn of_targets(&mut self, targets: &'a [Tree]) -> BTreeSet<&'a str> {
        let mut names = BTreeSet::new();
        for target in targets {
            self.written(target, &mut names);
            names.extend(is_star_target(target).then_some(ROW));
        }
        names
    }

    fn mean_any_of(&mut self, names: Option<Vec<&'a str>>, written: BTreeSet<&'a str>) {
        match names {
            Some(names) => names.into_iter().for_each(|name| self.mean(name, &written)),
            None => self.meanings.of_any.extend(written),
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
                match value_of(target) {
                    value if !value.node().is_some_and(is_star) => self.written(value, names),
                    // A star's columns have their own names.
                    value => {
                        has_star = true;
                        let row = value.as_kind("AIndirection").map(|row| row.get("arg"));
                        match row.and_then(|row| row.as_kind("ColumnRef")) {
                            Some(row) => names.extend(last_name(row, "fields")),
                            None => row.into_iter().for_each(|row| self.written(row, names)),
                        }
                    }
                }
            }
        }
        // What was not looked at is not known.
        (self.left > 0).then_some(())?;
        if !has_star {
            return Some(MadeOf::Each(outputs.into_iter().map(|names| self.share(names)).collect()));
        }
        let all: BTreeSet<&str> = outputs.into_iter().flatten().chain(self.meanings.of_any.iter().copied()).collect();
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
        self.written_within(vec![(value, Within::Value)], names);
    }

    fn written_within(&mut self, mut waiting: Vec<(&'a Tree, Within)>, names: &mut BTreeSet<&'a str>) {
        while let Some((value, within)) = waiting.pop() {
            self.left = self.left.saturating_sub(1);
            let mut push = |value: &'a Tree| waiting.push((value, within));
            match value {
                Tree::List(items) => items.iter().for_each(push),
                Tree::Node(node) => match node.kind {
                    "ColumnRef" => {
                        let (name, parts) = (last_name(node, "fields"), node.get("fields").list().len());
                        let of_row = node.get("fields").list().iter().rev().nth(1).map(Tree::text);
                        let is_row = |name: &str| self.meanings.rows.contains_key(name);
                        match name.is_some_and(|name| parts == 1 && is_row(name)) || is_star(node) {
                            // A document has the names of what is in it.
                            true if within == Within::Document => {
                                self.in_document(name, names);
                                // A function's one column has its name.
                                names.extend(name.filter(|name| !self.meanings.rows.contains_key(name)));
                            }
                            true => names.extend(name.into_iter().chain([ROW])),
                            // A function may be written as if it were a column.
                            false => {
                                names.extend(name);
                                match (of_row.filter(|row| is_row(row)), name) {
                                    (Some(_), Some(name)) if SHOWING.contains(&name) => _ = names.insert(ROW),
                                    (Some(row), Some(name)) if DOCUMENTS.contains(&name) => {
                                        self.in_document(Some(row), names)
                                    }
                                    _ => {}
                                }
                            }
                        }
                    }
                    "AExpr" if takes_a_key(node) => {
                        let is_told = self.keys(node.get("rexpr"), IN_KEYS, names);
                        waiting.push((node.get("lexpr"), if is_told { within } else { Within::Opened }));
                    }
                    "AIndirection" => {
                        let name = last_name(node, "indirection");
                        self.left = self.left.saturating_sub(node.get("indirection").list().len());
                        let mut is_told = true;
                        for index in node.get("indirection").list() {
                            names.extend(Some(index.text()).filter(|name| !name.is_empty()));
                            let Some(index) = index.as_kind("AIndices") else { continue };
                            is_told &= self.keys(index.get("uidx"), IN_KEYS, names);
                        }
                        match node.get("arg").as_kind("ColumnRef") {
                            Some(row) => {
                                names.extend(last_name(row, "fields"));
                                let shows = name.is_some_and(|name| SHOWING.contains(&name));
                                names.extend((is_star(node) || shows).then_some(ROW));
                                if name.is_some_and(|name| DOCUMENTS.contains(&name)) {
                                    self.in_document(last_name(row, "fields"), names);
                                }
                            }
                            None => waiting.push((node.get("arg"), if is_told { within } else { Within::Opened })),
                        }
                    }
                    "NullTest" | "BooleanTest" | "BoolExpr" | "WindowDef" | "SortBy" => {}
                    "AExpr" if is_comparison(node) => {}
                    // A row that is cast is a text, and a document's text that is put together with others is no document.
                    "AExpr" if !is_nullif(node) => {
                        for side in [node.get("lexpr"), node.get("rexpr")] {
                            let is_text = side.as_kind("TypeCast").is_some() || within == Within::Opened;
                            waiting.push((side, if is_text { Within::Opened } else { Within::Value }));
                        }
                    }
                    "TypeCast" => {
                        let within = if within == Within::Opened { Within::Opened } else { Within::Value };
                        waiting.push((node.get("arg"), within));
                    }
                    "JsonIsPredicate" => {}
                    "JsonFuncExpr" if node.int("op") == i64::from(i32::from(JsonExprOp::JsonExistsOp)) => {}
                    "JsonFuncExpr" => {
                        self.path_keys(node, names);
                        let fields = ["context_item", "passing", "on_empty", "on_error"];
                        waiting.extend(fields.map(|field| (node.get(field), Within::Opened)));
                    }
                    "CaseExpr" => [node.get("args"), node.get("defresult")].into_iter().for_each(push),
                    "CaseWhen" => push(node.get("result")),
                    "FuncCall" if is_own(node, "count") => {}
                    "FuncCall" => {
                        let arguments = node.get("args");
                        if PATHS.iter().any(|path| is_own(node, path)) {
                            arguments.list().iter().skip(1).for_each(|key| _ = self.keys(key, IN_KEYS, names));
                        }
                        if PATHS_IN_TEXT.iter().any(|path| is_own(node, path)) {
                            arguments.list().iter().take(2).for_each(|path| _ = self.keys(path, IN_PATHS, names));
                        }
                        let function = last_name(node, "funcname");
                        // `ssn(p)` is `p.ssn`.
                        names.extend(function.filter(|_| arguments.list().len() == 1));
                        let makes_document =
                            DOCUMENTS.iter().any(|name| is_own(node, name)) || function == Some("hstore");
                        let within = match within {
                            Within::Opened => Within::Opened,
                            _ if makes_document => Within::Document,
                            _ if KEEPING.iter().any(|name| is_own(node, name)) => within,
                            _ => Within::Opened,
                        };
                        waiting.push((arguments, within));
                        // What stands behind WITHIN GROUP is given to it.
                        let sorted = node.get("agg_order").list().iter().filter(|_| node.has("agg_within_group"));
                        waiting.extend(sorted.filter_map(Tree::node).map(|sort| (sort.get("node"), within)));
                    }
                    "SubLink" if returns_rows(node) => push(node.get("subselect")),
                    "SubLink" => {}
                    // A star stands for what is in it here, in a document as well.
                    "RowExpr" => {
                        names.extend(has_star(&[node.get("args").list()]).then_some(ROW));
                        push(node.get("args"));
                    }
                    "SelectStmt" => {
                        let rows = node.get("values_lists").list().iter().map(Tree::list);
                        let lists: Vec<&[Tree]> = rows.chain([node.get("target_list").list()]).collect();
                        names.extend(has_star(&lists).then_some(ROW));
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

    /// Adds the names that were given to the columns of a row in a document.
    fn in_document(&mut self, row: Option<&str>, names: &mut BTreeSet<&'a str>) {
        self.has_document = true;
        let Meanings { rows, queries, given, .. } = &self.meanings;
        let Some(row) = row.and_then(|row| rows.get(row)) else { return };
        for columns in row.queries.iter().filter_map(|at| queries.get(*at)).chain([&row.columns]) {
            self.left = self.left.saturating_sub(columns.of_them(given, names).saturating_add(1));
            if self.left == 0 {
                return;
            }
        }
    }

    /// Adds the keys that stand in a text: one, or a path of them, with these around them. Whether there may be any.
    fn keys(&mut self, key: &'a Tree, around: &[char], names: &mut BTreeSet<&'a str>) -> bool {
        let mut key = key;
        while let Some(cast) = key.as_kind("TypeCast") {
            key = cast.get("arg");
        }
        if let Some(array) = key.as_kind("AArrayExpr") {
            return array.get("elements").list().iter().fold(false, |any, key| self.keys(key, around, names) | any);
        }
        let constant = key.as_kind("AConst").and_then(|constant| constant.get("val").node());
        let text = constant.map_or("", |text| text.text("sval"));
        // A text of nothing but separators takes its time as well.
        self.left = self.left.saturating_sub(text.len().checked_div(NAME_BYTES).unwrap_or(0));
        for key in text.split(around).map(str::trim).filter(|key| !key.is_empty()) {
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

/// Functions that give rows and documents as they are.
const KEEPING: [&str; 14] = [
    "array_agg",
    "array_append",
    "array_prepend",
    "array_cat",
    "array_remove",
    "unnest",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
    "any_value",
    "max",
    "min",
];

/// Functions whose rows have one column, of the function's name.
const OF_ONE_COLUMN: [&str; 9] = [
    "unnest",
    "generate_series",
    "generate_subscripts",
    "string_to_table",
    "regexp_split_to_table",
    "regexp_matches",
    "json_object_keys",
    "jsonb_object_keys",
    "jsonb_path_query",
];

/// Functions whose rows are of the columns of a type.
const OF_A_TYPE: [&str; 4] =
    ["json_populate_record", "jsonb_populate_record", "json_populate_recordset", "jsonb_populate_recordset"];

/// What stands around a key in the text of a path.
const IN_KEYS: &[char] = &['{', '}', ',', '"'];
/// The same where a path is a language.
const IN_PATHS: &[char] = &[
    '{', '}', ',', '"', '$', '.', '[', ']', '*', '?', '(', ')', '@', ' ', '&', '|', '=', '<', '>', '!', '/', ':', '\'',
];

/// Functions that give what is under keys.
const PATHS: [&str; 4] =
    ["jsonb_extract_path", "jsonb_extract_path_text", "json_extract_path", "json_extract_path_text"];

/// The same by a path that is a text.
const PATHS_IN_TEXT: [&str; 7] = [
    "jsonb_path_query",
    "jsonb_path_query_array",
    "jsonb_path_query_first",
    "jsonb_path_query_tz",
    "jsonb_path_query_array_tz",
    "jsonb_path_query_first_tz",
    "xpath",
];

/// Functions that show a row and take nothing else.
const SHOWING: [&str; 12] = [
    "quote_literal",
    "quote_nullable",
    "concat",
    "array_agg",
    "any_value",
    "record_out",
    "record_send",
    "any_out",
    "anyelement_out",
    "anynonarray_out",
    "anycompatible_out",
    "anycompatiblenonarray_out",
];

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
                let arms = arms_of(node.get("subselect"));
                // It is the first arm that gives its name.
                names_at(arms.first()?, 0)
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

/// Whether these are a row of VALUES.
fn is_values(targets: &[Tree]) -> bool {
    targets.first().is_some_and(|target| target.as_kind("ResTarget").is_none())
}

/// Whether no name can be in this.
fn is_constant(value: &Tree) -> bool {
    value.node().is_some_and(|node| matches!(node.kind, "AConst" | "ParamRef" | "SetToDefault"))
}

fn has_star(arms: &[&[Tree]]) -> bool {
    arms.iter().any(|targets| targets.iter().any(is_star_target))
}

fn is_star_target(target: &Tree) -> bool {
    value_of(target).node().is_some_and(is_star)
}

fn is_star(value: &Node) -> bool {
    let last = |field: &str| value.get(field).list().last().is_some_and(|last| last.as_kind("AStar").is_some());
    match value.kind {
        "ColumnRef" => last("fields"),
        "AIndirection" => last("indirection"),
        _ => false,
    }
}

/// The calls in an item of FROM.
fn functions_of(functions: &Node) -> impl Iterator<Item = &Node> {
    functions.get("functions").list().iter().flat_map(Tree::list).filter_map(Tree::node)
}

/// The names in a function's column definitions.
fn defined(functions: &Node) -> impl Iterator<Item = &str> {
    let own = functions.get("coldeflist").list();
    let each = functions.get("functions").list().iter().flat_map(Tree::list).flat_map(Tree::list);
    own.iter().chain(each).filter_map(|column| column.as_kind("ColumnDef")).map(|column| column.text("colname"))
}
