//! Random statements that are mostly right: every column that they name is there, and of the type that is due.

use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Text,
    Int,
    Array,
    Json,
}

use Type::{Array, Int, Json, Text};

/// Something in FROM: its alias and columns.
#[derive(Clone, Debug)]
struct Item {
    alias: String,
    columns: Vec<(String, Type)>,
}

/// What can be named where something stands: FROM of each query, innermost last, and the queries of WITH.
#[derive(Clone, Debug, Default)]
struct Scope {
    levels: Vec<Vec<Item>>,
    named: Vec<Item>,
}

const TABLES: [(&str, &[(&str, Type)]); 6] = [
    (
        "people",
        &[("id", Int), ("name", Text), ("ssn", Text), ("age", Int), ("city", Text), ("tags", Array), ("doc", Json)],
    ),
    ("orders", &[("id", Int), ("person", Int), ("status", Text), ("note", Text), ("total", Int)]),
    ("plain", &[("id", Int), ("name", Text), ("amount", Int)]),
    ("cards", &[("id", Int), ("name", Text), ("city", Text), ("label", Text)]),
    ("totals", &[("city", Text), ("n", Int), ("top", Text)]),
    ("shifted", &[("name", Text), ("ssn", Text), ("id", Int)]),
];

struct Writer<'a> {
    random: &'a mut Random,
    aliases: usize,
    /// How much may still be nested.
    left: usize,
}

/// A statement.
pub fn statement(random: &mut Random) -> String {
    let left = 1 + random.below(7);
    let mut writer = Writer { random, aliases: 0, left };
    match writer.random.below(20) {
        0 => {
            // One row, so that no two can change places.
            let scope = Scope { levels: vec![vec![item("people", "lone")]], named: Vec::new() };
            let list = writer.list(&scope, 3);
            format!("UPDATE lone SET city = city WHERE id < 9 RETURNING {list}")
        }
        1 => {
            let (query, _) = writer.query(&Scope::default(), Some(&[Int, Text]));
            format!("EXPLAIN (COSTS off) {query}")
        }
        2 => {
            let scope = Scope { levels: vec![vec![item("people", "l"), item("orders", "o")]], named: Vec::new() };
            let list = writer.list(&scope, 3);
            format!("UPDATE lone AS l SET name = status FROM orders AS o WHERE o.id = l.id RETURNING {list}")
        }
        3..6 => {
            let (query, _) = writer.query(&Scope::default(), None);
            writer.random.one(&DOCUMENTS).replace('#', &query)
        }
        _ => writer.query(&Scope::default(), None).0,
    }
}

/// What makes documents of the rows of a query.
const DOCUMENTS: [&str; 10] = [
    "SELECT json_agg(q) FROM (#) AS q",
    "SELECT coalesce(json_agg(q), '[]'), count(q) FROM (#) AS q",
    "SELECT row_to_json(q), to_jsonb(q) FROM (#) AS q",
    "SELECT jsonb_agg(q), array_agg(row_to_json(q)) FROM (#) AS q(name, ssn)",
    "SELECT jsonb_build_object('ssn', q, 'name', (SELECT json_agg(r) FROM (SELECT q.*) AS r)) FROM (#) AS q",
    "SELECT json_build_array(q, 1), row_to_json(row(1, q)) FROM (#) AS q",
    "WITH q AS (#) SELECT to_jsonb(r), json_build_object('a', row_to_json(r)) FROM q AS r(city)",
    "SELECT array_agg(to_jsonb(q.*)), to_json(ARRAY(SELECT 1)), to_json(array_agg(q)) FROM (#) AS q",
    "SELECT row_to_json((SELECT e FROM (SELECT q.*) AS e)) FROM (#) AS q",
    "SELECT json_agg(json_build_array(1, (repeat(' ', ascii(md5(q::text))) || '1')::json)) FROM (#) AS q",
];

/// A statement that stores nothing.
pub fn question(random: &mut Random) -> String {
    std::iter::repeat_with(|| statement(random)).find(|sql| !sql.starts_with("UPDATE")).unwrap()
}

/// What changes the catalog, so that names mean something else than they did before.
pub fn change(random: &mut Random) -> String {
    random.one(&CHANGES).to_owned()
}

/// Whether a text is one of these.
pub fn is_change(text: &str) -> bool {
    CHANGES.contains(&text)
}

const CHANGES: [&str; 14] = [
    "ALTER TABLE people RENAME name TO n; ALTER TABLE people RENAME ssn TO name; ALTER TABLE people RENAME n TO ssn",
    "ALTER TABLE people RENAME city TO c; ALTER TABLE people RENAME ssn TO city; ALTER TABLE people RENAME c TO ssn",
    "ALTER TABLE orders RENAME note TO n; ALTER TABLE orders RENAME status TO note; ALTER TABLE orders RENAME n TO status",
    "ALTER TABLE plain RENAME TO p; ALTER TABLE people RENAME age TO amount; ALTER TABLE people RENAME TO plain",
    "CREATE TEMP TABLE plain AS SELECT id, name, id * 2 AS amount FROM people",
    "CREATE TEMP TABLE plain AS SELECT id, ssn AS name, age AS amount FROM people ORDER BY id",
    "SELECT id, upper(ssn) AS name, city, note AS label INTO TEMP cards FROM people JOIN orders USING (id) ORDER BY id",
    "CREATE TEMP TABLE orders (id, person, status, note, total) AS SELECT id, age, ssn, name, id FROM people ORDER BY id",
    "CREATE TEMP VIEW totals AS SELECT ssn AS city, id AS n, name AS top FROM people ORDER BY id",
    "CREATE OR REPLACE VIEW shifted AS SELECT ssn AS name, upper(name) AS ssn, id FROM people",
    "CREATE TEMP VIEW plain AS SELECT id, ssn AS name, age AS amount FROM people ORDER BY id",
    "CREATE TEMP TABLE cards (id int, name text, city text, label text); INSERT INTO cards SELECT id, name, city, city FROM people",
    "CREATE SCHEMA s; CREATE TABLE s.people (LIKE people); SET LOCAL search_path = s, public",
    "ALTER TABLE plain ADD other text DEFAULT 'x'; ALTER TABLE people ALTER city SET DEFAULT 'city'",
];

fn item(table: &str, alias: &str) -> Item {
    let (_, columns) = TABLES.iter().find(|(name, _)| *name == table).unwrap();
    Item { alias: alias.to_owned(), columns: columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect() }
}

impl Writer<'_> {
    fn alias(&mut self) -> String {
        self.aliases += 1;
        // Names that are those of columns as well.
        match self.random.below(8) {
            0 => format!("name{}", self.aliases),
            1 => "ssn".to_owned() + &self.aliases.to_string(),
            _ => format!("t{}", self.aliases),
        }
    }

    fn column_name(&mut self, at: usize) -> String {
        const NAMES: [&str; 8] = ["name", "ssn", "city", "id", "status", "note", "x", "y"];
        let name = self.random.one(&NAMES);
        if at == 0 { name.to_owned() } else { format!("{name}{at}") }
    }

    fn nests(&mut self) -> bool {
        if self.left == 0 || self.random.often(4) {
            return false;
        }
        self.left -= 1;
        true
    }

    /// A list of outputs.
    fn list(&mut self, scope: &Scope, most: usize) -> String {
        let count = 1 + self.random.below(most);
        let values = (0..count).map(|_| {
            let kind = self.random.one(&[Text, Text, Int, Json]);
            self.value(scope, kind, 3)
        });
        values.collect::<Vec<_>>().join(", ")
    }

    // ---- queries

    /// A query, with columns of these types if they are given, and what it gives.
    fn query(&mut self, around: &Scope, types: Option<&[Type]>) -> (String, Vec<(String, Type)>) {
        if self.nests() && self.random.often(3) {
            return self.with(around, types);
        }
        if self.nests() && self.random.often(3) {
            let own: Vec<Type> = types.map_or_else(|| vec![Text, Int], <[Type]>::to_vec);
            let (left, columns) = self.select(around, Some(&own));
            let (right, _) = self.select(around, Some(&own));
            let word = self.random.one(&["UNION ALL", "UNION ALL", "UNION ALL", "UNION", "INTERSECT", "EXCEPT ALL"]);
            return (format!("({left}) {word} ({right})"), columns);
        }
        self.select(around, types)
    }

    fn with(&mut self, around: &Scope, types: Option<&[Type]>) -> (String, Vec<(String, Type)>) {
        let name = if self.random.often(3) { "orders".to_owned() } else { format!("w{}", self.alias()) };
        let mut scope = around.clone();
        if self.random.often(3) {
            let columns = ["r0", "r1", "r2"].map(str::to_owned).into_iter().zip([Int, Text, Text]).collect();
            let (first, _) = self.select(around, Some(&[Int, Text, Text]));
            scope.named.push(Item { alias: name.clone(), columns });
            let step = self.random.one(&["r2, r1", "r1, r1", "r1 || r2, 'x'", "r2, r2"]);
            let (body, columns) = self.query(&scope, types);
            // It ends by what it has counted itself.
            let recursive = format!(
                "WITH RECURSIVE {name}(r0, r1, r2) AS (SELECT 0, b2, b3 FROM ({first}) AS b(b1, b2, b3) UNION ALL \
                 SELECT r0 + 1, {step} FROM {name} WHERE r0 < 2) {body}"
            );
            return (recursive, columns);
        }
        let (inner, given) = self.query(around, None);
        let renames = self.random.often(5);
        let columns: Vec<(String, Type)> = match renames {
            true => given.iter().enumerate().map(|(at, (_, kind))| (self.column_name(at + 1), *kind)).collect(),
            false => given,
        };
        let list = match renames {
            true => format!("({})", columns.iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(", ")),
            false => String::new(),
        };
        scope.named.push(Item { alias: name.clone(), columns });
        let (body, columns) = self.query(&scope, types);
        (format!("WITH {name}{list} AS ({inner}) {body}"), columns)
    }

    fn select(&mut self, around: &Scope, types: Option<&[Type]>) -> (String, Vec<(String, Type)>) {
        let mut scope = around.clone();
        scope.levels.push(Vec::new());
        let mut from = Vec::new();
        for _ in 0..1 + self.random.below(2) {
            let part = self.part(&mut scope);
            from.push(part);
        }
        let own: Vec<Type> = types.map_or_else(
            || {
                (0..1 + self.random.below(4))
                    .map(|_| self.random.one(&[Text, Text, Text, Int, Int, Array, Json]))
                    .collect()
            },
            <[Type]>::to_vec,
        );
        let grouped = self.random.often(2);
        let mut columns = Vec::new();
        let mut list = Vec::new();
        if !grouped && types.is_none() && self.random.often(2) {
            let items = scope.levels.last().unwrap().clone();
            let item = &items[self.random.below(items.len())];
            list.push(format!("{}.*", quoted(&item.alias)));
            columns.extend(item.columns.clone());
        }
        for (at, kind) in own.iter().enumerate() {
            let value = if grouped { self.aggregate(&scope, *kind) } else { self.value(&scope, *kind, 3) };
            let name = self.column_name(columns.len() + at + 1);
            list.push(format!("{value} AS {}", quoted(&name)));
            columns.push((name, *kind));
        }
        let mut text = format!("SELECT {} FROM {}", list.join(", "), from.join(", "));
        if self.random.often(4) {
            text += &format!(" WHERE {}", self.condition(&scope));
        }
        if !grouped && self.random.often(2) {
            let kind = self.random.one(&[Text, Int]);
            text += &format!(" ORDER BY {}", self.safe(&scope, kind));
        }
        if self.random.often(2) {
            text += &format!(" LIMIT {}", 1 + self.random.below(20));
        }
        (text, columns)
    }

    // ---- FROM

    fn part(&mut self, scope: &mut Scope) -> String {
        let left = self.simple(scope);
        if !self.random.often(3) {
            return left;
        }
        let before = scope.levels.last().unwrap().last().unwrap().clone();
        let right = self.simple(scope);
        let after = scope.levels.last().unwrap().last().unwrap().clone();
        let shared: Vec<&str> = before
            .columns
            .iter()
            .filter(|(name, kind)| {
                after.columns.iter().filter(|(other, two)| other == name && two == kind).count() == 1
            })
            .filter(|(name, _)| before.columns.iter().filter(|(other, _)| other == name).count() == 1)
            .map(|(name, _)| name.as_str())
            .collect();
        let word = self.random.one(&["JOIN", "LEFT JOIN", "RIGHT JOIN"]);
        match self.random.below(3) {
            0 if !shared.is_empty() => {
                format!("{left} {word} {right} USING ({})", quoted(shared[self.random.below(shared.len())]))
            }
            1 if !shared.is_empty() && after.columns.len() < 4 => format!("{left} NATURAL {word} {right}"),
            _ => format!("{left} {word} {right} ON {}", self.condition(scope)),
        }
    }

    fn simple(&mut self, scope: &mut Scope) -> String {
        let alias = self.alias();
        let (text, columns) = match self.random.below(12) {
            0 | 1 if self.left > 0 => {
                self.left -= 1;
                let mut outside = scope.clone();
                let lateral = self.random.often(5) && outside.levels.last().is_some_and(|level| !level.is_empty());
                if !lateral {
                    outside.levels.pop();
                }
                let (query, columns) = self.query(&outside, None);
                (format!("{}({query})", if lateral { "LATERAL " } else { "" }), columns)
            }
            2 => {
                let argument = self.value(scope, Array, 1);
                (format!("unnest({argument})"), vec![(alias.clone(), Text)])
            }
            3 => {
                let most = self.value(scope, Int, 1);
                (format!("generate_series(1, LEAST({most}, 3))"), vec![(alias.clone(), Int)])
            }
            4 if self.random.often(3) && scope.levels.last().is_some_and(|level| !level.is_empty()) => {
                let items = scope.levels.last().unwrap();
                let item = items[self.random.below(items.len())].clone();
                let kinds = [Int].into_iter().chain(item.columns.iter().map(|(_, kind)| *kind)).chain([Int]);
                let columns = (1..).zip(kinds).map(|(number, kind)| (format!("column{number}"), kind)).collect();
                (format!("LATERAL (VALUES (1, {}.*, 2))", quoted(&item.alias)), columns)
            }
            4 => {
                let (one, two) = (self.value(scope, Text, 1), self.value(scope, Text, 1));
                (
                    format!("LATERAL (VALUES ({one}, 1), ({two}, 2))"),
                    vec![("column1".to_owned(), Text), ("column2".to_owned(), Int)],
                )
            }
            5 => {
                let value = self.value(scope, Json, 1);
                (format!("jsonb_each_text({value})"), vec![("key".to_owned(), Text), ("value".to_owned(), Text)])
            }
            6 | 7 if !scope.named.is_empty() => {
                let named = scope.named[self.random.below(scope.named.len())].clone();
                (named.alias, named.columns)
            }
            _ => {
                let (table, columns) = self.random.one(&TABLES);
                let shadowed = scope.named.iter().rev().find(|named| named.alias == table).cloned();
                let columns = columns.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
                (table.to_owned(), shadowed.map_or(columns, |named| named.columns))
            }
        };
        let renames = self.random.often(2);
        let columns: Vec<(String, Type)> = match renames {
            true => columns.into_iter().enumerate().map(|(at, (_, kind))| (self.column_name(at + 1), kind)).collect(),
            false => columns,
        };
        let list = match renames {
            true => format!("({})", columns.iter().map(|(name, _)| quoted(name)).collect::<Vec<_>>().join(", ")),
            false => String::new(),
        };
        scope.levels.last_mut().unwrap().push(Item { alias: alias.clone(), columns });
        format!("{text} AS {}{list}", quoted(&alias))
    }

    // ---- values

    /// A column of this type.
    fn column(&mut self, scope: &Scope, kind: Type) -> Option<String> {
        let level = match scope.levels.len() {
            0 => return None,
            levels if self.random.often(8) => levels - 1,
            levels => self.random.below(levels),
        };
        let found: Vec<(&Item, &str)> = scope.levels[level]
            .iter()
            .flat_map(|item| {
                item.columns.iter().filter(|(_, of)| *of == kind).map(move |(name, _)| (item, name.as_str()))
            })
            .collect();
        if found.is_empty() {
            return None;
        }
        let (item, name) = self.random.one(&found);
        // Without its table where the name is the only one.
        let same =
            scope.levels.iter().flatten().flat_map(|item| &item.columns).filter(|(other, _)| other == name).count();
        if same == 1 && self.random.often(5) {
            return Some(quoted(name));
        }
        let hidden = scope.levels[level + 1..].iter().flatten().any(|inner| inner.alias == item.alias);
        (!hidden).then(|| format!("{}.{}", quoted(&item.alias), quoted(name)))
    }

    fn value(&mut self, scope: &Scope, kind: Type, depth: usize) -> String {
        let deeper = depth.saturating_sub(1);
        if depth == 0 || self.random.often(4) {
            return self.column(scope, kind).unwrap_or_else(|| self.constant(kind));
        }
        if self.left > 0 && self.random.often(1) {
            self.left -= 1;
            let (query, _) = self.query(scope, Some(&[kind]));
            return format!("(SELECT q.* FROM ({query}) AS q LIMIT 1)");
        }
        let text = |writer: &mut Self| writer.value(scope, Text, deeper);
        match (kind, self.random.below(12)) {
            (Text, 0) => format!("upper({})", text(self)),
            (Text, 1) => format!("({} || {})", text(self), text(self)),
            (Text, 2) => format!("substr({}, 1, 1)", text(self)),
            (Text, 3) => format!("coalesce({}, {})", text(self), text(self)),
            (Text, 4) => format!("md5({})", text(self)),
            (Text, 5) => format!("{}::text", self.value(scope, Int, deeper)),
            (Text, 6) => format!("CASE WHEN {} THEN {} ELSE {} END", self.condition(scope), text(self), text(self)),
            (Text, 7) => format!("array_to_string({}, ',')", self.value(scope, Array, deeper)),
            (Text, 8) => match scope.levels.last().and_then(|level| level.first()) {
                Some(item) => format!("({})::text", quoted(&item.alias)),
                None => self.constant(kind),
            },
            (Text, 9) => format!("(ARRAY[{}, {}])[1]", text(self), text(self)),
            (Text, 10) => match scope.levels.last().and_then(|level| level.last()).cloned() {
                Some(item) => match item.columns.iter().find(|(_, of)| *of == Text) {
                    Some((name, _)) => format!("({}).{}", quoted(&item.alias), quoted(name)),
                    None => self.constant(kind),
                },
                None => self.constant(kind),
            },
            (Text, _) => format!("nullif({}, {})", text(self), text(self)),
            (Int, 0) => format!("length({})", text(self)),
            (Int, 1) => format!("({} + {})", self.value(scope, Int, deeper), self.value(scope, Int, deeper)),
            (Int, 2) => format!("octet_length({})", text(self)),
            (Int, 3) => format!("ascii({})", text(self)),
            (Int, 4) => format!("({} IS NULL)::int", text(self)),
            (Int, 5) => format!("cardinality({})", self.value(scope, Array, deeper)),
            (Int, 6) => format!("({})::int", self.condition(scope)),
            (Int, 7) => format!("num_nulls({}, 1)", text(self)),
            (Int, 8) => {
                let order = self.safe(scope, Text);
                format!("(row_number() OVER (ORDER BY {order}))::int")
            }
            (Int, 9) => format!("char_length({})", text(self)),
            (Int, _) => format!("greatest({}, {})", self.value(scope, Int, deeper), self.value(scope, Int, deeper)),
            (Array, 0) => format!("ARRAY[{}]", text(self)),
            (Array, 1) => format!("array_append({}, {})", self.value(scope, Array, deeper), text(self)),
            (Json, 0) => format!("jsonb_build_object('k', {})", text(self)),
            (Json, 1) => format!("to_jsonb({})", text(self)),
            (Json, 2) => format!(
                "jsonb_build_object('{}', {}, 'k', {}, 'city', {})",
                self.random.one(&["ssn", "name", "k"]),
                text(self),
                self.value(scope, Json, deeper),
                self.value(scope, Int, deeper)
            ),
            (Json, 3 | 4) => match scope.levels.last().filter(|level| !level.is_empty()).cloned() {
                Some(level) => {
                    let alias = quoted(&level[self.random.below(level.len())].alias);
                    self.random.one(&["to_jsonb(#)", "to_jsonb(#.*)", "jsonb_build_array(1, #)"]).replace('#', &alias)
                }
                None => self.constant(kind),
            },
            (Json, 5) => format!("coalesce({}, '{{}}')", self.value(scope, Json, deeper)),
            (Json, 6) => format!("jsonb_build_array({}, {})", text(self), self.value(scope, Json, deeper)),
            (Json, 7) => format!("to_jsonb({})", self.value(scope, Array, deeper)),
            (Json, 8) => format!("jsonb_build_object('a', row({}, {}))", text(self), self.value(scope, Int, deeper)),
            (Json, 9) if self.left > 0 => {
                self.left -= 1;
                let (query, _) = self.query(scope, None);
                format!("(SELECT jsonb_agg(q) FROM ({query}) AS q)")
            }
            (Array | Json, _) => self.column(scope, kind).unwrap_or_else(|| self.constant(kind)),
        }
    }

    fn aggregate(&mut self, scope: &Scope, kind: Type) -> String {
        let filter =
            if self.random.often(2) { format!(" FILTER (WHERE {})", self.condition(scope)) } else { String::new() };
        match kind {
            Text => match self.random.below(3) {
                0 => format!("max({}){filter}", self.value(scope, Text, 2)),
                1 => format!(
                    "string_agg({}, ',' ORDER BY {}){filter}",
                    self.value(scope, Text, 2),
                    self.safe(scope, Int)
                ),
                _ => format!("min({}){filter}", self.value(scope, Text, 2)),
            },
            Int => match self.random.below(4) {
                0 => format!("count(*){filter}::int").replace("::int", ""),
                1 => format!("max({}){filter}", self.value(scope, Int, 2)),
                2 => format!("bit_length(max({}){filter})", self.value(scope, Text, 1)),
                _ => {
                    let value = self.value(scope, Text, 2);
                    format!("count({value}){filter}")
                }
            },
            Array => format!("array_agg({}){filter}", self.value(scope, Text, 2)),
            Json => match self.random.below(3) {
                0 => format!("to_jsonb(max({}))", self.value(scope, Text, 2)),
                1 => format!("jsonb_agg({}){filter}", self.value(scope, Json, 2)),
                _ => format!("jsonb_agg({} ORDER BY {}){filter}", self.value(scope, Text, 2), self.safe(scope, Int)),
            },
        }
    }

    /// A value that is seldom classified, for where that would be refused.
    fn safe(&mut self, scope: &Scope, kind: Type) -> String {
        for _ in 0..4 {
            let Some(column) = self.column(scope, kind) else { continue };
            let bad = ["ssn", "age", "note", "tags", "doc", "label", "top"];
            if self.random.below(12) == 0 || !bad.iter().any(|word| column.contains(word)) {
                return column;
            }
        }
        self.constant(kind)
    }

    fn condition(&mut self, scope: &Scope) -> String {
        let value = |writer: &mut Self, kind| match writer.random.below(8) {
            0 => writer.value(scope, kind, 1),
            _ => writer.safe(scope, kind),
        };
        match self.random.below(8) {
            0 => format!("{} = {}", value(self, Text), value(self, Text)),
            1 => format!("{} IS NOT NULL", self.value(scope, Text, 1)),
            2 => format!("{} IN (1, 2, {})", value(self, Int), value(self, Int)),
            3 => format!("{} LIKE '%1%'", value(self, Text)),
            4 if self.left > 0 => {
                self.left -= 1;
                let (query, _) = self.query(scope, Some(&[Int]));
                format!("EXISTS ({query})")
            }
            5 if self.left > 0 => {
                self.left -= 1;
                let (query, _) = self.query(scope, Some(&[Text]));
                format!("{} IN ({query})", value(self, Text))
            }
            6 => format!("({} < 8 AND {} > 0)", value(self, Int), value(self, Int)),
            _ => format!("{} <= {}", value(self, Int), 1 + self.random.below(9)),
        }
    }

    fn constant(&mut self, kind: Type) -> String {
        match kind {
            Text => self.random.one(&["'x'", "'name 1'", "'city 2'", "''"]).to_owned(),
            Int => self.random.below(9).to_string(),
            Array => "ARRAY['p', 'q']".to_owned(),
            Json => "'{\"j\": 1}'::jsonb".to_owned(),
        }
    }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
