//! Of which classified fields the columns of views and generated columns are made, to the end: a view may read a view.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use model::Field;

use crate::temporary::Temporary;

use super::bodies::{MadeOf, Place};
use super::{Relation, build};

/// Of what a column is made that is not stored as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// Of nothing classified.
    Plain,
    /// It is a value of this field, unaltered.
    Copy(Field),
    /// Of these.
    Computed(Arc<[Field]>),
    /// Of code that can't be followed.
    Unknown,
    /// Of anything that its relation reads.
    Everything,
}

impl Made {
    /// Of what it is that is the one or the other.
    pub(crate) fn or(self, other: Self) -> Self {
        let fields = |made: &Self| match made {
            Self::Copy(field) => vec![field.clone()],
            Self::Computed(fields) => fields.to_vec(),
            _ => Vec::new(),
        };
        match (&self, &other) {
            (one, two) if one == two => self,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Everything, _) | (_, Self::Everything) => Self::Everything,
            (one, two) => {
                let mut both = fields(one);
                both.extend(fields(two).into_iter().filter(|field| !fields(one).contains(field)));
                Self::Computed(both.into())
            }
        }
    }
}

/// What is known of columns that are made of others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bodies(pub(super) HashMap<(u32, i16), MadeOf>);

/// Views that read views, followed so far.
const NESTED_MAX: usize = 64;

/// Follows columns to the fields that they are made of.
pub(super) struct Follow<'a> {
    pub(super) relations: &'a BTreeMap<u32, Relation>,
    pub(super) bodies: &'a Bodies,
    /// Functions of users' that make their result of their arguments and of nothing else.
    pub(super) computing: &'a HashSet<u32>,
    pub(super) known: HashMap<(u32, i16), Made>,
    /// What is kept in temporary tables of the session whose catalog this is.
    pub(super) temporary: Option<&'a Temporary>,
}

impl Follow<'_> {
    /// Of what a column is made; `None` if it is stored as it is.
    pub(super) fn column(&mut self, relation: u32, column: i16) -> Option<Made> {
        self.with_kept(relation, column, NESTED_MAX)
    }

    /// Of what a column is made by its body and by what was kept in it.
    fn with_kept(&mut self, relation: u32, column: i16, left: usize) -> Option<Made> {
        let kept = self.temporary.and_then(|temporary| temporary.made(relation, column));
        match (self.nested(relation, column, left), kept) {
            (Some(made), Some(kept)) => Some(made.or(kept)),
            (made, kept) => made.or(kept),
        }
    }

    fn nested(&mut self, relation: u32, column: i16, left: usize) -> Option<Made> {
        let bodies = self.bodies;
        let body = bodies.0.get(&(relation, column))?;
        if let Some(known) = self.known.get(&(relation, column)) {
            return Some(known.clone());
        }
        let made = match (body, left.checked_sub(1)) {
            (_, None) | (MadeOf::Everything, _) => Made::Everything,
            (MadeOf::Copy(relation, column), Some(left)) => self.of(*relation, *column, left),
            (MadeOf::Places(places), Some(left)) => self.of_all(places, left),
        };
        self.known.insert((relation, column), made.clone());
        Some(made)
    }

    /// A column as it is found in FROM.
    fn of(&mut self, relation: u32, column: i16, left: usize) -> Made {
        let Some(known) = self.relations.get(&relation) else { return Made::Everything };
        let Some(listed) = known.columns.iter().find(|listed| listed.number == column) else { return Made::Everything };
        if let Some(field) = build::field(known, listed) {
            return Made::Copy(field);
        }
        // PostgreSQL's own views are reviewed by hand.
        self.with_kept(relation, column, left).unwrap_or(Made::Plain)
    }

    fn of_all(&mut self, places: &[Place], left: usize) -> Made {
        let mut fields: Vec<Field> = Vec::new();
        let mut everything = false;
        for place in places {
            let made = match place {
                Place::Call(function) if self.computing.contains(function) => Made::Plain,
                Place::Call(_) => return Made::Unknown,
                Place::Column(relation, column) => self.of(*relation, *column, left),
            };
            match made {
                Made::Plain => {}
                Made::Unknown => return Made::Unknown,
                Made::Everything => everything = true,
                Made::Copy(field) if fields.contains(&field) => {}
                Made::Copy(field) => fields.push(field),
                Made::Computed(more) => more.iter().for_each(|field| {
                    if !fields.contains(field) {
                        fields.push(field.clone());
                    }
                }),
            }
        }
        match (everything, fields.is_empty()) {
            (true, _) => Made::Everything,
            (_, true) => Made::Plain,
            _ => Made::Computed(fields.into()),
        }
    }
}
