//! The words that policies may use: policy's own and those of every protocol, merged, and the Cedar schema made of them.
//!
//! Two protocols may share an action or a kind of part if they mean the same by it. A name with two meanings would make
//! one policy say two things, so it is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::str::FromStr as _;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Schema};
use model::{ActionDef, ActionGroup, AttrType, PartKind, Vocabulary};

use crate::actions::{EXPORT, OWN, On, PROBE};
use crate::problem::Problem;

/// The entity types that every schema has, and names that the schema needs for itself.
const TAKEN: [&str; 16] = [
    "Action",
    "User",
    "Workload",
    "Group",
    "Env",
    "Target",
    "Class",
    "Field",
    "Circumstances",
    "Bool",
    "Long",
    "String",
    "Set",
    "Entity",
    "Record",
    "Extension",
];

/// What every context holds: name, type in the schema, whether it may be missing, and a line for the reference.
const CIRCUMSTANCES: [(&str, &str, bool, &str); 7] = [
    ("approvals", "Long", false, "how many people agreed to this very question"),
    ("mfa_age", "Long", true, "seconds since the caller last showed a second factor"),
    ("now", "Long", false, "seconds since 1970, UTC"),
    ("address", "ipaddr", false, "where the caller's connection comes from"),
    ("application", "String", true, "what the caller's client says it is; anyone can say anything"),
    ("run", "String", true, "the workflow run that the session belongs to"),
    ("recording", "String", false, "how much of the session is recorded: off, metadata or full"),
];

/// All the words, ready for use.
#[derive(Debug)]
pub(crate) struct Words {
    actions: Vec<Action>,
    kinds: BTreeMap<&'static str, Kind>,
    /// The types that every schema has.
    pub(crate) types: Types,
    /// The schema as a person reads it. The one that is used is parsed from this text.
    pub(crate) text: String,
    /// The schema as Cedar uses it.
    pub(crate) schema: Schema,
}

/// One action.
#[derive(Debug)]
pub(crate) struct Action {
    /// Its place in the list.
    pub(crate) index: usize,
    /// Its name.
    pub(crate) name: &'static str,
    /// Its entity.
    pub(crate) uid: EntityUid,
    /// The entity of the group it is in.
    pub(crate) group: Option<EntityUid>,
    /// What its context holds beside the circumstances, and whether it always does.
    pub(crate) context: BTreeMap<&'static str, (AttrType, bool)>,
    /// Set if no policy can permit it.
    pub(crate) never: Option<&'static str>,
    on: BTreeSet<&'static str>,
}

impl Action {
    /// Whether it can be asked on an object of this entity type.
    pub(crate) fn is_asked_on(&self, type_name: &str) -> bool {
        self.on.contains(type_name)
    }
}

/// One kind of part.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Its entity type.
    pub(crate) type_name: EntityTypeName,
    /// Its attributes, beside those that every part has.
    pub(crate) attrs: &'static [&'static str],
}

/// The entity types that every schema has, parsed once: parsing a name costs more than a decision should.
#[derive(Debug)]
pub(crate) struct Types {
    pub(crate) user: EntityTypeName,
    pub(crate) workload: EntityTypeName,
    pub(crate) group: EntityTypeName,
    pub(crate) env: EntityTypeName,
    pub(crate) target: EntityTypeName,
    pub(crate) class: EntityTypeName,
    pub(crate) field: EntityTypeName,
}

/// An entity's name in policies.
pub(crate) fn uid(type_name: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(type_name.clone(), EntityId::new(id))
}

impl Words {
    /// Merges the vocabularies of all protocols with policy's own words.
    pub(crate) fn gather(vocabularies: &[&'static Vocabulary]) -> Result<Self, Vec<Problem>> {
        let mut draft = Draft::default();
        for vocabulary in vocabularies {
            draft.add(vocabulary);
        }
        if !draft.problems.is_empty() {
            return Err(draft.problems);
        }
        draft.finish().map_err(|message| vec![Problem::elsewhere("protocols", message)])
    }

    /// An action by its name.
    pub(crate) fn action(&self, name: &str) -> Option<&Action> {
        let at = self.actions.binary_search_by_key(&name, |action| action.name).ok()?;
        self.actions.get(at)
    }

    /// All actions, by name.
    pub(crate) fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// Every name that some action's context may hold.
    pub(crate) fn contexts(&self) -> impl Iterator<Item = &'static str> {
        let own: BTreeSet<_> = self.actions.iter().flat_map(|action| action.context.keys().copied()).collect();
        CIRCUMSTANCES.iter().map(|(name, ..)| *name).chain(own)
    }

    /// Whether some action's context may hold this name.
    pub(crate) fn has_context(&self, name: &str) -> bool {
        self.contexts().any(|known| known == name)
    }

    /// A kind of part by its entity type.
    pub(crate) fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.get(name)
    }
}

/// Vocabularies on their way to become [`Words`].
#[derive(Default)]
struct Draft {
    actions: BTreeMap<&'static str, (ActionDef, &'static str, BTreeSet<&'static str>)>,
    kinds: BTreeMap<&'static str, (PartKind, &'static str)>,
    problems: Vec<Problem>,
}

impl Draft {
    fn add(&mut self, vocabulary: &'static Vocabulary) {
        let protocol = vocabulary.protocol;
        let mut wrong = |message: String| {
            self.problems.push(Problem::elsewhere(format!("protocol \"{protocol}\""), message));
        };
        for kind in vocabulary.parts {
            if TAKEN.contains(&kind.name) {
                wrong(format!("the kind of part `{}` has the name of a type that every schema has", kind.name));
            }
            if let Some(attr) = kind.attrs.iter().find(|attr| ["name", "target"].contains(attr)) {
                wrong(format!("the kind of part `{}` declares `{attr}`, which every part has", kind.name));
            }
            match self.kinds.get(kind.name) {
                Some((other, theirs)) if !same_names(other.attrs, kind.attrs) => {
                    wrong(format!("the kind of part `{}` has other attributes in protocol \"{theirs}\"", kind.name));
                }
                _ => _ = self.kinds.insert(kind.name, (*kind, protocol)),
            }
        }
        for action in vocabulary.actions {
            let name = action.id.0;
            if ActionGroup::NAMED.iter().any(|group| group.as_str() == Some(name)) {
                wrong(format!("the action `{name}` has the name of a group of actions"));
            }
            // `export` may be declared by a protocol that has such verbs; the others are nobody else's.
            let own = OWN.iter().any(|(id, ..)| id.0 == name);
            if own && (action.id != EXPORT || !same_meaning(action, &own_def(action.id, ""))) {
                wrong(format!("the action `{name}` is policy's own, and means something else"));
                continue;
            }
            if let Some(kind) = action.on.iter().find(|on| !vocabulary.parts.iter().any(|kind| kind.name == **on)) {
                wrong(format!("the action `{name}` acts on `{kind}`, which is no kind of part of this protocol"));
            }
            if let Some(attr) = action.context.iter().find(|attr| CIRCUMSTANCES.iter().any(|(c, ..)| *c == attr.name)) {
                wrong(format!("the action `{name}` declares `{}`, which every context has", attr.name));
            }
            match self.actions.get_mut(name) {
                Some((other, theirs, _)) if !same_meaning(other, action) => {
                    wrong(format!("the action `{name}` means something else in protocol \"{theirs}\""));
                }
                Some((.., on)) => on.extend(action.on),
                None if own => {}
                None => _ = self.actions.insert(name, (*action, protocol, action.on.iter().copied().collect())),
            }
        }
    }

    fn finish(mut self) -> Result<Words, String> {
        for (id, on, doc) in OWN {
            let mut types: BTreeSet<_> = self.kinds.keys().copied().collect();
            match on {
                On::Parts => {}
                On::Everything => _ = types.insert("Field"),
                On::Fields => types = BTreeSet::from(["Field"]),
            }
            self.actions.insert(id.0, (own_def(id, doc), "", types));
        }
        for (id, (.., on)) in &mut self.actions {
            if !OWN.iter().any(|(own, asked, _)| own.0 == *id && *asked == On::Fields) {
                on.insert("Target");
            }
        }

        let text = self.text().map_err(|error| error.to_string())?;
        let schema = Schema::from_cedarschema_str(&text)
            .map_err(|error| format!("the protocols' words make no Cedar schema: {error}"))?
            .0;
        let name = |name: &str| EntityTypeName::from_str(name).map_err(|error| format!("`{name}` is no type: {error}"));
        let action_type = name("Action")?;
        let actions = self.actions.iter().enumerate().map(|(index, (id, (def, _, on)))| Action {
            index,
            name: id,
            uid: uid(&action_type, id),
            group: def.group.as_str().map(|group| uid(&action_type, group)),
            context: context(def).map(|(attr, ty, always)| (attr, (ty, always))).collect(),
            never: def.never.filter(|_| !crate::NEVER_IS_LIFTED),
            on: on.clone(),
        });
        let kinds = self.kinds.iter().map(|(id, (kind, _))| {
            let kind = Kind { type_name: name(id)?, attrs: kind.attrs };
            Ok::<_, String>((*id, kind))
        });
        Ok(Words {
            actions: actions.collect(),
            kinds: kinds.collect::<Result<_, _>>()?,
            types: Types {
                user: name("User")?,
                workload: name("Workload")?,
                group: name("Group")?,
                env: name("Env")?,
                target: name("Target")?,
                class: name("Class")?,
                field: name("Field")?,
            },
            text,
            schema,
        })
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::from(OPENING);
        let parents: Vec<_> = ["Target", "Class"].into_iter().chain(self.kinds.keys().copied()).collect();
        writeln!(out, "// A place that holds classified values: \"<target>/<part>.<field>\".")?;
        writeln!(out, "entity Field in [{}] {{\n  name: String,\n}};", parents.join(", "))?;

        if !self.kinds.is_empty() {
            writeln!(out, "\n// Parts of a target: \"<target>/<part>\".")?;
        }
        for (name, (kind, _)) in &self.kinds {
            writeln!(out, "// {}", kind.doc)?;
            writeln!(out, "entity {name} in [Target] {{\n  name: String,\n  target: Target,")?;
            for attr in kind.attrs {
                writeln!(out, "  {attr}: String,")?;
            }
            writeln!(out, "}};")?;
        }

        writeln!(out, "\n// What every context holds.\ntype Circumstances = {{")?;
        for (name, ty, optional, doc) in CIRCUMSTANCES {
            writeln!(out, "  {name}{}: {ty}, // {doc}", if optional { "?" } else { "" })?;
        }
        writeln!(out, "}};\n\n// Groups of actions.")?;
        let groups: Vec<_> = ActionGroup::NAMED.iter().filter_map(|group| group.as_str()).collect();
        writeln!(out, "action {};", groups.join(", "))?;

        writeln!(out, "\n// Actions.")?;
        for (name, (def, _, on)) in &self.actions {
            writeln!(out, "// {}", def.doc)?;
            if let Some(why) = def.never {
                writeln!(out, "// Never permitted: {why}")?;
            }
            write!(out, "action \"{name}\"")?;
            if let Some(group) = def.group.as_str() {
                write!(out, " in [{group}]")?;
            }
            let on: Vec<_> = on.iter().copied().collect();
            write!(out, " appliesTo {{ principal: [User, Workload], resource: [{}], context: ", on.join(", "))?;
            if context(def).next().is_none() {
                writeln!(out, "Circumstances }};")?;
                continue;
            }
            // Cedar has no record that extends another.
            writeln!(out, "{{")?;
            for (attr, ty, optional, _) in CIRCUMSTANCES {
                writeln!(out, "  {attr}{}: {ty},", if optional { "?" } else { "" })?;
            }
            for (attr, ty, always) in context(def) {
                let ty = match ty {
                    AttrType::Bool => "Bool",
                    AttrType::Long => "Long",
                    AttrType::Text => "String",
                };
                writeln!(out, "  {attr}{}: {ty},", if always { "" } else { "?" })?;
            }
            writeln!(out, "}} }};")?;
        }
        Ok(out)
    }
}

/// An own action as a protocol would have declared it.
fn own_def(id: model::ActionId, doc: &'static str) -> ActionDef {
    ActionDef { id, group: ActionGroup::Alone, on: &[], context: &[], never: None, doc }
}

/// What an action's context holds beside the circumstances: name, type, and whether it always does.
fn context(def: &ActionDef) -> impl Iterator<Item = (&'static str, AttrType, bool)> {
    let own = (def.id == PROBE).then_some(("probe", AttrType::Text, false));
    def.context.iter().map(|attr| (attr.name, attr.ty, true)).chain(own)
}

fn same_names(one: &[&str], other: &[&str]) -> bool {
    one.iter().collect::<BTreeSet<_>>() == other.iter().collect::<BTreeSet<_>>()
}

fn same_meaning(one: &ActionDef, other: &ActionDef) -> bool {
    let attrs = |def: &ActionDef| def.context.iter().map(|a| (a.name, format!("{:?}", a.ty))).collect::<BTreeSet<_>>();
    one.group == other.group && one.never == other.never && attrs(one) == attrs(other)
}

/// The part of the schema that is the same for every set of protocols.
const OPENING: &str = r#"// The words of Weir's policies, as Cedar checks them.

entity Group;
// A person: "<issuer>:<name>". Tags are the claims of the credential.
entity User in [Group] {
  id: String, // "<issuer>:<name>" again
  issuer: String,
  name: String,
} tags String;
// A job, a service, an agent: "<issuer>:<name>". Tags are the claims of the credential.
entity Workload in [Group] {
  id: String,
  issuer: String,
  name: String,
  owner?: User, // the person it belongs to
} tags String;

// An environment, such as "prod".
entity Env;
// A target, by its name in the configuration. Tags are its labels.
entity Target in [Env] {
  protocol: String,
} tags String;

// A class of sensitive data: "pci.card", which is in "pci".
entity Class in [Class];
"#;

#[cfg(test)]
mod tests;
