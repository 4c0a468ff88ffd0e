//! A parse tree with one shape for every kind of node, so that a walk can't forget one.
//!
//! `libpg_query` has 271 kinds of nodes, each with a struct of its own. What must be found *wherever it stands* (a table, a
//! function, a column) is found by walking this tree, which is made from the structs by their `serde` derive: a kind of node
//! that nobody thought of is walked like any other.

use std::fmt::Display;

use serde::Serialize;
use serde::ser::{self, Serializer};

/// A value in the tree. What is empty, zero or false is left out of its node.
#[derive(Debug, PartialEq)]
pub(crate) enum Tree {
    Nothing,
    Node(Node),
    List(Vec<Tree>),
    Text(String),
    Int(i64),
}

/// A node: its kind as Rust writes it (`AExpr`, `CteSearchClause`) and its fields as the grammar names them.
#[derive(Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: &'static str,
    pub(crate) fields: Vec<(&'static str, Tree)>,
}

static NOTHING: Tree = Tree::Nothing;

impl Tree {
    /// The tree of a node.
    pub(crate) fn of(node: &impl Serialize) -> Result<Tree, TreeError> {
        node.serialize(Builder)
    }

    /// This as a node.
    pub(crate) fn node(&self) -> Option<&Node> {
        match self {
            Self::Node(node) => Some(node),
            _ => None,
        }
    }

    /// This as a node of that kind.
    pub(crate) fn as_kind(&self, kind: &str) -> Option<&Node> {
        self.node().filter(|node| node.kind == kind)
    }

    /// This as a list; empty for anything else.
    pub(crate) fn list(&self) -> &[Tree] {
        match self {
            Self::List(items) => items,
            Self::Node(Node { kind: "List", fields }) => fields.first().map_or(&[], |(_, items)| items.list()),
            _ => &[],
        }
    }

    /// This as a text, also that of a `String` node; empty for anything else.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Node(node) if node.kind == "String" => node.get("sval").text(),
            _ => "",
        }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Visits this and everything below it, parents first, until `visit` says false for a node: then not below that one.
    pub(crate) fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Node) -> bool) {
        match self {
            Self::Node(node) => node.walk(visit),
            Self::List(items) => items.iter().for_each(|item| item.walk(visit)),
            Self::Nothing | Self::Text(_) | Self::Int(_) => {}
        }
    }
}

impl Node {
    /// The field of this name; nothing if it is empty.
    pub(crate) fn get(&self, field: &str) -> &Tree {
        self.fields.iter().find(|(name, _)| *name == field).map_or(&NOTHING, |(_, value)| value)
    }

    pub(crate) fn text(&self, field: &str) -> &str {
        self.get(field).text()
    }

    pub(crate) fn int(&self, field: &str) -> i64 {
        match self.get(field) {
            Tree::Int(value) => *value,
            _ => 0,
        }
    }

    pub(crate) fn has(&self, field: &str) -> bool {
        !self.get(field).is_nothing()
    }

    /// See [`Tree::walk`].
    pub(crate) fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Node) -> bool) {
        if visit(self) {
            self.fields.iter().for_each(|(_, value)| value.walk(visit));
        }
    }

    /// Whether this or anything below it is of one of these kinds.
    pub(crate) fn contains(&self, kinds: &[&str]) -> bool {
        let mut found = false;
        self.walk(&mut |node| {
            found |= kinds.contains(&node.kind);
            !found
        });
        found
    }
}

/// The parts of a dotted name that is a list of strings; `*` for a star.
pub(crate) fn name_parts(list: &[Tree]) -> Vec<&str> {
    list.iter().map(|item| if item.as_kind("AStar").is_some() { "*" } else { item.text() }).collect()
}

/// Schema and name of a dotted name: of `db.schema.name` the last two.
pub(crate) fn schema_and_name<'a>(parts: &[&'a str]) -> (&'a str, &'a str) {
    match parts {
        [] => ("", ""),
        [name] => ("", name),
        [.., schema, name] => (schema, name),
    }
}

/// A value that a parse tree never holds.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TreeError(String);

impl ser::Error for TreeError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Builds a tree from what a `Serialize` derive says of itself.
struct Builder;

struct Fields {
    kind: &'static str,
    fields: Vec<(&'static str, Tree)>,
}

struct Items(Vec<Tree>);

impl Serializer for Builder {
    type Ok = Tree;
    type Error = TreeError;
    type SerializeSeq = Items;
    type SerializeTuple = ser::Impossible<Tree, TreeError>;
    type SerializeTupleStruct = ser::Impossible<Tree, TreeError>;
    type SerializeTupleVariant = ser::Impossible<Tree, TreeError>;
    type SerializeMap = ser::Impossible<Tree, TreeError>;
    type SerializeStruct = Fields;
    type SerializeStructVariant = ser::Impossible<Tree, TreeError>;

    fn serialize_bool(self, v: bool) -> Result<Tree, TreeError> {
        self.serialize_i64(v.into())
    }
    fn serialize_i8(self, v: i8) -> Result<Tree, TreeError> {
        self.serialize_i64(v.into())
    }
    fn serialize_i16(self, v: i16) -> Result<Tree, TreeError> {
        self.serialize_i64(v.into())
    }
    fn serialize_i32(self, v: i32) -> Result<Tree, TreeError> {
        self.serialize_i64(v.into())
    }
    fn serialize_i64(self, v: i64) -> Result<Tree, TreeError> {
        Ok(if v == 0 { Tree::Nothing } else { Tree::Int(v) })
    }
    fn serialize_u8(self, v: u8) -> Result<Tree, TreeError> {
        self.serialize_i64(v.into())
    }
    fn serialize_u16(self, v: u16) -> Result<Tree, TreeError> {
        self.serialize_i64(v.into())
    }
    fn serialize_u32(self, v: u32) -> Result<Tree, TreeError> {
        self.serialize_i64(v.into())
    }
    fn serialize_u64(self, v: u64) -> Result<Tree, TreeError> {
        self.serialize_i64(i64::try_from(v).unwrap_or(i64::MAX))
    }
    // Costs in planner nodes, which a raw parse tree doesn't have.
    fn serialize_f32(self, _v: f32) -> Result<Tree, TreeError> {
        Ok(Tree::Nothing)
    }
    fn serialize_f64(self, _v: f64) -> Result<Tree, TreeError> {
        Ok(Tree::Nothing)
    }
    fn serialize_char(self, v: char) -> Result<Tree, TreeError> {
        Ok(Tree::Text(v.to_string()))
    }
    fn serialize_str(self, v: &str) -> Result<Tree, TreeError> {
        Ok(if v.is_empty() { Tree::Nothing } else { Tree::Text(v.to_owned()) })
    }
    fn serialize_bytes(self, _v: &[u8]) -> Result<Tree, TreeError> {
        Ok(Tree::Nothing)
    }
    fn serialize_none(self) -> Result<Tree, TreeError> {
        Ok(Tree::Nothing)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, TreeError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Tree, TreeError> {
        Ok(Tree::Nothing)
    }
    fn serialize_unit_struct(self, _name: &'static str) -> Result<Tree, TreeError> {
        Ok(Tree::Nothing)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Tree, TreeError> {
        Ok(Tree::Text(variant.to_owned()))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Tree, TreeError> {
        value.serialize(self)
    }
    // `Node::RangeVar(RangeVar { … })`: the struct inside says its own name.
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Tree, TreeError> {
        value.serialize(self)
    }
    fn serialize_seq(self, len: Option<usize>) -> Result<Items, TreeError> {
        Ok(Items(Vec::with_capacity(len.unwrap_or(0))))
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, TreeError> {
        Err(ser::Error::custom("a tuple"))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, TreeError> {
        Err(ser::Error::custom("a tuple struct"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, TreeError> {
        Err(ser::Error::custom("a tuple variant"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, TreeError> {
        Err(ser::Error::custom("a map"))
    }
    fn serialize_struct(self, kind: &'static str, _len: usize) -> Result<Fields, TreeError> {
        Ok(Fields { kind, fields: Vec::new() })
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, TreeError> {
        Err(ser::Error::custom("a struct variant"))
    }
}

impl ser::SerializeSeq for Items {
    type Ok = Tree;
    type Error = TreeError;

    // Items that are nothing keep their place: the grammar writes "no argument" as one.
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TreeError> {
        self.0.push(value.serialize(Builder)?);
        Ok(())
    }

    fn end(self) -> Result<Tree, TreeError> {
        Ok(if self.0.is_empty() { Tree::Nothing } else { Tree::List(self.0) })
    }
}

impl ser::SerializeStruct for Fields {
    type Ok = Tree;
    type Error = TreeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), TreeError> {
        let value = value.serialize(Builder)?;
        if !value.is_nothing() {
            self.fields.push((name, value));
        }
        Ok(())
    }

    fn end(mut self) -> Result<Tree, TreeError> {
        // The wrapper around every node says nothing of its own.
        if self.kind == "Node" {
            return Ok(self.fields.pop().map_or(Tree::Nothing, |(_, node)| node));
        }
        // Most nodes have one to three fields, and there are as many of them as a text has words.
        self.fields.shrink_to_fit();
        Ok(Tree::Node(Node { kind: self.kind, fields: self.fields }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(sql: &str) -> Tree {
        Tree::of(&pg_query::parse(sql, 0).unwrap().protobuf.stmts[0].stmt).unwrap()
    }

    #[test]
    fn nodes_keep_their_kinds_and_drop_what_is_empty() {
        let tree = tree("SELECT a.b, count(*) FROM s.t WHERE x = 'y'");
        let select = tree.as_kind("SelectStmt").unwrap();
        let table = select.get("from_clause").list()[0].as_kind("RangeVar").unwrap();
        assert_eq!((table.text("schemaname"), table.text("relname")), ("s", "t"));
        assert!(!table.has("catalogname") && !table.has("alias"));
        let column = select.get("target_list").list()[0].as_kind("ResTarget").unwrap().get("val");
        assert_eq!(name_parts(column.as_kind("ColumnRef").unwrap().get("fields").list()), ["a", "b"]);
        assert!(tree.node().unwrap().contains(&["AConst"]));
        assert!(!tree.node().unwrap().contains(&["SubLink"]));
    }

    #[test]
    fn names_are_split_from_the_right() {
        assert_eq!(schema_and_name(&["db", "s", "t"]), ("s", "t"));
        assert_eq!(schema_and_name(&["t"]), ("", "t"));
        assert_eq!(schema_and_name(&[]), ("", ""));
    }
}
