//! A conversation with both of its sides in hand.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use gate::{
    Arrival, Content, Event, Frame, Gate, Keys, Ledger, LedgerDown, Opening, Record, Recorder, RecorderDown, Recording,
    Ruling,
};
use model::{
    ClassId, CredentialId, OnWrite, Principal, PrincipalKind, RecordingLevel, RecordingRule, SessionId, Sight, Target,
    UnixMicros,
};
use parking_lot::Mutex;
use policy::{Known, Policies, SourceFile};
use sql_postgres::{CATALOG_QUERIES, Catalog, CatalogRows, ClassRules, OWN_CATALOG_QUERIES, VOCABULARY};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::catalog::Catalogs;
use crate::conversation::Conversation;
use crate::target::TargetSettings;
use crate::wire::backend::Report;
use crate::wire::build;
use crate::wire::frame::{HEAD_BYTES, Head};

pub const NOW: UnixMicros = UnixMicros(1_800_000_000_000_000);
pub const CUSTOMERS: u32 = 20_001;
pub const ORDERS: u32 = 20_002;
const VAULT: u32 = 20_003;
pub const POISON: &str = "weir_refused_test";

const POLICIES: &str = r#"
@id("use") permit (principal, action in [Action::"connect", Action::"session", Action::"read", Action::"write", Action::"define", Action::"store", Action::"copy_in", Action::"copy_out", Action::"function_call", Action::"large_object"], resource);
@id("ask") permit (principal, action in [Action::"probe", Action::"overwrite"], resource);
@id("code") permit (principal, action == Action::"call", resource);
@id("vault") forbid (principal, action, resource is Table) when { resource.name == "public.vault" };
@id("kept") forbid (principal, action == Action::"drop", resource);
@id("changes") permit (principal, action in [Action::"replication", Action::"replicate"], resource);
@id("mail") permit (principal, action == Action::"see_partial", resource in Class::"pii.email");
"#;

/// What has been written to the target.
#[derive(Clone, Default)]
pub struct Wire(Arc<Mutex<Vec<u8>>>);

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.0.lock().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }
}

/// A ledger in memory.
#[derive(Default)]
pub struct Memory {
    pub records: Mutex<Vec<Record>>,
    pub down: AtomicBool,
}

impl Ledger for Memory {
    fn append(&self, records: &[Record]) -> Result<(), LedgerDown> {
        if self.down.load(Ordering::SeqCst) {
            return Err(LedgerDown("no space left on device".into()));
        }
        self.records.lock().extend_from_slice(records);
        Ok(())
    }
    fn note(&self, record: Record) {
        self.records.lock().push(record);
    }
}

/// What a recording would be made of.
#[derive(Debug, Default)]
pub struct Tape {
    pub pieces: Mutex<Vec<Piece>>,
    pub down: AtomicBool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Record(String),
    About(u64),
    Shape(Vec<String>),
    Shown(Vec<u8>),
    Instead(u64, Vec<u8>),
}

impl Tape {
    /// All bytes that are kept.
    pub fn kept(&self) -> Vec<u8> {
        let of = |piece: &Piece| match piece {
            Piece::Shown(bytes) | Piece::Instead(_, bytes) => bytes.clone(),
            _ => Vec::new(),
        };
        self.pieces.lock().iter().flat_map(of).collect()
    }

    /// How many bytes it stands for.
    pub fn bytes(&self) -> usize {
        let of = |piece: &Piece| match piece {
            Piece::Shown(bytes) => bytes.len(),
            Piece::Instead(bytes, _) => *bytes as usize,
            _ => 0,
        };
        self.pieces.lock().iter().map(of).sum()
    }
}

#[derive(Debug)]
struct Taping(Arc<Tape>);

impl Recorder for Taping {
    fn begin(&self, _: &Opening<'_>) -> Result<Box<dyn Recording>, RecorderDown> {
        Ok(Box::new(Self(Arc::clone(&self.0))))
    }
}

impl Recording for Taping {
    fn poll_room(&self, _: &mut Context<'_>) -> Poll<Result<(), RecorderDown>> {
        Poll::Ready(self.stands())
    }

    fn stands(&self) -> Result<(), RecorderDown> {
        match self.0.down.load(Ordering::SeqCst) {
            true => Err(RecorderDown("no space left on device".to_owned())),
            false => Ok(()),
        }
    }

    fn add(&self, _: UnixMicros, frame: Frame<'_>) {
        self.0.pieces.lock().push(match frame {
            Frame::Record(record) => Piece::Record(format!("{:?}", record.event)),
            Frame::About(op) => Piece::About(op),
            Frame::Shape(fields) => Piece::Shape(
                fields
                    .iter()
                    .map(|f| format!("{}:{}:{}:{}", f.name, f.class.unwrap_or(""), f.sight.as_str(), f.kept.as_str()))
                    .collect(),
            ),
            Frame::Shown(bytes) => Piece::Shown(bytes.to_vec()),
            Frame::Instead { bytes, kept } => Piece::Instead(bytes, kept.to_vec()),
        });
    }
}

/// A conversation and everything around it.
pub struct House {
    pub conversation: Conversation<Wire>,
    pub ledger: Arc<Memory>,
    catalogs: Arc<Catalogs>,
    rules: ClassRules,
    wire: Wire,
}

impl House {
    pub fn new() -> Self {
        static LOADED: LazyLock<Arc<Policies>> = LazyLock::new(|| policies(POLICIES));
        Self::built(&LOADED, true, None)
    }

    /// A house where opaque operations are permitted, and where something is classified or nothing is.
    pub fn opaque(classified: bool) -> Self {
        static LOADED: LazyLock<Arc<Policies>> = LazyLock::new(|| {
            policies(&format!("{POLICIES} @id(\"any\") permit (principal, action == Action::\"opaque\", resource);"))
        });
        Self::built(&LOADED, classified, None)
    }

    /// A house of somebody who may see everything.
    pub fn seeing() -> Self {
        static LOADED: LazyLock<Arc<Policies>> = LazyLock::new(|| {
            policies(&format!("{POLICIES} @id(\"see\") permit (principal, action == Action::\"see\", resource);"))
        });
        Self::built(&LOADED, true, None)
    }

    /// A house where values are looked at, of somebody who sees parts of addresses alone, or else of somebody who sees everything.
    pub fn looking(sees_all: bool, classified: bool) -> Self {
        let more = match sees_all {
            true => r#"@id("see") permit (principal, action == Action::"see", resource);"#,
            false => "",
        };
        let content = Content::new(detect::builtin().unwrap()).unwrap();
        Self::built(&policies(&format!("{POLICIES} {more}")), classified, Some(Arc::new(content)))
    }

    /// A house where nothing that is found in a value may be stored.
    pub fn forbidding() -> Self {
        Self::that_forbids(true)
    }

    /// The same where nothing is classified, so that code may be called with anything.
    pub fn forbidding_alone() -> Self {
        Self::that_forbids(false)
    }

    fn that_forbids(classified: bool) -> Self {
        static LOADED: LazyLock<(Arc<Policies>, Arc<Content>)> = LazyLock::new(|| {
            let forbid = r#"@id("stored") forbid (principal, action == Action::"store", resource);"#;
            let content = Content::new(detect::builtin().unwrap()).unwrap();
            (policies(&format!("{POLICIES} {forbid}")), Arc::new(content))
        });
        Self::built(&LOADED.0, classified, Some(Arc::clone(&LOADED.1)))
    }

    /// The same of one class alone.
    pub fn forbidding_numbers() -> Self {
        let forbid =
            r#"@id("stored") forbid (principal, action == Action::"store", resource in Class::"pii.national_id");"#;
        let content = Content::new(detect::builtin().unwrap()).unwrap();
        Self::built(&policies(&format!("{POLICIES} {forbid}")), true, Some(Arc::new(content)))
    }

    /// A house where numbers are stored as tokens and addresses in part, and neither as they are.
    pub fn lowering() -> Self {
        static LOADED: LazyLock<Arc<Policies>> = LazyLock::new(less);
        Self::built(&LOADED, true, None)
    }

    /// A house whose sessions are recorded, of somebody who sees parts of addresses alone, or else of somebody who sees everything; and where
    /// values are looked at, or not.
    pub fn recorded(sees_all: bool, looks: bool, sight: Sight) -> (Self, Arc<Tape>) {
        let more = match sees_all {
            true => r#"@id("see") permit (principal, action == Action::"see", resource);"#,
            false => "",
        };
        Self::taped(more, looks, true, sight)
    }

    /// The same of somebody who sees everything, where nothing is classified and values are looked at.
    pub fn recorded_unclassified() -> (Self, Arc<Tape>) {
        let more = r#"@id("see") permit (principal, action == Action::"see", resource);"#;
        Self::taped(more, true, false, Sight::Token)
    }

    fn taped(more: &str, looks: bool, classified: bool, sight: Sight) -> (Self, Arc<Tape>) {
        let content = looks.then(|| Arc::new(Content::new(detect::builtin().unwrap()).unwrap()));
        let tape = Arc::new(Tape::default());
        let rule = RecordingRule { level: RecordingLevel::Full, sight };
        let recorder = (rule, Arc::clone(&tape));
        (Self::built_with(&policies(&format!("{POLICIES} {more}")), classified, content, Some(recorder)), tape)
    }

    fn built(policies: &Arc<Policies>, classified: bool, content: Option<Arc<Content>>) -> Self {
        Self::built_with(policies, classified, content, None)
    }

    fn built_with(
        policies: &Arc<Policies>,
        classified: bool,
        content: Option<Arc<Content>>,
        recorder: Option<(RecordingRule, Arc<Tape>)>,
    ) -> Self {
        let ledger = Arc::new(Memory::default());
        let mut gate = Gate::new(Arc::clone(policies), Keys::new([9; 32]));
        let mut target = target();
        if let Some((rule, tape)) = recorder {
            target.recording = rule;
            gate = gate.with_recorder(Arc::new(Taping(tape)));
        }
        let gate = Arc::new(gate);
        let arrival = Arrival {
            session: SessionId("s1".into()),
            principal: Arc::new(Principal {
                kind: PrincipalKind::User,
                issuer: "local".into(),
                name: "alice".into(),
                groups: Default::default(),
                claims: Default::default(),
                owner: None,
                act: Vec::new(),
                run: None,
                credential: CredentialId("t1".into()),
                expires: None,
            }),
            target: Arc::new(target),
            place: None,
            peer: SocketAddr::from(([127, 0, 0, 1], 5)),
            application: None,
            at: NOW,
        };
        let session = gate.admit(arrival, Arc::clone(&ledger) as Arc<dyn Ledger>).unwrap().unwrap();
        let rules = ClassRules::parse(
            [("public.customers.email", "pii.email"), ("public.customers.ssn", "pii.national_id")]
                .map(|(pattern, class)| (pattern, ClassId::parse(class).unwrap()))
                .into_iter()
                .filter(|_| classified),
            false,
        )
        .unwrap()
        .on_write("public.customers.ssn", OnWrite::Token)
        .on_write("public.customers.email", OnWrite::Partial);
        let settings = TargetSettings { content, ..TargetSettings::of_tests(1, rules.clone()) };
        let catalogs = Arc::new(Catalogs::fixed(settings, Catalog::build(rows(), &rules, None)));
        let wire = Wire::default();
        let conversation = Conversation::new(session, wire.clone(), Arc::clone(&catalogs), POISON.to_owned());
        Self { conversation, ledger, catalogs, rules, wire }
    }

    /// How good the snapshot of the catalog is that all sessions share.
    pub fn freshness(&self) -> crate::catalog::Freshness {
        self.catalogs.freshness()
    }

    /// The caller sends; the types of what went to the target come back.
    pub fn caller(&mut self, bytes: &[u8]) -> String {
        self.conversation.take_from_caller(bytes, NOW);
        self.forwarded()
    }

    /// The target sends; the types of what went to the target because of it come back.
    pub fn target(&mut self, bytes: &[u8]) -> String {
        self.conversation.take_from_target(bytes, NOW);
        self.forwarded()
    }

    /// What went to the target since it was last asked.
    pub fn forwarded_bytes(&mut self) -> Vec<u8> {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(self.conversation.upstream().poll_flush(&mut cx).is_ready());
        std::mem::take(&mut *self.wire.0.lock())
    }

    /// The catalog is read again, and is as it was.
    pub fn read_catalog(&mut self) {
        let snapshot = Catalog::build(rows(), &self.rules, None);
        self.catalogs.replace(snapshot);
        self.conversation.catalog_read(true, NOW);
    }

    /// The catalog that all share now.
    pub fn catalog(&self) -> std::sync::Weak<Catalog> {
        self.catalogs.current().map(|snapshot| Arc::downgrade(&snapshot.catalog)).unwrap_or_default()
    }

    /// The catalog is read again, and has no tables.
    pub fn read_empty_catalog(&mut self) {
        self.catalogs.replace(Catalog::build(CatalogRows::default(), &self.rules, None));
        self.conversation.catalog_read(true, NOW);
    }

    /// So too, and it changes while it is read.
    pub fn read_empty_catalog_that_changes(&mut self) {
        self.catalogs.replace(Catalog::build(CatalogRows::default(), &self.rules, None));
        self.catalogs.mark_changed();
        self.conversation.catalog_read(true, NOW);
    }

    /// The session can be asked for its own catalog.
    pub fn bring(&self) {
        let mut rows = CatalogRows::default();
        for function in SYSTEM_FUNCTIONS {
            rows.add("system_functions", &[Some(function), Some("f"), Some("")]).unwrap();
        }
        self.catalogs.bring(rows);
    }

    /// The catalog is known to have changed.
    pub fn change_catalog(&mut self) {
        self.catalogs.mark_changed();
    }

    /// The policies are replaced by those of a house where values are stored as they are.
    pub fn let_store(&mut self) {
        self.conversation.session().gate().replace_policies(policies(POLICIES));
    }

    /// The same of one where less is stored.
    pub fn lower(&mut self) {
        self.conversation.session().gate().replace_policies(less());
    }

    /// The policies are replaced by none.
    pub fn withdraw_policies(&mut self) {
        self.conversation.session().gate().replace_policies(policies(""));
    }

    /// The catalog is read again, and has a view `notes` of this table.
    pub fn read_catalog_with_view_of(&mut self, table: u32) {
        let mut rows = rows();
        rows.add("relations", &[Some("20009"), Some("public"), Some("notes"), Some("v")]).unwrap();
        rows.add("columns", &[Some("20009"), Some("1"), Some("body"), Some("f"), Some("t")]).unwrap();
        rows.add("reads", &[Some("20009"), Some(&table.to_string())]).unwrap();
        self.catalogs.replace(Catalog::build(rows, &self.rules, None));
        self.conversation.catalog_read(true, NOW);
    }

    /// How often a text was permitted to run.
    pub fn permits(&self, sql: &str) -> usize {
        let records = self.ledger.records.lock();
        let permits = records.iter().filter_map(|record| match &record.event {
            Event::Decided(decided)
                if decided.ruling == Ruling::Permit && matches!(decided.step, "query" | "execute") =>
            {
                Some(decided.text.0.split(';').filter(|one| one.trim() == sql).count())
            }
            _ => None,
        });
        permits.sum()
    }

    /// Types of the frames that went to the target since it was last asked. Poison is `!`.
    pub fn forwarded(&mut self) -> String {
        let bytes = self.forwarded_bytes();
        let is_poison = |body: &[u8]| {
            let holds = |text: &[u8]| body.windows(text.len()).any(|part| part == text);
            // Names of Weir's own begin with it; it alone is the one that no statement has.
            holds(&[POISON.as_bytes(), b"\0"].concat()) || holds(b"refused by weir")
        };
        frames(&bytes).iter().map(|(kind, body)| if is_poison(body) { '!' } else { char::from(*kind) }).collect()
    }

    /// What the caller is shown since it was last asked: types, and SQLSTATEs of errors.
    pub fn shown(&mut self) -> String {
        let bytes = std::mem::take(&mut self.conversation.to_caller);
        let words: Vec<String> = frames(&bytes)
            .iter()
            .map(|(kind, body)| match kind {
                b'E' | b'N' => format!("{}{}", char::from(*kind), Report::read(body).unwrap().sqlstate()),
                b'Z' => format!("Z{}", char::from(body[0])),
                kind => char::from(*kind).to_string(),
            })
            .collect();
        words.join(" ")
    }

    /// Rulings so far.
    pub fn rulings(&self) -> Vec<(Ruling, &'static str)> {
        let records = self.ledger.records.lock();
        let decided = records.iter().filter_map(|record| match &record.event {
            Event::Decided(decided) => Some((decided.ruling, decided.step)),
            _ => None,
        });
        decided.collect()
    }

    /// Outcomes so far.
    pub fn outcomes(&self) -> Vec<gate::Outcome> {
        let records = self.ledger.records.lock();
        let ended = records.iter().filter_map(|record| match &record.event {
            Event::Ended(ended) => Some(ended.outcome.clone()),
            _ => None,
        });
        ended.collect()
    }
}

fn target() -> Target {
    Target::clone(&TargetSettings::of_tests(1, ClassRules::default()).target)
}

fn policies(text: &str) -> Arc<Policies> {
    let known = Known {
        targets: vec![target()],
        classes: ["pii.email", "pii.national_id"].iter().filter_map(|class| ClassId::parse(class)).collect(),
        groups: Default::default(),
        issuers: ["local".to_owned()].into(),
    };
    let file = SourceFile { name: "test.cedar".into(), text: text.into() };
    Arc::new(Policies::load(&[&VOCABULARY], &known, &[file]).unwrap().0)
}

/// Policies under which nothing classified is stored as it is.
fn less() -> Arc<Policies> {
    let less =
        r#"@id("less") permit (principal, action in [Action::"store_token", Action::"store_partial"], resource);"#;
    policies(&(POLICIES.replace("Action::\"store\", ", "") + less))
}

const SYSTEM_FUNCTIONS: [&str; 21] = [
    "array_append",
    "array_prepend",
    "lag",
    "lead",
    "name",
    "text",
    "money",
    "xid8",
    "int8",
    "md5",
    "upper",
    "lower",
    "concat",
    "replace",
    "encode",
    "string_to_array",
    "count",
    "now",
    "length",
    "unnest",
    "jsonb_populate_recordset",
];

fn rows() -> CatalogRows {
    let mut rows = CatalogRows::default();
    let mut add = |query: &str, row: &[&str]| {
        assert!(OWN_CATALOG_QUERIES.iter().chain(CATALOG_QUERIES).any(|(name, _)| *name == query), "{query}");
        rows.add(query, &row.iter().copied().map(Some).collect::<Vec<_>>()).unwrap();
    };
    for (oid, name, columns) in [
        (CUSTOMERS, "customers", ["id", "email", "ssn", "city"]),
        (ORDERS, "orders", ["id", "status", "total", "note"]),
        (VAULT, "vault", ["id", "a", "b", "c"]),
    ] {
        let oid = oid.to_string();
        add("relations", &[&oid, "public", name, "r"]);
        for (number, column) in columns.iter().enumerate() {
            add("columns", &[&oid, &(number + 1).to_string(), column, "f", "t", "25"]);
        }
    }
    // Columns of many types.
    let typed = [
        ("small", 23),
        ("big", 20),
        ("total", 1700),
        ("body", 25),
        ("doc", 3802),
        ("day", 1082),
        ("tags", 1009),
        ("label", 19),
        ("number", 26),
    ];
    add("relations", &["20099", "public", "typed", "r"]);
    for (number, (column, oid)) in (1..).zip(typed) {
        let (number, oid) = (u8::to_string(&number), u32::to_string(&oid));
        add("columns", &["20099", &number, column, "f", "t", &oid]);
    }
    // One of bits, and one whose name says what is in it.
    add("relations", &["20098", "public", "more", "r"]);
    add("columns", &["20098", "1", "flags", "f", "t", "1560"]);
    add("columns", &["20098", "2", "ssn", "f", "t", "23"]);
    // One of domains and of types of extensions, whose oids nobody knows, and of types that nothing is known of.
    let dim = [
        ("member_id", "99999"),
        ("list", "99998"),
        ("area", "603"),
        ("region", "604"),
        ("bits", "1562"),
        ("seen", "5069"),
        ("amount", "790"),
        ("title", "25"),
        ("card", "20"),
    ];
    add("relations", &["20097", "public", "dim", "r"]);
    for (number, (column, oid)) in (1..).zip(dim) {
        add("columns", &["20097", &u8::to_string(&number), column, "f", "t", oid]);
    }
    for function in SYSTEM_FUNCTIONS {
        add("system_functions", &[function, "f", ""]);
    }
    add("functions", &["30001", "public", "some_code", "f", "f", "f"]);
    rows
}

/// The frames of a transcript.
pub fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some(head) = Head::read(bytes).unwrap() {
        let (frame, rest) = bytes.split_at(head.frame_bytes);
        frames.push((head.kind, frame[HEAD_BYTES..].to_vec()));
        bytes = rest;
    }
    assert!(bytes.is_empty(), "half a frame at the end");
    frames
}

// ---- messages of both sides ----

fn message(kind: u8, body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    build::frame(&mut bytes, kind, body);
    bytes
}

pub fn named(kind: u8, parts: &[&str], rest: &[u8]) -> Vec<u8> {
    message(kind, |out| {
        parts.iter().for_each(|part| build::cstr(out, part.as_bytes()));
        out.extend_from_slice(rest);
    })
}

pub fn query(text: &str) -> Vec<u8> {
    named(b'Q', &[text], b"")
}

pub fn parse(name: &str, text: &str) -> Vec<u8> {
    named(b'P', &[name, text], b"\0\0")
}

pub fn bind(portal: &str, statement: &str) -> Vec<u8> {
    named(b'B', &[portal, statement], b"\0\0\0\0\0\0")
}

pub fn bind_binary(portal: &str, statement: &str) -> Vec<u8> {
    named(b'B', &[portal, statement], b"\0\0\0\0\0\x01\0\x01")
}

pub fn execute(portal: &str) -> Vec<u8> {
    named(b'E', &[portal], b"\0\0\0\0")
}

pub fn describe_portal(name: &str) -> Vec<u8> {
    named(b'D', &[&format!("P{name}")], b"")
}

pub fn describe_statement(name: &str) -> Vec<u8> {
    named(b'D', &[&format!("S{name}")], b"")
}

pub fn close(name: &str) -> Vec<u8> {
    named(b'C', &[&format!("S{name}")], b"")
}

pub fn sync() -> Vec<u8> {
    message(b'S', |_| ())
}

pub fn plain(kind: u8) -> Vec<u8> {
    message(kind, |_| ())
}

/// CommandComplete with this tag.
pub fn tagged(tag: &str) -> Vec<u8> {
    named(b'C', &[tag], b"")
}

pub fn complete() -> Vec<u8> {
    named(b'C', &["SELECT 1"], b"")
}

pub fn ready(status: u8) -> Vec<u8> {
    message(b'Z', |out| out.push(status))
}

pub fn error(code: &str) -> Vec<u8> {
    named(b'E', &["SERROR", "VERROR", &format!("C{code}"), "Mthe value 512-44-9821 is wrong"], b"\0")
}

/// A notice that says this.
pub fn notice(text: &str) -> Vec<u8> {
    named(b'N', &["SNOTICE", "VNOTICE", "C01000", &format!("M{text}")], b"\0")
}

/// A description of columns: name, table, number, type.
pub fn shape(columns: &[(&str, u32, i16, u32)]) -> Vec<u8> {
    message(b'T', |out| {
        out.extend_from_slice(&u16::try_from(columns.len()).unwrap().to_be_bytes());
        for (name, table, number, oid) in columns {
            build::cstr(out, name.as_bytes());
            out.extend_from_slice(&table.to_be_bytes());
            out.extend_from_slice(&number.to_be_bytes());
            out.extend_from_slice(&oid.to_be_bytes());
            out.extend_from_slice(&[0; 8]);
        }
    })
}

/// The same, with every column in binary format.
pub fn binary_shape(columns: &[(&str, u32, i16, u32)]) -> Vec<u8> {
    let mut bytes = shape(columns);
    let mut at = HEAD_BYTES + 2;
    for (name, ..) in columns {
        at += name.len() + 1 + 4 + 2 + 4 + 8;
        bytes[at - 1] = 1;
    }
    bytes
}

/// A parameter that the target says.
pub fn parameter(name: &str, value: &str) -> Vec<u8> {
    named(b'S', &[name, value], b"")
}

pub fn row(cells: &[&str]) -> Vec<u8> {
    message(b'D', |out| {
        out.extend_from_slice(&u16::try_from(cells.len()).unwrap().to_be_bytes());
        for cell in cells {
            out.extend_from_slice(&u32::try_from(cell.len()).unwrap().to_be_bytes());
            out.extend_from_slice(cell.as_bytes());
        }
    })
}

/// The cells of the rows in a transcript, as texts.
pub fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
    let rows = frames(bytes).into_iter().filter(|(kind, _)| *kind == b'D');
    let texts = |body: Vec<u8>| {
        let mut cells = crate::wire::backend::data_row(&body).unwrap();
        let mut texts = Vec::new();
        while cells.left() > 0 {
            let cell = cells.next_cell().unwrap();
            texts.push(cell.map_or("NULL".to_owned(), |cell| String::from_utf8_lossy(cell).into_owned()));
        }
        texts
    };
    rows.map(|(_, body)| texts(body)).collect()
}
