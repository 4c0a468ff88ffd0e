//! A text without its constants: what is found out about one text holds for all that differ in them alone.
//!
//! ORMs and drivers send the same few statements with ever new numbers and texts in them. Reading each anew costs many
//! times what deciding it does. A [`Skeleton`] is the text with a mark in the place of each plain constant; two texts of
//! one skeleton are the same tokens to PostgreSQL's lexer but for the values of those constants, so the same tree but for
//! those values. [`Skeleton::stands_for`] says whether anything in the analysis of one such text has looked at a value. Only if
//! nothing has, the analysis holds for the others. That a decision never depends on a constant is not assumed: it is found out.
//!
//! The lexer here knows a part of PostgreSQL's (`src/backend/parser/scan.l`), with `standard_conforming_strings` on, and knows
//! where its knowledge ends: comments, escapes, dollar quotes, bit strings, odd numbers, anything that it has no rule for
//! makes it give up, and the text is read as a whole. It is compared with PostgreSQL's own lexer by property tests.

use std::ops::Range;

use model::LogText;

use crate::log_text::{content, cut};
use crate::statement::Statement;

/// The longest text that is worth it.
const SKELETON_BYTES_MAX: usize = 64 * 1024;

/// Digits of a number that surely fits 64 bits.
const DIGITS_MAX: usize = 18;

/// What stands for a constant. None of these bytes can stand in a text that has a skeleton.
const INTEGER: u8 = 1;
const NUMBER: u8 = 2;
const TEXT: u8 = 3;

/// A text with marks for its constants. Kept and used again, for its room.
#[derive(Debug, Default)]
pub struct Skeleton {
    bytes: Vec<u8>,
    constants: Vec<Constant>,
}

/// Where a constant stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Constant {
    place: Range<usize>,
    /// Where the minus stands that is the last thing before it.
    minus: Option<usize>,
}

impl Skeleton {
    /// Reads a text. Says false if it has no skeleton.
    pub fn read(&mut self, sql: &str) -> bool {
        self.bytes.clear();
        self.constants.clear();
        sql.len() <= SKELETON_BYTES_MAX && self.tokens(sql.as_bytes()).is_some()
    }

    /// The text with its marks.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The constants of the text that was just read, as they are written.
    pub fn constants<'a>(&'a self, sql: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let written = |constant: &Constant| sql.get(constant.place.clone()).map(str::as_bytes);
        self.constants.iter().filter_map(written)
    }

    /// Whether there is any constant in it.
    pub fn has_constants(&self) -> bool {
        !self.constants.is_empty()
    }

    /// Whether what is known of these statements, which were read from one text of this skeleton, holds for every text of it.
    pub fn stands_for(&self, statements: &[Statement]) -> bool {
        let mut inert: Vec<usize> = Vec::new();
        for statement in statements {
            let Some(places) = &statement.inert_constants else { return false };
            inert.extend(places);
        }
        inert.sort_unstable();
        self.constants.iter().all(|constant| {
            let known = |at: usize| inert.binary_search(&at).is_ok();
            // A negative number is one constant to PostgreSQL, which begins at its sign.
            known(constant.place.start) || constant.minus.is_some_and(known)
        })
    }

    /// What the log keeps of a text that was just read: with tokens in the place of its constants if they are to be withheld.
    pub fn log_text(&self, sql: &str, withhold: bool, token: &dyn Fn(&[u8]) -> String) -> LogText {
        if !withhold {
            return LogText(cut(sql.into()));
        }
        let mut text = String::with_capacity(sql.len());
        let mut at = 0;
        for Constant { place, .. } in &self.constants {
            text.push_str(sql.get(at..place.start).unwrap_or_default());
            let written = sql.get(place.clone()).unwrap_or_default();
            text.push_str(&token(content(written).as_bytes()));
            at = place.end;
        }
        text.push_str(sql.get(at..).unwrap_or_default().trim_end());
        LogText(cut(text.into()))
    }

    /// Goes through all tokens. `None` at the first thing that it has no rule for.
    fn tokens(&mut self, sql: &[u8]) -> Option<()> {
        let mut at = 0;
        let mut minus = None;
        while let Some(&first) = sql.get(at) {
            let rest = sql.get(at..)?;
            let next = rest.get(1).copied();
            let mut after = None;
            match first {
                b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' => {
                    after = minus;
                    at = self.copy(rest, at, 1)?;
                }
                b'\'' => {
                    let length = text_constant(rest)?;
                    at = self.constant(TEXT, at, length, None)?;
                }
                b'0'..=b'9' => {
                    let (kind, length) = number(rest)?;
                    at = self.constant(kind, at, length, minus)?;
                }
                b'"' => {
                    let inside = rest.get(1..)?.iter().position(|byte| *byte == b'"')?;
                    let length = inside.checked_add(2)?;
                    at = self.copy(rest, at, length)?;
                }
                _ if starts_name(first) => {
                    let length = rest.iter().take_while(|byte| continues_name(**byte)).count();
                    match rest.get(length) {
                        // E'…', B'…', X'…', N'…', and U&'…' or U&"…".
                        Some(b'\'') => return None,
                        Some(b'&') if length == 1 && matches!(first, b'u' | b'U') => return None,
                        _ => at = self.copy(rest, at, length)?,
                    }
                }
                // A parameter; else a dollar quote.
                b'$' => {
                    let digits = rest.get(1..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    let length = digits.checked_add(1)?;
                    if digits == 0 || rest.get(length).is_some_and(|byte| continues_name(*byte)) {
                        return None;
                    }
                    at = self.copy(rest, at, length)?;
                }
                b'-' if next == Some(b'-') => return None,
                b'/' if next == Some(b'*') => return None,
                // `.5` and `1..5` are numbers or ranges of numbers.
                b'.' if next.is_some_and(|byte| byte.is_ascii_digit()) => return None,
                b'-' => {
                    after = Some(at);
                    at = self.copy(rest, at, 1)?;
                }
                b'(' | b')' | b'[' | b']' | b',' | b';' | b':' | b'.' | b'+' | b'*' | b'/' | b'<' | b'>' | b'='
                | b'~' | b'!' | b'@' | b'#' | b'%' | b'^' | b'&' | b'|' | b'`' | b'?' => at = self.copy(rest, at, 1)?,
                _ => return None,
            }
            minus = after;
        }
        Some(())
    }

    /// Takes the next bytes as they are. No mark can be among them.
    fn copy(&mut self, rest: &[u8], at: usize, length: usize) -> Option<usize> {
        let taken = rest.get(..length)?;
        if taken.iter().any(|byte| matches!(*byte, INTEGER | NUMBER | TEXT)) {
            return None;
        }
        self.bytes.extend_from_slice(taken);
        at.checked_add(length)
    }

    fn constant(&mut self, kind: u8, at: usize, length: usize, minus: Option<usize>) -> Option<usize> {
        let end = at.checked_add(length)?;
        self.bytes.push(kind);
        self.constants.push(Constant { place: at..end, minus });
        Some(end)
    }
}

/// The length of the text constant that this begins with, with its quotes.
fn text_constant(rest: &[u8]) -> Option<usize> {
    let mut length: usize = 1;
    loop {
        length = rest.get(length..)?.iter().position(|byte| *byte == b'\'')?.checked_add(length)?.checked_add(1)?;
        if rest.get(length) != Some(&b'\'') {
            break;
        }
        length = length.checked_add(1)?;
    }
    // Two texts with a line break between them are one constant.
    let follows = rest.get(length..)?.iter().find(|byte| !byte.is_ascii_whitespace());
    (follows != Some(&b'\'')).then_some(length)
}

/// The kind and length of the number that this begins with: digits, or digits with a point among them.
fn number(rest: &[u8]) -> Option<(u8, usize)> {
    let digits =
        |from: usize| rest.get(from..).map(|rest| rest.iter().take_while(|byte| byte.is_ascii_digit()).count());
    let whole = digits(0)?;
    let (kind, length) = if rest.get(whole) == Some(&b'.') {
        let from = whole.checked_add(1)?;
        let fraction = digits(from)?;
        if fraction == 0 {
            return None;
        }
        (NUMBER, from.checked_add(fraction)?)
    } else {
        // What does not fit an int4 is a number with a point to the grammar.
        let value: u64 = std::str::from_utf8(rest.get(..whole)?).ok()?.parse().ok()?;
        (if value <= 0x7fff_ffff { INTEGER } else { NUMBER }, whole)
    };
    let odd = |byte: &u8| continues_name(*byte) || matches!(*byte, b'.' | b'\'');
    (whole <= DIGITS_MAX && !rest.get(length).is_some_and(odd)).then_some((kind, length))
}

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn continues_name(byte: u8) -> bool {
    starts_name(byte) || byte.is_ascii_digit() || byte == b'$'
}

#[cfg(test)]
mod tests;
