//! Words that stand in record after record: what an operation asked, and the rules that decided it.
//!
//! An operation's decision is kept, and each time that it holds, a record says the same words. So they are put into JSON
//! once.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// A list of words that is written often.
#[derive(Clone, Debug)]
pub struct Words(Arc<Rendered>);

#[derive(Debug)]
struct Rendered {
    words: Box<[Arc<str>]>,
    /// The list as JSON. There is always one: texts can't fail to be written.
    json: Option<Box<RawValue>>,
}

impl<W: Into<Arc<str>>> FromIterator<W> for Words {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Self {
        let words: Box<[Arc<str>]> = words.into_iter().map(Into::into).collect();
        let json = to_raw_value(&words).ok();
        Self(Arc::new(Rendered { words, json }))
    }
}

impl Deref for Words {
    type Target = [Arc<str>];

    fn deref(&self) -> &[Arc<str>] {
        &self.0.words
    }
}

impl Words {
    /// These and those, in order and each once.
    pub(crate) fn with(self, more: &Self) -> Self {
        if Arc::ptr_eq(&self.0, &more.0) {
            return self;
        }
        self.iter().chain(more.iter()).cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Writes them one by one, in whatever form is wanted.
    pub(crate) fn serialize_each<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.words.serialize(serializer)
    }
}

impl Words {
    /// The same, if there are any.
    pub(crate) fn serialize_any<S: Serializer>(words: &Option<Self>, serializer: S) -> Result<S::Ok, S::Error> {
        words.as_deref().serialize(serializer)
    }
}

/// As JSON that is ready: for writers of JSON alone.
impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.json {
            Some(json) => json.serialize(serializer),
            None => self.0.words.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_written_as_a_list_of_texts() {
        for list in [&[][..], &["select Table::\"a\\b\"", "π\n"], &["one"]] {
            let words: Words = list.iter().copied().collect();
            assert_eq!(serde_json::to_string(&words).unwrap(), serde_json::to_string(list).unwrap());
            assert_eq!(words.len(), list.len());
        }
    }
}
