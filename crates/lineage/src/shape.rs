//! Values that hold others of which it is known where each is: rows, lists, and documents made of them.
//!
//! A [`Shaped`] value is for whoever shows it, and for whoever makes a greater one of it. To everything else it is made of all
//! that is in it: [`Origin::computed`](crate::Origin::computed) forgets the shape, and whatever is not known to keep a value as
//! it is goes through that. A shape is all or nothing: where anything in it can't be told, two keys are the same, or it is too
//! large, there is none.

use std::sync::Arc;

use crate::origin::{Origin, Sources};

/// Values in a shape, and levels of them. What has more has no shape.
const PARTS_MAX: usize = 4096;
const LEVELS_MAX: usize = 16;

/// How a shaped value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A row.
    Row,
    /// A list of values of one type.
    List,
    /// A document whose keys stand in the order in which it was made.
    Document,
    /// A document whose keys are sorted: by how long they are, then by their bytes.
    Sorted,
}

/// A value that holds others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shaped {
    form: Form,
    parts: Parts,
    sources: Sources,
    size: usize,
    levels: usize,
}

/// What a value holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parts {
    /// One under each of these names, in this order, and no more.
    Named(Vec<(Arc<str>, Origin)>),
    /// These, in this order, and no more.
    Listed(Vec<Origin>),
    /// Any number of these.
    Each(Origin),
    /// It is this one itself, written as a document.
    Itself(Origin),
}

impl Parts {
    fn origins(&self) -> Vec<&Origin> {
        match self {
            Self::Named(named) => named.iter().map(|(_, origin)| origin).collect(),
            Self::Listed(listed) => listed.iter().collect(),
            Self::Each(origin) | Self::Itself(origin) => vec![origin],
        }
    }
}

impl Shaped {
    /// Of what a value is that holds these. Without a shape where it can't have one.
    pub fn origin(form: Form, parts: Parts) -> Origin {
        let origins = parts.origins();
        let computed: Origin = origins.iter().copied().cloned().collect();
        let Origin::Made(sources) = &computed else { return computed };
        let of = |measure: fn(&Self) -> usize| {
            origins.iter().map(move |origin| match origin {
                Origin::Shaped(shaped) => measure(shaped),
                _ => 1,
            })
        };
        let size = of(|shaped| shaped.size).fold(1_usize, usize::saturating_add);
        let levels = of(|shaped| shaped.levels).max().unwrap_or(1).saturating_add(1);
        if size > PARTS_MAX || levels > LEVELS_MAX || !are_distinct(&parts) {
            return computed;
        }
        Origin::Shaped(Arc::new(Self { form, sources: sources.clone(), parts, size, levels }))
    }

    /// How it is written.
    pub fn form(&self) -> Form {
        self.form
    }

    /// What it holds.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// How many values are in it, and it itself.
    pub fn size(&self) -> usize {
        self.size
    }

    /// All that is in it.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }
}

/// Whether no two names are the same.
fn are_distinct(parts: &Parts) -> bool {
    let Parts::Named(named) = parts else { return true };
    let mut names: Vec<&str> = named.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair.first() != pair.last())
}

impl Origin {
    /// Of what a document is that is made of this value alone.
    pub fn document(self, form: Form) -> Self {
        match self.in_document(form) {
            Self::Copy(source) => Shaped::origin(form, Parts::Itself(Self::Copy(source))),
            other => other,
        }
    }

    /// Of what this value is as a part of a document: a row is an object, a list is an array.
    pub fn in_document(self, form: Form) -> Self {
        let Self::Shaped(shaped) = self else { return self };
        // In one that keeps its order, one that does not is as it was made.
        let inner = match (form, shaped.form) {
            (Form::Document, Form::Sorted) => Form::Sorted,
            _ => form,
        };
        match shaped.parts.clone() {
            Parts::Itself(origin) => origin,
            Parts::Each(origin) => Shaped::origin(inner, Parts::Each(origin.in_document(inner))),
            Parts::Listed(origins) => {
                let listed = origins.into_iter().map(|origin| origin.in_document(inner));
                Shaped::origin(inner, Parts::Listed(listed.collect()))
            }
            Parts::Named(named) => Self::object(inner, named),
        }
    }

    /// Of what a document is that has these values under these keys.
    pub fn object(form: Form, named: Vec<(Arc<str>, Self)>) -> Self {
        let named = named.into_iter().map(|(name, origin)| (name, origin.in_document(form)));
        let mut named: Vec<(Arc<str>, Self)> = named.collect();
        if form == Form::Sorted {
            named.sort_by(|(one, _), (two, _)| (one.len(), one.as_bytes()).cmp(&(two.len(), two.as_bytes())));
        }
        Shaped::origin(form, Parts::Named(named))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Source;

    fn copy(number: u32) -> Origin {
        Origin::Copy(Source(number))
    }

    fn row(columns: &[(&str, Origin)]) -> Origin {
        let named = columns.iter().map(|(name, origin)| (Arc::from(*name), origin.clone()));
        Shaped::origin(Form::Row, Parts::Named(named.collect()))
    }

    /// A shape as it is read: `{a:=1 b:-}`, `[~1+2 …]`.
    fn drawn(origin: &Origin) -> String {
        let numbers = || origin.sources().iter().map(|source| source.0.to_string()).collect::<Vec<_>>().join("+");
        match origin {
            Origin::Free => "-".to_owned(),
            Origin::Copy(_) => format!("={}", numbers()),
            Origin::Made(_) => format!("~{}", numbers()),
            Origin::Code(_) | Origin::Unknown => "?".to_owned(),
            Origin::Shaped(shaped) => match shaped.parts() {
                Parts::Named(named) => {
                    let named: Vec<String> =
                        named.iter().map(|(name, origin)| format!("{name}:{}", drawn(origin))).collect();
                    format!("{{{}}}", named.join(" "))
                }
                Parts::Listed(listed) => format!("[{}]", listed.iter().map(drawn).collect::<Vec<_>>().join(" ")),
                Parts::Each(origin) => format!("[{}…]", drawn(origin)),
                Parts::Itself(origin) => format!("({})", drawn(origin)),
            },
        }
    }

    #[test]
    fn a_row_is_an_object_in_a_document_and_a_sorted_one_sorts_all_that_is_in_it() {
        let inner = row(&[("zip", copy(1)), ("id", Origin::Free)]);
        let outer = row(&[("name", copy(2)), ("at", inner)]);
        assert_eq!(drawn(&outer.clone().document(Form::Document)), "{name:=2 at:{zip:=1 id:-}}");
        assert_eq!(drawn(&outer.clone().document(Form::Sorted)), "{at:{id:- zip:=1} name:=2}");
        // What was sorted stays so within one that is not, and is sorted within one that is.
        let sorted = outer.clone().document(Form::Sorted);
        let holding = |form, origin| Origin::object(form, vec![("y".into(), copy(3)), ("x".into(), origin)]);
        assert_eq!(drawn(&holding(Form::Document, sorted)), "{y:=3 x:{at:{id:- zip:=1} name:=2}}");
        let unsorted = outer.document(Form::Document);
        assert_eq!(drawn(&holding(Form::Sorted, unsorted)), "{x:{at:{id:- zip:=1} name:=2} y:=3}");
        assert_eq!(drawn(&copy(1).document(Form::Document)), "(=1)");
        assert_eq!(drawn(&holding(Form::Document, copy(1).document(Form::Document))), "{y:=3 x:=1}");
    }

    #[test]
    fn what_is_done_with_it_forgets_the_shape_and_no_source() {
        let shaped = || row(&[("a", copy(1)), ("b", copy(2).computed()), ("c", Origin::Free)]);
        assert_eq!(drawn(&shaped().computed()), "~1+2");
        assert_eq!(drawn(&shaped().with(copy(3))), "~1+2+3");
        assert_eq!(drawn(&shaped().with(Origin::Free)), "~1+2");
        assert_eq!(drawn(&shaped().or(row(&[("a", copy(1))]))), "~1+2");
        assert_eq!(shaped().or(shaped()), shaped());
        assert_eq!(shaped().sources().iter().count(), 2);
        assert!(!shaped().is_free());
    }

    #[test]
    fn where_something_in_it_can_not_be_told_there_is_no_shape() {
        let code = Origin::Code(Sources::one(Source(1)));
        assert_eq!(row(&[("a", copy(1)), ("b", Origin::Unknown)]), Origin::Unknown);
        assert!(matches!(row(&[("a", copy(2)), ("b", code)]), Origin::Code(_)));
        assert_eq!(row(&[("a", Origin::Free)]), Origin::Free);
        assert_eq!(drawn(&row(&[("a", copy(1)), ("b", copy(2)), ("a", Origin::Free)])), "~1+2");
        let mut deep = copy(1);
        for _ in 1..LEVELS_MAX {
            deep = Shaped::origin(Form::Document, Parts::Each(deep));
        }
        assert!(matches!(deep, Origin::Shaped(_)));
        assert_eq!(drawn(&Shaped::origin(Form::Document, Parts::Each(deep))), "~1");
        let wide = vec![copy(1); PARTS_MAX];
        assert_eq!(drawn(&Shaped::origin(Form::Document, Parts::Listed(wide))), "~1");
    }
}
