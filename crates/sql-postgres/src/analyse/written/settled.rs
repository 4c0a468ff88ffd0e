//! Of which types parameters are that nobody has declared: the server takes the type from wherever a parameter stands, so that one which stands
//! elsewhere as well is not for certain of the type of its column or cast.

use std::collections::HashMap;
use std::ptr;

use super::super::constants::{TEXTS, parameter_type};
use crate::statement::{Given, PlainPut, ReadAs};
use crate::tree::{Node, Tree};

/// The types of parameters where they stand.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// By the nodes of those that stand for a column's value, or within a cast.
    types: HashMap<*const Node, u32>,
}

impl Settled {
    /// A value goes into a column of this type, if that is known.
    pub(super) fn put(&mut self, value: &Tree, type_oid: Option<u32>) {
        if let Some((parameter, oid)) = value.as_kind("ParamRef").zip(type_oid) {
            self.types.insert(ptr::from_ref(parameter), oid);
        }
    }

    /// Parameters whose types are not settled are perhaps of any.
    pub(super) fn finish(mut self, tree: &Tree, puts: &mut Vec<PlainPut>) {
        if !puts.iter().any(|put| matches!(put.given, Given::Parameter(_))) {
            return;
        }
        // Of which type each is wherever it stands, and `None` if it may be of two.
        let mut types: HashMap<usize, Option<u32>> = HashMap::new();
        let mut met: HashMap<usize, usize> = HashMap::new();
        tree.walk(&mut |node| {
            if let Some(parameter) = node.get("arg").as_kind("ParamRef").filter(|_| node.kind == "TypeCast") {
                self.types.insert(ptr::from_ref(parameter), parameter_type(node.get("type_name")));
            }
            if let Some(number) = number(node) {
                let own = self.types.get(&ptr::from_ref(node)).copied().map(alike);
                types.entry(number).and_modify(|known| *known = known.filter(|oid| own == Some(*oid))).or_insert(own);
                let count = met.entry(number).or_default();
                *count = count.saturating_add(1);
            }
            true
        });
        let is_unsettled = |put: &PlainPut| {
            let Given::Parameter(number) = put.given else { return false };
            met.get(&number).is_some_and(|count| *count > 1) && types.get(&number).is_none_or(Option::is_none)
        };
        let mut more = Vec::new();
        for put in puts.iter_mut().filter(|put| is_unsettled(put)) {
            if put.read_as.is_cut() {
                more.push(PlainPut { read_as: ReadAs::Anything, ..put.clone() });
            }
            put.read_as = put.read_as.perhaps();
        }
        puts.append(&mut more);
    }
}

fn number(node: &Node) -> Option<usize> {
    usize::try_from(node.int("number")).ok().filter(|_| node.kind == "ParamRef")
}

/// Texts of all types come alike, but for those of which the server cuts something off (`name`).
fn alike(oid: u32) -> u32 {
    if TEXTS.contains(&oid) { 25 } else { oid }
}
