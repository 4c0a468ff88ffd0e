//! Whether Weir reads a text as the target does.
//!
//! Two settings decide how the target reads a text's bytes: `standard_conforming_strings` (whether a backslash in an
//! ordinary string escapes) and `client_encoding` (which bytes belong to one character). Nobody turns the first off through Weir in so
//! many words, or sets an encoding that is not safe (`unsafe_setting`), but code that Weir can't follow may. The target tells every
//! change in a ParameterStatus, since version 14 not before the ReadyForQuery that follows it, so:
//!
//! * A text of ASCII without backslashes reads alike under every value of both, and is read at any time.
//! * Any other is opaque while the settings are such that the target would read it otherwise.
//! * After code that Weir can't follow was sent, or a SET of the encoding, any other waits for the ReadyForQuery behind that code. Where there can be
//!   none before it, because both stand in one batch, it is opaque.
//!
//! A prepared text is read once, when it is parsed: the target keeps its tree. A text of several statements is parsed whole
//! before the first of them runs.

use std::rc::Rc;

use sql_postgres::is_safe_encoding;

use crate::interpret::Interpreted;

/// How the target reads the session's texts, as far as it has said.
#[derive(Debug)]
pub struct TextSettings {
    conforming: bool,
    client: Vec<u8>,
    server: Vec<u8>,
    /// The batch in which something was sent that may change them, and whose ReadyForQuery has not come.
    code: Option<u64>,
    /// The batch in which something was sent that sets the encoding in so many words, if it is that of `code`.
    setting: Option<u64>,
    /// The session has set `client_encoding`, so that a ROLLBACK may set it back.
    encoding_set: bool,
}

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// As Weir does.
    Alike,
    /// Otherwise, because of this.
    Otherwise(&'static str),
    /// The target has to say first.
    NotKnownYet,
}

impl Default for TextSettings {
    fn default() -> Self {
        Self {
            conforming: true,
            client: b"UTF8".to_vec(),
            server: b"UTF8".to_vec(),
            code: None,
            setting: None,
            encoding_set: false,
        }
    }
}

impl TextSettings {
    /// The target has said what a parameter is.
    pub fn told(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b"standard_conforming_strings" => self.conforming = value == b"on",
            b"client_encoding" => self.client = value.to_vec(),
            b"server_encoding" => self.server = value.to_vec(),
            _ => {}
        }
    }

    /// This is sent, in this batch.
    pub fn runs(&mut self, interpreted: &Interpreted, batch: u64) {
        self.encoding_set |= interpreted.changes_encoding(false);
        if self.may_change(interpreted) {
            self.may_change_in(batch);
        }
        if interpreted.changes_encoding(self.encoding_set) {
            self.setting = Some(batch);
        }
    }

    fn may_change_in(&mut self, batch: u64) {
        self.code = Some(batch);
    }

    /// The target is ready: all that was changed before has been told. `running` was sent behind.
    pub fn ready(&mut self, mut running: impl Iterator<Item = Rc<Interpreted>>) {
        if self.code.is_some() && !running.any(|interpreted| self.may_change(&interpreted)) {
            (self.code, self.setting) = (None, None);
        }
    }

    fn may_change(&self, interpreted: &Interpreted) -> bool {
        interpreted.runs_code() || interpreted.changes_encoding(self.encoding_set)
    }

    /// How a text in this batch is read. If nothing is awaited from the target, nothing will be told any more.
    pub fn of(&self, text: &[u8], batch: u64, nothing_awaited: bool) -> Reads {
        if text.iter().all(|byte| byte.is_ascii() && *byte != b'\\') {
            return Reads::Alike;
        }
        match self.code {
            Some(code) if code == batch => {
                return Reads::Otherwise(
                    "what was sent before it in the same batch may have changed how texts are read",
                );
            }
            Some(_) if !nothing_awaited => return Reads::NotKnownYet,
            _ => {}
        }
        if !self.conforming {
            return Reads::Otherwise("standard_conforming_strings is off");
        }
        // In SQL_ASCII nothing is converted: bytes above 127 are letters one by one.
        if !text.is_ascii() && !matches!(self.client.as_slice(), b"UTF8" | b"SQL_ASCII") {
            return Reads::Otherwise("client_encoding is not UTF8");
        }
        Reads::Alike
    }

    /// Whether Weir finds the rows and columns of copy data where the target does; why not, if not.
    pub fn copies_alike(&self) -> Result<(), &'static str> {
        if self.code.is_some() {
            return Err("what was sent before it may have changed client_encoding");
        }
        match std::str::from_utf8(&self.client).is_ok_and(is_safe_encoding) {
            true => Ok(()),
            false => Err("client_encoding is one that Weir does not read"),
        }
    }

    /// Whether a value in this batch is the same text to Weir as to the target, so that its token is that of the text. If nothing is
    /// awaited from the target, nothing will be told any more.
    pub fn of_value(&self, value: &[u8], batch: u64, nothing_awaited: bool) -> Reads {
        match self.code {
            _ if value.is_ascii() => Reads::Alike,
            Some(code) if code == batch => {
                Reads::Otherwise("what was sent before it in the same batch may have changed client_encoding")
            }
            Some(_) if !nothing_awaited => Reads::NotKnownYet,
            _ if self.client == b"UTF8" => Reads::Alike,
            _ => Reads::Otherwise("client_encoding is not UTF8"),
        }
    }

    /// Whether the letters of a value in this batch are those of another encoding than UTF-8, as the target has said last or as is set before it in
    /// the same batch. Code that ran there is not taken to have changed it.
    pub fn is_foreign(&self, value: &[u8], batch: u64) -> bool {
        !value.is_ascii() && (self.client != b"UTF8" || self.setting == Some(batch))
    }

    /// Whether a COPY's data that say no encoding of their own are UTF-8.
    pub fn copies_utf8(&self) -> bool {
        self.code.is_none() && self.client == b"UTF8"
    }

    /// Whether the target tells this name from others as Weir does. In other encodings a letter beyond ASCII may be folded,
    /// cut or converted to another.
    pub fn tells_apart(&self, name: &[u8]) -> bool {
        name.is_ascii() || (self.client == b"UTF8" && self.server == b"UTF8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_texts_read_alike_whatever_is_set() {
        let mut settings = TextSettings::default();
        settings.told(b"standard_conforming_strings", b"off");
        settings.told(b"client_encoding", b"SJIS");
        settings.may_change_in(3);
        assert_eq!(settings.of(b"SELECT 'it''s', $1 /* x */", 3, false), Reads::Alike);
        assert!(matches!(settings.of(b"SELECT '\\'", 3, false), Reads::Otherwise(_)));
        assert_eq!(settings.of(b"SELECT '\\'", 4, false), Reads::NotKnownYet);
        settings.ready(std::iter::empty());
        assert!(matches!(settings.of(b"SELECT '\\'", 4, false), Reads::Otherwise(_)));
        settings.told(b"standard_conforming_strings", b"on");
        assert_eq!(settings.of(b"SELECT '\\'", 4, false), Reads::Alike);
        assert!(matches!(settings.of("SELECT 'é'".as_bytes(), 4, false), Reads::Otherwise(_)));
        settings.told(b"client_encoding", b"UTF8");
        assert_eq!(settings.of("SELECT 'é'".as_bytes(), 4, false), Reads::Alike);
    }

    #[test]
    fn values_beyond_ascii_are_the_same_in_one_encoding_only() {
        let mut settings = TextSettings::default();
        assert_eq!(settings.of_value("é".as_bytes(), 1, true), Reads::Alike);
        settings.may_change_in(1);
        assert_eq!(settings.of_value("é".as_bytes(), 2, false), Reads::NotKnownYet);
        assert!(matches!(settings.of_value("é".as_bytes(), 1, false), Reads::Otherwise(_)));
        settings.ready(std::iter::empty());
        settings.told(b"client_encoding", b"LATIN1");
        assert!(matches!(settings.of_value("é".as_bytes(), 2, true), Reads::Otherwise(_)) && !settings.copies_utf8());
        assert_eq!(settings.of_value(b"e", 2, true), Reads::Alike);
    }

    #[test]
    fn letters_are_foreign_where_another_encoding_is_told_or_set() {
        let mut settings = TextSettings::default();
        settings.may_change_in(1);
        assert!(!settings.is_foreign("é".as_bytes(), 1));
        settings.setting = Some(1);
        assert!(settings.is_foreign("é".as_bytes(), 1) && !settings.is_foreign(b"e", 1));
        settings.ready(std::iter::empty());
        assert!(!settings.is_foreign("é".as_bytes(), 2));
        settings.told(b"client_encoding", b"LATIN1");
        assert!(settings.is_foreign("é".as_bytes(), 2));
    }

    #[test]
    fn copy_data_are_read_in_encodings_that_are_safe() {
        let mut settings = TextSettings::default();
        for (encoding, alike) in
            [("UTF8", true), ("LATIN1", true), ("EUC_JP", true), ("SJIS", false), ("GB18030", false)]
        {
            settings.told(b"client_encoding", encoding.as_bytes());
            assert_eq!(settings.copies_alike().is_ok(), alike, "{encoding}");
        }
        settings.told(b"client_encoding", b"UTF8");
        settings.may_change_in(1);
        assert!(settings.copies_alike().is_err());
    }

    #[test]
    fn names_beyond_ascii_are_told_apart_in_one_encoding_only() {
        let mut settings = TextSettings::default();
        assert!(settings.tells_apart("é".as_bytes()));
        settings.told(b"server_encoding", b"LATIN1");
        assert!(!settings.tells_apart("é".as_bytes()) && settings.tells_apart(b"e"));
    }
}
