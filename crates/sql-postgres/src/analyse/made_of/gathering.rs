//! What the names in a statement may mean, gathered from all that gives one.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::expressions::{IN_PATHS, OF_A_TYPE, OF_ONE_COLUMN, Within};
use super::nodes::{
    Columns, arms_of, defined, functions_of, has_star, is_constant, is_of_one_table, is_own, is_star, is_star_target,
    is_values, last_name, name_in_from, names_at, names_of_output, value_of,
};
use super::{MadeOf, NAMES_MAX, NAMES_OF_ALL_MAX, NAMING, NODES_MAX, Names, ROW};
use crate::tree::{Node, Tree};

/// What a name in FROM may stand for.
#[derive(Default)]
pub(super) struct Rows<'a> {
    pub(super) columns: Columns<'a>,
    pub(super) queries: BTreeSet<usize>,
}

/// What a name may stand for, by what is written where an output gets it, anywhere in a statement.
#[derive(Default)]
pub(super) struct Meanings<'a> {
    pub(super) made_of: HashMap<&'a str, BTreeSet<&'a str>>,
    /// What outputs are made of whose names can't be told: any name may be theirs.
    pub(super) of_any: BTreeSet<&'a str>,
    /// Names that may stand for any column: those that a table's columns get in FROM.
    pub(super) renamed: BTreeSet<&'a str>,
    /// Names of tables, queries and what else has rows: alone they stand for a row.
    pub(super) rows: HashMap<&'a str, Rows<'a>>,
    /// Those of the queries of WITH.
    pub(super) queries: Vec<Columns<'a>>,
    /// Names that mean more than themselves.
    pub(super) given: BTreeSet<&'a str>,
}

/// The names in a statement.
pub(super) struct Gathering<'a> {
    pub(super) meanings: Meanings<'a>,
    /// Nodes that may still be looked at.
    pub(super) left: usize,
    /// Those that were handed out.
    pub(super) shared: HashMap<BTreeSet<&'a str>, Names>,
    /// Names that may still be.
    pub(super) names_left: usize,
    /// Whether a row is in a document, whose columns may have names that were given.
    pub(super) has_document: bool,
}

impl<'a> Gathering<'a> {
    pub(super) fn of(tree: &'a Tree, outputs: &[&'a [Tree]]) -> Option<Self> {
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
    pub(super) fn path_keys(&mut self, taking: &'a Node, names: &mut BTreeSet<&'a str>) {
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

    pub(super) fn outputs(mut self, arms: &[&'a [Tree]], width: usize) -> Option<MadeOf> {
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
}
