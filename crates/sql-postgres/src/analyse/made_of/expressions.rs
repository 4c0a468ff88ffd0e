//! The names in an expression that its value is made of.

use std::collections::BTreeSet;

use pg_query::protobuf::JsonExprOp;

use super::gathering::{Gathering, Meanings};
use super::nodes::{has_star, is_comparison, is_own, is_star, last_name, returns_rows, takes_a_key};
use super::{NAME_BYTES, NAMES_MAX, ROW};
use crate::resolve::is_nullif;
use crate::tree::Tree;

impl<'a> Gathering<'a> {
    pub(super) fn of_value(&mut self, value: &'a Tree) -> BTreeSet<&'a str> {
        let mut names = BTreeSet::new();
        self.written(value, &mut names);
        names
    }

    /// Adds the names in an expression that its value is made of: not those of what it only depends on.
    pub(super) fn written(&mut self, value: &'a Tree, names: &mut BTreeSet<&'a str>) {
        self.written_within(vec![(value, Within::Value)], names);
    }

    pub(super) fn written_within(&mut self, mut waiting: Vec<(&'a Tree, Within)>, names: &mut BTreeSet<&'a str>) {
        while let Some((value, within)) = waiting.pop() {
            self.left = self.left.saturating_sub(1);
            let mut push = |value: &'a Tree| waiting.push((value, within));
            match value {
                Tree::List(items) => items.iter().for_each(push),
                Tree::Node(node) => match node.kind {
                    "ColumnRef" => {
                        let (name, parts) = (last_name(node, "fields"), node.get("fields").list().len());
                        let of_row = node.get("fields").list().iter().rev().nth(1).map(Tree::text);
                        let is_row = |name: &str| self.meanings.rows.contains_key(name);
                        match name.is_some_and(|name| parts == 1 && is_row(name)) || is_star(node) {
                            // A document has the names of what is in it.
                            true if within == Within::Document => {
                                self.in_document(name, names);
                                // A function's one column has its name.
                                names.extend(name.filter(|name| !self.meanings.rows.contains_key(name)));
                            }
                            true => names.extend(name.into_iter().chain([ROW])),
                            // A function may be written as if it were a column.
                            false => {
                                names.extend(name);
                                match (of_row.filter(|row| is_row(row)), name) {
                                    (Some(_), Some(name)) if SHOWING.contains(&name) => _ = names.insert(ROW),
                                    (Some(row), Some(name)) if DOCUMENTS.contains(&name) => {
                                        self.in_document(Some(row), names)
                                    }
                                    _ => {}
                                }
                            }
                        }
                    }
                    "AExpr" if takes_a_key(node) => {
                        let is_told = self.keys(node.get("rexpr"), IN_KEYS, names);
                        waiting.push((node.get("lexpr"), if is_told { within } else { Within::Opened }));
                    }
                    "AIndirection" => {
                        let name = last_name(node, "indirection");
                        self.left = self.left.saturating_sub(node.get("indirection").list().len());
                        let mut is_told = true;
                        for index in node.get("indirection").list() {
                            names.extend(Some(index.text()).filter(|name| !name.is_empty()));
                            let Some(index) = index.as_kind("AIndices") else { continue };
                            is_told &= self.keys(index.get("uidx"), IN_KEYS, names);
                        }
                        match node.get("arg").as_kind("ColumnRef") {
                            Some(row) => {
                                names.extend(last_name(row, "fields"));
                                let shows = name.is_some_and(|name| SHOWING.contains(&name));
                                names.extend((is_star(node) || shows).then_some(ROW));
                                if name.is_some_and(|name| DOCUMENTS.contains(&name)) {
                                    self.in_document(last_name(row, "fields"), names);
                                }
                            }
                            None => waiting.push((node.get("arg"), if is_told { within } else { Within::Opened })),
                        }
                    }
                    "NullTest" | "BooleanTest" | "BoolExpr" | "WindowDef" | "SortBy" => {}
                    "AExpr" if is_comparison(node) => {}
                    // A row that is cast is a text, and a document's text that is put together with others is no document.
                    "AExpr" if !is_nullif(node) => {
                        for side in [node.get("lexpr"), node.get("rexpr")] {
                            let is_text = side.as_kind("TypeCast").is_some() || within == Within::Opened;
                            waiting.push((side, if is_text { Within::Opened } else { Within::Value }));
                        }
                    }
                    "TypeCast" => {
                        let within = if within == Within::Opened { Within::Opened } else { Within::Value };
                        waiting.push((node.get("arg"), within));
                    }
                    "JsonIsPredicate" => {}
                    "JsonFuncExpr" if node.int("op") == i64::from(i32::from(JsonExprOp::JsonExistsOp)) => {}
                    "JsonFuncExpr" => {
                        self.path_keys(node, names);
                        let fields = ["context_item", "passing", "on_empty", "on_error"];
                        waiting.extend(fields.map(|field| (node.get(field), Within::Opened)));
                    }
                    "CaseExpr" => [node.get("args"), node.get("defresult")].into_iter().for_each(push),
                    "CaseWhen" => push(node.get("result")),
                    "FuncCall" if is_own(node, "count") => {}
                    "FuncCall" => {
                        let arguments = node.get("args");
                        if PATHS.iter().any(|path| is_own(node, path)) {
                            arguments.list().iter().skip(1).for_each(|key| _ = self.keys(key, IN_KEYS, names));
                        }
                        if PATHS_IN_TEXT.iter().any(|path| is_own(node, path)) {
                            arguments.list().iter().take(2).for_each(|path| _ = self.keys(path, IN_PATHS, names));
                        }
                        let function = last_name(node, "funcname");
                        // `ssn(p)` is `p.ssn`.
                        names.extend(function.filter(|_| arguments.list().len() == 1));
                        let makes_document =
                            DOCUMENTS.iter().any(|name| is_own(node, name)) || function == Some("hstore");
                        let within = match within {
                            Within::Opened => Within::Opened,
                            _ if makes_document => Within::Document,
                            _ if KEEPING.iter().any(|name| is_own(node, name)) => within,
                            _ => Within::Opened,
                        };
                        waiting.push((arguments, within));
                        // What stands behind WITHIN GROUP is given to it.
                        let sorted = node.get("agg_order").list().iter().filter(|_| node.has("agg_within_group"));
                        waiting.extend(sorted.filter_map(Tree::node).map(|sort| (sort.get("node"), within)));
                    }
                    "SubLink" if returns_rows(node) => push(node.get("subselect")),
                    "SubLink" => {}
                    // A star stands for what is in it here, in a document as well.
                    "RowExpr" => {
                        names.extend(has_star(&[node.get("args").list()]).then_some(ROW));
                        push(node.get("args"));
                    }
                    "SelectStmt" => {
                        let rows = node.get("values_lists").list().iter().map(Tree::list);
                        let lists: Vec<&[Tree]> = rows.chain([node.get("target_list").list()]).collect();
                        names.extend(has_star(&lists).then_some(ROW));
                        ["target_list", "values_lists", "larg", "rarg"]
                            .map(|field| node.get(field))
                            .into_iter()
                            .for_each(push);
                    }
                    kind => {
                        let makes_document = kind.starts_with("Json") && within != Within::Opened;
                        let within = if makes_document { Within::Document } else { within };
                        waiting.extend(node.fields.iter().map(|(_, value)| (value, within)));
                    }
                },
                Tree::Nothing | Tree::Text(_) | Tree::Int(_) => {}
            }
            if self.left == 0 {
                return;
            }
        }
    }

    /// Adds the names that were given to the columns of a row in a document.
    pub(super) fn in_document(&mut self, row: Option<&str>, names: &mut BTreeSet<&'a str>) {
        self.has_document = true;
        let Meanings { rows, queries, given, .. } = &self.meanings;
        let Some(row) = row.and_then(|row| rows.get(row)) else { return };
        for columns in row.queries.iter().filter_map(|at| queries.get(*at)).chain([&row.columns]) {
            self.left = self.left.saturating_sub(columns.of_them(given, names).saturating_add(1));
            if self.left == 0 {
                return;
            }
        }
    }

    /// Adds the keys that stand in a text: one, or a path of them, with these around them. Whether there may be any.
    pub(super) fn keys(&mut self, key: &'a Tree, around: &[char], names: &mut BTreeSet<&'a str>) -> bool {
        let mut key = key;
        while let Some(cast) = key.as_kind("TypeCast") {
            key = cast.get("arg");
        }
        if let Some(array) = key.as_kind("AArrayExpr") {
            return array.get("elements").list().iter().fold(false, |any, key| self.keys(key, around, names) | any);
        }
        let constant = key.as_kind("AConst").and_then(|constant| constant.get("val").node());
        let text = constant.map_or("", |text| text.text("sval"));
        // A text of nothing but separators takes its time as well.
        self.left = self.left.saturating_sub(text.len().checked_div(NAME_BYTES).unwrap_or(0));
        for key in text.split(around).map(str::trim).filter(|key| !key.is_empty()) {
            self.left = self.left.saturating_sub(1);
            if names.len() > NAMES_MAX {
                break;
            }
            names.insert(key);
        }
        constant.is_some()
    }
}

/// What an expression is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// Of a value.
    Value,
    /// Of a document, which has the names of what is in it.
    Document,
    /// Of a document that is taken apart by names that are not known.
    Opened,
}

/// Functions that make a document.
pub(super) const DOCUMENTS: [&str; 15] = [
    "row_to_json",
    "to_json",
    "to_jsonb",
    "array_to_json",
    "json_agg",
    "jsonb_agg",
    "json_agg_strict",
    "jsonb_agg_strict",
    "json_build_object",
    "jsonb_build_object",
    "json_build_array",
    "jsonb_build_array",
    "json_object_agg",
    "jsonb_object_agg",
    "hstore",
];

/// Functions that give rows and documents as they are.
pub(super) const KEEPING: [&str; 14] = [
    "array_agg",
    "array_append",
    "array_prepend",
    "array_cat",
    "array_remove",
    "unnest",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
    "any_value",
    "max",
    "min",
];

/// Functions whose rows have one column, of the function's name.
pub(super) const OF_ONE_COLUMN: [&str; 9] = [
    "unnest",
    "generate_series",
    "generate_subscripts",
    "string_to_table",
    "regexp_split_to_table",
    "regexp_matches",
    "json_object_keys",
    "jsonb_object_keys",
    "jsonb_path_query",
];

/// Functions whose rows are of the columns of a type.
pub(super) const OF_A_TYPE: [&str; 4] =
    ["json_populate_record", "jsonb_populate_record", "json_populate_recordset", "jsonb_populate_recordset"];

/// What stands around a key in the text of a path.
pub(super) const IN_KEYS: &[char] = &['{', '}', ',', '"'];
/// The same where a path is a language.
pub(super) const IN_PATHS: &[char] = &[
    '{', '}', ',', '"', '$', '.', '[', ']', '*', '?', '(', ')', '@', ' ', '&', '|', '=', '<', '>', '!', '/', ':', '\'',
];

/// Functions that give what is under keys.
pub(super) const PATHS: [&str; 4] =
    ["jsonb_extract_path", "jsonb_extract_path_text", "json_extract_path", "json_extract_path_text"];

/// The same by a path that is a text.
pub(super) const PATHS_IN_TEXT: [&str; 7] = [
    "jsonb_path_query",
    "jsonb_path_query_array",
    "jsonb_path_query_first",
    "jsonb_path_query_tz",
    "jsonb_path_query_array_tz",
    "jsonb_path_query_first_tz",
    "xpath",
];

/// Functions that show a row and take nothing else.
pub(super) const SHOWING: [&str; 12] = [
    "quote_literal",
    "quote_nullable",
    "concat",
    "array_agg",
    "any_value",
    "record_out",
    "record_send",
    "any_out",
    "anyelement_out",
    "anynonarray_out",
    "anycompatible_out",
    "anycompatiblenonarray_out",
];
