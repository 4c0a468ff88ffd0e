//! Of what the columns of views and generated columns are made, by PostgreSQL's own trees of them.
//!
//! In those every name is resolved: a column is the number of a relation in a list and its own number in it, a function is its
//! oid. So nothing is guessed here, and a view that reads a view says so.

use std::collections::HashMap;

use lineage::{Origin, Source};

use super::USER_OID_MIN;
use super::node_tree::{Item, Node, read};

/// What a column can be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// The column of this number in the relation with this oid.
    Column(u32, i16),
    /// What the users' function with this oid makes of its arguments.
    Call(u32),
}

/// Of what a column is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MadeOf {
    /// It is a value of this column, unaltered.
    Copy(u32, i16),
    /// Of these. Of none: of nothing that is stored.
    Places(Vec<Place>),
    /// Of anything that the whole reads.
    Everything,
}

/// The columns of a view, by the tree of its rule; `None` if it can't be read.
pub(crate) fn view(tree: &str) -> Option<Vec<MadeOf>> {
    let tree = read(tree)?;
    let [query] = tree.list() else { return None };
    let mut reader = Reader::default();
    let columns = reader.columns(query.node()?, None)?;
    Some(columns.into_iter().map(|origin| reader.made_of(origin)).collect())
}

/// An expression over the columns of one relation: of a generated column.
pub(crate) fn expression(tree: &str, relation: u32) -> Option<MadeOf> {
    let tree = read(tree)?;
    let mut reader = Reader::default();
    let origin = reader.value(&tree, &Level::Relation(relation));
    Some(reader.made_of(origin))
}

/// Where a column's numbers are looked up.
enum Level<'a> {
    /// A query, and the one around it.
    Query {
        node: &'a Node<'a>,
        around: Option<&'a Level<'a>>,
    },
    Relation(u32),
}

#[derive(Default)]
struct Reader {
    places: Vec<Place>,
    numbers: HashMap<Place, u32>,
    /// Of what was found already: of a column of something in FROM, and of a query, by where they stand.
    known: HashMap<(usize, i64), Origin>,
    queries: HashMap<usize, Vec<Origin>>,
    depth: usize,
    in_window: bool,
}

/// Nodes inside of nodes that are followed, also into what a name stands for.
const NESTED_MAX: usize = 1000;

impl Reader {
    fn made_of(&self, origin: Origin) -> MadeOf {
        let place = |source: Source| usize::try_from(source.0).ok().and_then(|at| self.places.get(at)).copied();
        match origin {
            Origin::Unknown => MadeOf::Everything,
            Origin::Copy(source) => match place(source) {
                Some(Place::Column(relation, column)) => MadeOf::Copy(relation, column),
                _ => MadeOf::Everything,
            },
            made => MadeOf::Places(made.sources().iter().filter_map(place).collect()),
        }
    }

    fn source(&mut self, place: Place) -> Source {
        let next = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(place).or_insert(next);
        if number == next {
            self.places.push(place);
        }
        Source(number)
    }

    /// The columns that a query gives.
    fn columns(&mut self, query: &Node<'_>, around: Option<&Level<'_>>) -> Option<Vec<Origin>> {
        if query.kind != "QUERY" {
            return None;
        }
        let key = std::ptr::from_ref(query).addr();
        if let Some(known) = self.queries.get(&key) {
            return Some(known.clone());
        }
        let level = Level::Query { node: query, around };
        let columns = self.columns_in(query, &level)?;
        self.queries.insert(key, columns.clone());
        Some(columns)
    }

    fn columns_in(&mut self, query: &Node<'_>, level: &Level<'_>) -> Option<Vec<Origin>> {
        if let Some(operation) = query.get("setOperations").and_then(Item::node) {
            return self.arms(operation, level);
        }
        // What changes data gives back what its RETURNING says.
        let list = if query.number("commandType") == Some(SELECT) { "targetList" } else { "returningList" };
        let entries = query.list(list).iter().filter_map(Item::node).filter(|entry| !entry.is_true("resjunk"));
        entries.map(|entry| Some(self.value(entry.get("expr")?, level))).collect()
    }

    fn arms(&mut self, operation: &Node<'_>, level: &Level<'_>) -> Option<Vec<Origin>> {
        if operation.kind == "RANGETBLREF" {
            let entry = entry(level, operation.number("rtindex")?)?;
            return self.columns(entry.get("subquery")?.node()?, Some(level));
        }
        let left = self.arms(operation.get("larg")?.node()?, level)?;
        let right = self.arms(operation.get("rarg")?.node()?, level)?;
        (left.len() == right.len()).then(|| left.into_iter().zip(right).map(|(one, two)| one.or(two)).collect())
    }

    fn value(&mut self, item: &Item<'_>, level: &Level<'_>) -> Origin {
        match item {
            Item::Node(node) => self.node(node, level),
            Item::List(items) => {
                let mut origin = Origin::Free;
                items.iter().for_each(|item| origin.mix(self.value(item, level)));
                origin
            }
            Item::Word(_) => Origin::Free,
        }
    }

    fn node(&mut self, node: &Node<'_>, level: &Level<'_>) -> Origin {
        if self.depth >= NESTED_MAX {
            return Origin::Unknown;
        }
        self.depth = self.depth.saturating_add(1);
        let origin = self.nested(node, level);
        self.depth = self.depth.saturating_sub(1);
        origin
    }

    fn nested(&mut self, node: &Node<'_>, level: &Level<'_>) -> Origin {
        match node.kind {
            "VAR" => self.var(node, level).unwrap_or(Origin::Unknown),
            "CONST" | "PARAM" | "GROUPINGFUNC" | "SQLVALUEFUNCTION" | "CASETESTEXPR" | "COERCETODOMAINVALUE" => {
                Origin::Free
            }
            // They change the type that a value is taken for, and nothing in it.
            "RELABELTYPE" | "COLLATEEXPR" => node.get("arg").map_or(Origin::Free, |arg| self.value(arg, level)),
            "NULLTEST" => match node.get("arg").map_or(Origin::Free, |arg| self.value(arg, level)) {
                Origin::Copy(_) => Origin::Free,
                other => other,
            },
            "AGGREF" if is_count(node) => {
                let arguments = node.list("args").iter().filter_map(Item::node).filter_map(|entry| entry.get("expr"));
                let whole = |origin: Origin| if matches!(origin, Origin::Copy(_)) { Origin::Free } else { origin };
                let mut origin = Origin::Free;
                arguments.for_each(|argument| origin.mix(whole(self.value(argument, level))));
                let filter = node.get("aggfilter").map_or(Origin::Free, |filter| self.value(filter, level));
                origin.with(filter)
            }
            "SUBLINK" => {
                let test = node.get("testexpr").map_or(Origin::Free, |test| self.value(test, level));
                let query = node.get("subselect").and_then(Item::node);
                let columns = query.and_then(|query| self.columns(query, Some(level)));
                let Some(columns) = columns else { return Origin::Unknown };
                match (node.number("subLinkType"), columns.as_slice()) {
                    (Some(EXISTS_SUBLINK), _) => Origin::Free,
                    (Some(EXPR_SUBLINK), [one]) => one.clone(),
                    _ => test.with(columns.into_iter().collect()).computed(),
                }
            }
            "QUERY" => match self.columns(node, Some(level)) {
                Some(columns) => columns.into_iter().collect::<Origin>().computed(),
                None => Origin::Unknown,
            },
            kind => {
                let mut origin = Origin::Free;
                node.values().for_each(|value| origin.mix(self.value(value, level)));
                for field in ["funcid", "opfuncid", "aggfnoid", "winfnoid"] {
                    let function = node.number(field).and_then(|oid| u32::try_from(oid).ok());
                    if let Some(function) = function.filter(|oid| *oid >= USER_OID_MIN) {
                        origin.mix(Origin::Copy(self.source(Place::Call(function))));
                    }
                }
                if kind == "WINDOWFUNC" && !self.in_window {
                    self.in_window = true;
                    origin.mix(self.windows(level));
                    self.in_window = false;
                }
                origin.computed()
            }
        }
    }

    /// By what the windows of a query are ordered and parted: columns that it sorts by.
    fn windows(&mut self, level: &Level<'_>) -> Origin {
        let Level::Query { node: query, .. } = level else { return Origin::Unknown };
        let mut origin = query.get("windowClause").map_or(Origin::Free, |windows| self.value(windows, level));
        let entries = query.list("targetList").iter().filter_map(Item::node);
        for entry in entries.filter(|entry| entry.number("ressortgroupref") != Some(0)) {
            origin.mix(entry.get("expr").map_or(Origin::Free, |value| self.value(value, level)));
        }
        origin
    }

    fn var(&mut self, var: &Node<'_>, level: &Level<'_>) -> Option<Origin> {
        let (number, column) = (var.number("varno")?, var.number("varattno")?);
        let mut at = level;
        for _ in 0..var.number("varlevelsup")? {
            match at {
                Level::Query { around, .. } => at = (*around)?,
                Level::Relation(_) => return None,
            }
        }
        match at {
            Level::Relation(relation) if number == 1 => self.column_of(*relation, column),
            Level::Relation(_) => None,
            Level::Query { .. } => {
                let entry = entry(at, number)?;
                let key = (std::ptr::from_ref(entry).addr(), column);
                if let Some(known) = self.known.get(&key) {
                    return Some(known.clone());
                }
                let origin = self.of_entry(entry, column, at)?;
                self.known.insert(key, origin.clone());
                Some(origin)
            }
        }
    }

    fn column_of(&mut self, relation: u32, column: i64) -> Option<Origin> {
        match i16::try_from(column).ok()? {
            // What every table has.
            ..0 => Some(Origin::Free),
            // A whole row.
            0 => None,
            column => Some(Origin::Copy(self.source(Place::Column(relation, column)))),
        }
    }

    /// A column of something in FROM.
    fn of_entry(&mut self, entry: &Node<'_>, column: i64, level: &Level<'_>) -> Option<Origin> {
        let at = usize::try_from(column).ok()?.checked_sub(1);
        let pick = |columns: Vec<Origin>| match at {
            Some(at) => columns.into_iter().nth(at),
            None => Some(columns.into_iter().collect::<Origin>().computed()),
        };
        match entry.number("rtekind")? {
            RELATION => self.column_of(u32::try_from(entry.number("relid")?).ok()?, column),
            SUBQUERY => pick(self.columns(entry.get("subquery")?.node()?, Some(level))?),
            JOIN => Some(self.value(entry.list("joinaliasvars").get(at?)?, level)),
            GROUP => Some(self.value(entry.list("groupexprs").get(at?)?, level)),
            FUNCTION => Some(
                entry
                    .list("functions")
                    .iter()
                    .map(|function| self.value(function, level))
                    .collect::<Origin>()
                    .computed(),
            ),
            TABLE_FUNCTION => Some(self.value(entry.get("tablefunc")?, level).computed()),
            VALUES => {
                let rows = entry.list("values_lists").iter();
                let values: Option<Vec<Origin>> =
                    rows.map(|row| Some(self.value(row.list().get(at?)?, level))).collect();
                values?.into_iter().reduce(Origin::or)
            }
            CTE => {
                let mut at = level;
                for _ in 0..entry.number("ctelevelsup")? {
                    let Level::Query { around, .. } = at else { return None };
                    at = (*around)?;
                }
                let Level::Query { node, .. } = at else { return None };
                let name = entry.word("ctename")?;
                let named =
                    node.list("cteList").iter().filter_map(Item::node).find(|cte| cte.word("ctename") == Some(name))?;
                if named.is_true("cterecursive")
                    || named.get("search_clause").is_some_and(|clause| clause.node().is_some())
                {
                    return None;
                }
                let columns = self.columns(named.get("ctequery")?.node()?, Some(at))?;
                match columns.len().checked_sub(usize::try_from(column).ok()?) {
                    Some(_) => pick(columns),
                    // What CYCLE adds.
                    None => None,
                }
            }
            RESULT => Some(Origin::Free),
            _ => None,
        }
    }
}

/// Something in the FROM of a query, by its number.
fn entry<'a>(level: &Level<'a>, number: i64) -> Option<&'a Node<'a>> {
    let Level::Query { node, .. } = level else { return None };
    node.list("rtable").get(usize::try_from(number).ok()?.checked_sub(1)?)?.node()
}

fn is_count(node: &Node<'_>) -> bool {
    // count("any") and count(*).
    matches!(node.number("aggfnoid"), Some(2147 | 2803))
}

// `CmdType`, `SubLinkType` and `RTEKind` of PostgreSQL.
const SELECT: i64 = 1;
const EXISTS_SUBLINK: i64 = 0;
const EXPR_SUBLINK: i64 = 4;
const RELATION: i64 = 0;
const SUBQUERY: i64 = 1;
const JOIN: i64 = 2;
const FUNCTION: i64 = 3;
const TABLE_FUNCTION: i64 = 4;
const VALUES: i64 = 5;
const CTE: i64 = 6;
const RESULT: i64 = 8;
const GROUP: i64 = 9;

#[cfg(test)]
mod tests;
