//! Constants and parameters in expressions and queries: those that a value is *as they are*, and all those that it may be made of.
//!
//! Where a value comes from is not followed: a constant counts wherever it stands, but for places from which nothing gets into a value, as what
//! it is compared with.
//!
//! What is cut off around it is (`varchar(16)`, of each cast that it stands in): of two casts that stand directly around each other the shorter
//! one counts, and where something else stands between them ([`around`]) nobody knows what is left, so that each is looked at.

mod around;

use around::Around;

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

/// Those that are texts, of which anything can be made, and of which all is kept that no cast cuts off.
pub(super) const TEXTS: [u32; 3] = [25, 1042, 1043];
/// Those whose values are cut off as bits.
const BITS: [&str; 2] = ["bit", "varbit"];

/// Calls `found` with each constant, parameter and column that a value may be made of, and how it is read: `alone` if it stands there by itself.
pub(super) fn each_made_of<'a>(value: &'a Tree, alone: ReadAs, found: &mut impl FnMut(&'a Node, ReadAs)) {
    look(value, Around::of(alone, true), found);
}

/// The same of what stands within something else that is read so.
pub(super) fn each_made_within<'a>(value: &'a Tree, around: ReadAs, found: &mut impl FnMut(&'a Node, ReadAs)) {
    look(value, Around::of(around, false), found);
}

fn look<'a>(value: &'a Tree, around: Around, found: &mut impl FnMut(&'a Node, ReadAs)) {
    let node = match value {
        Tree::List(items) => return items.iter().for_each(|item| look(item, around.further(), found)),
        Tree::Node(node) => node,
        Tree::Nothing | Tree::Text(_) | Tree::Int(_) => return,
    };
    match node.kind {
        "ParamRef" => around.each_of_parameter(|read_as| found(node, read_as)),
        "AConst" | "ColumnRef" => around.each_of_constant(|read_as| found(node, read_as)),
        // In options, as those of a sequence.
        "Integer" | "Float" => around.further().each_of_constant(|read_as| found(node, read_as)),
        "TypeCast" => match bits_of(node).filter(|_| around.is_column()) {
            Some((bits, read_as)) => found(bits, read_as),
            None => look_cast(node, around, found),
        },
        "CollateClause" => look(node.get("arg"), around, found),
        "CaseExpr" => {
            let results = node.get("args").list().iter().filter_map(Tree::node).map(|when| when.get("result"));
            let results = results.chain([node.get("defresult")]);
            results.for_each(|result| look(result, around.perhaps(), found));
        }
        "CoalesceExpr" | "MinMaxExpr" => {
            let arguments = node.get("args").list().iter();
            arguments.for_each(|argument| look(argument, around.perhaps(), found));
        }
        "AExpr" if is_nullif(node) => look(node.get("lexpr"), around.perhaps(), found),
        "AExpr" if is_comparison(node) => {}
        "NullTest" | "BooleanTest" | "BoolExpr" => {}
        "SubLink" if !returns_rows(node) => {}
        "MultiAssignRef" => of_row(node).into_iter().for_each(|value| look(value, around, found)),
        "FuncCall" | "AExpr" | "NamedArgExpr" => each_in(node, "", around.made(), found),
        _ => each_in(node, "", around.further().named(true), found),
    }
}

/// In what is cast.
fn look_cast<'a>(node: &'a Node, around: Around, found: &mut impl FnMut(&'a Node, ReadAs)) {
    let (name, cast) = (node.get("type_name"), node.get("arg"));
    let own = of_type(name);
    // One of a type that nobody knows may be a name, and none of another.
    let may_be_name = own == ReadAs::Anything && !is_of_bits(name);
    let around = around.cast(own, cast.as_kind("ParamRef").is_some()).cut(perhaps_cut(name));
    look(cast, around.named(may_be_name), found);
}

/// A constant or a parameter directly within a cast to bits.
fn bits_of(cast: &Node) -> Option<(&Node, ReadAs)> {
    let (name, bits) = (cast.get("type_name"), cast.get("arg").node()?);
    let is_given = matches!(bits.kind, "AConst" | "ParamRef");
    let is_list = name.node().is_some_and(|name| !name.get("array_bounds").list().is_empty());
    if !is_given || is_list || !is_of_bits(name) {
        return None;
    }
    match length_of(name) {
        Length::None => Some((bits, ReadAs::Bits(None))),
        Length::Is(length) => Some((bits, ReadAs::Bits(Some(length)))),
        Length::Unread => None,
    }
}

fn is_of_bits(name: &Tree) -> bool {
    own_name(name).is_some_and(|own| BITS.contains(&own))
}

/// Those in what stands in a node, but for one of its fields and for those that say which rows there are.
pub(super) fn each_in_fields<'a>(node: &'a Node, but: &str, found: &mut impl FnMut(&'a Node, ReadAs)) {
    each_in(node, but, Around::of(ReadAs::Anything, false), found);
}

/// The same where all that is made of it is read so.
fn each_in<'a>(node: &'a Node, but: &str, around: Around, found: &mut impl FnMut(&'a Node, ReadAs)) {
    let fields = node.fields.iter().filter(|(name, _)| *name != but && !SAYS_WHICH.contains(name));
    fields.for_each(|(_, value)| look(value, around, found));
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
    match length_of(name) {
        Length::Is(length) if TEXTS.contains(&own) => ReadAs::Cut(length),
        Length::Unread if TEXTS.contains(&own) => ReadAs::CutSomewhere,
        Length::Is(_) | Length::Unread | Length::None => ReadAs::Type(own),
    }
}

/// How what is cast to a type may be cut off that nobody here knows, if it says after how much.
fn perhaps_cut(name: &Tree) -> Option<ReadAs> {
    if known_type(name).is_some() {
        return None;
    }
    match (is_of_bits(name), length_of(name)) {
        (true, Length::Is(length)) => Some(ReadAs::CutBits(length)),
        (true, Length::Unread) => Some(ReadAs::CutSomewhere),
        (false, Length::Is(length)) => Some(ReadAs::Cut(length)),
        // One of another kind may say anything: `geometry(Point, 4326)`.
        (false, Length::Unread) | (_, Length::None) => None,
    }
}

/// The oids of a type and of its arrays, if it is one of [`TYPES`].
fn known_type(name: &Tree) -> Option<(u32, u32)> {
    let name = own_name(name)?;
    TYPES.iter().find(|(known, ..)| *known == name).map(|(_, own, list)| (*own, *list))
}

/// What a type is called, if it may be one of PostgreSQL's own.
fn own_name(name: &Tree) -> Option<&str> {
    match name.node()?.get("names").list() {
        [name] => Some(name.text()),
        [schema, name] | [_, schema, name] if schema.text() == "pg_catalog" => Some(name.text()),
        _ => None,
    }
}

/// How long a value may be, by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// It does not say.
    None,
    /// `varchar(16)`.
    Is(usize),
    /// It says so in a way that is not read here: the server takes `'0x10'`, and from version 16 on `'1_6'`.
    Unread,
}

fn length_of(name: &Tree) -> Length {
    let modifiers = name.node().map_or(&[][..], |node| node.get("typmods").list());
    let length = match modifiers {
        [] => return Length::None,
        [length] => written_length(length),
        _ => None,
    };
    length.filter(|length| *length > 0).map_or(Length::Unread, Length::Is)
}

/// The server reads all of them as texts.
fn written_length(length: &Tree) -> Option<usize> {
    match (length.as_kind("AConst"), length.as_kind("ColumnRef")) {
        (Some(constant), _) => match given(constant)? {
            Given::Constant(written) => written.trim().parse().ok(),
            Given::Parameter(_) | Given::TooMuch => None,
        },
        (None, Some(column)) => column.get("fields").list().first()?.text().trim().parse().ok(),
        (None, None) => None,
    }
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

/// As what an argument is read beside, by the type of the parameter that it stands for, where that is declared.
pub(super) fn declared_as(type_oid: u32) -> Option<ReadAs> {
    let is_known = || TYPES.iter().any(|(_, own, list)| [*own, *list].contains(&type_oid));
    match type_oid {
        // Nobody has said it: 0, and `unknown`.
        0 | 705 => None,
        NAME => Some(ReadAs::Cut(NAME_KEPT)),
        text if TEXTS.contains(&text) => None,
        known if is_known() => Some(ReadAs::TypePerhaps(known)),
        _ => Some(ReadAs::Anything),
    }
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
