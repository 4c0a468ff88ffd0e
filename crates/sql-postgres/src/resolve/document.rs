//! Rows and documents of which it is known what is under each key.
//!
//! Only what PostgreSQL's own functions and constructors make of whole rows, of values under keys that are written as constants,
//! and of such documents again. They are known by their names where no function of users' and no column has the same; a cast of
//! users' to a document, which they would call, makes all of them unknown. Whatever else is done with a document forgets its
//! shape: see [`lineage::Shaped`]. What the server gives is compared with the shape key by key before any of it is shown, so
//! that what is wrong here hides more and not less.

use std::sync::Arc;

use lineage::{Form, Origin, Output, Parts, Shaped};

use super::{At, Resolver};
use crate::tree::{Node, Tree, name_parts, schema_and_name};

/// Steps that each part of a shape costs.
const STEPS_OF_PART: usize = 8;

impl<'a> Resolver<'a> {
    /// The whole row that an argument is, if it is written `t.*`.
    pub(super) fn argument(&mut self, value: &'a Tree, at: &At<'a>) -> Origin {
        let reference = value.as_kind("ColumnRef").map(|reference| name_parts(reference.get("fields").list()));
        if let Some([table, "*"]) = reference.as_deref() {
            self.steps(at.scope.size());
            let mut items = at.scope.items(table);
            if let (Some(item), None) = (items.next(), items.next()) {
                return self.made(item.rows.record());
            }
        }
        self.value(value, at)
    }

    /// Takes the steps that a shape costs: each part of it is copied a few times on its way to whoever shows it.
    pub(super) fn made(&mut self, origin: Origin) -> Origin {
        if let Origin::Shaped(shaped) = &origin {
            self.steps(shaped.size().saturating_mul(STEPS_OF_PART));
        }
        origin
    }

    /// A document that is cast to another kind of document. PostgreSQL reads again what it has written; a cast of users' would
    /// have left no shape to begin with.
    pub(super) fn cast_document(&mut self, cast: &'a Node, origin: Origin) -> Origin {
        let kind = cast.get("type_name").node().and_then(document_kind);
        match kind {
            Some(Form::Sorted) if has_form(&origin, Form::Document) || has_form(&origin, Form::Sorted) => {
                self.made(origin.document(Form::Sorted))
            }
            Some(Form::Document) if has_form(&origin, Form::Document) => origin,
            _ => origin.computed(),
        }
    }

    /// Of what a document, an array or a list of rows is made, if this call is known to make one of these arguments.
    pub(super) fn made_by_call(&mut self, node: &'a Node, arguments: &[Origin], around: &Origin) -> Option<Origin> {
        let parts = name_parts(node.get("funcname").list());
        let (schema, name) = schema_and_name(&parts);
        // What decides how many values there are, and in which order, is in none of them.
        let alone = around.is_free()
            && !["agg_distinct", "agg_within_group", "agg_star", "func_variadic"].iter().any(|field| node.has(field))
            && !node.get("args").list().iter().any(|argument| argument.as_kind("NamedArgExpr").is_some());
        if !alone || !matches!(schema, "" | "pg_catalog") || !self.is_only_own(name) {
            return None;
        }
        let form = if name.contains("jsonb") { Form::Sorted } else { Form::Document };
        let made = match (name, arguments) {
            ("row_to_json", [row, rest @ ..]) if has_form(row, Form::Row) && rest.iter().all(Origin::is_free) => {
                row.clone().document(form)
            }
            ("array_to_json", [list, rest @ ..]) if has_form(list, Form::List) && rest.iter().all(Origin::is_free) => {
                list.clone().document(form)
            }
            ("to_json" | "to_jsonb", [value]) => value.clone().document(form),
            ("json_agg" | "jsonb_agg", [value]) => Shaped::origin(form, Parts::Each(value.clone().in_document(form))),
            ("array_agg", [value]) => Shaped::origin(Form::List, Parts::Each(value.clone())),
            ("json_build_array" | "jsonb_build_array", values) => {
                let listed = values.iter().cloned().map(|value| value.in_document(form));
                Shaped::origin(form, Parts::Listed(listed.collect()))
            }
            ("json_build_object" | "jsonb_build_object", values) => {
                let (pairs, []) = values.as_chunks::<2>() else { return None };
                let keys = node.get("args").list().iter().step_by(2).map(|key| self.key(key));
                let keys: Option<Vec<Arc<str>>> = keys.collect();
                Origin::object(form, keys?.into_iter().zip(pairs.iter().map(|[_, value]| value.clone())).collect())
            }
            _ => return None,
        };
        Some(self.made(made))
    }

    /// Whether a name is that of a function which PostgreSQL alone has, and of no column, and which calls no code of users'.
    fn is_only_own(&self, name: &str) -> bool {
        let catalog = self.catalog;
        catalog.is_system_function("pg_catalog", name)
            && catalog.user_functions("", name).next().is_none()
            && !catalog.has_column(name)
            && !["json", "jsonb"].iter().any(|kind| catalog.casts_by_code(kind))
    }

    /// The key that a constant text is.
    fn key(&mut self, key: &'a Tree) -> Option<Arc<str>> {
        Some(self.constant(key)?.into())
    }

    /// The value of a constant text. What is made of it holds for this text alone.
    fn constant(&mut self, value: &'a Tree) -> Option<&'a str> {
        let constant = value.as_kind("AConst").filter(|constant| !constant.has("isnull"))?;
        let text = constant.get("val").as_kind("String")?;
        self.constants.push(constant.int("location"));
        Some(text.text("sval"))
    }

    /// COALESCE: of a document and of one with nothing in it, what is in the document.
    pub(super) fn coalesce(&mut self, node: &'a Node, at: &At<'a>) -> Origin {
        let [first, rest @ ..] = node.get("args").list() else { return Origin::Unknown };
        let document = self.value(first, at);
        if matches!(document, Origin::Shaped(_)) && rest.iter().all(|value| self.is_empty_document(value)) {
            return document;
        }
        rest.iter().fold(document, |origin, value| origin.with(self.value(value, at))).computed()
    }

    fn is_empty_document(&mut self, value: &'a Tree) -> bool {
        let constant = match value.as_kind("TypeCast") {
            Some(cast) => match cast.get("type_name").node().and_then(document_kind) {
                Some(_) => cast.get("arg"),
                None => return false,
            },
            None => value,
        };
        self.constant(constant).is_some_and(|text| ["[]", "{}", "null"].contains(&text.trim_ascii()))
    }

    /// `ROW(…)`: its columns have names that the server gives them.
    pub(super) fn row(&mut self, node: &'a Node, at: &At<'a>) -> Origin {
        let values = node.get("args").list();
        let is_star = |value: &Tree| {
            value
                .as_kind("ColumnRef")
                .is_some_and(|reference| name_parts(reference.get("fields").list()).contains(&"*"))
                || value.as_kind("AIndirection").is_some()
        };
        if values.iter().any(is_star) {
            return self.below(node, at).computed();
        }
        let named = (1_usize..).zip(values).map(|(number, value)| (format!("f{number}").into(), self.value(value, at)));
        let row = Shaped::origin(Form::Row, Parts::Named(named.collect()));
        self.made(row)
    }

    /// `ARRAY(SELECT …)`
    pub(super) fn list_of(&mut self, outputs: &[Output<'a>]) -> Option<Origin> {
        let [Output::One(column)] = outputs else { return None };
        Some(self.made(Shaped::origin(Form::List, Parts::Each(column.origin.clone()))))
    }

    /// `JSON_OBJECT('key': value, …)`
    pub(super) fn json_object(&mut self, node: &'a Node, at: &At<'a>) -> Origin {
        let mut named = Vec::new();
        // A key that is left out where its value is missing would say so.
        let mut known = !node.has("output") && !node.has("absent_on_null") && self.is_only_own("json_build_object");
        let mut all = Origin::Free;
        for pair in node.get("exprs").list().iter().filter_map(Tree::node) {
            let key = self.key(pair.get("key"));
            all.mix(self.value(pair.get("key"), at));
            let value = pair.get("value").node();
            known &= value.is_some_and(is_plain_value);
            let origin = value.map_or(Origin::Unknown, |value| self.value_of_document(value, at));
            all.mix(origin.clone());
            match key {
                Some(key) => named.push((key, origin)),
                None => known = false,
            }
        }
        if known { self.made(Origin::object(Form::Document, named)) } else { all.computed() }
    }

    /// `JSON_ARRAYAGG(value)`
    pub(super) fn json_array_agg(&mut self, node: &'a Node, at: &At<'a>) -> Origin {
        let constructor = node.get("constructor").node();
        let mut around = Origin::Free;
        if let Some(constructor) = constructor {
            around = self.condition(constructor.get("agg_filter"), at);
            around.mix(self.value(constructor.get("over"), at));
            let sorted = self.value(constructor.get("agg_order"), at);
            self.probe(&sorted, super::Probe::Order);
            around.mix(sorted);
        }
        let value = node.get("arg").node();
        let origin = value.map_or(Origin::Unknown, |value| self.value_of_document(value, at));
        // That something computed is missing is not to be counted.
        let counted = node.has("absent_on_null") && matches!(origin, Origin::Made(_));
        let plain = constructor.is_some_and(|constructor| !constructor.has("output"));
        let known = plain && value.is_some_and(is_plain_value) && self.is_only_own("json_agg");
        if known && !counted && around.is_free() {
            return self.made(Shaped::origin(Form::Document, Parts::Each(origin.in_document(Form::Document))));
        }
        around.with(origin)
    }

    /// A value as the constructors of SQL take it.
    fn value_of_document(&mut self, value: &'a Node, at: &At<'a>) -> Origin {
        match is_plain_value(value) {
            true => self.value(value.get("raw_expr"), at),
            false => self.below(value, at).computed(),
        }
    }
}

fn has_form(origin: &Origin, form: Form) -> bool {
    matches!(origin, Origin::Shaped(shaped) if shaped.form() == form)
}

/// Whether a type is `json` or `jsonb`, and which of them.
fn document_kind(name: &Node) -> Option<Form> {
    let parts = name_parts(name.get("names").list());
    let (schema, kind) = schema_and_name(&parts);
    let whole = !name.has("typmods") && !name.has("array_bounds") && !name.has("setof");
    match kind {
        _ if !whole || !matches!(schema, "" | "pg_catalog") => None,
        "json" => Some(Form::Document),
        "jsonb" => Some(Form::Sorted),
        _ => None,
    }
}

/// Whether a value is not taken for a document that is written in a text.
fn is_plain_value(value: &Node) -> bool {
    let format = value.get("format").node();
    let default = i64::from(i32::from(pg_query::protobuf::JsonFormatType::JsFormatDefault));
    value.kind == "JsonValueExpr"
        && format.is_none_or(|format| matches!(format.int("format_type"), 0) || format.int("format_type") == default)
}

#[cfg(test)]
mod tests;
