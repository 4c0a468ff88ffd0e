//! The objects that definitions name: in COMMENT, DROP, GRANT, RENAME and the many ALTERs, all in the same few forms.

use pg_query::protobuf::ObjectType;

use super::Findings;
use crate::catalog::RelationKind;
use crate::tree::{Node, Tree, name_parts, schema_and_name};
use crate::vocabulary::{object_part, plain_part, schema_part, table_part};

/// An object type by its number in the tree.
pub(super) fn object_type(number: i64) -> ObjectType {
    i32::try_from(number).ok().and_then(|number| ObjectType::try_from(number).ok()).unwrap_or(ObjectType::Undefined)
}

impl<'a> Findings<'a> {
    /// Does something to the object of this type, which stands in the tree as a name, a list of names, a type, a function
    /// with its arguments or a relation.
    pub(super) fn acts_on_object(&mut self, action: &'static str, kind: ObjectType, object: &'a Tree) {
        if object.as_kind("RangeVar").is_some() && kind != ObjectType::ObjectIndex {
            self.acts_on(action, object);
            return;
        }
        let names = dotted(object);
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        let (schema, name) = schema_and_name(&parts);
        match kind {
            ObjectType::ObjectTable
            | ObjectType::ObjectView
            | ObjectType::ObjectMatview
            | ObjectType::ObjectSequence
            | ObjectType::ObjectForeignTable => self.acts_on_name(action, schema, name),
            // A column, or what belongs to a table: its own name stands last.
            ObjectType::ObjectColumn => {
                let (schema, table) = schema_and_name(parts.split_last().map_or(&[], |(_, table)| table));
                self.acts_on_name(action, schema, table);
            }
            ObjectType::ObjectRule
            | ObjectType::ObjectTrigger
            | ObjectType::ObjectPolicy
            | ObjectType::ObjectTabconstraint => {
                let (schema, table) = schema_and_name(parts.split_last().map_or(&[], |(_, table)| table));
                self.part(action, object_part(&type_word(kind), &parts.join(".")));
                self.acts_on_name("alter", schema, table);
            }
            ObjectType::ObjectIndex => self.acts_on_index(action, object),
            ObjectType::ObjectFunction
            | ObjectType::ObjectProcedure
            | ObjectType::ObjectRoutine
            | ObjectType::ObjectAggregate => {
                let schemas: Vec<_> =
                    self.catalog.user_functions(schema, name).map(|function| function.schema.clone()).collect();
                if schemas.is_empty() {
                    self.part(action, schema_part("Function", schema, name));
                }
                for schema in schemas {
                    self.part(action, schema_part("Function", &schema, name));
                }
            }
            ObjectType::ObjectOperator => self.part(action, schema_part("Function", schema, name)),
            ObjectType::ObjectType | ObjectType::ObjectDomain => self.part(action, schema_part("Type", schema, name)),
            ObjectType::ObjectSchema => self.part(action, plain_part("Schema", name)),
            ObjectType::ObjectDatabase => self.part(action, plain_part("Database", name)),
            ObjectType::ObjectExtension => self.part(action, plain_part("PgExtension", name)),
            ObjectType::ObjectRole => self.part("manage_roles", plain_part("Role", name)),
            ObjectType::ObjectParameterAcl => self.part(action, plain_part("Setting", name)),
            ObjectType::ObjectLargeobject => self.main("large_object"),
            other => self.part(action, object_part(&type_word(other), &parts.join("."))),
        }
    }

    /// Does something to every relation that a name may mean.
    pub(super) fn acts_on_name(&mut self, action: &'static str, schema: &str, name: &str) {
        let entries: Vec<_> = self.catalog.named(schema, name).collect();
        if entries.is_empty() {
            self.unknown(schema, name);
            self.part(action, table_part(schema, name));
        }
        for entry in entries.into_iter().filter(|entry| entry.relation.kind != RelationKind::Index) {
            self.named.insert(entry.relation.oid, entry);
            self.part(action, entry.part.clone());
        }
    }

    pub(super) fn acts_on_index(&mut self, action: &'static str, object: &Tree) {
        let names = dotted(object);
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        let (schema, name) = schema_and_name(&parts);
        let schemas: Vec<_> = (self.catalog.named(schema, name))
            .filter(|entry| entry.relation.kind == RelationKind::Index)
            .map(|entry| entry.relation.schema.clone())
            .collect();
        if schemas.is_empty() {
            self.part(action, schema_part("Index", schema, name));
        }
        for schema in schemas {
            self.part(action, schema_part("Index", &schema, name));
        }
    }

    /// Does something to a role, which may be the session's own.
    pub(super) fn roles(&mut self, roles: &[Tree]) {
        for role in roles {
            let name = role_name(role);
            self.part("manage_roles", plain_part("Role", &name));
        }
    }
}

/// The name of a role, as it is written.
pub(super) fn role_name(tree: &Tree) -> String {
    let name = tree.node().map_or(tree.text(), |role| match role.kind {
        "RoleSpec" => role.text("rolename"),
        "AccessPriv" => role.text("priv_name"),
        _ => tree.text(),
    });
    if name.is_empty() { "current_user".to_owned() } else { name.to_owned() }
}

/// The name of an object, in whichever form it stands.
pub(super) fn dotted(object: &Tree) -> Vec<String> {
    let owned = |parts: Vec<&str>| parts.into_iter().map(str::to_owned).collect();
    match object {
        Tree::Node(node) => match node.kind {
            "ObjectWithArgs" => owned(name_parts(node.get("objname").list())),
            "TypeName" => owned(name_parts(node.get("names").list())),
            "RangeVar" => range_name(node),
            "List" => object.list().iter().flat_map(dotted).collect(),
            _ => vec![object.text().to_owned()],
        },
        Tree::List(items) => items.iter().flat_map(dotted).collect(),
        _ => vec![object.text().to_owned()],
    }
}

fn range_name(range: &Node) -> Vec<String> {
    [range.text("schemaname"), range.text("relname")]
        .into_iter()
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The word for a type of object: `foreign_server`.
pub(super) fn type_word(kind: ObjectType) -> String {
    kind.as_str_name().trim_start_matches("OBJECT_").to_ascii_lowercase()
}
