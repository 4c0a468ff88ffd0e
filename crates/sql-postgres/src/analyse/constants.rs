//! Constants and parameters in expressions and queries: those that a value is *as they are*, and all those that it may be made of.
//!
//! Where a value comes from is not followed: a constant counts wherever it stands, but for places from which nothing gets into a value, as what
//! it is compared with.

use super::made_of::{is_comparison, returns_rows};
use crate::resolve::is_nullif;
use crate::statement::{Given, ReadAs};
use crate::tree::{Node, Tree};

/// Fields of nodes that say which rows there are, in which order and of which types, and not what is in them.
const SAYS_WHICH: [&str; 15] = [
    "where_clause",
    "having_clause",
    "quals",
    "join_condition",
    "condition",
    "limit_count",
    "limit_offset",
    "sort_clause",
    "group_clause",
    "distinct_clause",
    "window_clause",
    "over",
    "agg_filter",
    "infer",
    "type_name",
];

/// Types whose constants the server takes in ways of their own, with their oids and those of their arrays.
const TYPES: [(&str, u32, u32); 28] = [
    ("bytea", 17, 1001),
    ("int8", 20, 1016),
    ("int2", 21, 1005),
    ("int4", 23, 1007),
    ("oid", 26, 1028),
    ("xid", 28, 1011),
    ("xid8", 5069, 271),
    ("text", 25, 1009),
    ("json", 114, 199),
    ("xml", 142, 143),
    ("cidr", 650, 651),
    ("float4", 700, 1021),
    ("float8", 701, 1022),
    ("money", 790, 791),
    ("macaddr", 829, 1040),
    ("inet", 869, 1041),
    ("bpchar", 1042, 1014),
    ("varchar", 1043, 1015),
    ("date", 1082, 1182),
    ("time", 1083, 1183),
    ("timestamp", 1114, 1115),
    ("timestamptz", 1184, 1185),
    ("interval", 1186, 1187),
    ("timetz", 1266, 1270),
    ("numeric", 1700, 1231),
    ("uuid", 2950, 2951),
    ("jsonb", 3802, 3807),
    ("name", NAME, 1003),
];

/// `name`, of which the server keeps no more than so many bytes (`NAMEDATALEN` less one).
const NAME: u32 = 19;
const NAME_KEPT: usize = 63;
/// `"any"`, which no value is of.
const ANY: u32 = 2276;

/// Those that are texts, of which anything can be made.
pub(super) const TEXTS: [u32; 4] = [NAME, 25, 1042, 1043];

/// Calls `found` with each constant, parameter and column that a value may be made of, and how it is read: `alone` if it stands there by itself.
pub(super) fn each_made_of<'a>(value: &'a Tree, alone: ReadAs, found: &mut impl FnMut(&'a Node, ReadAs)) {
    look(value, (alone, true), found);
}

/// The same of what stands within something else that is read so.
pub(super) fn each_made_within<'a>(value: &'a Tree, around: ReadAs, found: &mut impl FnMut(&'a Node, ReadAs)) {
    look(value, (around, false), found);
}

/// A parameter's type is what stands around it alone, and else for the server to find out.
fn look<'a>(value: &'a Tree, (read_as, alone): (ReadAs, bool), found: &mut impl FnMut(&'a Node, ReadAs)) {
    let node = match value {
        Tree::List(items) => return items.iter().for_each(|item| look(item, (read_as.cut(), false), found)),
        Tree::Node(node) => node,
        Tree::Nothing | Tree::Text(_) | Tree::Int(_) => return,
    };
    match node.kind {
        "ParamRef" if !alone => {
            found(node, ReadAs::Anything);
            if let ReadAs::Cut(_) = read_as {
                found(node, read_as);
            }
        }
        "AConst" | "ParamRef" | "ColumnRef" => found(node, read_as),
        // In options, as those of a sequence.
        "Integer" | "Float" => found(node, read_as.cut()),
        "TypeCast" => {
            let (own, cast) = (of_type(node.get("type_name")), node.get("arg"));
            let whole = alone && read_as == ReadAs::Column;
            let is_parameter = cast.as_kind("ParamRef").is_some();
            let both = match (read_as, own) {
                _ if whole => own,
                (ReadAs::Cut(outer), ReadAs::Cut(inner)) => ReadAs::Cut(outer.min(inner)),
                (_, ReadAs::Cut(_)) => own,
                // The text is cut only once it is one.
                (ReadAs::Cut(_), _) if !is_parameter || is_of_text(own) => read_as,
                (ReadAs::Type(oid) | ReadAs::TypeWithin(oid) | ReadAs::TextOf(oid), _) if is_of_text(own) => {
                    ReadAs::TextOf(oid)
                }
                _ if is_parameter || is_telling(own) => own.within(),
                (ReadAs::Type(_) | ReadAs::TypeWithin(_) | ReadAs::TextOf(_) | ReadAs::TypePerhaps(_), _) => {
                    read_as.perhaps()
                }
                _ => own.perhaps(),
            };
            // A text of a type that nobody here knows may be cut off beside that.
            let cut = perhaps_cut(node.get("type_name")).map(|length| match read_as {
                ReadAs::Cut(outer) => outer.min(length),
                _ => length,
            });
            // What is cut off already is looked at once, however many casts there are.
            if cut.is_none() || is_parameter || both.cut() == ReadAs::Anything {
                look(cast, (both, is_parameter), found);
            }
            if let Some(length) = cut {
                look(cast, (ReadAs::Cut(length), is_parameter), found);
            }
        }
        "CollateClause" => look(node.get("arg"), (read_as, alone), found),
        "CaseExpr" => {
            let results = node.get("args").list().iter().filter_map(Tree::node).map(|when| when.get("result"));
            let results = results.chain([node.get("defresult")]);
            results.for_each(|result| look(result, (read_as.perhaps(), false), found));
        }
        "CoalesceExpr" | "MinMaxExpr" => {
            let arguments = node.get("args").list().iter();
            arguments.for_each(|argument| look(argument, (read_as.perhaps(), false), found));
        }
        "AExpr" if is_nullif(node) => look(node.get("lexpr"), (read_as.perhaps(), false), found),
        "AExpr" if is_comparison(node) => {}
        "NullTest" | "BooleanTest" | "BoolExpr" => {}
        "SubLink" if !returns_rows(node) => {}
        "MultiAssignRef" => of_row(node).into_iter().for_each(|value| look(value, (read_as, alone), found)),
        _ => each_in(node, "", read_as.cut(), found),
    }
}

/// Those in what stands in a node, but for one of its fields and for those that say which rows there are.
pub(super) fn each_in_fields<'a>(node: &'a Node, but: &str, found: &mut impl FnMut(&'a Node, ReadAs)) {
    each_in(node, but, ReadAs::Anything, found);
}

/// The same where all that is made of it is read so.
fn each_in<'a>(node: &'a Node, but: &str, read_as: ReadAs, found: &mut impl FnMut(&'a Node, ReadAs)) {
    let fields = node.fields.iter().filter(|(name, _)| *name != but && !SAYS_WHICH.contains(name));
    fields.for_each(|(_, value)| look(value, (read_as, false), found));
}

/// How a constant is read that is cast to a type.
pub(super) fn of_type(name: &Tree) -> ReadAs {
    let Some((own, list)) = known_type(name) else { return ReadAs::Anything };
    if name.node().is_some_and(|node| !node.get("array_bounds").list().is_empty()) {
        return ReadAs::Type(list);
    }
    if own == NAME {
        return ReadAs::Cut(NAME_KEPT);
    }
    match length_of(name).filter(|_| TEXTS.contains(&own)) {
        Some(length) => ReadAs::Cut(length),
        None => ReadAs::Type(own),
    }
}

/// What may be left of a text that is cast to a type that nobody here knows: as much as of a name, or what it says.
fn perhaps_cut(name: &Tree) -> Option<usize> {
    known_type(name).is_none().then(|| length_of(name).unwrap_or(NAME_KEPT))
}

/// The oids of a type and of its arrays, if it is one of [`TYPES`].
fn known_type(name: &Tree) -> Option<(u32, u32)> {
    let name = match name.node()?.get("names").list() {
        [name] => name.text(),
        [schema, name] | [_, schema, name] if schema.text() == "pg_catalog" => name.text(),
        _ => return None,
    };
    TYPES.iter().find(|(known, ..)| *known == name).map(|(_, own, list)| (*own, *list))
}

/// How long a text may be, by its type: `varchar(16)`.
fn length_of(name: &Tree) -> Option<usize> {
    let [length] = name.node()?.get("typmods").list() else { return None };
    let length = match (length.as_kind("AConst"), length.as_kind("ColumnRef")) {
        // The server reads all of them as texts.
        (Some(constant), _) => match given(constant)? {
            Given::Constant(written) => written.trim().parse().ok()?,
            Given::Parameter(_) | Given::TooMuch => return None,
        },
        (None, Some(column)) => column.get("fields").list().first()?.text().trim().parse().ok()?,
        (None, None) => return None,
    };
    Some(length).filter(|length| *length > 0)
}

/// The type of a parameter by its oid, as PREPARE declares it: one that nobody has if it is not known here, 0 if the server is to find out.
pub(super) fn parameter_type(name: &Tree) -> u32 {
    let names = name.node().map_or(&[][..], |node| node.get("names").list());
    if names.last().is_some_and(|name| name.text() == "unknown") {
        return 0;
    }
    let is_list = name.node().is_some_and(|node| !node.get("array_bounds").list().is_empty());
    known_type(name).map_or(ANY, |(own, list)| if is_list { list } else { own })
}

/// Whether values of a type say what they are of by themselves, other than texts.
fn is_telling(read_as: ReadAs) -> bool {
    matches!(read_as, ReadAs::Type(_)) && !is_of_text(read_as)
}

fn is_of_text(read_as: ReadAs) -> bool {
    matches!(read_as, ReadAs::Type(oid) if TEXTS.contains(&oid))
}

/// Looks for what a value is as it is.
pub(super) struct AsGiven<'s, 'a> {
    /// Is called with each constant and parameter, without the casts around it.
    pub(super) found: &'s mut dyn FnMut(&'a Node),
    /// Whether something was met that may be any value of the queries whose rows can be named beside it.
    pub(super) reaches: bool,
}

impl<'a> AsGiven<'_, 'a> {
    pub(super) fn look(&mut self, value: &'a Tree) {
        let Some(node) = value.node() else { return };
        match node.kind {
            "AConst" | "ParamRef" => (self.found)(node),
            "TypeCast" | "CollateClause" => self.look(node.get("arg")),
            "AArrayExpr" => node.get("elements").list().iter().for_each(|element| self.look(element)),
            "RowExpr" => node.get("args").list().iter().for_each(|field| self.look(field)),
            "AExpr" if is_nullif(node) => self.look(node.get("lexpr")),
            // A plus before a number.
            "AExpr" if !node.has("lexpr") && node.get("name").list().last().is_some_and(|name| name.text() == "+") => {
                self.look(node.get("rexpr"));
            }
            "MultiAssignRef" => of_row(node).into_iter().for_each(|value| self.look(value)),
            "SubLink" => {
                each_made_of(node.get("subselect"), ReadAs::Anything, &mut |node, _| (self.found)(node));
                self.reaches = true;
            }
            "CaseExpr" => {
                for when in node.get("args").list().iter().filter_map(Tree::node) {
                    self.look(when.get("result"));
                }
                self.look(node.get("defresult"));
            }
            "CoalesceExpr" | "MinMaxExpr" => node.get("args").list().iter().for_each(|arg| self.look(arg)),
            // Of which source it is, is not looked for.
            "ColumnRef" => self.reaches = true,
            _ => {}
        }
    }
}

/// What a row that is assigned gives one of the columns; all of it, if a star in it says nothing of places.
pub(super) fn of_row(assigned: &Node) -> Vec<&Tree> {
    let at = usize::try_from(assigned.int("colno")).ok().and_then(|number| number.checked_sub(1));
    let source = assigned.get("source");
    let values = source.as_kind("RowExpr").map_or(std::slice::from_ref(source), |row| row.get("args").list());
    match at.and_then(|at| values.get(at)).filter(|_| !values.iter().any(is_star)) {
        Some(value) if source.as_kind("RowExpr").is_some() => vec![value],
        _ => values.iter().collect(),
    }
}

/// A constant or a parameter as it is given. `None` for NULL, a boolean and a column.
pub(super) fn given(node: &Node) -> Option<Given> {
    if node.kind == "ParamRef" {
        return usize::try_from(node.int("number")).ok().map(Given::Parameter);
    }
    // One of options, or a label, stands there by itself.
    let value = if node.kind == "AConst" { node.get("val").node()? } else { node };
    Some(Given::Constant(match value.kind {
        "String" => value.text("sval").into(),
        "Float" => value.text("fval").into(),
        "Integer" => value.int("ival").to_string().into(),
        // `x'1f'`: cast to a number it is that one.
        "BitString" => match value.text("bsval").split_at_checked(1) {
            Some(("x", digits)) => format!("0x{digits}").into(),
            Some((_, digits)) => format!("0b{digits}").into(),
            None => return None,
        },
        _ => return None,
    }))
}

/// A value without the casts around it.
pub(super) fn bare(value: &Tree) -> Option<&Node> {
    let node = value.node()?;
    match node.kind {
        "TypeCast" => bare(node.get("arg")),
        _ => Some(node),
    }
}

/// Whether this is `t.*` or `(value).*`: any number of values.
pub(super) fn is_star(value: &Tree) -> bool {
    value.node().is_some_and(super::made_of::is_star)
}
