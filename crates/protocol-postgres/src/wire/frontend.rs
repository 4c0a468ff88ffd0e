//! What a caller sends once it is logged in.

use super::{Fields, Malformed};

/// A message of the caller's. Texts are bytes in the client's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frontend<'a> {
    /// A simple query.
    Query(&'a [u8]),
    /// A statement to prepare.
    Parse(Parse<'a>),
    /// Parameters for a prepared statement, making a portal.
    Bind(Bind<'a>),
    /// A question what a statement or portal returns.
    Describe(Named<'a>),
    /// Run a portal.
    Execute(Execute<'a>),
    /// Forget a statement or portal.
    Close(Named<'a>),
    /// End of a batch.
    Sync,
    /// Send what there is.
    Flush,
    /// Goodbye.
    Terminate,
    /// A function call by oid, past all SQL.
    FunctionCall(FunctionCall<'a>),
    /// Copy data, done or fail. Outside of a copy the server ignores it.
    Copy,
}

/// A statement to prepare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parse<'a> {
    /// Its name; empty for the unnamed one.
    pub name: &'a [u8],
    /// Its text.
    pub text: &'a [u8],
    /// The parameter types, as they stand in the message: big-endian oids.
    pub types: &'a [u8],
}

/// Parameters for a prepared statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bind<'a> {
    /// The portal that is made.
    pub portal: &'a [u8],
    /// The statement it is made of.
    pub statement: &'a [u8],
    /// Parameter formats and values, as they stand in the message.
    pub parameters: &'a [u8],
    /// How many parameters there are.
    pub parameter_count: usize,
    /// Result formats, as they stand in the message: big-endian 16-bit integers.
    pub result_formats: &'a [u8],
}

impl<'a> Bind<'a> {
    /// Its parameters in order, each with whether it is in binary; `None` for NULL.
    pub fn values(&self) -> impl Iterator<Item = (bool, Option<&'a [u8]>)> {
        let (formats, mut rest) = split_parameters(self.parameters).unwrap_or_default();
        (0..self.parameter_count).map_while(move |at| {
            let format = match formats {
                [all] => *all,
                each => each.get(at).copied().unwrap_or([0, 0]),
            };
            let (value, behind) = value(rest)?;
            rest = behind;
            Some((format != [0, 0], value))
        })
    }

    /// The result formats: none means text for all, one means that one for all.
    pub fn formats(&self) -> Vec<i16> {
        self.result_formats.as_chunks::<2>().0.iter().map(|format| i16::from_be_bytes(*format)).collect()
    }
}

/// The formats of parameters, and what stands behind their number.
fn split_parameters(bytes: &[u8]) -> Option<(&[[u8; 2]], &[u8])> {
    let (count, rest) = bytes.split_first_chunk::<2>()?;
    let (formats, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*count)).checked_mul(2)?)?;
    Some((formats.as_chunks::<2>().0, rest.get(2..)?))
}

/// A length and the value of that length, if it is not NULL, with what stands behind.
fn value(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else { return Some((None, rest)) };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((Some(value), rest))
}

/// A function call by oid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionCall<'a> {
    /// `pg_proc.oid`.
    pub function: u32,
    /// Argument formats and values and the format of the result, as they stand in the message.
    pub arguments: &'a [u8],
}

/// A statement (`S`) or portal (`P`) by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// Which of the two.
    pub what: What,
    /// Its name.
    pub name: &'a [u8],
}

/// A statement or a portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A prepared statement.
    Statement,
    /// A portal.
    Portal,
}

/// Run a portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execute<'a> {
    /// Its name.
    pub portal: &'a [u8],
    /// The most rows to return; 0 for all.
    pub rows_max: i32,
}

impl<'a> Frontend<'a> {
    /// The message of this type with this body. A type that the protocol does not have is malformed.
    pub fn read(kind: u8, body: &'a [u8]) -> Result<Self, Malformed> {
        Ok(match kind {
            b'Q' => {
                let mut fields = Fields::of("Query", body);
                let text = fields.cstr()?;
                fields.end()?;
                Self::Query(text)
            }
            b'P' => {
                let mut fields = Fields::of("Parse", body);
                let (name, text) = (fields.cstr()?, fields.cstr()?);
                let count = fields.count()?;
                let types = fields.bytes(count.saturating_mul(4))?;
                fields.end()?;
                Self::Parse(Parse { name, text, types })
            }
            b'B' => bind(body)?,
            b'D' => Self::Describe(named("Describe", body)?),
            b'C' => Self::Close(named("Close", body)?),
            b'E' => {
                let mut fields = Fields::of("Execute", body);
                let (portal, rows_max) = (fields.cstr()?, fields.int32()?);
                fields.end()?;
                Self::Execute(Execute { portal, rows_max })
            }
            b'S' => empty("Sync", body, Self::Sync)?,
            b'H' => empty("Flush", body, Self::Flush)?,
            b'X' => empty("Terminate", body, Self::Terminate)?,
            b'F' => function_call(body)?,
            b'd' | b'c' | b'f' => Self::Copy,
            other => return Self::known(other).and(Err(Malformed::new("a message that is known and cannot be read"))),
        })
    }

    /// Whether a message of this type is one that a client may send, as its first byte tells.
    pub fn known(kind: u8) -> Result<(), Malformed> {
        if b"QPBDCESHXFdcf".contains(&kind) {
            return Ok(());
        }
        let kind = char::from(kind).escape_default();
        Err(Malformed(format!("message type '{kind}' is not one that a client may send here")))
    }
}

fn empty<'a>(name: &'static str, body: &[u8], message: Frontend<'a>) -> Result<Frontend<'a>, Malformed> {
    Fields::of(name, body).end().map(|()| message)
}

fn bind(body: &[u8]) -> Result<Frontend<'_>, Malformed> {
    let mut fields = Fields::of("Bind", body);
    let (portal, statement) = (fields.cstr()?, fields.cstr()?);
    let values_from = fields;
    let formats = fields.count()?;
    fields.bytes(formats.saturating_mul(2))?;
    let parameter_count = fields.count()?;
    for _ in 0..parameter_count {
        fields.value()?;
    }
    let whole = values_from.rest.len();
    let parameters = Fields::of("Bind", values_from.rest).bytes(whole.saturating_sub(fields.rest.len()))?;
    let results = fields.count()?;
    let result_formats = fields.bytes(results.saturating_mul(2))?;
    fields.end()?;
    Ok(Frontend::Bind(Bind { portal, statement, parameters, parameter_count, result_formats }))
}

fn function_call(body: &[u8]) -> Result<Frontend<'_>, Malformed> {
    let mut fields = Fields::of("FunctionCall", body);
    let function = fields.oid()?;
    let mut arguments = fields;
    let formats = fields.count()?;
    fields.bytes(formats.saturating_mul(2))?;
    for _ in 0..fields.count()? {
        fields.value()?;
    }
    fields.int16()?; // the result's format
    fields.end()?;
    Ok(Frontend::FunctionCall(FunctionCall { function, arguments: arguments.rest() }))
}

fn named<'a>(message: &'static str, body: &'a [u8]) -> Result<Named<'a>, Malformed> {
    let mut fields = Fields::of(message, body);
    let what = match fields.byte()? {
        b'S' => What::Statement,
        b'P' => What::Portal,
        other => {
            let what = char::from(other).escape_default();
            return Err(Malformed(format!("{message} message is about '{what}', not a statement or portal")));
        }
    };
    let name = fields.cstr()?;
    fields.end()?;
    Ok(Named { what, name })
}
