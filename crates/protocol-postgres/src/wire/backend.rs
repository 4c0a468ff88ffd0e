//! What a target sends, as far as it must be read: row shapes, rows, errors, notices, parameters.

use super::startup::PROTOCOL_3_0;
use super::{Fields, Malformed};

/// One column of a RowDescription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnShape {
    /// Its name in the result.
    pub name: String,
    /// The table it comes from, if it is a plain column; else 0.
    pub table_oid: u32,
    /// Its number in that table; else 0.
    pub attribute: i16,
    /// Its type.
    pub type_oid: u32,
    /// What limits the type, such as a length; -1 for nothing.
    pub type_modifier: i32,
    /// Its format where that is decided: 0 for text, 1 for binary. A described statement says 0 of all.
    pub format: i16,
}

/// The columns of a RowDescription.
pub fn row_description(body: &[u8]) -> Result<Vec<ColumnShape>, Malformed> {
    let mut fields = Fields::of("RowDescription", body);
    let count = fields.count()?;
    let mut columns = Vec::with_capacity(count.min(1_664));
    for _ in 0..count {
        let name = String::from_utf8_lossy(fields.cstr()?).into_owned();
        let (table_oid, attribute, type_oid) = (fields.oid()?, fields.int16()?, fields.oid()?);
        fields.bytes(2)?; // type size
        let (type_modifier, format) = (fields.int32()?, fields.int16()?);
        columns.push(ColumnShape { name, table_oid, attribute, type_oid, type_modifier, format });
    }
    fields.end()?;
    Ok(columns)
}

/// The cells of a DataRow, in order.
pub fn data_row(body: &[u8]) -> Result<Cells<'_>, Malformed> {
    let mut fields = Fields::of("DataRow", body);
    let left = fields.count()?;
    Ok(Cells { fields, left })
}

/// The cells of one row.
#[derive(Debug)]
pub struct Cells<'a> {
    fields: Fields<'a>,
    left: usize,
}

impl<'a> Cells<'a> {
    /// How many cells are left.
    pub fn left(&self) -> usize {
        self.left
    }

    /// The next cell; an inner `None` is NULL.
    pub fn next_cell(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        self.left = self.left.saturating_sub(1);
        self.fields.value()
    }

    /// Ends the row: nothing may be left.
    pub fn end(self) -> Result<(), Malformed> {
        self.fields.end()
    }
}

/// The cells of a DataRow whose columns are all in text.
pub fn text_row(body: &[u8]) -> Result<Vec<Option<&str>>, Malformed> {
    let mut cells = data_row(body)?;
    let mut row = Vec::with_capacity(cells.left());
    while cells.left() > 0 {
        let text = cells.next_cell()?.map(std::str::from_utf8).transpose();
        row.push(text.map_err(|_| Malformed::new("a row holds text that is not UTF-8"))?);
    }
    Ok(row)
}

/// An ErrorResponse or NoticeResponse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Its fields, each a type byte and a text.
    pub fields: Vec<(u8, String)>,
}

impl Report {
    /// The report in this body.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut from = Fields::of("ErrorResponse or NoticeResponse", body);
        let mut fields = Vec::new();
        loop {
            match from.byte()? {
                0 => break,
                kind => fields.push((kind, String::from_utf8_lossy(from.cstr()?).into_owned())),
            }
        }
        from.end()?;
        Ok(Self { fields })
    }

    /// The first field of this type.
    pub fn field(&self, kind: u8) -> Option<&str> {
        self.fields.iter().find(|(of, _)| *of == kind).map(|(_, text)| text.as_str())
    }

    /// The SQLSTATE, or that of an internal error if there is none or it is not one.
    pub fn sqlstate(&self) -> &str {
        let looks_like_one = |code: &&str| code.len() == 5 && code.bytes().all(|b| b.is_ascii_alphanumeric());
        self.field(b'C').filter(looks_like_one).unwrap_or("XX000")
    }

    /// Whether it ends the session.
    pub fn is_fatal(&self) -> bool {
        matches!(self.severity(), "FATAL" | "PANIC")
    }

    /// The severity in English; `ERROR` if there is none.
    pub fn severity(&self) -> &str {
        self.field(b'V').or_else(|| self.field(b'S')).unwrap_or("ERROR")
    }
}

/// Name and value of a ParameterStatus.
pub fn parameter_status(body: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut fields = Fields::of("ParameterStatus", body);
    let pair = (fields.cstr()?, fields.cstr()?);
    fields.end()?;
    Ok(pair)
}

/// The version of a NegotiateProtocolVersion that answers a startup packet without protocol options: the newest that
/// the target speaks, which must be older than what was asked for.
pub fn negotiated_version(body: &[u8], asked: i32) -> Result<i32, Malformed> {
    let mut fields = Fields::of("NegotiateProtocolVersion", body);
    let (told, unknown) = (fields.int32()?, fields.int32()?);
    // The manual has said for long that only the minor version is told, and some that are not PostgreSQL do that.
    let version = if (0..=0xffff).contains(&told) { told.saturating_add(PROTOCOL_3_0) } else { told };
    if unknown != 0 {
        return Err(Malformed(format!("the target does not know {unknown} protocol options; none were asked for")));
    }
    fields.end()?;
    if !(PROTOCOL_3_0..asked).contains(&version) {
        return Err(Malformed(format!("the target wants to speak protocol version {}.{}", told >> 16, told & 0xffff)));
    }
    Ok(version)
}

/// The process id and secret of a BackendKeyData.
pub fn backend_key(body: &[u8]) -> Result<(i32, &[u8]), Malformed> {
    let mut fields = Fields::of("BackendKeyData", body);
    let pid = fields.int32()?;
    let secret = fields.rest();
    if !(4..=256).contains(&secret.len()) {
        return Err(Malformed(format!("BackendKeyData message has a key of {} bytes", secret.len())));
    }
    Ok((pid, secret))
}

/// The transaction status of a ReadyForQuery.
pub fn ready_for_query(body: &[u8]) -> Result<u8, Malformed> {
    match body {
        [status @ (b'I' | b'T' | b'E')] => Ok(*status),
        _ => Err(Malformed::new("ReadyForQuery message has no transaction status")),
    }
}
