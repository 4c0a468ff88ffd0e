//! Values that are stored as less than they are: a Bind, or a text, goes to the target with a part or a token in the place of each
//! parameter, or constant, that policy lets nobody store as it is, where the field's configuration opts in.
//!
//! What policy says is asked when the text is read or the values are bound, and again when the statement runs: if it says something
//! else by then, it does not run.

use std::collections::HashMap;

use gate::Declined;
use model::{Field, OnWrite, UnixMicros};
use redact::{FieldPlan, lower};
use sql_postgres::{Constant, LoweredConstant, LoweredParameter, Statement};

use super::Conversation;
use super::caller::BIND;
use super::long_bind::LONG_BIND_BYTES;
use super::statements::Prepared;
use super::text_settings::Reads;
use crate::cells::{CellType, PostgresCells, is_of_encoding};
use crate::interpret::Interpreted;
use crate::wire::Fields;
use crate::wire::Malformed;
use crate::wire::build::{self, OwnReport, Severity};
use crate::wire::frontend::Bind;

/// Types of text, whose values are written alike.
const TEXTS: [u32; 3] = [25, 1042, 1043];
/// Types of numbers, whose values are alike whichever of them holds them.
const NUMBERS: [u32; 4] = [20, 21, 23, 1700];
const NUMERIC: u32 = 1700;
/// A type that the target is to find out.
pub const UNKNOWN: u32 = 705;

/// A field with what it is given in the place of values.
pub type Lowered = (Field, OnWrite);

/// Parameters of a text's statements that may be stored as less than they are.
fn parameters(interpreted: &Interpreted) -> impl Iterator<Item = &LoweredParameter> {
    interpreted.statements.iter().flat_map(|statement| &statement.lowered_parameters)
}

/// The parameters that are replaced, by number: where each goes, what it is given, and the type of its column.
fn replaced<'a>(interpreted: &Interpreted, lowered: &'a [Lowered]) -> HashMap<usize, (&'a Field, OnWrite, u32)> {
    let of = |parameter: &LoweredParameter| {
        let (field, to) = lowered.iter().find(|(field, _)| *field == parameter.field)?;
        Some((parameter.number, (field, *to, parameter.type_oid)))
    };
    parameters(interpreted).filter_map(of).collect()
}

/// What is stored by a text's parameters as less than they are, of all that is.
pub fn by_parameters(interpreted: &Interpreted, lowered: &[Lowered]) -> Vec<Lowered> {
    let gets = |field: &Field| parameters(interpreted).any(|parameter| parameter.field == *field);
    lowered.iter().filter(|(field, _)| gets(field)).cloned().collect()
}

/// Constants of a text's statements that may be stored as less than they are.
fn constants(interpreted: &Interpreted) -> impl Iterator<Item = &LoweredConstant> {
    interpreted.statements.iter().flat_map(|statement| &statement.lowered_constants)
}

/// The same of its constants.
pub fn by_constants(interpreted: &Interpreted, lowered: &[Lowered]) -> Vec<Lowered> {
    let gets = |field: &Field| constants(interpreted).any(|constant| constant.field == *field);
    lowered.iter().filter(|(field, _)| gets(field)).cloned().collect()
}

/// A text in which constants have given way to what is stored in their place.
#[derive(Debug, Default)]
pub struct Rewritten {
    /// The message with it, for the target; none if it is the caller's own.
    pub frame: Option<Vec<u8>>,
    /// What is stored as less than it is.
    pub lowered: Vec<Lowered>,
}

/// A message with a text.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// A Query.
    Query,
    /// A Parse of this name, with these types of parameters.
    Parse(&'a [u8], &'a [u8]),
}

impl<S> Conversation<S> {
    /// A text as it goes to the target, as policy stands now.
    pub(super) fn rewritten(
        &self,
        message: Message<'_>,
        text: &[u8],
        interpreted: &Interpreted,
        now: UnixMicros,
    ) -> Result<Rewritten, Declined> {
        if constants(interpreted).next().is_none() {
            return Ok(Rewritten::default());
        }
        let operation = &interpreted.operation;
        let verdict =
            self.session.decide(BIND, interpreted.key, interpreted.wording.clone(), now, (), || operation.clone());
        let lowered = by_constants(interpreted, verdict.lowers());
        if lowered.is_empty() {
            return Ok(Rewritten::default());
        }
        let text = self.rewritten_text(text, interpreted, &lowered)?;
        let mut frame = Vec::new();
        match message {
            Message::Query => build::frame(&mut frame, b'Q', |out| build::cstr(out, &text)),
            Message::Parse(name, types) => build::frame(&mut frame, b'P', |out| {
                build::cstr(out, name);
                build::cstr(out, &text);
                let count = u16::try_from(types.len().div_euclid(4)).unwrap_or(u16::MAX);
                out.extend_from_slice(&count.to_be_bytes());
                out.extend_from_slice(types);
            }),
        }
        Ok(Rewritten { frame: Some(frame), lowered })
    }

    fn rewritten_text(&self, text: &[u8], interpreted: &Interpreted, lowered: &[Lowered]) -> Result<Vec<u8>, Declined> {
        let mut places: Vec<&LoweredConstant> = constants(interpreted).collect();
        places.sort_by_key(|constant| constant.place.start);
        let (mut out, mut at) = (Vec::with_capacity(text.len()), 0);
        for constant in places {
            let Some((field, to)) = lowered.iter().find(|(field, _)| *field == constant.field) else { continue };
            let before = text.get(at..constant.place.start).ok_or_else(|| not_lowered(field, *to))?;
            let literal = self.literal(constant, *to, text.is_ascii()).ok_or_else(|| not_lowered(field, *to))?;
            out.extend_from_slice(before);
            out.extend_from_slice(literal.as_bytes());
            at = constant.place.end;
        }
        out.extend_from_slice(text.get(at..).unwrap_or_default());
        Ok(out)
    }

    /// What is written in the place of a constant. It may hold nothing that the target reads otherwise than the text around it.
    fn literal(&self, constant: &LoweredConstant, to: OnWrite, is_ascii: bool) -> Option<String> {
        let (value, wire) = match &constant.value {
            Constant::Text(value) => (value, wire_type(0, constant.type_oid, false)?),
            Constant::Number(value) => (value, wire_type(NUMERIC, constant.type_oid, false)?),
        };
        if self.settings.of_value(value.as_bytes(), self.batch, true) != Reads::Alike {
            return None;
        }
        let plan = FieldPlan::new(to.sight(), Some(constant.field.class.clone()));
        let mut less = Vec::new();
        if !lower(&PostgresCells, wire, value.as_bytes(), &plan, self.session.stored_tokens(), &mut less) {
            return None;
        }
        let less = String::from_utf8(less).ok()?;
        let is_plain = !less.contains(['\\', '\0']) && (less.is_ascii() || !is_ascii);
        match &constant.value {
            Constant::Text(_) => is_plain.then(|| format!("'{}'", less.replace('\'', "''"))),
            Constant::Number(_) => less.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.').then_some(less),
        }
    }

    /// What a Bind of this text stores as less than it is, as policy stands now.
    pub(super) fn lowered_now(&self, interpreted: &Interpreted, now: UnixMicros) -> Vec<Lowered> {
        if parameters(interpreted).next().is_none() {
            return Vec::new();
        }
        let operation = &interpreted.operation;
        let wording = interpreted.wording.clone();
        let verdict = self.session.decide(BIND, interpreted.key, wording, now, (), || operation.clone());
        by_parameters(interpreted, verdict.lowers())
    }

    /// Whether the values of a Bind that are to be replaced are the same texts to Weir as to the target.
    pub(super) fn values_read(
        &self,
        bind: &Bind<'_>,
        interpreted: &Interpreted,
        lowered: &[Lowered],
        nothing_awaited: bool,
    ) -> Reads {
        if lowered.is_empty() {
            return Reads::Alike;
        }
        let replaced = replaced(interpreted, lowered);
        let of = |(number, (binary, value)): (usize, (bool, Option<&[u8]>))| {
            let (.., type_oid) = replaced.get(&number)?;
            let value = value.filter(|_| is_of_encoding(CellType::of(*type_oid, binary)))?;
            Some(self.settings.of_value(value, self.batch, nothing_awaited)).filter(|reads| *reads != Reads::Alike)
        };
        (1..).zip(bind.values()).find_map(of).unwrap_or(Reads::Alike)
    }

    /// A Bind as it goes to the target.
    pub(super) fn lowered_bind(
        &self,
        bind: &Bind<'_>,
        prepared: &Prepared,
        interpreted: &Interpreted,
        lowered: &[Lowered],
    ) -> Result<Vec<u8>, Declined> {
        let replaced = replaced(interpreted, lowered);
        let mut out = Vec::new();
        let mut failed = None;
        build::frame(&mut out, b'B', |out| {
            build::cstr(out, bind.portal);
            build::cstr(out, bind.statement);
            let written = write_parameters(bind, out, |number, value, is_binary, out| {
                let Some(&(field, to, type_oid)) = replaced.get(&number) else { return false };
                let declared = prepared.types.get(number.saturating_sub(1)).copied().filter(|oid| *oid != UNKNOWN);
                let wire = wire_type(declared.unwrap_or(0), type_oid, is_binary);
                let plan = FieldPlan::new(to.sight(), Some(field.class.clone()));
                let key = self.session.stored_tokens();
                let done = wire.is_some_and(|wire| lower(&PostgresCells, wire, value, &plan, key, out));
                if !done {
                    failed.get_or_insert_with(|| not_lowered(field, to));
                }
                true
            });
            if written.is_err() {
                failed.get_or_insert_with(|| Declined {
                    message: "a Bind that can't be read".to_owned(),
                    detail: None,
                    hint: None,
                });
            }
            let count = u16::try_from(bind.result_formats.len().div_euclid(2)).unwrap_or(u16::MAX);
            out.extend_from_slice(&count.to_be_bytes());
            out.extend_from_slice(bind.result_formats);
        });
        failed.map_or(Ok(out), Err)
    }

    /// Tells the caller what a statement that ran has stored in the place of values.
    pub(super) fn tell_lowered(&mut self, statement: Option<&Statement>, lowered: &[Lowered]) {
        let Some(statement) = statement.filter(|_| self.notices) else { return };
        let stored = lowered.iter().filter(|(field, _)| statement.lowering.iter().any(|of| of.field == *field));
        let names: Vec<String> =
            stored.map(|(field, to)| format!("{}.{}: {}", field.part.name, field.name, to.as_str())).collect();
        if names.is_empty() {
            return;
        }
        let mut notice =
            OwnReport::new(Severity::Notice, "01000", "Weir has stored less than the values that were given");
        notice.detail = Some(names.join(", "));
        notice.hint = Some("SET weir.notices = off turns this off.".to_owned());
        notice.write(&mut self.instead);
    }
}

/// Writes formats and values of a Bind, each value as `write` does, or as it is where that says `false`.
fn write_parameters(
    bind: &Bind<'_>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(usize, &[u8], bool, &mut Vec<u8>) -> bool,
) -> Result<(), Malformed> {
    let mut fields = Fields::of("Bind", bind.parameters);
    let formats = fields.count()?;
    let formats = fields.bytes(formats.saturating_mul(2))?.as_chunks::<2>().0;
    let count = fields.count()?;
    out.extend_from_slice(&u16::try_from(formats.len()).unwrap_or(u16::MAX).to_be_bytes());
    formats.iter().for_each(|format| out.extend_from_slice(format));
    out.extend_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
    for number in 1..=count {
        let Some(value) = fields.value()? else {
            out.extend_from_slice(&(-1_i32).to_be_bytes());
            continue;
        };
        let format = match formats {
            [] => [0, 0],
            [all] => *all,
            each => each.get(number.saturating_sub(1)).copied().unwrap_or([0, 0]),
        };
        let at = out.len();
        out.extend_from_slice(&[0; 4]);
        if !write(number, value, format != [0, 0], out) {
            out.extend_from_slice(value);
        }
        let length = i32::try_from(out.len().saturating_sub(at).saturating_sub(4)).unwrap_or(i32::MAX);
        if let Some(place) = out.get_mut(at..at.saturating_add(4)) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(())
}

/// How a value is written: by the type that the caller has declared, or by that of its column. If they are of different kinds, the
/// token of the one is none of the other.
fn wire_type(declared: u32, column: u32, binary: bool) -> Option<CellType> {
    let both = |kind: &[u32]| kind.contains(&declared) && kind.contains(&column);
    let alike = declared == 0 || declared == column || both(&TEXTS) || both(&NUMBERS);
    let wire = if declared == 0 { column } else { declared };
    (column != 0 && alike).then(|| CellType::of(wire, binary))
}

/// What a caller is told whose value can't be stored as less than it is.
pub fn not_lowered(field: &Field, to: OnWrite) -> Declined {
    let (part, name) = (&field.part.name, &field.name);
    Declined {
        message: format!(
            "a value that is to be stored in {part}.{name} has no {} that could be stored in its place",
            to.as_str()
        ),
        detail: Some(format!("It is of a type, or is written in a way, of which {} has none.", field.class)),
        hint: None,
    }
}

/// What a caller is told whose values would be stored otherwise than when they were bound.
pub fn lowered_otherwise() -> Declined {
    Declined {
        message: "policies have changed since this was bound, so it does not run".to_owned(),
        detail: Some("What is stored in the place of its values was settled then.".to_owned()),
        hint: Some("Bind it again.".to_owned()),
    }
}

/// What a caller is told whose values are to be replaced, and are other texts to the target than to Weir.
pub fn of_other_encoding(why: &str) -> Declined {
    Declined {
        message: format!("a value beyond ASCII that is to be stored as less than it is can't be read: {why}"),
        detail: None,
        hint: Some("SET client_encoding = 'UTF8'".to_owned()),
    }
}

/// What a caller is told whose parameters can't be held to be replaced.
pub fn too_long_to_lower() -> Declined {
    Declined {
        message: format!(
            "a Bind of more than {LONG_BIND_BYTES} bytes has parameters that policy lets be stored as less than they are alone"
        ),
        detail: None,
        hint: Some("Send them apart from the long ones, or with COPY.".to_owned()),
    }
}
