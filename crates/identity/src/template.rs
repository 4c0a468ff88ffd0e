//! Names made from claims: `{repository}`, `corp:{actor}@example.com`.
//!
//! Two tokens that say different things must never get the same name. With `{org}/{team}`, the values (`a/b`, `c`) and
//! (`a`, `b/c`) would both read `a/b/c`. So a value may not hold the character just before its own hole: read from the
//! right, every text then has one meaning only. Here `team` can't hold a `/`, and `org` may. A token that breaks this is
//! refused where the name is an identity ([`Template::name`]), and escaped where it is a label ([`Template::label`]).

use serde_json::Value;

use crate::claims::{Claims, Found, path_length, scalar_text};
use crate::names::{SyntaxError, is_hidden, quote};
use crate::rejection::{Reason, Rejection};

/// Text with holes for claims: `{claim}`, or `{outer.inner}` for a claim inside another. `{{` and `}}` are braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The text before the first hole.
    head: String,
    holes: Vec<Hole>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Hole {
    /// The claim that fills it.
    path: String,
    /// The text after it.
    tail: String,
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut template = Self { head: String::new(), holes: Vec::new() };
        let mut rest = text;
        let mut before = 0_usize;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
                template.tail().push(c);
                rest = after;
                before = before.saturating_add(2);
            } else if let Some(inside) = rest.strip_prefix('{') {
                let length = path_length(inside);
                let path: String = inside.chars().take(length).collect();
                let after = inside.get(path.len()..).and_then(|after| after.strip_prefix('}'));
                let Some(after) = after.filter(|_| !path.is_empty()) else {
                    let message = "expected a claim and `}`, as in {repository}; a brace itself is written `{{`";
                    return Err(SyntaxError::after(before, message));
                };
                if !template.holes.is_empty() && template.tail().is_empty() {
                    let message = "two holes need some text between them, or different tokens could make the same name";
                    return Err(SyntaxError::after(before, message));
                }
                template.holes.push(Hole { path, tail: String::new() });
                rest = after;
                before = before.saturating_add(length).saturating_add(2);
            } else if c == '}' {
                return Err(SyntaxError::after(before, "`}` without `{`; a brace itself is written `}}`"));
            } else if is_hidden(c) {
                return Err(SyntaxError::after(before, "a control or invisible character"));
            } else {
                template.tail().push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
                before = before.saturating_add(1);
            }
        }
        if text.is_empty() { Err(SyntaxError::after(0, "it is empty")) } else { Ok(template) }
    }

    fn tail(&mut self) -> &mut String {
        self.holes.last_mut().map_or(&mut self.head, |hole| &mut hole.tail)
    }

    /// Whether every token would make the same text.
    pub(crate) fn is_constant(&self) -> bool {
        self.holes.is_empty()
    }

    /// The text before the first hole.
    pub(crate) fn head(&self) -> &str {
        &self.head
    }

    /// The template filled as a name that tells tokens apart: what could be read in two ways is refused.
    pub(crate) fn name(&self, claims: &Claims) -> Result<String, Rejection> {
        self.fill(claims, |path, value, before| {
            if let Some(bad) = value.chars().find(|c| is_hidden(*c)) {
                let detail = format!("`{path}` holds a control or invisible character (U+{:04X})", u32::from(bad));
                return Err(Rejection::new(Reason::InvalidClaim, detail));
            }
            if before.is_some_and(|c| value.contains(c)) {
                let detail =
                    format!("`{path}` is {}, with the character that stands before it in the template", quote(&value));
                return Err(Rejection::new(Reason::InvalidClaim, detail));
            }
            Ok(value)
        })
    }

    /// The template filled as a label: what could be read in two ways is written as in an address (`%2F`).
    pub(crate) fn label(&self, claims: &Claims) -> Result<String, Rejection> {
        self.fill(claims, |_, value, before| {
            Ok(value.chars().fold(String::with_capacity(value.len()), |mut label, c| {
                if c == '%' || Some(c) == before || is_hidden(c) {
                    let mut bytes = [0; 4];
                    label.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
                } else {
                    label.push(c);
                }
                label
            }))
        })
    }

    /// Fills every hole with what `value` makes of its claim, given the character before the hole if that is not the first.
    fn fill(
        &self,
        claims: &Claims,
        value: impl Fn(&str, String, Option<char>) -> Result<String, Rejection>,
    ) -> Result<String, Rejection> {
        let mut text = self.head.clone();
        let mut before = None;
        for hole in &self.holes {
            text.push_str(&value(&hole.path, text_at(claims, &hole.path)?, before)?);
            text.push_str(&hole.tail);
            before = hole.tail.chars().last();
        }
        Ok(text)
    }
}

fn text_at(claims: &Claims, path: &str) -> Result<String, Rejection> {
    let text = match claims.find(path) {
        Found::One(Value::Array(_) | Value::Object(_)) => {
            return Err(Rejection::new(Reason::InvalidClaim, format!("`{path}` is not a single value")));
        }
        Found::One(value) => scalar_text(value).unwrap_or_default(),
        Found::Nothing => String::new(),
        Found::Several => {
            return Err(Rejection::new(Reason::InvalidClaim, format!("`{path}` is there twice, nested and with dots")));
        }
    };
    if text.is_empty() {
        return Err(Rejection::new(Reason::MissingClaim, format!("`{path}` is missing or empty")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(json: &str) -> Claims {
        Claims::new(crate::json::object(json.as_bytes()).unwrap())
    }

    fn name(template: &str, json: &str) -> Result<String, Reason> {
        Template::parse(template).unwrap().name(&claims(json)).map_err(|rejection| rejection.reason)
    }

    #[test]
    fn holes_are_filled_with_claims() {
        let json =
            r#"{"repository": "acme/nightly", "actor": "alice", "n": 7281, "t": false, "realm": {"user": "bob"}}"#;
        for (template, expected) in [
            ("{repository}", "acme/nightly"),
            ("corp:{actor}@example.com", "corp:alice@example.com"),
            ("{realm.user}-{n}-{t}", "bob-7281-false"),
            ("{{{actor}}}", "{alice}"),
            ("constant", "constant"),
        ] {
            assert_eq!(name(template, json).unwrap(), expected);
        }
    }

    #[test]
    fn what_can_not_be_filled_is_a_rejection() {
        let json = r#"{"e": "", "l": ["a"], "o": {"k": 1}, "z": null, "a.b": "x", "a": {"b": "y"}, "c": "x\u0000", "r": "x\u202ey"}"#;
        for (template, reason) in [
            ("{gone}", Reason::MissingClaim),
            ("{e}", Reason::MissingClaim),
            ("{z}", Reason::MissingClaim),
            ("{l}", Reason::InvalidClaim),
            ("{o}", Reason::InvalidClaim),
            ("{a.b}", Reason::InvalidClaim),
            ("{c}", Reason::InvalidClaim),
            ("{r}", Reason::InvalidClaim),
        ] {
            assert_eq!(name(template, json), Err(reason), "{template}");
        }
    }

    /// All texts of up to three characters from a small alphabet that holds the templates' own literals.
    fn texts() -> Vec<String> {
        let mut all: Vec<String> = vec![];
        let mut last = vec![String::new()];
        for _ in 0..3 {
            last = last.iter().flat_map(|text| ["a", "/", "-", "%"].map(|c| format!("{text}{c}"))).collect();
            all.extend(last.clone());
        }
        all
    }

    #[test]
    fn different_claims_never_make_the_same_text() {
        for template in ["{a}/{b}", "{a}--{b}", "/{a}-/{b}/", "{a}a{b}"] {
            let template = Template::parse(template).unwrap();
            let (mut names, mut labels) = (std::collections::HashMap::new(), std::collections::HashMap::new());
            for a in texts() {
                for b in texts() {
                    let claims = Claims::new(serde_json::json!({"a": a, "b": b}).as_object().unwrap().clone());
                    if let Ok(name) = template.name(&claims) {
                        assert_eq!(names.insert(name, (a.clone(), b.clone())), None, "{template:?} {a} {b}");
                    }
                    let label = template.label(&claims).unwrap();
                    assert_eq!(labels.insert(label, (a.clone(), b.clone())), None, "{template:?} {a} {b}");
                }
            }
            assert!(names.len() > 500, "nearly nothing was accepted");
        }
    }

    #[test]
    fn a_label_stays_readable_where_it_can() {
        let run = Template::parse("{repository}/{workflow}#{run_id}").unwrap();
        let label = |workflow: &str| {
            run.label(&claims(&format!(r#"{{"repository": "acme/nightly", "workflow": "{workflow}", "run_id": 12}}"#)))
                .unwrap()
        };
        assert_eq!(label("Nightly build"), "acme/nightly/Nightly build#12");
        assert_eq!(label(".github/x.yml"), "acme/nightly/.github%2Fx.yml#12");
        assert_eq!(label("100%\\n"), "acme/nightly/100%25%0A#12");
    }

    #[test]
    fn faults_are_shown_with_their_column() {
        for (text, column, said) in [
            ("", 1, "empty"),
            ("ab{", 3, "expected a claim"),
            ("ä{}", 2, "expected a claim"),
            ("{a b}", 1, "expected a claim"),
            ("{a", 1, "expected a claim"),
            ("a}b", 2, "without `{`"),
            ("{a}{b}", 4, "between them"),
            ("a\tb", 2, "control"),
        ] {
            let error = Template::parse(text).unwrap_err();
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(error.message.contains(said), "{text}: {error}");
        }
    }
}
