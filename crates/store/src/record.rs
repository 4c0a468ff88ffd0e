//! What a record of the log says, as far as the index holds it. `docs/evidence.md` says what is in one.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A record.
#[derive(Deserialize)]
pub(crate) struct Record<'a> {
    pub at: u64,
    #[serde(borrow)]
    pub session: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub event: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(crate) struct Admitted<'a> {
    #[serde(borrow)]
    pub principal: Cow<'a, str>,
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    #[serde(default)]
    pub groups: Vec<String>,
    #[serde(default)]
    pub act: Vec<String>,
    pub owner: Option<String>,
    pub credential: Option<String>,
    pub target: String,
    pub place: Option<String>,
    pub peer: Option<String>,
    pub application: Option<String>,
    pub run: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Rejected {
    pub principal: Option<String>,
    pub target: Option<String>,
    pub peer: Option<String>,
    pub why: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Decided<'a> {
    pub op: u64,
    #[serde(borrow)]
    pub ruling: Cow<'a, str>,
    #[serde(borrow)]
    pub step: Cow<'a, str>,
    #[serde(borrow)]
    pub asks: &'a RawValue,
    #[serde(borrow)]
    pub rules: &'a RawValue,
    pub why: Option<String>,
    pub digest: String,
    pub text: String,
}

#[derive(Deserialize)]
pub(crate) struct Ended<'a> {
    pub op: u64,
    pub outcome: serde_json::Value,
    pub rows: u64,
    pub bytes: u64,
    pub masked: u64,
    #[serde(borrow)]
    pub classes: Option<&'a RawValue>,
    #[serde(borrow)]
    pub fields: Option<&'a RawValue>,
    #[serde(borrow)]
    pub found: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(crate) struct Found {
    pub field: String,
    pub class: String,
}

#[derive(Deserialize)]
pub(crate) struct Noticed {
    pub what: String,
    pub detail: String,
}

#[derive(Deserialize)]
pub(crate) struct Closed {
    pub why: String,
    pub permitted: u64,
    pub refused: u64,
}

/// How a statement ended, in a word or two: `done`, `failed 42601`.
pub(crate) fn outcome(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(word) => word.clone(),
        serde_json::Value::Object(map) => map
            .iter()
            .map(|(how, code)| format!("{how} {}", code.as_str().map_or_else(|| code.to_string(), str::to_owned)))
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    }
}
