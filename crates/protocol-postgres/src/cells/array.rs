//! Arrays: as many elements in as many dimensions as there are, each shown. NULL stays NULL. An array of whose elements
//! none can be shown is not shown at all.

use memchr::memchr2;
use redact::Shown;

use super::{CellType, Part, write_part};
use crate::wire::Fields;

/// The server's own limit (`MAXDIM`).
const DIMENSIONS_MAX: usize = 6;

/// Appends an array with each of its elements, which are of this type, shown.
pub(super) fn rewrite(element: CellType, bytes: &[u8], part: &mut Part<'_>, out: &mut Vec<u8>) -> Option<()> {
    if element.binary { rewrite_binary(element, bytes, part, out) } else { rewrite_text(element, bytes, part, out) }
}

/// How many dimensions, whether an element is NULL, the type of the elements; of each dimension its length and first index;
/// the elements.
fn rewrite_binary(element: CellType, bytes: &[u8], part: &mut Part<'_>, out: &mut Vec<u8>) -> Option<()> {
    let mut fields = Fields::of("array", bytes);
    let dimensions = usize::try_from(fields.int32().ok()?).ok().filter(|count| *count <= DIMENSIONS_MAX)?;
    let flags = fields.int32().ok()?;
    if fields.oid().ok()? != element.oid || !(0..=1).contains(&flags) {
        return None;
    }
    out.extend_from_slice(&i32::try_from(dimensions).ok()?.to_be_bytes());
    let flags_at = out.len();
    out.extend_from_slice(&flags.to_be_bytes());
    out.extend_from_slice(&element.oid.to_be_bytes());
    let mut count = usize::from(dimensions > 0);
    for _ in 0..dimensions {
        let (length, first) = (fields.int32().ok()?, fields.int32().ok()?);
        count = count.checked_mul(usize::try_from(length).ok().filter(|length| *length > 0)?)?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&first.to_be_bytes());
    }
    let (mut shown, mut has_null, mut seen) = (Vec::new(), false, Seen::default());
    // Each element takes four bytes and more, so a count that is not true ends with the bytes.
    for _ in 0..count {
        shown.clear();
        let what = match fields.value().ok()? {
            Some(cell) => seen.note(part(element, cell, &mut shown)),
            None => Shown::Null,
        };
        has_null |= what == Shown::Null;
        write_part(what, &shown, out)?;
    }
    fields.end().ok()?;
    if has_null {
        out.get_mut(flags_at..flags_at.checked_add(4)?)?.copy_from_slice(&1_i32.to_be_bytes());
    }
    seen.is_some().then_some(())
}

/// Whether something of an array is seen.
#[derive(Debug, Default)]
struct Seen {
    asked: bool,
    written: bool,
}

impl Seen {
    fn note(&mut self, shown: Shown) -> Shown {
        self.asked = true;
        self.written |= shown == Shown::Written;
        shown
    }

    fn is_some(&self) -> bool {
        self.written || !self.asked
    }
}

/// `{1,NULL,"a b"}`, `{{1,2},{3,4}}`, and with first indices that are not 1 `[0:1]={1,2}`.
fn rewrite_text(element: CellType, bytes: &[u8], part: &mut Part<'_>, out: &mut Vec<u8>) -> Option<()> {
    let (bounds, elements) = match bytes.iter().position(|byte| *byte == b'=').and_then(|at| bytes.split_at_checked(at))
    {
        Some((bounds, [_, elements @ ..])) if bytes.starts_with(b"[") => {
            (Some(std::str::from_utf8(bounds).ok()?), elements)
        }
        _ => (None, bytes),
    };
    if let Some(bounds) = bounds {
        out.extend_from_slice(bounds.as_bytes());
        out.push(b'=');
    }
    if elements == b"{}" && bounds.is_none() {
        out.extend_from_slice(b"{}");
        return Some(());
    }
    let mut list = List {
        rest: elements,
        element,
        lengths: Vec::new(),
        levels: None,
        value: Vec::new(),
        shown: Vec::new(),
        seen: Seen::default(),
    };
    list.level(0, part, out)?;
    let fits = bounds.is_none_or(|bounds| bounds_fit(bounds, &list.lengths));
    (list.rest.is_empty() && fits && list.seen.is_some()).then_some(())
}

/// Whether `[l:u][l:u]` says what the elements are.
fn bounds_fit(bounds: &str, lengths: &[usize]) -> bool {
    let mut rest = bounds;
    let mut lengths = lengths.iter();
    let mut next = || -> Option<bool> {
        let (bound, after) = rest.strip_prefix('[')?.split_once(']')?;
        let (first, last) = bound.split_once(':')?;
        rest = after;
        let (first, last): (i32, i32) = (first.parse().ok()?, last.parse().ok()?);
        let length = i64::from(last).checked_sub(first.into())?.checked_add(1)?;
        (usize::try_from(length).ok()? == *lengths.next()?).then_some(after.is_empty())
    };
    loop {
        match next() {
            Some(true) => break,
            Some(false) => {}
            None => return false,
        }
    }
    lengths.next().is_none()
}

struct List<'a> {
    rest: &'a [u8],
    element: CellType,
    /// How many there are in each dimension, as far as it has been seen.
    lengths: Vec<usize>,
    /// How many dimensions there are, once an element has been seen.
    levels: Option<usize>,
    value: Vec<u8>,
    shown: Vec<u8>,
    seen: Seen,
}

impl List<'_> {
    fn take(&mut self, what: u8) -> bool {
        let rest = self.rest.strip_prefix(&[what]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// What stands between two braces.
    fn level(&mut self, level: usize, part: &mut Part<'_>, out: &mut Vec<u8>) -> Option<()> {
        (level < DIMENSIONS_MAX && self.take(b'{')).then_some(())?;
        let (mut between, mut count) = (b'{', 0_usize);
        if self.lengths.len() == level {
            self.lengths.push(0);
        }
        loop {
            out.push(between);
            between = b',';
            count = count.saturating_add(1);
            if self.rest.starts_with(b"{") {
                self.level(level.saturating_add(1), part, out)?;
            } else {
                // All elements are as deep as the first.
                let levels = level.saturating_add(1);
                (*self.levels.get_or_insert(levels) == levels).then_some(())?;
                self.element(part, out)?;
            }
            if self.take(b'}') {
                break;
            }
            self.take(b',').then_some(())?;
        }
        out.push(b'}');
        let length = self.lengths.get_mut(level)?;
        if *length == 0 {
            *length = count;
        }
        (*length == count).then_some(())
    }

    fn element(&mut self, part: &mut Part<'_>, out: &mut Vec<u8>) -> Option<()> {
        self.value.clear();
        if self.take(b'"') {
            self.quoted()?;
        } else {
            let end = self.rest.iter().position(|byte| matches!(byte, b',' | b'}'))?;
            let (value, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest;
            if value.eq_ignore_ascii_case(b"null") {
                out.extend_from_slice(b"NULL");
                return Some(());
            }
            // The server would have quoted it.
            if needs_quotes(value) {
                return None;
            }
            self.value.extend_from_slice(value);
        }
        self.shown.clear();
        match self.seen.note(part(self.element, &self.value, &mut self.shown)) {
            Shown::Written => write_element(&self.shown, out),
            Shown::Null => out.extend_from_slice(b"NULL"),
            Shown::Same => return None,
        }
        Some(())
    }

    /// What stands between two quotes; a backslash stands before whatever could be misread.
    fn quoted(&mut self) -> Option<()> {
        loop {
            let at = memchr2(b'"', b'\\', self.rest)?;
            let (value, rest) = self.rest.split_at_checked(at)?;
            self.value.extend_from_slice(value);
            self.rest = rest;
            if self.take(b'"') {
                return Some(());
            }
            let [_, escaped, rest @ ..] = self.rest else { return None };
            self.value.push(*escaped);
            self.rest = rest;
        }
    }
}

/// As `array_out` decides.
fn needs_quotes(value: &[u8]) -> bool {
    value.is_empty()
        || value.eq_ignore_ascii_case(b"null")
        || value.iter().any(|byte| matches!(byte, b'"' | b'\\' | b'{' | b'}' | b',' | b' ' | 9..=13))
}

fn write_element(value: &[u8], out: &mut Vec<u8>) {
    if !needs_quotes(value) {
        return out.extend_from_slice(value);
    }
    out.push(b'"');
    for byte in value {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}
