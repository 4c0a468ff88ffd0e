//! Conditions, orders and groups: what a statement learns of values without showing them.
//!
//! Whoever filters, compares, sorts or groups by a column learns something of its values, also where only a count comes back. So
//! each use of a classified column in such a place is a question of its own to policy, the action `probe`. That a value is
//! missing, and how many there are, is no such use.

use lineage::{Origin, Output, Source};
use pg_query::protobuf::AExprKind;

use super::{At, Resolver};
use crate::tree::{Node, Tree, name_parts, schema_and_name};

/// In which way a column is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Probe {
    /// It is compared for being the same as something.
    Equality,
    /// It is compared for being more or less, or says how many rows there are.
    Range,
    /// It is searched in, or what is computed of it decides.
    Pattern,
    /// Rows are sorted by it.
    Order,
    /// Rows are grouped by it, or are the same if it is.
    Group,
    /// It is compared with what other rows hold.
    Join,
}

impl Probe {
    /// The word that policies use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Equality => "equality",
            Self::Range => "range",
            Self::Pattern => "pattern",
            Self::Order => "order",
            Self::Group => "group",
            Self::Join => "join",
        }
    }
}

impl<'a> Resolver<'a> {
    /// Something is learnt of what a value is made of.
    pub(super) fn probe(&mut self, origin: &Origin, how: Probe) {
        match origin {
            Origin::Free => {}
            Origin::Unknown => self.probes_anything = true,
            Origin::Copy(source) => self.probed(*source, how),
            Origin::Shaped(_) => self.probe(&origin.clone().computed(), how),
            Origin::Made(sources) | Origin::Code(sources) => {
                // Nobody can tell what of it is compared.
                let how = if matches!(how, Probe::Order | Probe::Group) { how } else { Probe::Pattern };
                sources.iter().for_each(|source| self.probed(source, how));
            }
        }
    }

    fn probed(&mut self, source: Source, how: Probe) {
        if self.seen.insert((source, how)) {
            self.probes.push((source, how));
        }
    }

    /// A condition: of what it is made, and what it learns.
    pub(super) fn condition(&mut self, tree: &'a Tree, at: &At<'a>) -> Origin {
        let Some(node) = tree.node() else {
            let mut origin = Origin::Free;
            tree.list().iter().for_each(|item| origin.mix(self.condition(item, at)));
            return origin;
        };
        match node.kind {
            "BoolExpr" if self.step() => self.condition(node.get("args"), at),
            "AExpr" => self.comparison(node, at, true),
            "SubLink" => self.sublink(node, at, true),
            _ => {
                let origin = self.expression(node, at);
                self.probe(&origin, Probe::Equality);
                origin
            }
        }
    }

    /// An operator between two values.
    pub(super) fn comparison(&mut self, node: &'a Node, at: &At<'a>, decides: bool) -> Origin {
        if !self.step() {
            return Origin::Unknown;
        }
        let left = self.value(node.get("lexpr"), at);
        let right = self.value(node.get("rexpr"), at);
        if self.catalog.is_users_operator(node.get("name")) {
            let made = left.with(right);
            if decides {
                self.probe(&made, Probe::Pattern);
            }
            return self.code(made);
        }
        if decides {
            let is_column = |field: &str| node.get(field).as_kind("ColumnRef").is_some();
            let how = match operator(node) {
                Probe::Equality if is_column("lexpr") && is_column("rexpr") => Probe::Join,
                how => how,
            };
            self.probe(&left, how);
            self.probe(&right, how);
        }
        left.with(right)
    }

    /// ORDER BY: by outputs under their names or numbers, or by values.
    pub(super) fn sorts(&mut self, clause: &'a Tree, outputs: &[Output<'a>], at: &At<'a>, how: Probe) {
        for item in clause.list() {
            if !self.step() {
                return;
            }
            let value = match item.node() {
                Some(node) if node.kind == "SortBy" => {
                    if self.catalog.is_users_operator(node.get("use_op")) {
                        self.code(Origin::Free);
                    }
                    node.get("node")
                }
                Some(node) if node.kind == "GroupingSet" => {
                    self.sorts(node.get("content"), outputs, at, how);
                    continue;
                }
                _ => item,
            };
            match value.node() {
                // The number of an output.
                Some(node) if node.kind == "AConst" => {
                    let number = node.get("val").as_kind("Integer").map(|value| value.int("ival"));
                    let at = number.and_then(|number| usize::try_from(number).ok()).and_then(|n| n.checked_sub(1));
                    let known = outputs.iter().all(|output| matches!(output, Output::One(_)));
                    match at.and_then(|at| outputs.get(at)).filter(|_| known) {
                        Some(output) => self.probe(&output.origin().clone(), how),
                        None if at.is_some() => self.all(outputs, how),
                        None => {}
                    }
                }
                Some(node) if node.kind == "RowExpr" && how == Probe::Group => {
                    self.sorts(node.get("args"), outputs, at, how);
                }
                Some(node) => {
                    // The name of an output goes before that of a column in ORDER BY, and behind it in GROUP BY.
                    let named = match name_parts(node.get("fields").list()).as_slice() {
                        [name] if node.kind == "ColumnRef" => Some(*name),
                        _ => None,
                    };
                    let of_this_name = |output: &&Output<'a>| match output {
                        Output::One(column) => named.is_some() && column.name.is_none_or(|known| Some(known) == named),
                        Output::Many { .. } => named.is_some(),
                    };
                    let same: Vec<Origin> =
                        outputs.iter().filter(of_this_name).map(|one| one.origin().clone()).collect();
                    let origin = self.expression(node, at);
                    if same.is_empty() || origin != Origin::Unknown {
                        self.probe(&origin, how);
                    }
                    same.iter().for_each(|origin| self.probe(origin, how));
                }
                None => {}
            }
        }
    }

    /// Rows are the same if all of this is.
    pub(super) fn all(&mut self, outputs: &[Output<'a>], how: Probe) {
        for output in outputs {
            self.probe(&output.origin().clone(), how);
        }
    }
}

/// What an operator tells of a column beside it.
pub(super) fn operator(node: &Node) -> Probe {
    use AExprKind as Kind;
    let kind = i32::try_from(node.int("kind")).ok().and_then(|kind| Kind::try_from(kind).ok());
    let parts = name_parts(node.get("name").list());
    let (_, name) = schema_and_name(&parts);
    match kind {
        Some(Kind::AexprIn | Kind::AexprDistinct | Kind::AexprNotDistinct | Kind::AexprNullif) => Probe::Equality,
        Some(Kind::AexprBetween | Kind::AexprNotBetween | Kind::AexprBetweenSym | Kind::AexprNotBetweenSym) => {
            Probe::Range
        }
        Some(Kind::AexprOp | Kind::AexprOpAny | Kind::AexprOpAll) => by_name(name),
        _ => Probe::Pattern,
    }
}

/// The same by the operator's name.
pub(super) fn by_name(name: &str) -> Probe {
    match name {
        "=" | "<>" | "!=" => Probe::Equality,
        "<" | ">" | "<=" | ">=" => Probe::Range,
        _ => Probe::Pattern,
    }
}
