//! What a policy's conditions look at, read off its syntax tree: no evaluation can reach what is not in there.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::Policy;
use cedar_policy::pst::{BinaryOp, Clause, Expr, UnaryOp, Var};

/// What the conditions of one policy look at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    /// Attributes of the context, read or asked for with `has`.
    pub(crate) names: BTreeSet<String>,
    /// Whether the context is used as a whole, so that any of it may matter.
    pub(crate) whole: bool,
    /// Whether a condition looks at the principal.
    pub(crate) principal: bool,
    /// Whether a condition looks at the resource.
    pub(crate) resource: bool,
    /// Whether a condition asks for groups or tags of a workload's owner.
    pub(crate) owners_groups: bool,
    /// Whether the evaluation of a condition can fail: sums run over, and functions do not take every text.
    pub(crate) may_fail: bool,
    /// Whether there is something in it that this version does not know.
    unknown: bool,
}

impl Reads {
    /// Whether this attribute of the context may matter.
    pub(crate) fn reads(&self, name: &str) -> bool {
        self.whole || self.names.contains(name)
    }

    fn walk(&mut self, expr: &Expr) {
        match expr {
            Expr::GetAttr { expr, attr } if is_context(expr) => _ = self.names.insert(attr.to_string()),
            Expr::HasAttr { expr, attrs } if is_context(expr) => _ = self.names.insert(attrs.head.to_string()),
            Expr::Var(Var::Context) => self.whole = true,
            Expr::Var(Var::Principal) => self.principal = true,
            Expr::Var(Var::Resource) => self.resource = true,
            Expr::Literal(_) | Expr::Var(_) => {}
            Expr::GetAttr { expr, .. } | Expr::HasAttr { expr, .. } | Expr::Like { expr, .. } => self.walk(expr),
            Expr::UnaryOp { op, expr } => {
                self.may_fail |= !matches!(op, UnaryOp::Not | UnaryOp::IsEmpty);
                self.walk(expr);
            }
            Expr::BinaryOp { op, left, right } => {
                self.may_fail |= !matches!(
                    op,
                    BinaryOp::Eq
                        | BinaryOp::NotEq
                        | BinaryOp::Less
                        | BinaryOp::LessEq
                        | BinaryOp::Greater
                        | BinaryOp::GreaterEq
                        | BinaryOp::And
                        | BinaryOp::Or
                        | BinaryOp::In
                        | BinaryOp::Contains
                        | BinaryOp::ContainsAll
                        | BinaryOp::ContainsAny
                        | BinaryOp::HasTag
                );
                let looks_up = matches!(op, BinaryOp::In | BinaryOp::GetTag | BinaryOp::HasTag);
                self.owners_groups |= looks_up && mentions_owner(left);
                self.walk(left);
                self.walk(right);
            }
            Expr::Is { expr, in_expr, .. } => {
                self.owners_groups |= in_expr.is_some() && mentions_owner(expr);
                self.walk(expr);
                in_expr.iter().for_each(|expr| self.walk(expr));
            }
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                [cond, then_expr, else_expr].into_iter().for_each(|expr| self.walk(expr));
            }
            Expr::Set(members) => members.iter().for_each(|expr| self.walk(expr)),
            Expr::Record(members) => members.values().for_each(|expr| self.walk(expr)),
            _ => self.unknown = true,
        }
    }
}

/// Reads a policy's conditions.
pub(super) fn of(policy: &Policy) -> Result<Reads, String> {
    let tree = policy.to_pst().map_err(|error| format!("this policy can't be read: {error}"))?;
    let mut reads = Reads::default();
    for clause in tree.body().clauses() {
        match clause {
            Clause::When(expr) | Clause::Unless(expr) => reads.walk(expr),
        }
    }
    if reads.unknown {
        return Err("this policy uses a form of Cedar that this version of Weir does not know".to_owned());
    }
    Ok(reads)
}

/// The byte at which a condition reads this attribute.
pub(super) fn offset(policy: &Policy, attr: &str) -> Option<usize> {
    let condition = policy.as_ref().condition();
    let places = condition.subexpressions().filter_map(|expr| expr.source_loc());
    places
        .filter(|loc| loc.snippet().and_then(last_word) == Some(attr))
        .min_by_key(|loc| loc.end().saturating_sub(loc.start()))
        .map(|loc| loc.start())
}

/// The last identifier of a piece of text: the attribute of `context.rows`, `context["rows"]`, `context has rows`.
pub(super) fn last_word(text: &str) -> Option<&str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.trim_end_matches(|c: char| !is_part(c)).rsplit(|c: char| !is_part(c)).next().filter(|word| !word.is_empty())
}

fn is_context(expr: &Arc<Expr>) -> bool {
    matches!(**expr, Expr::Var(Var::Context))
}

/// Whether an entity found in this expression may be somebody's owner.
fn mentions_owner(expr: &Expr) -> bool {
    match expr {
        Expr::GetAttr { expr, attr } => attr == "owner" || mentions_owner(expr),
        Expr::IfThenElse { then_expr, else_expr, .. } => mentions_owner(then_expr) || mentions_owner(else_expr),
        Expr::Set(members) => members.iter().any(|expr| mentions_owner(expr)),
        Expr::Record(members) => members.values().any(|expr| mentions_owner(expr)),
        _ => false,
    }
}
