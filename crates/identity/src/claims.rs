//! What a token says, as a tree that templates, conditions and policies read by name.

use std::collections::BTreeMap;

use model::Claim;
use serde_json::{Map, Value};

use crate::rejection::{Reason, Rejection};

/// The claims of one token.
#[derive(Clone, Debug)]
pub(crate) struct Claims(Map<String, Value>);

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Found<'a> {
    /// Nothing, or null.
    Nothing,
    /// One value.
    One(&'a Value),
    /// Several values, because names with dots can be read in more than one way (`{"a.b": 1, "a": {"b": 2}}`).
    /// Whoever could choose between them could be fooled, so nobody does.
    Several,
}

impl Claims {
    pub(crate) fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// A claim by its own name, dots or not.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A claim that must be a text when it is there.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, Rejection> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Rejection::new(Reason::InvalidClaim, format!("`{name}` is not a text"))),
        }
    }

    /// A claim by its path: `realm_access.roles`, and `kubernetes.io.namespace` where the first name has a dot itself.
    pub(crate) fn find(&self, path: &str) -> Found<'_> {
        let mut found = Found::Nothing;
        search(&self.0, path, &mut found);
        found
    }

    /// All top-level claims that policies can read. Objects and lists of anything but texts are left out.
    pub(crate) fn for_policies(&self) -> BTreeMap<String, Claim> {
        let readable = |(name, value): (&String, &Value)| {
            let claim = match value {
                Value::Array(items) => Claim::Many(items.iter().map(only_text).collect::<Option<_>>()?),
                _ => Claim::One(scalar_text(value)?),
            };
            Some((name.clone(), claim))
        };
        self.0.iter().filter_map(readable).collect()
    }
}

/// Looks for `path` under every way to cut its first name off.
fn search<'a>(members: &'a Map<String, Value>, path: &str, found: &mut Found<'a>) {
    if let Some(value) = members.get(path).filter(|value| !value.is_null()) {
        *found = match found {
            Found::Nothing => Found::One(value),
            _ => Found::Several,
        };
    }
    for (dot, _) in path.match_indices('.') {
        let (Some(first), Some(rest)) = (path.get(..dot), path.get(dot.saturating_add(1)..)) else { continue };
        if let Some(Value::Object(inner)) = members.get(first) {
            search(inner, rest, found);
        }
    }
}

/// The text of a single value: numbers and booleans as JSON writes them.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn only_text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The number of characters at the start of `text` that can be part of a claim's path.
pub(crate) fn path_length(text: &str) -> usize {
    let of_path = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '@');
    text.chars().take_while(of_path).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(json: &str) -> Claims {
        Claims::new(crate::json::object(json.as_bytes()).unwrap())
    }

    #[test]
    fn a_path_leads_through_objects_and_through_names_with_dots() {
        let claims = claims(
            r#"{"kubernetes.io": {"namespace": "shop", "pod": {"name": "p"}}, "a": {"b": {"c": 1}}, "flat.name": "x",
                "https://example.com/roles": ["r"], "gone": null}"#,
        );
        for (path, text) in
            [("kubernetes.io.namespace", "shop"), ("kubernetes.io.pod.name", "p"), ("a.b.c", "1"), ("flat.name", "x")]
        {
            let Found::One(value) = claims.find(path) else { panic!("{path} leads nowhere") };
            assert_eq!(scalar_text(value).unwrap(), text);
        }
        assert!(matches!(claims.find("https://example.com/roles"), Found::One(Value::Array(_))));
        for path in ["", ".", "a.", ".a", "a.b.d", "a.b.c.d", "gone", "kubernetes", "kubernetes.io.pod.name.x"] {
            assert_eq!(claims.find(path), Found::Nothing, "{path} leads somewhere");
        }
    }

    #[test]
    fn a_path_with_two_readings_has_none() {
        assert_eq!(claims(r#"{"a.b": "x", "a": {"b": "y"}}"#).find("a.b"), Found::Several);
        assert_eq!(claims(r#"{"a": {"b.c": 1, "b": {"c": 1}}}"#).find("a.b.c"), Found::Several);
    }

    #[test]
    fn policies_read_texts_and_lists_of_texts() {
        let claims = claims(
            r#"{"s": "x", "n": 7281, "t": true, "l": ["a", "b"], "e": [], "m": ["a", 1], "o": {"k": "v"}, "z": null}"#,
        );
        let one = |text: &str| Claim::One(text.to_owned());
        let expected = [
            ("e", Claim::Many(vec![])),
            ("l", Claim::Many(vec!["a".to_owned(), "b".to_owned()])),
            ("n", one("7281")),
            ("s", one("x")),
            ("t", one("true")),
        ];
        assert_eq!(claims.for_policies(), expected.into_iter().map(|(name, claim)| (name.to_owned(), claim)).collect());
    }
}
