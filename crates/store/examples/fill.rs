//! Fills an index as big as a busy house's, and says what that and searching in it costs.
//!
//! ```text
//! cargo run --release -p store --example fill -- [statements] [folder]
//! ```
//!
//! 25 statements a session, 100 sessions at a time, 50 principals, 20 tables, 300 texts with differing literals. Without a
//! folder the file goes to a temporary one; a folder that has an index is searched as it is.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example fails by panicking and prints what it measured"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use store::{Cursor, Entry, Index, Ruling, Search, Text};

/// As in `weir`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Entries of a batch.
const BATCH: u64 = 100_000;
const TABLES: [&str; 20] = [
    "orders",
    "customers",
    "order_items",
    "products",
    "payments",
    "invoices",
    "refunds",
    "shipments",
    "carts",
    "reviews",
    "people",
    "accounts",
    "addresses",
    "events",
    "sessions",
    "audit",
    "stock",
    "prices",
    "suppliers",
    "tickets",
];
const CLASSES: [&str; 4] = ["pii.email", "pii.name", "pci.card", "pii.national_id"];

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// Small ones more often.
    fn skewed(&mut self, end: u64) -> u64 {
        self.below(end).min(self.below(end)).min(self.below(end))
    }
}

/// Records as the log would hold them.
struct Log {
    dice: Dice,
    seq: u64,
    at: u64,
    sessions: u64,
    /// Number, statements left, statements so far, text of its admission.
    open: Vec<(u64, u64, u64)>,
    json: String,
}

impl Log {
    fn record(&mut self, index: &mut store::Writer<'_>, session: u64, rest: std::fmt::Arguments<'_>) {
        self.seq += 1;
        self.at += self.dice.below(200);
        self.json.clear();
        let Self { seq, at, .. } = self;
        let id = format!("01a217e5-{:04x}-7466-af70-{session:012x}", session % 65_536);
        write!(self.json, r#"{{"seq":{seq},"at":{at},"session":"{id}",{rest}}}"#).unwrap();
        index.add(Entry { lane: 0, seq: self.seq, json: &self.json }).unwrap();
    }

    fn begin(&mut self, index: &mut store::Writer<'_>) {
        self.sessions += 1;
        let session = self.sessions;
        let who = self.dice.skewed(50);
        let caller = match who {
            0..20 => format!(
                r#""principal":"github:acme/job{who}","kind":"Workload","owner":"corp:user{}@example.com","run":"acme/job{who}/nightly#{}""#,
                20 + who,
                session / 4
            ),
            _ => format!(r#""principal":"corp:user{who}@example.com","kind":"User""#),
        };
        let (group, target) = (who % 7, self.dice.skewed(5));
        self.record(
            index,
            session,
            format_args!(
                r#""event":"admitted",{caller},"groups":["users","group{group}"],"credential":"local:{who:012x}","target":"shop{target}","place":"shop","peer":"10.0.0.{who}:40000","application":"psql","policies":"a12b","rules":["connect"]"#
            ),
        );
        let statements = 1 + self.dice.below(49);
        self.open.push((session, statements, 0));
    }

    /// One statement of one of the sessions.
    fn go_on(&mut self, index: &mut store::Writer<'_>) {
        while self.open.len() < 100 {
            self.begin(index);
        }
        let at = usize::try_from(self.dice.below(100)).unwrap();
        let (session, left, op) = &mut self.open[at];
        (*left, *op) = (*left - 1, *op + 1);
        let (session, left, op) = (*session, *left, *op);
        let text = self.dice.skewed(300);
        let table = TABLES[usize::try_from(text % 20).unwrap()];
        let literal = self.dice.below(1_000_000_000);
        let (column, other) = (text / 20, (text * 7) % 40);
        let (verb, sql) = match text % 4 {
            0 => (
                "select",
                format!(
                    "SELECT id, column_{column}, total FROM public.{table} WHERE customer_id = {literal} AND kind_{other} = 'k' ORDER BY created_at DESC LIMIT 50"
                ),
            ),
            1 => (
                "select",
                format!(
                    "SELECT count(*), max(column_{column}) FROM public.{table} JOIN public.orders ON orders.id = {table}.order_id WHERE {table}.id = {literal}"
                ),
            ),
            2 => (
                "insert",
                format!(
                    "INSERT INTO public.{table} (column_{column}, kind_{other}, note) VALUES ({literal}, 'fixed', $1) RETURNING id"
                ),
            ),
            _ => (
                "update",
                format!(
                    "UPDATE public.{table} SET column_{column} = {literal}, updated_at = now() WHERE id = {}",
                    literal / 7
                ),
            ),
        };
        let denied = self.dice.below(50) == 0;
        let ruling = if denied { "deny" } else { "permit" };
        let probe = if text.is_multiple_of(10) {
            format!(
                r#","probe Field::\"shop0/public.{table}.column_{column}\" of {}""#,
                CLASSES[usize::try_from(text / 10 % 4).unwrap()]
            )
        } else {
            String::new()
        };
        let rule = text % 12;
        self.record(
            index,
            session,
            format_args!(
                r#""event":"decided","op":{op},"ruling":"{ruling}","step":"execute","asks":["{verb} Target::\"shop0\"","{verb} Table::\"shop0/public.{table}\""{probe}],"rules":["rule_{rule}"],"digest":"{:064x}","text":"{sql}""#,
                u128::from(literal) << 64
            ),
        );
        if !denied {
            let rows = 1 << self.dice.skewed(20);
            let rows = rows + self.dice.below(rows);
            let classes = match text % 10 {
                0 => format!(r#","classes":["{}:partial"]"#, CLASSES[usize::try_from(text / 10 % 4).unwrap()]),
                1 => format!(r#","classes":["{}:clear"]"#, CLASSES[usize::try_from(text / 10 % 4).unwrap()]),
                _ => String::new(),
            };
            self.record(
                index,
                session,
                format_args!(
                    r#""event":"ended","op":{op},"outcome":"done","rows":{rows},"bytes":{},"masked":0{classes}"#,
                    rows * 40
                ),
            );
        }
        if left == 0 {
            self.open.swap_remove(at);
            self.record(
                index,
                session,
                format_args!(r#""event":"closed","why":"caller said goodbye","permitted":{op},"refused":0"#),
            );
        }
    }
}

fn fill(index: &mut Index, statements: u64) {
    let mut log = Log {
        dice: Dice(0x9e37_79b9_7f4a_7c15),
        seq: 0,
        at: 1_795_000_000_000_000,
        sessions: 0,
        open: Vec::new(),
        json: String::new(),
    };
    let (mut done, began) = (0, Instant::now());
    let mut shown = Instant::now();
    while done < statements {
        let until = log.seq + BATCH;
        let mut writer = index.write().unwrap();
        while log.seq < until && done < statements {
            log.go_on(&mut writer);
            done += 1;
            // A needle, in the oldest tenth.
            if done == statements / 10 {
                log.record(&mut writer, 1, format_args!(r#""event":"decided","op":99,"ruling":"deny","step":"query","asks":["truncate Table::\"shop0/hidden.rare\""],"rules":["never"],"digest":"00","text":"TRUNCATE hidden.rare, needle""#));
            }
        }
        writer.commit(&[Cursor { lane: 0, seq: log.seq, place: Vec::new() }]).unwrap();
        if shown.elapsed() > Duration::from_secs(15) {
            shown = Instant::now();
            println!("{done} statements, {:.0} records/s so far", log.seq as f64 / began.elapsed().as_secs_f64());
        }
    }
    index.write().unwrap().settle().unwrap();
    let took = began.elapsed().as_secs_f64();
    println!(
        "{} records, {done} statements, {} sessions in {took:.1} s: {:.0} records/s",
        log.seq,
        log.sessions,
        log.seq as f64 / took
    );
    let spent = processor_seconds();
    println!("{spent:.1} s of a processor, making the records included: {:.0} records/s", log.seq as f64 / spent);
}

/// What this process has used of a processor, in user mode and in the system: on a machine that others use too, the
/// time on the wall says little.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

fn main() {
    let mut args = std::env::args().skip(1);
    let statements = args.next().map_or(5_000_000, |count| count.parse().unwrap());
    let folder = args.next();
    let temporary = tempfile::tempdir().unwrap();
    let file = folder.as_deref().map_or(temporary.path(), Path::new).join("index.sqlite");
    if !file.exists() {
        fill(&mut Index::open(&file).unwrap(), statements);
    }
    println!("{:.0} MB", std::fs::metadata(&file).unwrap().len() as f64 / 1e6);
    println!(
        "{:44} {:>8} {:>9} {:>9} {:>9}   (ms: first in a new process' cache, median and longest of 11)",
        "first page of", "found", "first", "median", "longest"
    );
    let mut longest = Duration::ZERO;
    for (name, search) in searches() {
        longest = longest.max(measure(&file, name, |index| {
            let page = index.statements(&search, None, 50).unwrap();
            (page.found.len(), page.next.is_some())
        }));
    }
    println!("sessions");
    for (name, search) in searches().into_iter().filter(|(_, search)| search.text.is_none() && search.session.is_none())
    {
        longest = longest.max(measure(&file, name, |index| {
            let page = index.sessions(&search, None, 50).unwrap();
            (page.found.len(), page.next.is_some())
        }));
    }
    println!("longest of all: {:.1} ms", longest.as_secs_f64() * 1e3);
}

fn measure(file: &Path, name: &str, page: impl Fn(&Index) -> (usize, bool)) -> Duration {
    // Opened anew: SQLite's own cache is empty, the system's is not.
    let index = Index::open(file).unwrap();
    let mut times = Vec::new();
    let mut found = (0, false);
    for _ in 0..12 {
        let began = Instant::now();
        found = page(&index);
        times.push(began.elapsed());
    }
    let first = times.remove(0);
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let more = if found.1 { "+" } else { "" };
    println!(
        "{name:44} {:>8} {:>9.2} {:>9.2} {:>9.2}",
        format!("{}{more}", found.0),
        ms(first),
        ms(times[5]),
        ms(times[10])
    );
    first.max(times[10])
}

fn searches() -> Vec<(&'static str, Search)> {
    let text = |words: &str| Text::parse(words);
    let some = |value: &str| Some(value.to_owned());
    let mut searches = vec![
        ("everything", Search::default()),
        ("person, many", Search { person: some("acme/job0"), ..Search::default() }),
        ("person, few", Search { person: some("user35@example.com"), ..Search::default() }),
        ("person, unknown", Search { person: some("nobody"), ..Search::default() }),
        ("owner", Search { owner: some("user20@example.com"), ..Search::default() }),
        ("group, all", Search { group: some("users"), ..Search::default() }),
        ("group, some", Search { group: some("group3"), ..Search::default() }),
        ("target", Search { target: some("shop4"), ..Search::default() }),
        ("run", Search { run: some("acme/job3/nightly#7"), ..Search::default() }),
        ("workflow", Search { run: some("acme/job3/nightly"), ..Search::default() }),
        ("table", Search { table: some("orders"), ..Search::default() }),
        ("table, one", Search { table: some("hidden.rare"), ..Search::default() }),
        ("column", Search { column: some("column_3"), ..Search::default() }),
        ("class", Search { class: some("pii"), ..Search::default() }),
        ("class and sight", Search { class: some("pci.card:clear"), ..Search::default() }),
        ("rule", Search { rule: some("rule_5"), ..Search::default() }),
        ("permitted", Search { ruling: Some(Ruling::Permit), ..Search::default() }),
        ("denied", Search { ruling: Some(Ruling::Deny), ..Search::default() }),
        ("rows, any", Search { rows_min: Some(1), ..Search::default() }),
        ("rows, 1000", Search { rows_min: Some(1000), ..Search::default() }),
        ("rows, most", Search { rows_min: Some(1_048_570), ..Search::default() }),
        ("rows, none", Search { rows_min: Some(5_000_000), ..Search::default() }),
        ("since, none", Search { since: Some(2_000_000_000_000_000), ..Search::default() }),
        ("until, a tenth", Search { until: Some(1_795_000_100_000_000), ..Search::default() }),
        ("text, in all of them", Search { text: text("public"), ..Search::default() }),
        ("text, many", Search { text: text("select"), ..Search::default() }),
        ("text, two", Search { text: text("insert payments"), ..Search::default() }),
        ("text, two that never meet", Search { text: text("insert limit"), ..Search::default() }),
        ("text, literal", Search { text: text("123456789"), ..Search::default() }),
        ("text, needle", Search { text: text("needle"), ..Search::default() }),
        ("text, needle and many", Search { text: text("needle truncate"), ..Search::default() }),
        ("text, phrase", Search { text: text("\"from public.orders\""), ..Search::default() }),
        ("text, phrase that is nowhere", Search { text: text("\"orders from public\""), ..Search::default() }),
        (
            "text, long phrase that is nowhere",
            Search { text: text("\"public orders where public\""), ..Search::default() },
        ),
        ("text, nowhere", Search { text: text("nowhere"), ..Search::default() }),
    ];
    let pairs = [
        ("person, many + denied", ("person, many", "denied")),
        ("person, few + text", ("person, few", "text, many")),
        ("person, few + table", ("person, few", "table")),
        ("permitted + rows, most", ("permitted", "rows, most")),
        ("denied + rows, any (never)", ("denied", "rows, any")),
        ("denied + text, many", ("denied", "text, many")),
        ("denied + text, needle", ("denied", "text, needle")),
        ("permitted + text, needle (never)", ("permitted", "text, needle")),
        ("table + text, two (never)", ("table", "text, two")),
        ("table + text, phrase", ("table", "text, phrase")),
        ("table + rule", ("table", "rule")),
        ("class + rows, 1000", ("class", "rows, 1000")),
        ("run + text, many", ("run", "text, many")),
        ("until, a tenth + text, many", ("until, a tenth", "text, many")),
        ("until, a tenth + denied", ("until, a tenth", "denied")),
        ("owner + class", ("owner", "class")),
        ("group, some + column", ("group, some", "column")),
    ];
    let named = |searches: &[(&'static str, Search)], wanted| {
        searches.iter().find(|(name, _)| *name == wanted).unwrap().1.clone()
    };
    for (name, (one, other)) in pairs {
        let (one, other) = (named(&searches, one), named(&searches, other));
        let search = Search {
            person: one.person.or(other.person),
            owner: one.owner.or(other.owner),
            group: one.group.or(other.group),
            target: one.target.or(other.target),
            run: one.run.or(other.run),
            session: None,
            table: one.table.or(other.table),
            column: one.column.or(other.column),
            class: one.class.or(other.class),
            rule: one.rule.or(other.rule),
            ruling: one.ruling.or(other.ruling),
            text: one.text.or(other.text),
            since: one.since.or(other.since),
            until: one.until.or(other.until),
            rows_min: one.rows_min.or(other.rows_min),
            subject: None,
        };
        searches.push((name, search));
    }
    searches
}
