//! The commands of replication connections, which are no SQL.
//!
//! The server knows them by their first word, in capital letters, and reads them by a grammar of their own
//! (`src/backend/replication/repl_gram.y`). So does Weir: a text that begins with such a word is one command and nothing
//! else, or it is refused. A text that begins otherwise is SQL, and so is SHOW, which means the same in both.
//!
//! What a stream of changes carries is not followed, and nothing in it is masked. So in a database where something is
//! classified a stream also asks to `see` every classified column. That of a physical stream, and a base backup, is
//! everything on the server: all databases, and the password verifiers of its roles.

use std::borrow::Cow;
use std::str::Chars;

use model::{ActionId, Ask, Object, Operation};

use crate::catalog::Catalog;
use crate::vocabulary::{PHYSICAL_REPLICATION, REPLICATE, REPLICATION, SEE, SERVER_FILE, object_part};

/// The first words of commands.
const COMMANDS: [&str; 9] = [
    "IDENTIFY_SYSTEM",
    "TIMELINE_HISTORY",
    "READ_REPLICATION_SLOT",
    "CREATE_REPLICATION_SLOT",
    "ALTER_REPLICATION_SLOT",
    "DROP_REPLICATION_SLOT",
    "START_REPLICATION",
    "BASE_BACKUP",
    "UPLOAD_MANIFEST",
];

/// The longest command that is read.
const COMMAND_BYTES_MAX: usize = 64 * 1024;

/// Bytes that the server keeps of a name (`NAMEDATALEN` less one).
const NAME_BYTES_KEPT: usize = 63;

/// What a replication connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicationOf {
    /// One database, whose changes are decoded; it takes SQL as well.
    Database,
    /// The whole server.
    Server,
}

impl ReplicationOf {
    /// The action that such a connection asks for.
    pub fn action(self) -> ActionId {
        match self {
            Self::Database => REPLICATION,
            Self::Server => PHYSICAL_REPLICATION,
        }
    }
}

/// A command of a replication connection.
#[derive(Clone, Debug)]
pub struct ReplicationCommand {
    /// What policy decides.
    pub operation: Operation,
    /// What goes beside its results.
    pub carries: Carries,
}

/// What a command carries beside rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Nothing.
    Rows,
    /// Files, to the caller.
    Backup,
    /// A stream both ways: changes, and how far they were taken.
    Stream,
    /// The list of an earlier backup's files, from the caller.
    Manifest,
}

/// The command that a text is, if it is none of SQL. An error says why it can't be read.
pub fn replication_command(
    text: &[u8],
    of: ReplicationOf,
    catalog: &Catalog,
) -> Option<Result<ReplicationCommand, String>> {
    // What is longer than any command is not cut into tokens.
    let (long, text) = (text.len() > COMMAND_BYTES_MAX, text.get(..COMMAND_BYTES_MAX).unwrap_or(text));
    let text = String::from_utf8_lossy(text);
    let command = COMMANDS.into_iter().find(|command| *command == first_word(&text))?;
    if long {
        return Some(Err(format!("this {command} is longer than {COMMAND_BYTES_MAX} bytes")));
    }
    let text = match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(_) => return Some(Err(format!("this {command} is not UTF-8 text"))),
    };
    Some(tokens(text).and_then(|tokens| read(command, tokens.get(1..).unwrap_or_default(), of, catalog)))
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start_matches(is_space);
    text.split_once(|c| !continues_word(c)).map_or(text, |(word, _)| word)
}

fn read(command: &str, words: &[Token], of: ReplicationOf, catalog: &Catalog) -> Result<ReplicationCommand, String> {
    use Token::{Name, Sign, Word};
    let wrong = || Err(format!("Weir cannot read this {command}"));
    // One command, and perhaps the end of it.
    let words = words.strip_suffix(&[Sign(';')]).unwrap_or(words);
    if words.contains(&Sign(';')) {
        return wrong();
    }
    let (physical, slot, carries) = match (command, words) {
        ("IDENTIFY_SYSTEM", []) => (false, None, Carries::Rows),
        ("TIMELINE_HISTORY", [Token::Number]) => (false, None, Carries::Rows),
        ("READ_REPLICATION_SLOT", [slot]) => (false, slot.name(), Carries::Rows),
        ("DROP_REPLICATION_SLOT", [slot]) => (false, slot.name(), Carries::Rows),
        ("DROP_REPLICATION_SLOT", [slot, Word(wait)]) if wait == "WAIT" => (false, slot.name(), Carries::Rows),
        ("ALTER_REPLICATION_SLOT", [slot, Sign('('), .., Sign(')')]) => (false, slot.name(), Carries::Rows),
        ("CREATE_REPLICATION_SLOT", [slot, rest @ ..]) => {
            let rest = rest.strip_prefix(&[Word("TEMPORARY".to_owned())]).unwrap_or(rest);
            match rest {
                [Word(kind), ..] if kind == "PHYSICAL" => (true, slot.name(), Carries::Rows),
                // The plugin is a library that the server loads.
                [Word(kind), Word(plugin) | Name(plugin), ..] if kind == "LOGICAL" && !plugin.contains('/') => {
                    (false, slot.name(), Carries::Rows)
                }
                _ => return wrong(),
            }
        }
        ("START_REPLICATION", [Word(word), slot, Word(kind), Token::Place, options @ ..])
            if word == "SLOT" && kind == "LOGICAL" && (options.is_empty() || in_brackets(options)) =>
        {
            (false, slot.name(), Carries::Stream)
        }
        ("START_REPLICATION", words) => {
            let (slot, rest) = match words {
                [Word(word), slot, rest @ ..] if word == "SLOT" => (slot.name(), rest),
                rest => (None, rest),
            };
            match rest.strip_prefix(&[Word("PHYSICAL".to_owned())]).unwrap_or(rest) {
                [Token::Place] => {}
                [Token::Place, Word(word), Token::Number] if word == "TIMELINE" => {}
                _ => return wrong(),
            }
            (true, slot, Carries::Stream)
        }
        ("UPLOAD_MANIFEST", []) => (true, None, Carries::Manifest),
        ("BASE_BACKUP", _) => (true, None, Carries::Backup),
        _ => return wrong(),
    };
    let action = if physical { PHYSICAL_REPLICATION } else { of.action() };
    let mut asks = vec![Ask::new(action, Object::Target)];
    // Whoever takes a slot's changes moves it: they are gone for others.
    if let Some(slot) = slot.filter(|_| command != "READ_REPLICATION_SLOT") {
        asks.push(Ask::new(REPLICATE, Object::Target));
        asks.push(Ask::new(REPLICATE, Object::Part(object_part("replication slot", &slot))));
    } else if command.ends_with("REPLICATION_SLOT") && command != "READ_REPLICATION_SLOT" {
        return wrong();
    }
    if carries == Carries::Backup && writes_at_server(words) {
        asks.push(Ask::new(SERVER_FILE, Object::Target));
    }
    if matches!(carries, Carries::Backup | Carries::Stream) {
        asks.extend(catalog.classified_fields().map(|field| Ask::new(SEE, Object::Field(field))));
    }
    Ok(ReplicationCommand { operation: Operation::exactly(asks), carries })
}

fn in_brackets(tokens: &[Token]) -> bool {
    matches!(tokens, [Token::Sign('('), .., Token::Sign(')')])
}

/// Whether a base backup is written elsewhere than to the caller.
fn writes_at_server(words: &[Token]) -> bool {
    let elsewhere = |pair: &[Token]| match pair {
        [option, value] => {
            option.name().is_some_and(|name| name.eq_ignore_ascii_case("target"))
                && *value != Token::Text("client".to_owned())
        }
        _ => false,
    };
    words.windows(2).any(elsewhere)
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// A word as it is written.
    Word(String),
    /// A name in double quotes.
    Name(String),
    /// A text in single quotes.
    Text(String),
    /// Digits.
    Number,
    /// A place in the log: `16/B374D848`.
    Place,
    /// One of `( ) , ;`.
    Sign(char),
}

impl Token {
    /// The name that it is where a name is due, as the server keeps it: words in small letters, and 63 bytes of any.
    fn name(&self) -> Option<String> {
        let mut name = match self {
            Self::Word(name) => name.to_ascii_lowercase(),
            Self::Name(name) => name.clone(),
            _ => return None,
        };
        while name.len() > NAME_BYTES_KEPT {
            name.pop();
        }
        Some(name)
    }
}

/// The tokens of a command, as the server's own lexer (`repl_scanner.l`) cuts them.
fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while let Some(first) = rest.chars().next() {
        let (token, behind) = match first {
            '\'' | '"' => {
                let mut chars = rest.chars();
                chars.next();
                let text = quoted(&mut chars, first)?;
                (if first == '"' { Token::Name(text) } else { Token::Text(text) }, chars.as_str())
            }
            '(' | ')' | ',' | ';' => (Token::Sign(first), rest.get(first.len_utf8()..).unwrap_or_default()),
            _ => {
                let end = rest.find(|c| !continues_word(c) && c != '/').unwrap_or(rest.len());
                let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (unquoted(word).ok_or_else(|| format!("unexpected '{first}' in a replication command"))?, behind)
            }
        };
        tokens.push(token);
        rest = behind.trim_start_matches(is_space);
    }
    Ok(tokens)
}

fn unquoted(word: &str) -> Option<Token> {
    let is_hex = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    match word.split_once('/') {
        Some((high, low)) => (is_hex(high) && is_hex(low)).then_some(Token::Place),
        None if word.bytes().all(|byte| byte.is_ascii_digit()) => (!word.is_empty()).then_some(Token::Number),
        None if word.starts_with(|c: char| c.is_ascii_digit() || c == '$') => None,
        None => Some(Token::Word(word.to_owned())),
    }
}

/// What stands in quotes, up to the quote that ends it; doubled it stands for itself.
fn quoted(chars: &mut Chars<'_>, quote: char) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            None => return Err("a replication command ends within quotes".to_owned()),
            Some(c) if c == quote => {
                let mut ahead = chars.clone();
                if ahead.next() != Some(quote) {
                    return Ok(text);
                }
                *chars = ahead;
                text.push(quote);
            }
            Some(c) => text.push(c),
        }
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c' | '\x0b')
}

fn continues_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::shop;

    fn asks(text: &str, of: ReplicationOf) -> String {
        match replication_command(text.as_bytes(), of, &shop()) {
            None => "SQL".to_owned(),
            Some(Err(why)) => why,
            Some(Ok(command)) => {
                let asks = &command.operation.asks;
                let sees = asks.iter().filter(|ask| ask.action == SEE).count();
                let words = asks.iter().filter(|ask| ask.action != SEE).map(|ask| match &ask.object {
                    Object::Part(part) => format!("{}({})", ask.action, part.name),
                    _ => ask.action.to_string(),
                });
                let words: Vec<String> = words.collect();
                format!("{:?}: {}{}", command.carries, words.join(" "), if sees > 0 { " see" } else { "" })
            }
        }
    }

    #[test]
    fn commands_ask_for_what_they_do() {
        use ReplicationOf::{Database, Server};
        for (text, of, asked) in [
            ("IDENTIFY_SYSTEM", Database, "Rows: replication"),
            (" \n IDENTIFY_SYSTEM ;", Server, "Rows: physical_replication"),
            ("TIMELINE_HISTORY 2", Server, "Rows: physical_replication"),
            ("READ_REPLICATION_SLOT s", Database, "Rows: replication"),
            (
                "CREATE_REPLICATION_SLOT \"s\" TEMPORARY LOGICAL pgoutput (SNAPSHOT 'nothing')",
                Database,
                "Rows: replication replicate replicate(s)",
            ),
            // What is physical is so on any connection.
            (
                "CREATE_REPLICATION_SLOT s PHYSICAL RESERVE_WAL",
                Database,
                "Rows: physical_replication replicate replicate(s)",
            ),
            ("DROP_REPLICATION_SLOT Prod", Database, "Rows: replication replicate replicate(prod)"),
            ("DROP_REPLICATION_SLOT s WAIT", Database, "Rows: replication replicate replicate(s)"),
            ("ALTER_REPLICATION_SLOT s (FAILOVER true)", Database, "Rows: replication replicate replicate(s)"),
            (
                "START_REPLICATION SLOT s LOGICAL 0/0 (proto_version '1', names '\"it''s;\"')",
                Database,
                "Stream: replication replicate replicate(s) see",
            ),
            (
                "START_REPLICATION SLOT s 16/B374D848 TIMELINE 1",
                Server,
                "Stream: physical_replication replicate replicate(s) see",
            ),
            ("START_REPLICATION PHYSICAL 0/0", Database, "Stream: physical_replication see"),
            ("START_REPLICATION 0/0", Server, "Stream: physical_replication see"),
            ("BASE_BACKUP ( LABEL 'a backup', WAIT 0, TARGET 'client')", Server, "Backup: physical_replication see"),
            (
                "BASE_BACKUP (TARGET 'server', TARGET_DETAIL '/tmp')",
                Server,
                "Backup: physical_replication server_file see",
            ),
            ("BASE_BACKUP (\"target\" 'server')", Server, "Backup: physical_replication server_file see"),
            ("UPLOAD_MANIFEST", Server, "Manifest: physical_replication"),
            ("SHOW wal_segment_size", Server, "SQL"),
            ("identify_system", Database, "SQL"),
            ("-- IDENTIFY_SYSTEM\nSELECT 1", Database, "SQL"),
            ("IDENTIFY_SYSTEMS", Database, "SQL"),
        ] {
            assert_eq!(asks(text, of), asked, "{text}");
        }
    }

    #[test]
    fn what_is_not_one_command_is_none() {
        for text in [
            "IDENTIFY_SYSTEM; SELECT 1",
            "IDENTIFY_SYSTEM x",
            "START_REPLICATION SLOT s LOGICAL 0/0; START_REPLICATION 0/0",
            "START_REPLICATION SLOT s LOGICAL",
            "START_REPLICATION SLOT s LOGICAL 0/0 x",
            "START_REPLICATION",
            "CREATE_REPLICATION_SLOT s",
            "CREATE_REPLICATION_SLOT 's' LOGICAL x",
            "DROP_REPLICATION_SLOT",
            "CREATE_REPLICATION_SLOT s LOGICAL \"/tmp/library\"",
            "BASE_BACKUP (LABEL 'no end",
            "BASE_BACKUP (LABEL -1)",
            "BASE_BACKUP; BASE_BACKUP",
            "TIMELINE_HISTORY '1'",
        ] {
            let read = replication_command(text.as_bytes(), ReplicationOf::Database, &shop()).unwrap();
            assert!(read.is_err(), "{text}: {read:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_not_cut_into_tokens() {
        let long = format!("BASE_BACKUP {}", "(".repeat(COMMAND_BYTES_MAX));
        let read = replication_command(long.as_bytes(), ReplicationOf::Server, &shop()).unwrap();
        assert!(read.unwrap_err().contains("longer than"));
        let name = Token::Name("n".repeat(70)).name().unwrap();
        assert_eq!(name.len(), NAME_BYTES_KEPT);
    }

    #[test]
    fn a_stream_asks_to_see_all_that_can_be_seen() {
        let command = replication_command(b"START_REPLICATION 0/0", ReplicationOf::Server, &shop()).unwrap().unwrap();
        let fields: Vec<String> = command
            .operation
            .asks
            .iter()
            .filter_map(|ask| match &ask.object {
                Object::Field(field) => Some(format!("{}.{}", field.part.name, field.name)),
                _ => None,
            })
            .collect();
        assert!(fields.contains(&"public.customers.ssn".to_owned()), "{fields:?}");
        assert!(fields.iter().all(|field| !field.starts_with("pg_catalog")), "{fields:?}");
        let none = replication_command(b"START_REPLICATION 0/0", ReplicationOf::Server, &Catalog::default());
        assert_eq!(none.unwrap().unwrap().operation.asks.len(), 1);
    }
}
