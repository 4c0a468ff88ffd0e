//! Statements that run by name: what is prepared, declared, executed, fetched and forgotten.
//!
//! Here only the names are read, and what is put behind them. What a name stands for when it is used is known to who keeps
//! the session's names.

use std::sync::Arc;

use model::{Ask, Certainty, Object};
use pg_query::protobuf::DiscardMode;

use super::constants::{declared_as, parameter_type};
use super::written::Scope;
use super::{MadeOf, of_tree, read};
use crate::catalog::Catalog;
use crate::statement::{Argument, Given, NameUse, OutputShape, Outputs, PlainPut, ReadAs, Rows, Statement};
use crate::tree::{Node, Tree};
use crate::vocabulary::{OPAQUE, STORE};

/// What a statement does with names.
pub(super) fn names(tree: &Tree, text: &str, scope: &Scope<'_>) -> Option<NameUse> {
    let node = tree.node()?;
    let inner = || Box::new(of_tree(node.get("query"), scope));
    let named = |field: &str| Some(node.text(field)).filter(|name| !name.is_empty()).map(str::to_owned);
    match node.kind {
        "PrepareStmt" => Some(NameUse::Prepare {
            name: node.text("name").to_owned(),
            statement: inner(),
            text: text.to_owned(),
            types: node.get("argtypes").list().iter().map(|name| name.node().map_or(0, parameter_type)).collect(),
        }),
        "DeclareCursorStmt" => Some(NameUse::Declare {
            name: node.text("portalname").to_owned(),
            query: inner(),
            hold: node.int("options") & CURSOR_OPT_HOLD != 0,
            text: text.to_owned(),
        }),
        "FetchStmt" => Some(NameUse::Fetch(node.text("portalname").to_owned())),
        "ClosePortalStmt" => Some(NameUse::Close(named("portalname"))),
        "DeallocateStmt" => Some(NameUse::Deallocate(named("name"))),
        "DiscardStmt" if node.int("target") == i64::from(i32::from(DiscardMode::DiscardAll)) => {
            Some(NameUse::DiscardAll)
        }
        _ => execute(node, Rows::Given),
    }
}

/// `CURSOR_OPT_HOLD` of `nodes/parsenodes.h`.
const CURSOR_OPT_HOLD: i64 = 0x0020;

/// An EXECUTE, also inside of what can hold one.
fn execute(node: &Node, rows: Rows) -> Option<NameUse> {
    match node.kind {
        "ExecuteStmt" => Some(NameUse::Execute(node.text("name").to_owned(), rows)),
        "CreateTableAsStmt" => execute(node.get("query").node()?, Rows::Kept),
        // What EXPLAIN explains may keep its rows as well: with ANALYZE it does.
        "ExplainStmt" => {
            let inner = node.get("query").node()?;
            execute(inner, if inner.kind == "ExecuteStmt" { Rows::Explained } else { Rows::Kept })
        }
        _ => None,
    }
}

/// What keeping the rows of a prepared statement does, beside running it: `text` is the statement, or its PREPARE.
pub fn kept_rows(text: &str, catalog: &Catalog) -> Statement {
    let tree = read(text).ok().and_then(|raws| match raws.as_slice() {
        [raw] => Tree::of(&raw.stmt).ok(),
        _ => None,
    });
    let query = tree.map(|tree| match tree {
        Tree::Node(Node { kind: "PrepareStmt", fields }) => {
            fields.into_iter().find(|(name, _)| *name == "query").map_or(Tree::Nothing, |(_, query)| query)
        }
        other => other,
    });
    let keeping = Node { kind: "CreateTableAsStmt", fields: vec![("query", query.unwrap_or(Tree::Nothing))] };
    of_tree(&Tree::Node(keeping), &Scope::new(catalog, false))
}

/// Constants that an EXECUTE may give to columns: more are not told one by one.
const GIVEN_MAX: usize = 65_536;

impl Statement {
    /// This statement, together with what it runs by name, whose parameters are declared to be of these types: 0 where the server is to find out.
    pub fn running(&self, behind: &Statement, types: &[u32]) -> Statement {
        let mut whole = self.clone();
        whole.asks.extend(behind.asks.iter().filter(|ask| !self.asks.contains(ask)).cloned());
        whole.touches.extend(behind.touches.iter().filter(|field| !self.touches.contains(field)).cloned());
        whole.touches_unknown |= behind.touches_unknown;
        whole.changes_catalog |= behind.changes_catalog;
        whole.runs_code |= behind.runs_code;
        whole.sets_encoding |= behind.sets_encoding;
        let is_mask = |number| self.argument(number).iter().any(|given| redact::is_mask(given.value.as_bytes()));
        let masks = behind.parameters_kept.iter().filter(|kept| is_mask(kept.number));
        whole.masks_returned.extend(masks.map(|kept| kept.field.clone()));
        whole.lacks_puts |= behind.lacks_puts;
        whole.puts_too_much |= behind.puts_too_much;
        let mut left = GIVEN_MAX;
        for put in &behind.puts {
            match put.given {
                Given::Parameter(number) => {
                    let (given, put_as) = (self.argument(number), put.read_as);
                    let declared = number.checked_sub(1).and_then(|at| types.get(at)).copied().and_then(declared_as);
                    let Some(fewer) = left.checked_sub(given.len()) else {
                        whole.puts.push(PlainPut { given: Given::TooMuch, ..put.clone() });
                        continue;
                    };
                    left = fewer;
                    whole.puts.extend(given.iter().flat_map(|argument| {
                        let given = Given::Constant(Arc::clone(&argument.value));
                        let put = move |read_as| PlainPut { given: given.clone(), read_as, ..put.clone() };
                        read_as(argument, put_as).into_iter().flatten().chain(declared).map(put)
                    }));
                }
                Given::Constant(_) | Given::TooMuch => whole.puts.push(put.clone()),
            }
        }
        whole.lowering.extend(behind.lowering.iter().cloned());
        whole.cannot_be_lowered("what stores it runs by its name in a text");
        whole.unseen |= behind.unseen;
        whole.needs_own_catalog |= behind.needs_own_catalog;
        whole.keeps = whole.keeps.or_else(|| behind.keeps.clone());
        whole.transaction = self.transaction.clone().or_else(|| behind.transaction.clone());
        if whole.certainty == Certainty::Exact {
            whole.certainty = behind.certainty.clone();
        }
        // What code makes of nothing that is seen here could be stored by what it is passed to.
        if self.runs_code && self.touches_unknown && whole.certainty == Certainty::Exact {
            whole.certainty = Certainty::Opaque("code that Weir can't follow makes its parameters".to_owned());
            whole.asks.push(Ask::new(OPAQUE, Object::Target));
        }
        if matches!(self.names, Some(NameUse::Execute(_, Rows::Given) | NameUse::Fetch(_))) {
            whole.outputs = behind.outputs.clone();
            whole.made_of = behind.made_of.clone();
            whole.names_are_plain = behind.names_are_plain;
            whole.set_operation = behind.set_operation;
            // What code makes of its parameters is not followed through them.
            whole.lineage = behind.lineage.clone().filter(|_| !self.touches_unknown);
        }
        whole
    }

    /// The constants that this EXECUTE gives to what it runs.
    pub fn arguments(&self) -> impl Iterator<Item = &Arc<str>> {
        self.arguments.iter().flatten().map(|argument| &argument.value)
    }

    /// The constants that the argument of this EXECUTE by that number may be.
    fn argument(&self, number: usize) -> &[Argument] {
        number.checked_sub(1).and_then(|at| self.arguments.get(at)).map_or(&[], Vec::as_slice)
    }

    /// This statement, which also keeps the rows of what it runs: `kept` is what [`kept_rows`] says of them.
    pub fn keeping(mut self, kept: &Statement) -> Statement {
        let stores =
            kept.asks.iter().filter(|ask| (ask.action == STORE || ask.action == OPAQUE) && !self.asks.contains(ask));
        let stores: Vec<Ask> = stores.cloned().collect();
        self.asks.extend(stores);
        if self.certainty == Certainty::Exact {
            self.certainty = kept.certainty.clone();
        }
        self
    }
}

/// As what an argument is taken that is put somewhere as `put`: a constant that stands alone is of the parameter's type, which may be another
/// than the column's; what stands within something else is of its own, and then what is made of the parameter. Of two cuts nobody knows
/// whether something stands between them.
fn read_as(argument: &Argument, put: ReadAs) -> [Option<ReadAs>; 2] {
    match argument.read_as {
        // What is bits stays bits.
        ReadAs::Column | ReadAs::ColumnPerhaps if matches!(put, ReadAs::Bits(_)) => [Some(put), None],
        ReadAs::Bits(_) if matches!(put, ReadAs::Bits(_)) => [Some(argument.read_as), Some(put)],
        ReadAs::Bits(_) if put == ReadAs::Column => [Some(argument.read_as), None],
        ReadAs::Column | ReadAs::ColumnPerhaps => [Some(put.perhaps()), None],
        own if own.is_cut() && own == put => [Some(own), None],
        own => [Some(own.within()), Some(put.perhaps())],
    }
}

/// A statement of which nothing is known but why.
pub fn unseen(why: &str, catalog: &Catalog) -> Statement {
    Statement {
        asks: vec![Ask::new(OPAQUE, Object::Target)],
        certainty: Certainty::Opaque(why.to_owned()),
        touches: Vec::new(),
        touches_unknown: catalog.classifies(),
        unknown_names: Vec::new(),
        outputs: Outputs::Columns(Arc::new([OutputShape::Star])),
        changes_catalog: true,
        transaction: None,
        copy: None,
        keeps: None,
        needs_own_catalog: false,
        masks_returned: Vec::new(),
        arguments: Vec::new(),
        parameters_kept: Vec::new(),
        puts: Vec::new(),
        lacks_puts: false,
        puts_too_much: false,
        lowering: Vec::new(),
        lowered_parameters: Vec::new(),
        lowered_constants: Vec::new(),
        names: None,
        runs_code: true,
        sets_encoding: true,
        moves_values: true,
        span: 0..0,
        names_are_plain: false,
        // Of no column of its result it can be said that it is nothing but that column.
        set_operation: true,
        made_of: MadeOf::Anything,
        inert_constants: None,
        has_conditions: false,
        has_updates: false,
        lineage: None,
        unfollowed: Some("nobody knows what it is"),
        unseen: false,
    }
}
