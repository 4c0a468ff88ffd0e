//! Constants and parameters in expressions and queries: those that a value is *as they are*, and all those that it may be made of.
//!
//! Where a value comes from is not followed: a constant counts wherever it stands, but for places from which nothing gets into a value, as what
//! it is compared with.
//!
//! What is cut off around it is (`varchar(16)`, of each cast that it stands in): of two casts that stand directly around each other the shorter
//! one counts, and where something else stands between them ([`around`]) nobody knows what is left, so that each is looked at.

mod around;
mod beside;

use around::Around;
pub(super) use beside::Beside;

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
const TYPES: [(&str, u32, u32); 29] = [
    ("bytea", 17, 1001),
    ("int8", 20, 1016),
    ("int2", 21, 1005),
    ("int4", 23, 1007),
    ("oid", 26, 1028),
    ("xid", 28, 1011),
    ("xid8", 5069, 271),
    ("cid", 29, 1012),
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
    ("name", NAME, NAMES),
];

/// `name`, of which the server keeps no more than so many bytes (`NAMEDATALEN` less one).
const NAME: u32 = 19;
const NAMES: u32 = 1003;
const NAME_KEPT: usize = 63;
/// `"any"`, which no value is of.
pub(super) const ANY: u32 = 2276;
/// `text`.
const TEXT: u32 = 25;
/// Those that are read in ways in which nothing is read that may be of any type: `xid`, `cid`, `xid8`, `money`, and their arrays.
const OWN_WAYS: [u32; 8] = [28, 29, 5069, 790, 1011, 1012, 271, 791];
/// Functions that give back an argument as it is, once it is of the type of another.
const GIVING_BACK: [&str; 6] = ["array_append", "array_prepend", "array_cat", "array_replace", "lag", "lead"];

/// Those that are texts, of which anything can be made, and of which all is kept that no cast cuts off.
pub(super) const TEXTS: [u32; 3] = [TEXT, 1042, 1043];
/// Those whose values are cut off as bits.
const BITS: [&str; 2] = ["bit", "varbit"];

/// Calls `found` with each constant, parameter and column that a value may be made of, and how it is read: `alone` if it stands there by itself.
pub(super) fn each_made_of<'a>(value: &'a Tree, alone: ReadAs, found: &mut impl FnMut(&'a Node, ReadAs)) {
    look(value, Around::of(alone, true), found);
}

/// The same of what stands with others within something else that is read so.
pub(super) fn each_made_beside<'a>(
    value: &'a Tree,
    around: ReadAs,
    others: &Beside,
    found: &mut impl FnMut(&'a Node, ReadAs),
) {
    look(value, Around::of(around, false).beside(others, value), found);
}

fn look<'a>(value: &'a Tree, around: Around, found: &mut impl FnMut(&'a Node, ReadAs)) {
    let node = match value {
        Tree::List(items) => return items.iter().for_each(|item| look(item, around.further(), found)),
        Tree::Node(node) => node,
        Tree::Nothing | Tree::Text(_) | Tree::Int(_) => return,
    };
    if let Some((name, cast)) = cast_of(node) {
        return look_cast(name, cast, around, found);
    }
    match node.kind {
        "ParamRef" => around.each_of_parameter(|read_as| found(node, read_as)),
        "AConst" | "ColumnRef" => {
            let value = node.get("val").node();
            let around = if value.is_some_and(|value| value.kind == "BitString") { around.bits() } else { around };
            // Of what is shorter a name keeps all.
            let is_long = value.is_some_and(|value| value.text("sval").len() > NAME_KEPT);
            around.each_of_constant(|read_as| {
                if is_long || read_as != ReadAs::Name {
                    found(node, read_as);
                }
            });
        }
        // In options, as those of a sequence.
        "Integer" | "Float" => around.further().each_of_constant(|read_as| found(node, read_as)),
        "CollateClause" => look(node.get("arg"), around, found),
        "CaseExpr" => {
            let results = node.get("args").list().iter().filter_map(Tree::node).map(|when| when.get("result"));
            look_each(results.chain([node.get("defresult")]), around.perhaps(), found);
        }
        "CoalesceExpr" | "MinMaxExpr" => look_each(node.get("args").list(), around.perhaps(), found),
        "AArrayExpr" => look_each(node.get("elements").list(), around.further(), found),
        "AExpr" if is_nullif(node) => {
            let beside = Beside::of([node.get("lexpr"), node.get("rexpr")]);
            look(node.get("lexpr"), around.perhaps().beside(&beside, node.get("lexpr")), found);
        }
        "AExpr" if is_comparison(node) => {}
        "NullTest" | "BooleanTest" | "BoolExpr" => {}
        "SubLink" if !returns_rows(node) => {}
        "MultiAssignRef" => of_row(node).into_iter().for_each(|value| look(value, around, found)),
        "AExpr" => {
            let operands = [node.get("lexpr"), node.get("rexpr")];
            let beside = Beside::of(operands);
            let around = |operand| around.operated().beside(&beside, operand).named(false);
            operands.into_iter().for_each(|operand| look(operand, around(operand), found));
        }
        "FuncCall" if own_name(node).is_some_and(|own| GIVING_BACK.contains(&own)) => {
            look_each(node.get("args").list(), around.further(), found);
        }
        "FuncCall" | "NamedArgExpr" => each_in(node, "", around.made(), found),
        _ => each_in(node, "", around.further().named(true), found),
    }
}

/// In all that stands beside each other.
fn look_each<'a, V>(values: V, around: Around, found: &mut impl FnMut(&'a Node, ReadAs))
where
    V: IntoIterator<Item = &'a Tree> + Clone,
{
    let beside = Beside::of(values.clone());
    values.into_iter().for_each(|value| look(value, around.beside(&beside, value), found));
}

/// What is cast, behind the name of the type: by a cast, or by a function that is called as a type is, which is one as well.
pub(super) fn cast_of(node: &Node) -> Option<(&Node, &Tree)> {
    match (node.kind, node.get("args").list()) {
        ("TypeCast", _) => node.get("type_name").node().map(|name| (name, node.get("arg"))),
        ("FuncCall", [cast]) if cast.as_kind("NamedArgExpr").is_none() && known_type(node).is_some() => {
            Some((node, cast))
        }
        _ => None,
    }
}

/// In what is cast.
fn look_cast<'a>(name: &Node, cast: &'a Tree, around: Around, found: &mut impl FnMut(&'a Node, ReadAs)) {
    if let Some(bits) = bits_of(name).filter(|_| around.keeps_bits()) {
        return look(cast, around.bits_as(bits), found);
    }
    let own = of_type(name);
    // One of a type that nobody knows may be a name; a text may where it stands.
    let may_be_name = own == ReadAs::Anything && !is_of_bits(name);
    let around = around.cast(own, cast.as_kind("ParamRef").is_some()).cut(perhaps_cut(name));
    look(cast, if may_be_name { around.named(true) } else { around }, found);
}

/// How what is cast to bits is read where it stays bits, if this is their type.
pub(super) fn bits_of(name: &Node) -> Option<ReadAs> {
    if is_list(name) || !is_of_bits(name) {
        return None;
    }
    match length_of(name) {
        Length::None => Some(ReadAs::Bits(None)),
        Length::Is(length) => Some(ReadAs::Bits(Some(length))),
        Length::Unread => None,
    }
}

fn is_of_bits(name: &Node) -> bool {
    own_name(name).is_some_and(|own| BITS.contains(&own))
}

fn is_list(name: &Node) -> bool {
    !name.get("array_bounds").list().is_empty()
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
pub(super) fn of_type(name: &Node) -> ReadAs {
    let Some((own, list)) = known_type(name) else { return ReadAs::Anything };
    if is_list(name) {
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
fn perhaps_cut(name: &Node) -> Option<ReadAs> {
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

/// The oids of a type and of its arrays, if it is one of [`TYPES`] or of arrays of one.
fn known_type(name: &Node) -> Option<(u32, u32)> {
    let name = own_name(name)?;
    let element = name.strip_prefix('_');
    TYPES.iter().find_map(|(known, own, list)| match *known {
        known if known == name => Some((*own, *list)),
        known if Some(known) == element => Some((*list, *list)),
        _ => None,
    })
}

/// What a type or a function is called, if it may be one of PostgreSQL's own.
fn own_name(name: &Node) -> Option<&str> {
    match name.get(if name.kind == "FuncCall" { "funcname" } else { "names" }).list() {
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

fn length_of(name: &Node) -> Length {
    let length = match name.get("typmods").list() {
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
pub(super) fn parameter_type(name: &Node) -> u32 {
    if name.get("names").list().last().is_some_and(|name| name.text() == "unknown") {
        return 0;
    }
    known_type(name).map_or(ANY, |(own, list)| if is_list(name) { list } else { own })
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
