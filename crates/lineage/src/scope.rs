//! Where names are looked up.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::origin::Origin;
use crate::rows::{Column, Rows};

/// Something that stands in FROM.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// The name by which it is known, if it has one.
    pub name: Option<&'a str>,
    /// What it gives.
    pub rows: Rc<Rows<'a>>,
    /// Whether its columns are found by their names alone, and are in the star. Those of a joined table are found by the join's.
    pub open: bool,
    /// Whether it is part of a join: then the columns that every table has are not found by their names alone.
    pub joined: bool,
}

/// All that stands in one FROM.
#[derive(Clone, Debug, Default)]
pub struct Level<'a> {
    items: Vec<Item<'a>>,
    by_name: OnceCell<HashMap<&'a str, Vec<(usize, usize)>>>,
}

/// With more columns than this they are looked up in an index.
const COLUMNS_SEARCHED_MAX: usize = 64;

/// Where names are looked up: the FROM of the query, then those of the queries around it.
#[derive(Clone, Debug, Default)]
pub struct Scope<'a> {
    levels: Vec<Rc<Level<'a>>>,
}

/// What a name without a table means.
#[derive(Clone, Debug)]
pub enum Found<'a> {
    /// A column.
    Column(Column<'a>),
    /// A whole row.
    Row(Origin),
}

impl<'a> Level<'a> {
    /// All of these.
    pub fn new(items: Vec<Item<'a>>) -> Self {
        Self { items, by_name: OnceCell::new() }
    }

    /// What stands in it.
    pub fn items(&self) -> &[Item<'a>] {
        &self.items
    }

    fn column(&self, name: &str) -> Option<Column<'a>> {
        let open = || self.items.iter().filter(|item| item.open);
        let count: usize = open().map(|item| item.rows.columns.len()).sum();
        let found = |item: &Item<'a>| if item.joined { item.rows.listed(name) } else { item.rows.column(name) };
        if count <= COLUMNS_SEARCHED_MAX {
            return open().filter_map(found).reduce(Column::or);
        }
        let by_name = self.by_name.get_or_init(|| self.index());
        let listed = by_name
            .get(name)
            .into_iter()
            .flatten()
            .filter_map(|(item, column)| self.items.get(*item)?.rows.columns.get(*column).cloned());
        // What may have any name, and the columns that every table has.
        let others = open().filter_map(|item| {
            let rows = &item.rows;
            let named = |column: &&Column<'a>| column.name.is_none();
            let system = if item.joined { &[][..] } else { rows.system };
            if rows.more.is_none() && !system.contains(&name) && !rows.columns.iter().any(|c| c.name.is_none()) {
                return None;
            }
            let columns = rows.columns.iter().filter(named).cloned().collect();
            Rows { columns, more: rows.more.clone(), system, ..Rows::default() }.column(name)
        });
        listed.chain(others).reduce(Column::or)
    }

    fn index(&self) -> HashMap<&'a str, Vec<(usize, usize)>> {
        let mut index: HashMap<&'a str, Vec<(usize, usize)>> = HashMap::new();
        for (at, item) in self.items.iter().enumerate().filter(|(_, item)| item.open) {
            for (number, column) in item.rows.columns.iter().enumerate() {
                if let Some(name) = column.name {
                    index.entry(name).or_default().push((at, number));
                }
            }
        }
        index
    }
}

impl<'a> Scope<'a> {
    /// This scope around a query that has this FROM.
    pub fn inside(&self, level: Rc<Level<'a>>) -> Self {
        let mut levels = self.levels.clone();
        levels.push(level);
        Self { levels }
    }

    /// The FROM of the innermost query.
    pub fn innermost(&self) -> Option<&Level<'a>> {
        self.levels.last().map(Rc::as_ref)
    }

    /// What a name without a table means: a column of the innermost query that has one, or else the whole row of what is known
    /// by that name. `None` if nothing of that name is known.
    pub fn name(&self, name: &str) -> Option<Found<'a>> {
        let mut found: Option<Column<'a>> = None;
        for level in self.levels.iter().rev() {
            let Some(here) = level.column(name) else { continue };
            let is_last = here.certain;
            // What only may be meant further in may be meant instead.
            found = Some(match found {
                Some(inner) => Column { certain: is_last, ..inner.or(Column { certain: false, ..here }) },
                None => here,
            });
            if is_last {
                break;
            }
        }
        match found {
            Some(column) if column.certain => Some(Found::Column(column)),
            Some(column) => {
                let rows = self.items(name).map(|item| item.rows.row());
                let origin = rows.fold(column.origin, Origin::or);
                Some(Found::Column(Column { origin, bare: false, certain: false, ..column }))
            }
            None => self.items(name).map(|item| item.rows.record()).reduce(Origin::or).map(Found::Row),
        }
    }

    /// How many things a name has to be compared with, at most.
    pub fn size(&self) -> usize {
        self.levels.iter().map(|level| level.items.len()).sum()
    }

    /// All that is known by a name, in this query and those around it.
    pub fn all_items(&self, name: &str) -> impl Iterator<Item = &Item<'a>> {
        self.levels.iter().flat_map(|level| level.items.iter()).filter(move |item| item.name == Some(name))
    }

    /// What a name of a table means: what is known by it in the innermost query that has it. Usually one; two tables of
    /// different schemas may have one name.
    pub fn items(&self, name: &str) -> impl Iterator<Item = &Item<'a>> {
        let named = |level: &&Rc<Level<'a>>| level.items.iter().any(|item| item.name == Some(name));
        let level = self.levels.iter().rev().find(named);
        level.into_iter().flat_map(|level| level.items.iter()).filter(move |item| item.name == Some(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Source;

    fn item(name: &'static str, columns: &[(&'static str, Option<u32>)]) -> Item<'static> {
        let columns = columns.iter().map(|(name, source)| {
            let origin = source.map_or(Origin::Free, |source| Origin::Copy(Source(source)));
            Column { bare: true, ..Column::computed(Some(name), origin) }
        });
        let rows = Rows { columns: columns.collect(), ..Rows::default() };
        Item { name: Some(name), rows: Rc::new(rows), open: true, joined: false }
    }

    fn scope(levels: Vec<Vec<Item<'static>>>) -> Scope<'static> {
        Scope { levels: levels.into_iter().map(|items| Rc::new(Level::new(items))).collect() }
    }

    fn sources(found: Option<Found<'_>>) -> Vec<u32> {
        let origin = match found.unwrap() {
            Found::Column(column) => column.origin,
            Found::Row(origin) => origin,
        };
        origin.sources().iter().map(|source| source.0).collect()
    }

    #[test]
    fn the_innermost_query_that_has_the_name_is_meant() {
        let scope = scope(vec![
            vec![item("o", &[("a", Some(1)), ("z", Some(9))])],
            vec![item("i", &[("a", None)]), item("j", &[("b", Some(2))])],
        ]);
        assert_eq!(sources(scope.name("a")), []);
        assert_eq!(sources(scope.name("b")), [2]);
        assert_eq!(sources(scope.name("z")), [9]);
        assert!(scope.name("c").is_none());
        assert!(matches!(scope.name("o"), Some(Found::Row(_))));
        assert_eq!(sources(scope.name("o")), [1, 9]);
    }

    #[test]
    fn what_may_have_the_name_is_meant_as_well() {
        let mut unsure = item("i", &[("x", Some(3))]);
        Rc::make_mut(&mut unsure.rows).columns[0].name = None;
        let scope = scope(vec![vec![item("a", &[("a", Some(1))])], vec![unsure]]);
        assert_eq!(sources(scope.name("a")), [1, 3]);
        // A column goes before a row, but it may be no column of that name.
        assert_eq!(sources(scope.name("i")), [3]);
        assert_eq!(sources(scope.name("b")), [3]);
    }

    #[test]
    fn a_name_of_a_table_is_that_of_the_innermost_query() {
        let scope = scope(vec![vec![item("t", &[("a", Some(1))])], vec![item("t", &[("a", None)]), item("u", &[])]]);
        assert_eq!(scope.items("t").count(), 1);
        assert!(scope.items("t").all(|item| item.rows.row().is_free()));
        assert_eq!(scope.items("v").count(), 0);
    }

    #[test]
    fn many_columns_are_found_as_few_are() {
        let names: Vec<String> = (0..200).map(|number| format!("c{number}")).collect();
        let names: &'static [String] = names.leak();
        let wide = |from: usize| -> Item<'static> {
            let columns: Vec<_> = (from..from + 100).map(|at| (names[at].as_str(), u32::try_from(at).ok())).collect();
            item("w", &columns)
        };
        let mut unsure = wide(100);
        Rc::make_mut(&mut unsure.rows).columns[7].name = None;
        Rc::make_mut(&mut unsure.rows).system = &["ctid"];
        let scope = scope(vec![vec![wide(0), unsure]]);
        assert_eq!(sources(scope.name("c3")), [3]);
        assert_eq!(sources(scope.name("c150")), [150]);
        assert_eq!(sources(scope.name("ctid")), []);
        assert_eq!(sources(scope.name("nothing")), [107]);
    }
}
