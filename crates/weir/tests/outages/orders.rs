//! Random pipelines, with refusals anywhere in them, through Weir and on the server itself: what the caller gets is the
//! same, message for message, but for what is masked; and so is what is left on the server.
//!
//! On the direct way the refused statement is one that does not parse. Prepared statements may go on from one case to the
//! next; `WEIR_FUZZ_SECONDS` makes it longer, `WEIR_FUZZ_SEED` begins elsewhere, and a failing case says all
//! that it sent.

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use testkit::Release;
use testkit::weir::Weir;

use crate::house::{CLIENTS, PASSWORD, assert_sound};
use crate::random::Random;
use crate::wire::{Came, PROTOCOL_3_0, Report, Session, Wire, cells, cstr, frame};

const SCHEMA: &str = "
CREATE TABLE ledger (step int PRIMARY KEY, word text);
CREATE TABLE children (step int REFERENCES ledger DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE people (id int, ssn text, city text);
INSERT INTO people VALUES (1, '903-77-4141', 'Leeds'), (2, '903-77-4142', 'York');
CREATE TABLE vault (gold int);
INSERT INTO ledger VALUES (0, 'zero'), (-1, 'one'), (-2, 'two');
";

const POLICIES: &str = r#"
@id("all") permit (principal, action, resource);
@id("unseen") forbid (principal, action in [Action::"see", Action::"see_partial", Action::"see_token"], resource);
@id("vault") forbid (principal, action, resource is Table) when { resource.name == "public.vault" };
@id("read") forbid (principal, action == Action::"opaque", resource);
"#;

/// What is refused through Weir, and does not parse on the server.
const REFUSED: &str = "REFUSED";

/// `#` is a number of its own in each text.
const TEXTS: [&str; 36] = [
    "INSERT INTO ledger VALUES (#, 'word')",
    "INSERT INTO ledger VALUES (#, 'word') RETURNING step, word",
    "INSERT INTO ledger VALUES (0, 'twice')",
    "INSERT INTO children VALUES (#)",
    "INSERT INTO children VALUES (0)",
    "UPDATE ledger SET word = word || '.' WHERE step = 0 RETURNING length(word)",
    "DELETE FROM ledger WHERE step > 0",
    "SELECT step, word FROM ledger WHERE step <= 0 ORDER BY step",
    "SELECT count(*) FROM ledger",
    "SELECT 1 / (step + 1) FROM ledger WHERE step <= 0 ORDER BY step DESC",
    "SELECT nothing FROM ledger",
    "SELECT 1 FROM nowhere",
    "SELECT 1",
    "SELECT 1 / 0",
    "SELECT 'a text', 2, NULL",
    "SELECT generate_series(1, 5)",
    "SELECT id, ssn, city FROM people ORDER BY id",
    "SELECT ssn FROM people ORDER BY id",
    "SELECT ssn::int FROM people",
    "SELECT city FROM people WHERE id = 1 / 0",
    "UPDATE people SET city = city",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "RELEASE s",
    "COMMIT AND CHAIN",
    "",
    "SELEC 1",
    "SET work_mem = '4MB'",
    "SHOW work_mem",
    "SET LOCAL work_mem = '5MB'",
    REFUSED,
    REFUSED,
    REFUSED,
];

/// Texts with one parameter.
const WITH_PARAMETER: [&str; 3] =
    ["SELECT $1::int + 1", "INSERT INTO ledger VALUES ($1, 'bound')", "SELECT ssn FROM people WHERE id = $1"];

/// What the refused statement is through Weir.
const VAULT: [&str; 3] = ["SELECT * FROM vault", "INSERT INTO vault VALUES (1)", "TRUNCATE vault"];

const NAMES: [&str; 3] = ["", "a", "b"];

/// One case: its messages on both ways, and in words.
#[derive(Default)]
struct Case {
    direct: Vec<u8>,
    through: Vec<u8>,
    words: String,
}

impl Case {
    fn both(&mut self, kind: u8, body: &[u8], word: &str) {
        self.direct.extend(frame(kind, body));
        self.through.extend(frame(kind, body));
        let _ = writeln!(self.words, "  {word}");
    }

    /// A message whose text is another on each way, if it holds what is refused.
    fn text(&mut self, random: &mut Random, kind: u8, before: &[u8], text: &str, behind: &[u8]) {
        let through = text.replace(REFUSED, random.one(&VAULT));
        for (bytes, text) in [(&mut self.direct, text), (&mut self.through, &through)] {
            bytes.extend(frame(kind, &[before, &cstr(text), behind].concat()));
        }
        let _ = writeln!(self.words, "  {} {} {text}", char::from(kind), String::from_utf8_lossy(before));
    }

    fn step(&mut self, random: &mut Random, number: &mut usize) {
        let mut text = |random: &mut Random| {
            *number += 1;
            random.one(&TEXTS).replace('#', &number.to_string())
        };
        let (name, portal) = (random.one(&NAMES), random.one(&NAMES));
        match random.below(24) {
            0..4 => {
                let mut whole = text(random);
                while random.below(3) == 0 {
                    whole = format!("{whole}; {}", text(random));
                }
                self.text(random, b'Q', b"", &whole, b"");
            }
            4..9 => {
                // A whole batch, as drivers send them.
                let text = if random.below(4) == 0 { random.one(&WITH_PARAMETER).to_owned() } else { text(random) };
                if !name.is_empty() && random.below(2) == 0 {
                    self.both(b'C', &[b"S", &*cstr(name)].concat(), &format!("C S{name}"));
                }
                self.text(random, b'P', &cstr(name), &text, &[0, 0]);
                self.describe(random, b'S', name);
                self.bind(random, portal, name, text.contains('$'));
                self.describe(random, b'P', portal);
                self.execute(random, portal);
                if random.below(3) > 0 {
                    self.both(b'S', b"", "S");
                }
            }
            9..11 => {
                let text = text(random);
                self.text(random, b'P', &cstr(name), &text, &[0, 0]);
            }
            11..14 => {
                let parameter = random.below(4) == 0;
                self.bind(random, portal, name, parameter);
            }
            14..16 => self.execute(random, portal),
            16 => self.describe(random, b'S', name),
            17 => self.describe(random, b'P', portal),
            18 => self.both(b'C', &[b"S", &*cstr(name)].concat(), &format!("C S{name}")),
            19 => self.both(b'C', &[b"P", &*cstr(portal)].concat(), &format!("C P{portal}")),
            20 => self.both(b'H', b"", "H"),
            21 => self.both(b'd', b"late", "d"),
            _ => self.both(b'S', b"", "S"),
        }
    }

    fn bind(&mut self, random: &mut Random, portal: &str, name: &str, parameter: bool) {
        let mut body = [cstr(portal), cstr(name)].concat();
        if parameter {
            let value = random.one(&["1", "2", "0", "no number"]);
            body.extend([0, 0, 0, 1]);
            body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
            body.extend(value.as_bytes());
        } else {
            body.extend([0, 0, 0, 0]);
        }
        body.extend([0, 0]);
        self.both(b'B', &body, &format!("B {portal} of {name} {parameter}"));
    }

    fn describe(&mut self, random: &mut Random, what: u8, name: &str) {
        if random.below(2) == 0 {
            self.both(b'D', &[&[what], &*cstr(name)].concat(), &format!("D {}{name}", char::from(what)));
        }
    }

    fn execute(&mut self, random: &mut Random, portal: &str) {
        let most = i32::try_from(random.below(3)).unwrap();
        self.both(b'E', &[&*cstr(portal), &most.to_be_bytes()].concat(), &format!("E {portal} {most}"));
    }
}

fn case(random: &mut Random, number: &mut usize) -> Case {
    let mut case = Case::default();
    // Often what was prepared before is put away first; sometimes it is not.
    if random.below(3) > 0 {
        for name in NAMES {
            case.both(b'C', &[b"S", &*cstr(name)].concat(), &format!("C S{name}"));
        }
    }
    for _ in 0..1 + random.below(14) {
        case.step(random, number);
    }
    case.both(b'S', b"", "S");
    case.both(b'Q', &cstr("ROLLBACK"), "Q ROLLBACK");
    case.both(b'Q', &cstr("SELECT 'that was all'"), "Q SELECT 'that was all'");
    case
}

/// What came of a case, in words: each message that does not come at any moment.
fn told(session: &mut Session) -> Vec<String> {
    let mut told = Vec::new();
    let mut last = false;
    loop {
        match session.wire.next() {
            Came::Frame(b'N' | b'S' | b'A', _) => {}
            Came::Frame(b'D', body) => {
                let cells: Vec<String> = cells(&body)
                    .into_iter()
                    .map(|cell| if cell.contains("903-77") || cell == "[redacted]" { "*".to_owned() } else { cell })
                    .collect();
                last |= cells == ["that was all"];
                told.push(format!("D {}", cells.join(" | ")));
            }
            Came::Frame(b'E', body) => {
                let report = Report::read(&body);
                let code = if report.code == "42501" { "42601" } else { &report.code };
                told.push(format!("E {} {code}", report.severity));
            }
            Came::Frame(kind, body) => {
                told.push(format!("{} {}", char::from(kind), String::from_utf8_lossy(&body)));
                if kind == b'Z' && last {
                    return told;
                }
            }
            Came::End => {
                told.push("the end".to_owned());
                return told;
            }
        }
    }
}

/// What comparing both ways came to.
enum Compared {
    Same,
    /// In a failed transaction the server keeps the portal of a Bind or a simple query that failed, which can do nothing but
    /// say that it has no columns and cannot be run. Weir says that there is none, and what follows is skipped elsewhere.
    Excused,
    DiffersAt(usize),
}

fn compare(should: &[String], is: &[String]) -> Compared {
    let same = should.iter().zip(is).take_while(|(one, other)| one == other).count();
    let next = |told: &[String]| told.get(same).map_or(String::new(), String::clone);
    let failed = should[..same].iter().rev().find(|told| told.starts_with('Z')).is_some_and(|ready| ready == "Z E");
    match (&*next(should), &*next(is)) {
        ("", "") => Compared::Same,
        ("n " | "I " | "E ERROR 55000" | "E ERROR 25P02", "E ERROR 34000") if failed => Compared::Excused,
        _ => Compared::DiffersAt(same),
    }
}

/// As many on every machine, or as long as asked.
const CASES: u64 = 4000;

fn goes_on(cases: u64, begun: Instant) -> bool {
    let seconds: Option<u64> = std::env::var("WEIR_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    seconds.map_or(cases < CASES, |seconds| begun.elapsed() < Duration::from_secs(seconds))
}

#[test]
fn random_pipelines_leave_what_they_leave_without_weir() {
    let server = CLIENTS.server(Release::Distribution).start().unwrap();
    server.psql("postgres", &format!("CREATE ROLE holder SUPERUSER LOGIN PASSWORD '{PASSWORD}'")).unwrap();
    // How far a statement comes before it fails depends on its plan, which must be the same on both ways.
    server
        .psql("postgres", "ALTER ROLE holder SET enable_indexscan = off; ALTER ROLE holder SET enable_bitmapscan = off")
        .unwrap();
    server.psql("postgres", "CREATE DATABASE through").unwrap();
    server.psql("through", SCHEMA).unwrap();
    // The same oids in both.
    server.psql("postgres", "CREATE DATABASE direct TEMPLATE through").unwrap();
    let hba = server.folder().join("data/pg_hba.conf");
    let trusting = "host direct holder 127.0.0.1/32 trust\n".to_owned();
    fs::write(&hba, trusting + &fs::read_to_string(&hba).unwrap()).unwrap();
    server.psql("postgres", "SELECT pg_reload_conf()").unwrap();
    let classes = [("public.people.ssn", "pii.national_id")];
    let mut weir = Weir::builder(env!("CARGO_BIN_EXE_weir"))
        .target("through", &server, "through", ("holder", PASSWORD), &classes)
        .policies(POLICIES)
        .start();
    let token = weir.token("alice", &[]);
    let begin = || {
        let login = [("user", "holder"), ("database", "direct")];
        let direct = Session::on(Wire::to(server.port()), PROTOCOL_3_0, &login, "").unwrap();
        (direct, Session::log_in(&weir, "alice", "through", &token))
    };
    let (mut direct, mut through) = begin();
    let given = std::env::var("WEIR_FUZZ_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or(0x9e37_79b9_7f4a_7c15_u64);
    let (mut random, mut number) = (Random(seed), 0);
    let (begun, mut cases, mut excused) = (Instant::now(), 0_u64, 0);
    while goes_on(cases, begun) {
        let case = case(&mut random, &mut number);
        direct.wire.send_raw(&case.direct);
        // In pieces, so that more than one read sees it.
        let cut = random.below(case.through.len() + 1);
        through.wire.send_raw(&case.through[..cut]);
        through.wire.send_raw(&case.through[cut..]);
        let (should, is) = (told(&mut direct), told(&mut through));
        match compare(&should, &is) {
            Compared::Same => {}
            Compared::Excused => {
                excused += 1;
                (direct, through) = begin();
                for database in ["direct", "through"] {
                    server.psql(database, "DELETE FROM children; DELETE FROM ledger WHERE step > 0").unwrap();
                }
            }
            Compared::DiffersAt(at) => panic!(
                "seed {seed}, case {cases}:\n{}\nafter\n{}\n--- directly\n{}\n--- through Weir\n{}\n{}",
                case.words,
                should[..at].join("\n"),
                should[at..].join("\n"),
                is[at..].join("\n"),
                weir.stderr()
            ),
        }
        cases += 1;
        if u64::is_multiple_of(cases, 50) {
            let left = |database| {
                let sql = "SELECT (SELECT string_agg(step || word, ',' ORDER BY step) FROM ledger),
                                  (SELECT count(*) FROM children), (SELECT count(*) FROM vault)";
                server.psql(database, sql).unwrap()
            };
            assert_eq!(left("direct"), left("through"), "seed {seed}, case {cases}");
        }
    }
    println!("{cases} random pipelines, {excused} of them excused, seed {seed}, {:.1?}", begun.elapsed());
    assert!(cases > 50 && excused * 100 < cases, "{cases}, {excused} of them excused");
    assert_sound(&mut weir);
    weir.verify();
}
