//! A model of PostgreSQL as far as its protocol goes: names, portals, transactions, errors and what is skipped after them.
//! It stands on both sides of a comparison, behind Weir and alone, so that what it gets wrong it gets wrong twice; the
//! same pipelines are run against the real server by `crates/weir/tests/hostile`.
//!
//! It follows `tcop/postgres.c`: `exec_simple_query`, `exec_parse_message` and their like.

use std::collections::HashMap;

use super::super::house::{CUSTOMERS, ORDERS, frames, named, plain, ready, row, shape};

/// What is in the classified column, and in whatever is made of it.
pub const CANARY: &str = "903-77-4141";

/// Columns of a result: name, table, number, type.
type Columns = &'static [(&'static str, u32, i16, u32)];

/// What a statement does.
#[derive(Clone, Copy, Debug)]
pub enum Does {
    Rows(Columns, &'static [&'static [&'static str]]),
    Nothing(&'static str),
    Begin,
    Commit,
    Rollback,
    /// It does not parse.
    Unreadable,
    /// It fails when it is analysed, bound, or run after this many of its rows.
    Wrong(&'static str),
    Unbindable(&'static str),
    Fails(&'static str, Columns, &'static [&'static [&'static str]]),
    Empty,
}

/// A statement that the model knows.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    pub sql: &'static str,
    pub does: Does,
    /// Whether it touches what is classified.
    pub tainted: bool,
    /// Whether Weir refuses it.
    pub refused: bool,
}

const STATUS: Columns = &[("status", ORDERS, 2, 25)];
const NUMBER: Columns = &[("?column?", 0, 0, 23)];
const SSN: Columns = &[("ssn", CUSTOMERS, 3, 25)];
const ALL: Columns =
    &[("id", CUSTOMERS, 1, 23), ("email", CUSTOMERS, 2, 25), ("ssn", CUSTOMERS, 3, 1043), ("city", CUSTOMERS, 4, 25)];
const SUM: Columns = &[("md5", 0, 0, 25), ("city", CUSTOMERS, 4, 25)];
const PAID: &[&[&str]] = &[&["paid"], &["open"], &["sent"]];

const fn open(sql: &'static str, does: Does) -> Text {
    Text { sql, does, tainted: false, refused: false }
}

const fn tainted(sql: &'static str, does: Does) -> Text {
    Text { sql, does, tainted: true, refused: false }
}

const fn refused(sql: &'static str) -> Text {
    Text { sql, does: Does::Nothing("DROP TABLE"), tainted: false, refused: true }
}

/// All of them.
pub const TEXTS: [Text; 21] = [
    open("SELECT status FROM orders", Does::Rows(STATUS, PAID)),
    open("SELECT now()", Does::Rows(NUMBER, &[&["1"]])),
    tainted("SELECT ssn FROM customers", Does::Rows(SSN, &[&[CANARY], &[CANARY]])),
    tainted(
        "SELECT * FROM customers",
        Does::Rows(ALL, &[&["1", CANARY, CANARY, "Leeds"], &["2", CANARY, CANARY, "York"]]),
    ),
    tainted("SELECT md5(ssn), city FROM customers", Does::Rows(SUM, &[&[CANARY, "Leeds"]])),
    open("INSERT INTO orders DEFAULT VALUES", Does::Nothing("INSERT 0 1")),
    tainted("UPDATE customers SET city = city WHERE id IS NOT NULL", Does::Nothing("UPDATE 1")),
    open("BEGIN", Does::Begin),
    open("COMMIT", Does::Commit),
    open("ROLLBACK", Does::Rollback),
    open("", Does::Empty),
    open("SELECT wrong FROM orders", Does::Wrong("42703")),
    open("SELECT id::int FROM orders WHERE id IS NULL", Does::Unbindable("22P02")),
    open("SELECT id FROM orders WHERE id / id = id", Does::Fails("22012", STATUS, PAID)),
    tainted("SELECT city FROM customers WHERE id / id = id", Does::Fails("22012", SSN, &[&[CANARY]])),
    tainted("SELECT city FROM customers WHERE ssn::int = id", Does::Unbindable("22P02")),
    open("SELEC now()", Does::Unreadable),
    open("RESET work_mem", Does::Nothing("RESET")),
    refused("DROP TABLE orders"),
    refused("DROP TABLE customers"),
    open("CREATE TABLE made (a int)", Does::Nothing("CREATE TABLE")),
];

/// The statement that changes the catalog: where one runs, Weir may redact more than is classified.
pub const DEFINES: usize = 20;

fn find(sql: &str) -> Option<Text> {
    TEXTS.into_iter().find(|text| text.sql == sql)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transaction {
    Idle,
    /// Begun by a statement, ended by Sync or with a simple query.
    Implicit,
    Block,
    Failed,
}

#[derive(Clone, Copy, Debug)]
struct Portal {
    text: Text,
    at: usize,
    done: bool,
}

/// A statement failed, with this code.
struct Failed(&'static str);

/// The model.
#[derive(Debug)]
pub struct Postgres {
    statements: HashMap<Vec<u8>, Text>,
    portals: HashMap<Vec<u8>, Portal>,
    transaction: Transaction,
    skipping: bool,
    /// Set while what was touched in the transaction may be spoken of.
    tainted: bool,
    /// Whether it stands alone: then what Weir refuses fails here.
    refuses: bool,
    /// What has run, in order.
    pub ran: Vec<&'static str>,
    pub out: Vec<u8>,
    /// What to say between messages: each bit is a chance.
    noise: u64,
}

impl Postgres {
    /// A server of its own, or one behind Weir that speaks unasked at these moments.
    pub fn new(refuses: bool, noise: u64) -> Self {
        Self {
            statements: HashMap::new(),
            portals: HashMap::new(),
            transaction: Transaction::Idle,
            skipping: false,
            tainted: false,
            refuses,
            ran: Vec::new(),
            out: Vec::new(),
            noise,
        }
    }

    /// Takes whole messages of the client's.
    pub fn take(&mut self, bytes: &[u8]) {
        for (kind, body) in frames(bytes) {
            self.message(kind, &body);
        }
    }

    fn message(&mut self, kind: u8, body: &[u8]) {
        self.speak();
        if self.skipping && !matches!(kind, b'S' | b'X') {
            return;
        }
        let mut texts = body.split(|byte| *byte == 0);
        let mut text = || texts.next().unwrap_or_default().to_vec();
        let done = match kind {
            b'Q' => {
                let sql = String::from_utf8(text()).unwrap();
                if let Err(Failed(code)) = self.simple(&sql) {
                    self.fail(code);
                }
                if self.transaction == Transaction::Implicit {
                    self.end();
                }
                return self.ready();
            }
            b'S' => {
                self.skipping = false;
                if self.transaction == Transaction::Implicit {
                    self.end();
                }
                return self.ready();
            }
            b'P' => {
                let (name, sql) = (text(), String::from_utf8(text()).unwrap());
                self.parse(name, &sql)
            }
            b'B' => {
                let (portal, statement) = (text(), text());
                self.bind(portal, &statement)
            }
            b'D' => {
                let name = text();
                let (what, name) = name.split_first().unwrap();
                self.describe(*what, name)
            }
            b'E' => {
                let portal = text();
                let max = i32::from_be_bytes(body[portal.len() + 1..][..4].try_into().unwrap());
                self.execute(&portal, usize::try_from(max).unwrap())
            }
            b'C' => {
                let name = text();
                match name.split_first().unwrap() {
                    (b'S', name) => drop(self.statements.remove(name)),
                    (_, name) => drop(self.portals.remove(name)),
                }
                self.say(&plain(b'3'));
                Ok(())
            }
            b'H' | b'd' | b'c' | b'f' | b'X' => Ok(()),
            other => panic!("the target was sent '{}'", char::from(other)),
        };
        if let Err(Failed(code)) = done {
            self.fail(code);
            self.skipping = true;
        }
    }

    fn say(&mut self, message: &[u8]) {
        self.out.extend_from_slice(message);
        self.speak();
    }

    /// A notice, a parameter or a notification, at any moment.
    fn speak(&mut self) {
        let chance = self.noise & 0xf;
        self.noise = self.noise.rotate_right(5).wrapping_mul(3);
        let word = if self.tainted { CANARY } else { "nothing" };
        match chance {
            1 => self.out.extend(named(b'N', &["SNOTICE", "VNOTICE", "C00000", &format!("M{word}")], b"\0")),
            2 => self.out.extend(named(b'S', &["application_name", word], b"")),
            _ => {}
        }
    }

    fn begin(&mut self) {
        if self.transaction == Transaction::Idle {
            self.transaction = Transaction::Implicit;
        }
    }

    fn end(&mut self) {
        self.transaction = Transaction::Idle;
        self.portals.clear();
    }

    fn ready(&mut self) {
        let status = match self.transaction {
            Transaction::Idle => b'I',
            Transaction::Block => b'T',
            Transaction::Failed => b'E',
            Transaction::Implicit => panic!("ready in the middle"),
        };
        self.out.extend(ready(status));
        self.tainted &= status != b'I';
    }

    fn fail(&mut self, code: &'static str) {
        let word = if self.tainted { CANARY } else { "nothing" };
        self.say(&named(b'E', &["SERROR", "VERROR", &format!("C{code}"), &format!("M{word}")], b"\0"));
        match self.transaction {
            Transaction::Block | Transaction::Failed => self.transaction = Transaction::Failed,
            Transaction::Idle | Transaction::Implicit => self.end(),
        }
    }

    /// The statements of a text, where all of it can be read.
    fn read(&self, sql: &str) -> Result<Vec<Text>, Failed> {
        let readable = |text: &Text| !matches!(text.does, Does::Unreadable);
        let texts = sql.split("; ").map(|sql| find(sql).filter(readable));
        let texts = texts.collect::<Option<Vec<Text>>>().ok_or(Failed("42601"))?;
        let refused = self.refuses && texts.iter().any(|text| text.refused);
        if refused { Err(Failed("42501")) } else { Ok(texts) }
    }

    fn may_run(&self, text: &Text) -> Result<(), Failed> {
        let ends = matches!(text.does, Does::Commit | Does::Rollback);
        if self.transaction == Transaction::Failed && !ends { Err(Failed("25P02")) } else { Ok(()) }
    }

    fn simple(&mut self, sql: &str) -> Result<(), Failed> {
        self.statements.remove(b"".as_slice());
        let texts = self.read(sql)?;
        if texts.iter().all(|text| matches!(text.does, Does::Empty)) {
            self.say(&plain(b'I'));
            return Ok(());
        }
        for text in texts {
            if matches!(text.does, Does::Empty) {
                continue;
            }
            self.may_run(&text)?;
            self.begin();
            self.tainted |= text.tainted;
            if let Does::Wrong(code) | Does::Unbindable(code) = text.does {
                return Err(Failed(code));
            }
            self.portals.remove(b"".as_slice());
            if let Does::Rows(columns, _) | Does::Fails(_, columns, _) = text.does {
                self.say(&shape(columns));
            }
            self.run(&mut Portal { text, at: 0, done: false }, 0)?;
        }
        Ok(())
    }

    /// Runs a statement to its end, or to this many rows. `Ok(false)` if there may be more.
    fn run(&mut self, portal: &mut Portal, max: usize) -> Result<bool, Failed> {
        self.ran.push(portal.text.sql);
        let tag = match portal.text.does {
            Does::Rows(_, rows) => return self.rows(portal, rows, max),
            Does::Fails(code, _, rows) => {
                return match self.rows_only(portal, rows, max) {
                    true => Err(Failed(code)),
                    false => Ok(false),
                };
            }
            _ if portal.done => return Err(Failed("55000")),
            Does::Nothing(tag) => tag,
            Does::Begin => {
                self.transaction = Transaction::Block;
                "BEGIN"
            }
            Does::Commit | Does::Rollback => {
                let tag = match (portal.text.does, self.transaction) {
                    (Does::Commit, Transaction::Block | Transaction::Implicit) => "COMMIT",
                    _ => "ROLLBACK",
                };
                self.end();
                tag
            }
            Does::Empty => {
                self.say(&plain(b'I'));
                return Ok(true);
            }
            Does::Unreadable | Does::Wrong(_) | Does::Unbindable(_) => panic!("it cannot run"),
        };
        portal.done = true;
        self.say(&named(b'C', &[tag], b""));
        Ok(true)
    }

    fn rows_only(&mut self, portal: &mut Portal, rows: &[&[&str]], max: usize) -> bool {
        let left = &rows[portal.at..];
        let count = if max == 0 { left.len() } else { max.min(left.len()) };
        // Between rows there are no messages.
        left[..count].iter().for_each(|cells| self.out.extend(row(cells)));
        portal.at += count;
        max == 0 || count < max
    }

    fn rows(&mut self, portal: &mut Portal, rows: &[&[&str]], max: usize) -> Result<bool, Failed> {
        let from = portal.at;
        let all = self.rows_only(portal, rows, max);
        if all {
            let tag = format!("SELECT {}", portal.at - from);
            self.say(&named(b'C', &[&tag], b""));
        }
        Ok(all)
    }

    fn parse(&mut self, name: Vec<u8>, sql: &str) -> Result<(), Failed> {
        self.begin();
        if name.is_empty() {
            self.statements.remove(b"".as_slice());
        }
        let texts = self.read(sql)?;
        let [text] = texts.as_slice() else { return Err(Failed("42601")) };
        self.may_run(text)?;
        self.tainted |= text.tainted;
        if let Does::Wrong(code) = text.does {
            return Err(Failed(code));
        }
        if self.statements.contains_key(&name) {
            return Err(Failed("42P05"));
        }
        self.statements.insert(name, *text);
        self.say(&plain(b'1'));
        Ok(())
    }

    fn bind(&mut self, portal: Vec<u8>, statement: &[u8]) -> Result<(), Failed> {
        self.begin();
        let text = *self.statements.get(statement).ok_or(Failed("26000"))?;
        self.may_run(&text)?;
        self.tainted |= text.tainted;
        if !portal.is_empty() && self.portals.contains_key(&portal) {
            return Err(Failed("42P03"));
        }
        if let Does::Unbindable(code) = text.does {
            return Err(Failed(code));
        }
        self.portals.insert(portal, Portal { text, at: 0, done: false });
        self.say(&plain(b'2'));
        Ok(())
    }

    fn describe(&mut self, what: u8, name: &[u8]) -> Result<(), Failed> {
        self.begin();
        let text = match what {
            b'S' => *self.statements.get(name).ok_or(Failed("26000"))?,
            _ => self.portals.get(name).ok_or(Failed("34000"))?.text,
        };
        let columns = match text.does {
            Does::Rows(columns, _) | Does::Fails(_, columns, _) => Some(columns),
            Does::Unbindable(_) => Some(STATUS),
            _ => None,
        };
        if columns.is_some() {
            self.may_run(&text)?;
        }
        if what == b'S' {
            self.say(&named(b't', &[], b"\0\0"));
        }
        match columns {
            Some(columns) => self.say(&shape(columns)),
            None => self.say(&plain(b'n')),
        }
        Ok(())
    }

    fn execute(&mut self, name: &[u8], max: usize) -> Result<(), Failed> {
        self.begin();
        let mut portal = *self.portals.get(name).ok_or(Failed("34000"))?;
        self.may_run(&portal.text)?;
        self.tainted |= portal.text.tainted;
        let all = self.run(&mut portal, max)?;
        if !all {
            self.say(&plain(b's'));
        }
        if let Some(kept) = self.portals.get_mut(name) {
            *kept = portal;
        }
        Ok(())
    }
}
