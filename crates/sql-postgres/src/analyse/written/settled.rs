//! Of which types parameters are that nobody has declared: the server takes the type from wherever a parameter stands, so that one which stands
//! elsewhere as well is not for certain of the type of its column or cast.

use std::collections::{BTreeSet, HashMap};
use std::ptr;

use super::super::constants::{ANY, TEXTS, cast_of, parameter_type};
use super::{Scope, Written};
use crate::statement::{Given, PlainPut, ReadAs};
use crate::tree::{Node, Tree};

/// Types that say nothing of how a value is read: none, what may be any, and texts.
const UNTOLD: [u32; 3] = [0, ANY, 25];

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

    /// Parameters whose types are not settled are perhaps of any, and of each that they may be of by where else they stand.
    pub(super) fn finish(mut self, tree: &Tree, scope: &Scope<'_>, written: &mut Written) {
        if !written.puts.iter().any(|put| matches!(put.given, Given::Parameter(_))) {
            return;
        }
        let mut met: HashMap<usize, Met> = HashMap::new();
        tree.walk(&mut |node| {
            if let Some((name, cast)) = cast_of(node)
                && let Some(parameter) = cast.as_kind("ParamRef")
            {
                self.types.insert(ptr::from_ref(parameter), parameter_type(name));
            }
            if let Some(number) = number(node) {
                let own = self.types.get(&ptr::from_ref(node)).copied().map(alike);
                let met = met.entry(number).or_default();
                met.types.extend(own);
                met.is_open |= own.is_none();
                met.is_twice |= met.is_once;
                met.is_once = true;
            }
            true
        });
        let mut more = Vec::new();
        for put in &mut written.puts {
            let Given::Parameter(number) = put.given else { continue };
            let Some(met) = met.get(&number).filter(|met| met.is_unsettled()) else { continue };
            let of_any = Some(ReadAs::Anything).filter(|_| put.read_as.is_cut());
            let own_types = met.types.iter().filter(|oid| !UNTOLD.contains(oid)).map(|oid| ReadAs::TypePerhaps(*oid));
            for read_as in of_any.into_iter().chain(own_types) {
                written.too_much |= !scope.takes_value();
                if written.too_much {
                    return;
                }
                more.push(PlainPut { read_as, ..put.clone() });
            }
            put.read_as = put.read_as.perhaps();
        }
        written.puts.append(&mut more);
    }
}

/// Where a parameter stands.
#[derive(Debug, Default)]
struct Met {
    /// The types that it is of there.
    types: BTreeSet<u32>,
    /// Whether it is somewhere of a type that nobody here knows.
    is_open: bool,
    is_once: bool,
    is_twice: bool,
}

impl Met {
    /// Whether it may be of another type than where it is put.
    fn is_unsettled(&self) -> bool {
        self.is_twice && (self.is_open || self.types.len() != 1)
    }
}

fn number(node: &Node) -> Option<usize> {
    usize::try_from(node.int("number")).ok().filter(|_| node.kind == "ParamRef")
}

/// Texts of all types come alike, but for those of which the server cuts something off (`name`).
fn alike(oid: u32) -> u32 {
    if TEXTS.contains(&oid) { 25 } else { oid }
}
