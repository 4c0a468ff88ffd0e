//! Definitions that take classified columns to another name, or show them under one: renames, other schemas, parents and
//! partitions.
//!
//! Classes are configured by name. While a snapshot follows the last one, what was classified stays classified by its oid,
//! but another Weir, or this one after a restart, only has the names; and a statement that was decided just before such a
//! definition takes effect finds other data behind the same name. So these definitions ask `store` for what they move.

use pg_query::protobuf::{AlterTableType, ObjectType};

use super::Findings;
use super::objects::object_type;
use crate::catalog::Entry;
use crate::tree::{Node, Tree};

impl<'a> Findings<'a> {
    /// RENAME TO.
    pub(super) fn renames(&mut self, node: &'a Node) {
        match object_type(node.int("rename_type")) {
            ObjectType::ObjectColumn => self.moves_column(node.get("relation"), node.text("subname")),
            ObjectType::ObjectSchema => {
                let schema = node.text("subname");
                let mut within: Vec<_> =
                    self.catalog.entries().filter(|entry| *entry.relation.schema == *schema).collect();
                within.sort_by_key(|entry| entry.relation.oid);
                self.moved.extend(within.iter().flat_map(|entry| entry.touches.iter().cloned()));
            }
            kind => self.moves_object(kind, node.get("relation")),
        }
    }

    /// SET SCHEMA.
    pub(super) fn changes_schema(&mut self, node: &'a Node) {
        self.moves_object(object_type(node.int("object_type")), node.get("relation"));
    }

    fn moves_object(&mut self, kind: ObjectType, relation: &'a Tree) {
        use ObjectType as Kind;
        match kind {
            Kind::ObjectTable | Kind::ObjectView | Kind::ObjectMatview | Kind::ObjectForeignTable => {
                self.moves_relation(relation);
            }
            Kind::ObjectFunction
            | Kind::ObjectProcedure
            | Kind::ObjectRoutine
            | Kind::ObjectAggregate
            | Kind::ObjectOperator
            | Kind::ObjectOpclass
            | Kind::ObjectExtension => {
                self.opaque("code comes to stand under another name, where other statements may run it");
            }
            _ => {}
        }
    }

    /// A command of ALTER TABLE.
    pub(super) fn command_moves(&mut self, relation: &'a Tree, command: &'a Node) {
        use AlterTableType as Type;
        let subtype = i32::try_from(command.int("subtype")).ok().and_then(|kind| Type::try_from(kind).ok());
        let other = command.get("def");
        match subtype {
            // Both, also when one was made in this transaction and is not in the snapshot.
            Some(Type::AtDetachPartition | Type::AtDetachPartitionFinalize) => {
                self.moves_relation(relation);
                self.moves_relation(other.node().map_or(other, |partition| partition.get("name")));
            }
            Some(Type::AtDropInherit) => {
                self.moves_relation(relation);
                self.moves_relation(other);
            }
            // The rows of the one come to be shown under the name of the other.
            Some(Type::AtAttachPartition) => {
                self.moves_relation(other.node().map_or(other, |partition| partition.get("name")));
            }
            Some(Type::AtAddInherit) => self.moves_relation(relation),
            // A part of a value may become the whole of it, and its mask another.
            Some(Type::AtAlterColumnType) => self.moves_column(relation, command.text("name")),
            _ => {}
        }
    }

    fn moves_relation(&mut self, range: &'a Tree) {
        for entry in self.meant(range) {
            self.moved.extend(entry.touches.iter().cloned());
        }
    }

    fn moves_column(&mut self, range: &'a Tree, name: &str) {
        for entry in self.meant(range) {
            let Some(column) = entry.relation.columns.iter().find(|column| *column.name == *name) else { continue };
            match entry.field(column) {
                Some(field) => self.moved.push(field),
                None if entry.is_derived() => self.moved.extend(entry.derived.iter().cloned()),
                None => {}
            }
        }
    }

    fn meant(&self, range: &'a Tree) -> Vec<&'a Entry> {
        range.as_kind("RangeVar").map(|range| self.resolve(range)).unwrap_or_default()
    }
}
