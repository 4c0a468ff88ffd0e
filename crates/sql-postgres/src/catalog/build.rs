//! From rows to a snapshot: names, classes, and what everything is made of.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use model::{ClassId, Field, Part};

use super::made::{Bodies, Follow, Made};
use crate::temporary::Temporary;

use super::{
    Catalog, CatalogRows, Column, Entry, RawColumn, RawFunction, RawSystemFunction, Relation, RelationKind, Silently,
    SystemFunction, USER_OID_MIN, UserFunction, plain_schema,
};
use crate::classes::ClassRules;
use crate::sealed::sealed_class;
use crate::vocabulary::table_part;

impl Catalog {
    /// Builds a snapshot. A column that was classified in the snapshot `before` stays classified under its oid and number,
    /// whatever it is called now; to apply changed rules from scratch, leave `before` out.
    pub fn build(rows: CatalogRows, rules: &ClassRules, before: Option<&Catalog>) -> Self {
        Self::with_temporary(rows, rules, before, None)
    }

    /// The catalog as one session sees it: rows that were read on its own connection, and what its temporary tables hold.
    pub fn of_session(rows: CatalogRows, rules: &ClassRules, before: Option<&Catalog>, temporary: &Temporary) -> Self {
        Self::with_temporary(rows, rules, before, Some(temporary))
    }

    fn with_temporary(
        rows: CatalogRows,
        rules: &ClassRules,
        before: Option<&Catalog>,
        temporary: Option<&Temporary>,
    ) -> Self {
        let mut relations: BTreeMap<u32, Relation> = BTreeMap::new();
        for raw in rows.relations {
            let kind = RelationKind::from_relkind(raw.kind);
            let schema = plain_schema(&raw.schema).into();
            relations.insert(raw.oid, Relation { oid: raw.oid, schema, name: raw.name, kind, columns: Vec::new() });
        }
        for raw in rows.columns {
            if let Some(relation) = relations.get_mut(&raw.relation) {
                let RawColumn { number, name, generated, text, of_users, type_oid, .. } = raw;
                let type_oid = written_as(&rows.texts, type_oid);
                let (class, on_write, sealed) = (None, None, false);
                let column = Column { number, name, class, on_write, sealed, generated, text, of_users, type_oid };
                relation.columns.push(column);
            }
        }

        let mut matched = vec![false; rules.len()];
        for relation in relations.values_mut() {
            classify(relation, rules, &mut matched, before);
        }
        let families = Families::of(&rows.inherits, &relations);
        families.share_classes(&mut relations);
        if rules.unclassified_hidden() {
            relations.values_mut().for_each(hide_the_rest);
        }

        // By what they hold and not by how they are called.
        for relation in relations.values_mut() {
            for column in &mut relation.columns {
                if temporary.is_some_and(|temporary| temporary.made(relation.oid, column.number).is_some()) {
                    (column.class, column.sealed) = (None, false);
                }
            }
        }

        let bodies =
            Bodies(rows.bodies.into_iter().map(|(relation, column, made)| ((relation, column), made)).collect());
        let computing =
            rows.functions.iter().filter(|function| function.computes).map(|function| function.oid).collect();
        let known = HashMap::new();
        let computing: HashSet<u32> = computing;
        let mut follow = Follow { relations: &relations, bodies: &bodies, computing: &computing, known, temporary };
        let mut made: HashMap<u32, Box<[(i16, Made)]>> = HashMap::new();
        for relation in relations.values() {
            let columns = relation.columns.iter().filter(|column| column.class.is_none());
            let columns =
                columns.filter_map(|column| Some((column.number, follow.column(relation.oid, column.number)?)));
            let columns: Box<[_]> = columns.collect();
            if !columns.is_empty() {
                made.insert(relation.oid, columns);
            }
        }

        families.share_bodies(&relations, &mut made);

        let ruled: HashSet<u32> = rows.rules.into_iter().collect();
        let triggers: HashSet<u32> = rows.triggers.into_iter().collect();
        let inherits: HashSet<u32> = rows.inherits.iter().flat_map(|(child, parent)| [*child, *parent]).collect();
        let mut entries = made_of(relations, &families, &rows.reads, &rows.calls, temporary);
        for entry in &mut entries {
            entry.made = made.remove(&entry.relation.oid).unwrap_or_default();
            entry.ruled = ruled.contains(&entry.relation.oid);
            entry.triggers = triggers.contains(&entry.relation.oid);
            entry.of_family = inherits.contains(&entry.relation.oid);
        }
        let mut catalog = Self {
            classifies: rules.classify_something() || before.is_some_and(|before| before.classifies),
            unmatched: rules.unmatched(&matched).map(str::to_owned).collect(),
            of_session: temporary.is_some(),
            texts: rows.texts.into(),
            ..Self::default()
        };
        for entry in entries {
            let names = entry.relation.columns.iter().map(|column| Arc::clone(&column.name));
            catalog.column_names.extend(names);
            catalog.by_name.entry(Arc::clone(&entry.relation.name)).or_default().push(entry.relation.oid);
            let same =
                before.and_then(|before| before.relations.get(&entry.relation.oid)).filter(|same| ***same == entry);
            catalog.relations.insert(entry.relation.oid, same.map_or_else(|| Arc::new(entry), Arc::clone));
        }
        for RawFunction { schema, name, takes_row, computes, returns_set, .. } in rows.functions {
            let functions = catalog.functions.entry(name).or_default();
            match functions.iter_mut().find(|function| function.schema == schema) {
                Some(function) => {
                    function.takes_row |= takes_row;
                    function.computes &= computes;
                    function.returns_set |= returns_set;
                }
                None => functions.push(UserFunction { schema, takes_row, computes, returns_set }),
            }
        }
        for RawSystemFunction { name, returns_set, columns } in rows.system_functions {
            let function = SystemFunction { returns_set, columns };
            let same = catalog.system_functions.entry(name).or_insert_with(|| function.clone());
            same.returns_set |= function.returns_set;
            if same.columns != function.columns {
                same.columns = None;
            }
        }
        for cast in rows.casts.into_iter().filter(|cast| !computing.contains(&cast.function)) {
            let silently = if cast.of_users { Silently::WithUsersTypes } else { Silently::Anywhere };
            if cast.is_implicit {
                catalog.casts_silently = catalog.casts_silently.max(silently);
            }
            catalog.casts.insert(cast.target);
        }
        for (schema, name) in rows.operators {
            catalog.operators.entry(name).or_default().push(schema);
        }
        catalog
    }
}

/// The type as which the values of one are written: text for those that are the same in all but their operators.
pub(super) fn written_as(texts: &[u32], type_oid: u32) -> u32 {
    if texts.contains(&type_oid) { super::TEXT } else { type_oid }
}

/// Gives a relation's columns their classes: PostgreSQL's own secrets first, then the rules, then what was before.
fn classify(relation: &mut Relation, rules: &ClassRules, matched: &mut [bool], before: Option<&Catalog>) {
    if matches!(relation.kind, RelationKind::Toast | RelationKind::Index | RelationKind::Sequence) {
        return;
    }
    for column in &mut relation.columns {
        if let Some(class) = sealed_class(&relation.schema, &relation.name, &column.name) {
            (column.class, column.sealed) = (Some(class), true);
            continue;
        }
        let name = format!("{}.{}.{}", relation.schema, relation.name, column.name);
        let by_rule = rules.class_of(&name, matched).map(|(class, on_write)| (class.clone(), on_write));
        let class = by_rule.or_else(|| {
            let earlier = before?.column(relation.oid, column.number)?;
            let class = earlier.class.clone().filter(|class| !earlier.sealed && class.as_str() != UNCLASSIFIED)?;
            Some((class, earlier.on_write))
        });
        (column.class, column.on_write) = class.map_or((None, None), |(class, on_write)| (Some(class), on_write));
    }
}

const UNCLASSIFIED: &str = "unclassified";

/// Classifies every column that has no class, where the target hides what is unclassified.
fn hide_the_rest(relation: &mut Relation) {
    use RelationKind as Kind;
    let holds_data =
        matches!(relation.kind, Kind::Table | Kind::Partitioned | Kind::View | Kind::MaterializedView | Kind::Foreign);
    if relation.oid < USER_OID_MIN || !holds_data {
        return;
    }
    for column in relation.columns.iter_mut().filter(|column| column.class.is_none()) {
        column.class = ClassId::parse(UNCLASSIFIED);
    }
}

/// Families of tables by partitioning and inheritance: a parent shows its children's rows, so they share their classes.
struct Families {
    /// The family's representative.
    head: HashMap<u32, u32>,
    members: BTreeMap<u32, Vec<u32>>,
    /// Those that inherit from another: their fields are shown under the parent's name where it has them.
    children: HashSet<u32>,
}

impl Families {
    fn of(inherits: &[(u32, u32)], relations: &BTreeMap<u32, Relation>) -> Self {
        let (mut head, mut members) = (HashMap::new(), BTreeMap::<u32, Vec<u32>>::new());
        for oid in relations.keys() {
            head.insert(*oid, *oid);
            members.insert(*oid, vec![*oid]);
        }
        let mut children = HashSet::new();
        for (child, parent) in inherits {
            let (Some(a), Some(b)) = (head.get(child).copied(), head.get(parent).copied()) else { continue };
            children.insert(*child);
            if a == b {
                continue;
            }
            // The smaller family moves into the larger.
            let size = |of: u32| members.get(&of).map_or(0, Vec::len);
            let (from, into) = if size(a) < size(b) { (a, b) } else { (b, a) };
            let moved = members.remove(&from).unwrap_or_default();
            for oid in &moved {
                head.insert(*oid, into);
            }
            members.entry(into).or_default().extend(moved);
        }
        Self { head, members, children }
    }

    fn head(&self, oid: u32) -> u32 {
        self.head.get(&oid).copied().unwrap_or(oid)
    }

    /// A column of one name has one class in the whole family. The parents' own class goes before a child's.
    fn share_classes(&self, relations: &mut BTreeMap<u32, Relation>) {
        for members in self.members.values().filter(|members| members.len() > 1) {
            let mut classes: HashMap<Arc<str>, ClassId> = HashMap::new();
            let (children, parents): (Vec<&u32>, Vec<&u32>) =
                members.iter().partition(|oid| self.children.contains(oid));
            for relation in parents.iter().chain(&children).filter_map(|oid| relations.get(oid)) {
                for column in &relation.columns {
                    if let Some(class) = &column.class {
                        classes.entry(Arc::clone(&column.name)).or_insert_with(|| class.clone());
                    }
                }
            }
            for oid in members {
                let Some(relation) = relations.get_mut(oid) else { continue };
                for column in relation.columns.iter_mut().filter(|column| column.class.is_none()) {
                    column.class = classes.get(&column.name).cloned();
                }
            }
        }
    }

    /// A parent shows what its children's generated columns hold, under the names of its own.
    fn share_bodies(&self, relations: &BTreeMap<u32, Relation>, made: &mut HashMap<u32, Box<[(i16, Made)]>>) {
        for members in self.members.values().filter(|members| members.len() > 1) {
            let mut by_name: HashMap<&str, Made> = HashMap::new();
            for relation in members.iter().filter_map(|oid| relations.get(oid)) {
                for (number, one) in made.get(&relation.oid).into_iter().flatten() {
                    if let Some(column) = relation.columns.iter().find(|column| column.number == *number) {
                        let known = by_name.remove(&*column.name).unwrap_or(Made::Plain);
                        by_name.insert(&column.name, known.or(one.clone()));
                    }
                }
            }
            if by_name.is_empty() {
                continue;
            }
            for relation in members.iter().filter_map(|oid| relations.get(oid)) {
                let unclassified = relation.columns.iter().filter(|column| column.class.is_none());
                let shared =
                    unclassified.filter_map(|column| Some((column.number, by_name.get(&*column.name)?.clone())));
                made.insert(relation.oid, shared.collect());
            }
        }
    }

    /// The classified fields of a family, each once: a child's only where no parent has it.
    fn fields(&self, head: u32, relations: &BTreeMap<u32, Relation>) -> Vec<Field> {
        let members = self.members.get(&head).map_or(&[][..], Vec::as_slice);
        let (children, parents): (Vec<&u32>, Vec<&u32>) = members.iter().partition(|oid| self.children.contains(oid));
        let mut named: HashSet<&str> = HashSet::new();
        let mut fields = Vec::new();
        for oids in [parents, children] {
            let mut new: Vec<&str> = Vec::new();
            for relation in oids.iter().filter_map(|oid| relations.get(oid)) {
                for column in &relation.columns {
                    if column.class.is_none() {
                        continue;
                    }
                    if named.contains(&*column.name) {
                        continue;
                    }
                    new.push(&column.name);
                    fields.extend(field(relation, column));
                }
            }
            named.extend(new);
        }
        fields
    }
}

/// Follows what each relation reads, to its end: the fields, the foreign tables, the users' functions.
fn made_of(
    relations: BTreeMap<u32, Relation>,
    families: &Families,
    reads: &[(u32, u32)],
    calls: &[u32],
    temporary: Option<&Temporary>,
) -> Vec<Entry> {
    let mut edges: HashMap<u32, BTreeSet<u32>> = HashMap::new();
    for (reader, read) in reads {
        // PostgreSQL's own views are reviewed by hand (`sealed`); a TOAST table of its own tables is not a view.
        let toast = relations.get(reader).is_some_and(|relation| relation.kind == RelationKind::Toast);
        if (toast || *reader >= USER_OID_MIN) && reader != read {
            edges.entry(families.head(*reader)).or_default().insert(families.head(*read));
        }
    }
    let calling: HashSet<u32> = calls.iter().map(|oid| families.head(*oid)).collect();
    let mut own: HashMap<u32, Vec<Field>> =
        families.members.keys().map(|head| (*head, families.fields(*head, &relations))).collect();
    for (head, members) in temporary.iter().flat_map(|_| &families.members) {
        let kept = members.iter().flat_map(|oid| temporary.map(|temporary| temporary.fields(*oid)).unwrap_or_default());
        let fields = own.entry(*head).or_default();
        let kept: Vec<Field> = kept.filter(|field| !fields.contains(field)).collect();
        fields.extend(kept);
    }

    // Families share what they touch, so it is worked out once for each.
    let mut shared: HashMap<u32, Reach> = HashMap::new();
    for head in families.members.keys() {
        let mut reach = Reach::default();
        let (mut seen, mut next) = (BTreeSet::from([*head]), vec![*head]);
        let (mut fields, mut derived, mut foreign) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(at) = next.pop() {
            let mine = own.get(&at).map_or(&[][..], Vec::as_slice);
            fields.extend_from_slice(mine);
            if at != *head {
                derived.extend_from_slice(mine);
            }
            reach.calls |= calling.contains(&at);
            for relation in families.members.get(&at).into_iter().flatten().filter_map(|oid| relations.get(oid)) {
                if relation.kind == RelationKind::Foreign {
                    foreign.push(part_of(relation));
                }
                reach.sets_settings |= *relation.schema == *"pg_catalog" && *relation.name == *"pg_settings";
            }
            next.extend(edges.get(&at).into_iter().flatten().filter(|oid| seen.insert(**oid)));
        }
        (reach.touches, reach.derived, reach.foreign) = (fields.into(), derived.into(), foreign.into());
        shared.insert(*head, reach);
    }

    relations
        .into_values()
        .map(|relation| {
            let reach = shared.get(&families.head(relation.oid)).cloned().unwrap_or_default();
            Entry {
                part: part_of(&relation),
                touches: reach.touches,
                derived: reach.derived,
                calls: reach.calls,
                foreign: reach.foreign,
                sets_settings: reach.sets_settings,
                ruled: false,
                triggers: false,
                of_family: false,
                made: Box::default(),
                relation,
            }
        })
        .collect()
}

#[derive(Clone, Default)]
struct Reach {
    touches: Arc<[Field]>,
    derived: Arc<[Field]>,
    foreign: Arc<[Part]>,
    calls: bool,
    sets_settings: bool,
}

/// The field that a column is, if it is classified.
pub(super) fn field(relation: &Relation, column: &Column) -> Option<Field> {
    let class = column.class.clone()?;
    Some(Field { part: part_of(relation), name: column.name.to_string(), class, sealed: column.sealed })
}

/// The part that a relation is in policies.
fn part_of(relation: &Relation) -> Part {
    table_part(&relation.schema, &relation.name)
}
