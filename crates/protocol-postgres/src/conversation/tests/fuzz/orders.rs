//! Valid messages in any order, through Weir and without it.
//!
//! The target is a model that runs what it is sent; the same messages go to the same model without Weir between, where
//! what Weir refuses fails by itself. Whatever the order, the cuts and the moments of replies: the caller gets the same
//! messages in the same order, nothing classified is in them, and nothing has run that was not permitted and recorded.

use gate::{Event, Ruling};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::super::house::*;
use super::postgres::{CANARY, DEFINES, Postgres, TEXTS};
use crate::conversation::Stall;

const NAMES: [&str; 3] = ["", "a", "b"];

/// What a caller sends.
#[derive(Clone, Debug)]
enum Op {
    Query(Vec<usize>),
    Parse(usize, Vec<usize>),
    Bind(usize, usize, Option<bool>),
    DescribeStatement(usize),
    DescribePortal(usize),
    Execute(usize, u8),
    CloseStatement(usize),
    ClosePortal(usize),
    Flush,
    Sync,
    CopyData,
}

impl Op {
    fn bytes(&self) -> Vec<u8> {
        let text = |at: &[usize]| at.iter().map(|at| TEXTS[*at].sql).collect::<Vec<_>>().join("; ");
        match self {
            Self::Query(at) => query(&text(at)),
            Self::Parse(name, at) => parse(NAMES[*name], &text(at)),
            Self::Bind(portal, statement, None) => bind(NAMES[*portal], NAMES[*statement]),
            Self::Bind(portal, statement, Some(false)) => bind(NAMES[*portal], NAMES[*statement]),
            Self::Bind(portal, statement, Some(true)) => bind(NAMES[*portal], NAMES[*statement]),
            Self::DescribeStatement(name) => describe_statement(NAMES[*name]),
            Self::DescribePortal(name) => describe_portal(NAMES[*name]),
            Self::Execute(name, max) => named(b'E', &[NAMES[*name]], &i32::from(*max).to_be_bytes()),
            Self::CloseStatement(name) => close(NAMES[*name]),
            Self::ClosePortal(name) => named(b'C', &[&format!("P{}", NAMES[*name])], b""),
            Self::Flush => plain(b'H'),
            Self::Sync => sync(),
            Self::CopyData => named(b'd', &["late"], b""),
        }
    }

    fn defines(&self) -> bool {
        matches!(self, Self::Query(at) | Self::Parse(_, at) if at.contains(&DEFINES))
    }
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let text = || 0..TEXTS.len();
    let texts = || prop_oneof![6 => text().prop_map(|at| vec![at]), 1 => prop::collection::vec(text(), 2..4)];
    let name = || 0..NAMES.len();
    // Whole batches and their pieces: without the first, most Binds would bind nothing.
    let batch = (name(), texts(), name(), 0..3_u8, any::<[bool; 4]>()).prop_map(|(name, text, portal, max, extra)| {
        let mut ops = vec![Op::Parse(name, text)];
        ops.extend(extra[0].then_some(Op::DescribeStatement(name)));
        ops.push(Op::Bind(portal, name, None));
        ops.extend(extra[1].then_some(Op::DescribePortal(portal)));
        ops.push(Op::Execute(portal, max));
        ops.extend(extra[2].then_some(Op::Flush));
        ops.extend(extra[3].then_some(Op::Sync));
        ops
    });
    let one = prop_oneof![
        4 => texts().prop_map(Op::Query),
        4 => (name(), texts()).prop_map(|(name, text)| Op::Parse(name, text)),
        4 => (name(), name(), any::<Option<bool>>()).prop_map(|(portal, name, how)| Op::Bind(portal, name, how)),
        2 => name().prop_map(Op::DescribeStatement),
        2 => name().prop_map(Op::DescribePortal),
        4 => (name(), 0..3_u8).prop_map(|(name, max)| Op::Execute(name, max)),
        1 => name().prop_map(Op::CloseStatement),
        1 => name().prop_map(Op::ClosePortal),
        1 => Just(Op::Flush),
        5 => Just(Op::Sync),
        1 => Just(Op::CopyData),
    ];
    let piece = prop_oneof![2 => batch, 3 => one.prop_map(|op| vec![op])];
    prop::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
}

/// The caller's messages, the moments, and what the target says unasked.
fn cases() -> impl Strategy<Value = (Vec<Op>, Vec<u8>, u64)> {
    (ops(), prop::collection::vec(any::<u8>(), 0..60), any::<u64>())
}

/// A conversation with the model behind it.
struct Scene {
    house: House,
    target: Postgres,
    from_caller: Vec<u8>,
    caller_at: usize,
    target_at: usize,
}

impl Scene {
    /// What was forwarded reaches the target.
    fn carry(&mut self) {
        let bytes = self.house.forwarded_bytes();
        let ran = self.target.ran.len();
        self.target.take(&bytes);
        // Whatever runs was permitted, and that was written down, as often as it runs.
        for at in ran..self.target.ran.len() {
            let sql = self.target.ran[at];
            let runs = self.target.ran[..=at].iter().filter(|one| **one == sql).count();
            assert!(self.house.permits(sql) >= runs, "{sql} ran without a permit");
        }
    }

    fn caller(&mut self, most: usize) -> bool {
        // As the relay does: what can't be planned is not read.
        if !self.house.conversation.takes_more() || self.caller_at == self.from_caller.len() {
            return false;
        }
        let to = self.from_caller.len().min(self.caller_at + most.max(1));
        let bytes = self.from_caller[self.caller_at..to].to_vec();
        self.caller_at = to;
        self.house.conversation.take_from_caller(&bytes, NOW);
        self.carry();
        true
    }

    fn target(&mut self, most: usize) -> bool {
        if self.target_at == self.target.out.len() {
            return false;
        }
        let to = self.target.out.len().min(self.target_at + most.max(1));
        let bytes = self.target.out[self.target_at..to].to_vec();
        self.target_at = to;
        self.house.conversation.take_from_target(&bytes, NOW);
        self.carry();
        true
    }

    fn catalog(&mut self) -> bool {
        if self.house.conversation.stall() != Some(&Stall::Catalog) {
            return false;
        }
        self.house.read_catalog();
        self.carry();
        true
    }
}

/// Messages but those that may come at any moment, as one line each. Cells stay beside.
fn told(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let word = |kind: u8, body: &[u8]| match kind {
        b'E' => format!("E {}", crate::wire::backend::Report::read(body).unwrap().sqlstate()),
        b'D' => "D".to_owned(),
        b'Z' | b'C' | b'T' | b't' => format!("{} {}", char::from(kind), String::from_utf8_lossy(body)),
        kind => char::from(kind).to_string(),
    };
    let all = frames(bytes).into_iter().filter(|(kind, _)| !matches!(kind, b'N' | b'S' | b'A'));
    all.map(|(kind, body)| (word(kind, &body), if kind == b'D' { body } else { Vec::new() })).collect()
}

fn row_cells(body: &[u8]) -> Vec<String> {
    cells(&named(b'D', &[], body)).remove(0)
}

fn check((ops, moments, noise): (Vec<Op>, Vec<u8>, u64)) -> TestCaseResult {
    let mut from_caller: Vec<u8> = ops.iter().flat_map(Op::bytes).collect();
    from_caller.extend(sync());
    let mut alone = Postgres::new(true, 0);
    alone.take(&from_caller);
    let mut scene =
        Scene { house: House::new(), target: Postgres::new(false, noise), from_caller, caller_at: 0, target_at: 0 };
    for moment in moments {
        let most = usize::from(moment >> 2).pow(2);
        match moment & 3 {
            0 | 1 => scene.caller(most),
            2 => scene.target(most),
            _ => scene.catalog(),
        };
    }
    let mut steps = 0;
    while scene.catalog() || scene.target(usize::MAX / 2) || scene.caller(usize::MAX / 2) {
        steps += 1;
        prop_assert!(steps < 10_000, "it never ends");
    }
    let Scene { house, target, from_caller, caller_at, .. } = scene;
    let conversation = &house.conversation;
    prop_assert!(conversation.ended().is_none(), "{:?}", conversation.ended());
    prop_assert_eq!(caller_at, from_caller.len(), "not all was read: {:?}", conversation.stall());
    prop_assert!(!conversation.is_running() && conversation.stall().is_none(), "it waits: {:?}", conversation.stall());
    let shown = &conversation.to_caller;
    prop_assert!(!super::holds(shown, CANARY), "the canary is shown: {}", String::from_utf8_lossy(shown));
    // The same messages in the same order.
    let (is, should) = (told(shown), told(&alone.out));
    let words = |told: &[(String, Vec<u8>)]| told.iter().map(|(word, _)| word.clone()).collect::<Vec<_>>();
    prop_assert_eq!(words(&is), words(&should));
    // What is not classified is the same, cell for cell.
    let defines = ops.iter().any(Op::defines);
    for ((_, is), (_, should)) in is.iter().zip(&should).filter(|((word, _), _)| word == "D") {
        for (is, should) in row_cells(is).into_iter().zip(row_cells(should)) {
            let hidden = should.contains(CANARY) || defines;
            prop_assert!(is == should || hidden && matches!(&*is, "[redacted]" | "NULL"), "{} for {}", is, should);
        }
    }
    // Nothing that is refused has run, and every operation has its end.
    let refused = target.ran.iter().find(|sql| TEXTS.iter().any(|text| text.sql == **sql && text.refused));
    prop_assert!(refused.is_none(), "{:?} ran", refused);
    let records = house.ledger.records.lock();
    let permits =
        records.iter().filter(|record| matches!(&record.event, Event::Decided(d) if d.ruling == Ruling::Permit));
    let ends = records.iter().filter(|record| matches!(&record.event, Event::Ended(_)));
    prop_assert_eq!(permits.count(), ends.count());
    Ok(())
}

#[test]
fn whatever_the_order_the_caller_is_told_what_postgresql_tells() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conversation/tests/fuzz/orders.seeds");
    super::fuzz("orders", seeds, &cases(), check);
}
