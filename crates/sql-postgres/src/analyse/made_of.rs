//! The names of the columns that each output is made of, as they are written.
//!
//! What a name says of the values under it is lost where the server gives an output no column: behind UNION, an aggregate, a cast. Here it
//! is kept, by names alone: nothing is resolved, and a name that means several things means all of them. Of what a star stands for, or a
//! whole row, nothing is known.

use std::collections::{BTreeSet, HashMap};

use pg_query::protobuf::SubLinkType;

use crate::resolve::is_nullif;
use crate::tree::{Node, Tree};

/// Names that one output may be made of; with more it may be made of anything.
const NAMES_MAX: usize = 32;
/// Outputs that are told apart: the server has no more columns (`MaxTupleAttributeNumber`).
const OUTPUTS_MAX: usize = 1664;
/// Nodes of the tree that are looked at.
const NODES_MAX: usize = 100_000;

/// Of each output, the names of the columns that it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MadeOf {
    /// Each by its place.
    Each(Vec<Vec<Box<str>>>),
    /// A star stands among them, so that their places are not known: each of any of these.
    Any(Vec<Box<str>>),
    /// They are too many to be told.
    Anything,
}

impl Default for MadeOf {
    fn default() -> Self {
        Self::Each(Vec::new())
    }
}

impl MadeOf {
    /// The names of the columns that the result's column at this place is made of. `None` if it may be any.
    pub fn names(&self, at: usize) -> Option<&[Box<str>]> {
        match self {
            Self::Each(outputs) => Some(outputs.get(at).map_or(&[], Vec::as_slice)),
            Self::Any(names) => Some(names),
            Self::Anything => None,
        }
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
    gathered.and_then(|mut gathering| gathering.outputs(&arms, width)).unwrap_or(MadeOf::Anything)
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

/// The names in a statement.
struct Gathering<'a> {
    /// What is written where an output gets a name, anywhere in it.
    makers: HashMap<&'a str, BTreeSet<&'a str>>,
    /// Nodes that may still be looked at.
    left: usize,
}

impl<'a> Gathering<'a> {
    fn of(tree: &'a Tree) -> Option<Self> {
        let mut targets = Vec::new();
        let mut left = NODES_MAX;
        tree.walk(&mut |node| {
            left = left.saturating_sub(1);
            if node.kind == "ResTarget"
                && let Some(name) = output_name(node)
            {
                targets.push((name, node.get("val")));
            }
            left > 0
        });
        let mut gathering = Self { makers: HashMap::new(), left };
        for (name, value) in targets {
            let mut written = BTreeSet::new();
            gathering.written(value, &mut written);
            gathering.makers.entry(name).or_default().append(&mut written);
        }
        (gathering.left > 0).then_some(gathering)
    }

    fn outputs(&mut self, arms: &[&'a [Tree]], width: usize) -> Option<MadeOf> {
        let mut outputs: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); width];
        let mut has_star = false;
        for targets in arms {
            for (target, names) in targets.iter().zip(&mut outputs) {
                let value = target.node().filter(|node| node.kind == "ResTarget");
                let value = value.map_or(target, |node| node.get("val"));
                has_star |= is_star(value);
                self.written(value, names);
            }
        }
        for names in &mut outputs {
            self.meant(names)?;
        }
        let owned = |names: BTreeSet<&str>| names.into_iter().map(Box::from).collect();
        if !has_star {
            return Some(MadeOf::Each(outputs.into_iter().map(owned).collect()));
        }
        let all: BTreeSet<&str> = outputs.into_iter().flatten().collect();
        (all.len() <= NAMES_MAX).then(|| MadeOf::Any(owned(all)))
    }

    /// Adds the names of which the outputs are made that these may mean. `None` if they are too many.
    fn meant(&mut self, names: &mut BTreeSet<&'a str>) -> Option<()> {
        let mut waiting: Vec<&str> = names.iter().copied().collect();
        while let Some(name) = waiting.pop() {
            let made_of = self.makers.get(name).into_iter().flatten();
            waiting.extend(made_of.filter(|name| names.insert(name)).copied());
            if names.len() > NAMES_MAX {
                return None;
            }
        }
        Some(())
    }

    /// Adds the names in an expression that its value is made of: not those of what it only depends on.
    fn written(&mut self, value: &'a Tree, names: &mut BTreeSet<&'a str>) {
        let mut waiting = vec![value];
        while let Some(value) = waiting.pop() {
            self.left = self.left.saturating_sub(1);
            match value {
                Tree::List(items) => waiting.extend(items),
                Tree::Node(node) => match node.kind {
                    "ColumnRef" => names.extend(last_name(node)),
                    "NullTest" | "BooleanTest" | "BoolExpr" | "WindowDef" | "SortBy" => {}
                    "AExpr" if is_comparison(node) => {}
                    "CaseExpr" => waiting.extend([node.get("args"), node.get("defresult")]),
                    "CaseWhen" => waiting.push(node.get("result")),
                    "FuncCall" if node.get("funcname").list().last().is_some_and(|name| name.text() == "count") => {}
                    "FuncCall" => {
                        waiting.push(node.get("args"));
                        // What stands behind WITHIN GROUP is given to it.
                        let sorted = node.get("agg_order").list().iter().filter(|_| node.has("agg_within_group"));
                        waiting.extend(sorted.filter_map(Tree::node).map(|sort| sort.get("node")));
                    }
                    "SubLink" if returns_rows(node) => waiting.push(node.get("subselect")),
                    "SubLink" => {}
                    "SelectStmt" => {
                        waiting.extend(["target_list", "values_lists", "larg", "rarg"].map(|field| node.get(field)));
                    }
                    _ => waiting.extend(node.fields.iter().map(|(_, value)| value)),
                },
                Tree::Nothing | Tree::Text(_) | Tree::Int(_) => {}
            }
            if self.left == 0 {
                return;
            }
        }
    }
}

/// Whether this operator says whether, and not what.
fn is_comparison(node: &Node) -> bool {
    let name = node.get("name").list().last().map_or("", Tree::text);
    let is_word = name.ends_with("BETWEEN") || name.ends_with("SYMMETRIC");
    !is_nullif(node)
        && (is_word || !name.is_empty() && name.bytes().all(|byte| b"=<>~!*".contains(&byte)) && name != "*")
}

/// Whether this gives what a query returns, and not whether something is in that.
fn returns_rows(sublink: &Node) -> bool {
    let kind = i32::try_from(sublink.int("sub_link_type")).ok().and_then(|kind| SubLinkType::try_from(kind).ok());
    matches!(kind, Some(SubLinkType::ExprSublink | SubLinkType::ArraySublink | SubLinkType::MultiexprSublink))
}

/// The name that an output has for what stands around it.
fn output_name(target: &Node) -> Option<&str> {
    match target.text("name") {
        "" => {}
        name => return Some(name),
    }
    let mut value = target.get("val").node()?;
    while value.kind == "TypeCast" {
        value = value.get("arg").node()?;
    }
    match value.kind {
        "ColumnRef" => last_name(value),
        "FuncCall" => value.get("funcname").list().last().map(Tree::text),
        _ => None,
    }
}

fn last_name(column: &Node) -> Option<&str> {
    column.get("fields").list().last().map(Tree::text).filter(|name| !name.is_empty())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> MadeOf {
        let raws = crate::read::read(sql).unwrap();
        made_of(&Tree::of(&raws[0].stmt).unwrap())
    }

    fn names(sql: &str) -> String {
        let MadeOf::Each(outputs) = of(sql) else { panic!("{sql}: not each") };
        let each = outputs.iter().map(|names| names.iter().map(|name| &**name).collect::<Vec<_>>().join(" "));
        each.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn names_stay_where_the_server_gives_no_column() {
        for (sql, expected) in [
            ("SELECT ssn AS x FROM people UNION ALL SELECT NULL", "ssn"),
            ("SELECT 1, a UNION (SELECT b, c EXCEPT SELECT d, e)", "b d, a c e"),
            ("SELECT max(birth_date) AS x, count(*) FROM people", "birth_date, "),
            ("SELECT p.first_name::text AS x, array_agg(cvv) FROM people p", "first_name, cvv"),
            ("SELECT (SELECT max(ssn) FROM people) AS x", "ssn"),
            ("SELECT y AS z FROM (SELECT max(ssn) AS y, min(phone) FROM people) t", "ssn y"),
            ("WITH t AS (SELECT max(ssn) AS y FROM people) SELECT coalesce(t.y, '') FROM t", "ssn y"),
            ("SELECT max FROM (SELECT max(ssn) FROM people) t", "max ssn"),
            ("WITH RECURSIVE t AS (SELECT ssn AS y UNION SELECT y FROM t) SELECT y FROM t", "ssn y"),
            ("INSERT INTO people (a) VALUES (1) RETURNING upper(ssn)", "ssn"),
            ("COPY (SELECT max(ssn) FROM people) TO STDOUT", "ssn"),
            ("UPDATE people SET a = 1", ""),
            ("VALUES (1)", ""),
            ("VALUES ((SELECT max(ssn) FROM people), 1), (NULL, phone)", "ssn, phone"),
            ("SELECT nullif(ssn, ''), ssn || '', ARRAY[ssn], ssn::text LIKE 'x' FROM people", "ssn, ssn, ssn, "),
            ("SELECT count(phone), CASE WHEN first_name IS NULL THEN 'a' ELSE note END FROM people", ", note"),
            ("SELECT string_agg(status, ',' ORDER BY last_name) FILTER (WHERE phone = '') FROM people", "status"),
            ("SELECT EXISTS (SELECT ssn FROM people), 1 IN (SELECT ssn FROM people)", ", "),
        ] {
            assert_eq!(names(sql), expected, "{sql}");
        }
    }

    #[test]
    fn behind_a_star_any_column_may_be_any() {
        let made = of("SELECT *, max(ssn) OVER (), upper(phone) FROM people");
        assert_eq!(made, MadeOf::Any(vec!["phone".into(), "ssn".into()]));
        assert_eq!(of("SELECT ssn FROM people").names(1), Some(&[][..]));
    }

    #[test]
    fn a_name_that_means_itself_ends() {
        assert_eq!(names("SELECT a AS b FROM (SELECT b AS a FROM (SELECT a AS b) x) y"), "a b");
    }

    #[test]
    fn what_is_too_much_may_be_made_of_anything_and_takes_no_time() {
        let list = |count: usize| vec!["x"; count].join(", ");
        assert_eq!(of(&format!("SELECT {}", list(1665))), MadeOf::Anything);
        assert_eq!(of(&format!("SELECT (SELECT x FROM (SELECT {}) t)", list(40_000))), MadeOf::Anything);
        assert!(matches!(of(&format!("SELECT {}", list(1664))), MadeOf::Each(_)));
        let names: Vec<String> = (0..33).map(|at| format!("n{at}")).collect();
        assert_eq!(of(&format!("SELECT coalesce({})", names.join(", "))), MadeOf::Anything);
        assert_eq!(of(&format!("VALUES {}", vec!["(1, a)"; 1000].join(", "))).names(1), Some(&["a".into()][..]));
    }
}
