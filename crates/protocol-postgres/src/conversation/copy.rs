//! COPY between the target and the caller.
//!
//! **Out.** COPY has no RowDescription. So where anything is classified, a permitted COPY … TO STDOUT is held for one
//! round trip: in its place go a Parse, Describe and Close of a SELECT with the same columns, under a name that nobody can
//! guess, and a Flush. No Sync: what the target locks to describe it stays locked until the COPY has run, so its columns
//! can't change in between. If the description fails, so would the COPY: the caller is told that error as its own. A COPY
//! among other statements of one text has no such moment: it is refused.
//!
//! **In.** What a caller's frames mean depends on whether the target is copying: then it takes copy data and ignores Sync
//! and Flush, else it ignores copy data. So planning stops behind a COPY … FROM STDIN until the target answers, and again
//! behind the end of the data. What happens in between: [`super::copy_in`].

use std::collections::VecDeque;
use std::rc::Rc;

use gate::{Met, Outcome, Permit, Shown};
use model::{Certainty, Holds, UnixMicros};
use redact::Plan;
use sql_postgres::{Carries, Catalog, CopyFormat, CopyOut, CopySource, CopyStatement, Statement};

use super::Conversation;
use super::expect::{Copying, Expect, Running};
use super::forward::{Kind, Work};
use super::long::Binding;
use super::looking::Looked;
use super::recorded::KeptBy;
use super::report::{is_about_the_text, neutral_report};
use super::shapes::{as_written, held, lay_out};
use super::statements::Portal;
use super::target::Pass;
use crate::cells::{CellType, Manner};
use crate::copy::{Column, Masked};
use crate::interpret::Interpreted;
use crate::wire::backend::{ColumnShape, Report};
use crate::wire::build::{self, OwnReport, Severity};
use crate::wire::frame::{HEAD_BYTES, Head};
use crate::wire::{Fields, Malformed};

/// What makes a COPY run, once its columns are known.
#[derive(Debug)]
pub enum Held {
    /// A text that is this statement and no other.
    Query(Rc<Interpreted>),
    /// A portal.
    Execute(Rc<Portal>),
}

/// The rest of a message of the caller's that has not arrived whole.
#[derive(Debug)]
pub enum Rest {
    /// So many bytes that go to the target.
    ToTarget(usize),
    /// So many bytes of copy data that are looked through.
    Watched(usize),
    /// So many bytes that are copy data outside of a copy.
    Nowhere(usize),
    /// Parameters that go to the target.
    Bind(Box<Binding>),
}

impl Held {
    pub fn interpreted(&self) -> &Rc<Interpreted> {
        match self {
            Self::Query(interpreted) => interpreted,
            Self::Execute(portal) => &portal.interpreted,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Query(_) => Kind::Simple,
            Self::Execute(_) => Kind::Batched,
        }
    }
}

impl Interpreted {
    /// Whether it takes data of the caller's when it runs.
    pub fn copies_in(&self) -> bool {
        self.may_copy()
            || self.carries(Carries::Manifest)
            || self.statements.iter().any(|statement| matches!(statement.copy, Some(CopyStatement::In(_))))
    }

    /// Whether it may copy either way without Weir having seen a COPY, where nothing is classified.
    pub fn may_copy(&self) -> bool {
        let unseen = self.runs_names() && self.operation.certainty != Certainty::Exact;
        !self.snapshot.catalog.classifies() && (self.unread.is_some() || unseen)
    }

    /// Whether it is a COPY.
    pub fn is_copy(&self) -> bool {
        matches!(self.statements.as_slice(), [Statement { copy: Some(_), .. }])
    }

    /// Whether a COPY to the caller is one of several statements.
    pub fn copies_out_among_others(&self) -> bool {
        let copies = |statement: &Statement| matches!(statement.copy, Some(CopyStatement::Out(_)));
        self.statements.len() > 1 && self.statements.iter().any(copies)
    }

    /// The COPY that it is, with a text to describe, where its columns must be known before it runs.
    pub fn copy_to_describe(&self) -> Option<(&CopyOut, &str)> {
        match self.statements.as_slice() {
            [Statement { copy: Some(CopyStatement::Out(out)), .. }]
                if self.snapshot.catalog.classifies() || self.snapshot.is_searched =>
            {
                Some((out, out.describing.as_deref()?))
            }
            _ => None,
        }
    }
}

impl Work {
    /// Whether what comes behind it means nothing before the target has answered.
    pub(super) fn holds_back(&self) -> bool {
        match self {
            Self::Query { interpreted, .. } => {
                interpreted.is_replication() || interpreted.copies_in() || interpreted.copy_to_describe().is_some()
            }
            Self::Execute { portal, .. } => {
                portal.interpreted.copies_in() || portal.interpreted.copy_to_describe().is_some()
            }
            _ => false,
        }
    }
}

impl Expect {
    /// Whether what comes behind it means nothing before the target has answered.
    pub(super) fn holds_back(&self) -> bool {
        match self {
            Self::CopyShape { .. } => true,
            Self::Query { interpreted, .. } => interpreted.is_replication() || interpreted.copies_in(),
            Self::Execute { portal, .. } => portal.interpreted.copies_in(),
            _ => false,
        }
    }

    pub(super) fn running(&mut self) -> Option<&mut Running> {
        match self {
            Self::Execute { running, .. } | Self::Query { running, .. } => Some(running),
            _ => None,
        }
    }
}

// ---- the caller's side

impl<S> Conversation<S> {
    /// Passes on what belongs to a message that was begun. Returns what comes behind it.
    pub(super) fn take_rest<'a>(&mut self, bytes: &'a [u8], now: UnixMicros) -> &'a [u8] {
        match self.rest.take() {
            None => bytes,
            Some(Rest::Bind(binding)) => self.feed_bind(binding, bytes, now),
            Some(Rest::ToTarget(left)) => {
                let (data, later) = bytes.split_at(left.min(bytes.len()));
                let left = left.saturating_sub(data.len());
                self.rest = (left > 0).then_some(Rest::ToTarget(left));
                self.send_data(data);
                later
            }
            Some(Rest::Watched(left)) => {
                let (data, later) = bytes.split_at(left.min(bytes.len()));
                let left = left.saturating_sub(data.len());
                self.send_watched(data, now);
                self.rest = self.rest_of_watched(left);
                later
            }
            Some(Rest::Nowhere(left)) => {
                let (now, later) = bytes.split_at(left.min(bytes.len()));
                let left = left.saturating_sub(now.len());
                self.rest = (left > 0).then_some(Rest::Nowhere(left));
                later
            }
        }
    }

    /// Forwards, in the place of a permitted COPY, the question what its columns are.
    pub(super) fn begin_copy_shape(&mut self, permit: Permit<()>, frame: Vec<u8>, held: Held) {
        let interpreted = Rc::clone(held.interpreted());
        let (_, text) = interpreted.copy_to_describe().unzip();
        let mut frames = Vec::new();
        let name = format!("{}_copy", self.poison);
        build::frame(&mut frames, b'P', |out| {
            build::cstr(out, name.as_bytes());
            build::cstr(out, text.unwrap_or_default().as_bytes());
            out.extend_from_slice(&[0; 2]);
        });
        for kind in [b'D', b'C'] {
            build::frame(&mut frames, kind, |out| {
                out.push(b'S');
                build::cstr(out, name.as_bytes());
            });
        }
        frames.extend_from_slice(FLUSH);
        let (flow, ()) = self.upstream.begin(permit, |wire, ()| wire.put(&frames));
        let expect = Expect::CopyShape { running: Running::new(flow), held, frame, columns: None };
        self.tainted = self.tainted || self.is_withheld(&expect);
        self.note_touched(&expect);
        self.expected.push_back(expect);
    }
}

pub(super) const FLUSH: &[u8] = b"H\0\0\0\x04";
const SYNC: &[u8] = b"S\0\0\0\x04";

// ---- the target's side

impl<S> Conversation<S> {
    /// The target has described what a COPY copies: it runs now.
    pub(super) fn copy_shape_known(&mut self, now: UnixMicros) -> Result<Pass, Malformed> {
        let Some(Expect::CopyShape { mut running, held: by, frame, columns: Some(columns) }) =
            self.expected.pop_front()
        else {
            return Err(Malformed::new("a copy whose columns were not described"));
        };
        let interpreted = Rc::clone(by.interpreted());
        let Some((out, _)) = interpreted.copy_to_describe() else { return Ok(Pass::Done) };
        let described = columns.clone();
        let chosen = match chosen(&out.source, columns, &interpreted.snapshot.catalog) {
            // If it is not all of them, the target will say another number.
            Err(_) if !interpreted.snapshot.catalog.classifies() => Ok(described),
            chosen => chosen,
        };
        let known = chosen.and_then(|columns| {
            let holds = held(&interpreted, 0, &columns)?;
            let mut columns = columns;
            as_written(&mut columns, &interpreted.snapshot.catalog);
            Ok((holds, columns))
        });
        match known {
            Ok((holds, columns)) => {
                let binary = out.format == CopyFormat::Binary;
                let looked = Looked::of(self.catalogs.search(), &interpreted, 0);
                let by = (&self.session, now);
                lay_out(&mut running, &holds, &columns, (&mut None, &mut None), |_| binary, looked.as_ref(), by);
                running.names = columns.into_iter().map(|column| column.name).collect();
            }
            Err(why) => {
                self.session.notice(now, "shape_mismatch", format!("{why}: nothing of the copy is shown"));
                // A plan for no columns fits none.
                running.plan = Some(running.flow.shape(&[], &mut None, now).shown);
            }
        }
        let clear = running.passes() && !running.names.is_empty();
        if let (false, CopyFormat::Unknown(why)) = (clear, &out.format) {
            let mut report = OwnReport::new(Severity::Error, "0A000", "Weir cannot mask this COPY, so it does not run");
            report.detail = Some(why.clone());
            running.finish(Outcome::Failed("0A000".to_owned()), now);
            self.skipping |= by.kind().is_batched();
            self.send_poison(&report, by.kind());
            return Ok(Pass::Done);
        }
        self.upstream.more(&mut running.flow, |wire| wire.put(&frame));
        self.expected.push_back(match by {
            Held::Query(interpreted) => {
                Expect::Query { running, interpreted, statement: 0, failed: None, changes: VecDeque::new() }
            }
            Held::Execute(portal) => Expect::Execute { running, portal, changes: Vec::new() },
        });
        Ok(Pass::Done)
    }

    /// The target can't describe what a COPY copies. That is the COPY's own error.
    pub(super) fn copy_shape_failed(&mut self, body: &[u8], now: UnixMicros) -> Result<Pass, Malformed> {
        let mut report = Report::read(body)?;
        let code = report.sqlstate().to_owned();
        let tainted = self.speaks_of_tainted();
        let Some(Expect::CopyShape { held, .. }) = self.expected.front() else { return Ok(Pass::Verbatim) };
        // A table is described by a text of Weir's own: a position in it means nothing to the caller.
        let own_text = held.interpreted().copy_to_describe().is_some_and(|(out, _)| out.source != CopySource::Query);
        match held.kind() {
            Kind::Batched | Kind::Unnamed => self.skip_batch(Some(code), now),
            Kind::Simple => {
                if let Some(Expect::CopyShape { mut running, held: Held::Query(interpreted), .. }) =
                    self.expected.pop_front()
                {
                    // The target skips everything up to a Sync: the text itself would be.
                    self.upstream.more(&mut running.flow, |wire| wire.put(SYNC));
                    let changes = VecDeque::new();
                    let failed = Some(code);
                    self.expected.push_front(Expect::Query { running, interpreted, statement: 0, failed, changes });
                }
            }
        }
        if tainted && !is_about_the_text(&report) {
            report.fields.retain(|(kind, _)| !own_text || *kind != b'P');
            neutral_report(&report, b'E', None, &mut self.instead);
        } else {
            without_position(body, own_text, &mut self.instead)?;
        }
        Ok(Pass::Done)
    }

    /// CopyOutResponse.
    pub(super) fn take_copy_out(&mut self, body: &[u8], now: UnixMicros) -> Result<Pass, Malformed> {
        let (binary, columns) = copy_response(body)?;
        let seen = match self.expected.front() {
            Some(Expect::Query { interpreted, .. }) => self.is_seen_undescribed(interpreted, now),
            _ => false,
        };
        let (hides, is_stream) = (self.hides_content(now), self.replication.is_some());
        let (keeps_less, searches) = (self.session.keeps_less(), self.catalogs.search().is_some());
        let (running, interpreted, at) = match self.expected.front_mut() {
            Some(Expect::Query { running, interpreted, statement, failed: None, .. }) => {
                (running, Rc::clone(interpreted), *statement)
            }
            Some(Expect::Execute { running, portal, .. }) => (running, Rc::clone(&portal.interpreted), 0),
            _ => return Err(self.out_of_place("the start of a copy")),
        };
        let shown_as_it_is = seen && (is_stream || !hides);
        if interpreted.may_copy() || interpreted.carries(Carries::Backup) || shown_as_it_is {
            running.begin_copy(Copying::Clear { binary })?;
            running.copy_unkept = keeps_less && (searches || !interpreted.may_copy());
            return Ok(Pass::Verbatim);
        }
        let statement = interpreted.statements.get(at);
        let Some(CopyStatement::Out(out)) = statement.and_then(|statement| statement.copy.as_ref()) else {
            return Err(Malformed::new("a copy that nobody asked for"));
        };
        let fits = running.plan.as_ref().is_some_and(|plan| plan.fields().len() == columns);
        if !fits && (hides || (!seen && interpreted.snapshot.catalog.classifies())) {
            if running.plan.is_some() {
                let why = format!("a copy has {columns} columns where others were described: nothing of it is shown");
                self.session.notice(now, "shape_mismatch", why);
            }
            running.plan = Some(running.flow.shape(&vec![Holds::Unknown; columns], &mut None, now).shown);
            running.kept = None;
            running.types = vec![CellType::of(0, binary); columns];
            (running.names, running.watch, running.manners) = (Vec::new(), None, Vec::new());
        }
        let copy_kept = running.kept.as_ref().and_then(|kept| running.masked(&kept.plan, &kept.manners, &out.format));
        running.copy_unkept =
            keeps_less && (running.kept.is_some() && copy_kept.is_none() || running.plan.is_none() && searches);
        let copying = match running.plan.as_deref() {
            Some(plan) if !running.passes() || copy_kept.is_some() => {
                if binary != (out.format == CopyFormat::Binary) {
                    return Err(Malformed::new("a copy in another format than was asked for"));
                }
                let masked = running.masked(plan, &running.manners, &out.format);
                Copying::Masked(Box::new(masked.ok_or_else(|| Malformed::new("a copy that can't be masked"))?))
            }
            _ => Copying::Clear { binary },
        };
        running.copy_kept = copy_kept.map(Box::new);
        running.begin_copy(copying)?;
        Ok(Pass::Verbatim)
    }

    /// Whether copy data go to the caller as they are.
    pub(super) fn copy_passes(&mut self) -> Result<bool, Malformed> {
        match self.expected.front_mut().and_then(Expect::running).map(|running| &running.copy) {
            Some(Copying::Clear { .. } | Copying::Both { target: true, .. }) => Ok(true),
            Some(Copying::Masked(_)) => Ok(false),
            _ => Err(self.out_of_place("copy data")),
        }
    }

    /// Shows copy data by a plan that is not clear.
    pub(super) fn show_copy(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let Some(running) = self.expected.front_mut().and_then(Expect::running) else {
            return Err(Malformed::new("copy data that belong to nothing"));
        };
        let Running { copy: Copying::Masked(masked), watch, flow, .. } = running else {
            return Err(Malformed::new("copy data outside of a copy"));
        };
        let mut eyes = self.looking.eyes(&self.session, watch.as_deref(), flow.met());
        let from = self.to_caller.len();
        masked.feed(bytes, &mut eyes, &mut self.to_caller)?;
        let shown = masked.take_shown();
        running.count(shown);
        self.keep_copy(from)
    }

    /// Keeps the copy data that were put for the caller from here on, if they are kept otherwise.
    fn keep_copy(&mut self, from: usize) -> Result<(), Malformed> {
        let Some(running) = self.expected.front_mut().and_then(Expect::running) else { return Ok(()) };
        let Running { copy_kept: Some(masked), kept: Some(KeptBy { watch, .. }), watch: first, flow, .. } = running
        else {
            return Ok(());
        };
        let mut scratch = Met::default();
        let met = KeptBy::met(first.is_some(), flow.met(), &mut scratch);
        let mut eyes = self.looking.eyes_with(self.session.kept_tokens(), watch.as_deref(), met);
        let mut shown = self.to_caller.get(from..).unwrap_or_default();
        // They are messages of Weir's own, and whole.
        while let Some(head) = Head::read(shown)? {
            let Some((frame, rest)) = shown.split_at_checked(head.frame_bytes) else { break };
            masked.feed(frame.get(HEAD_BYTES..).unwrap_or_default(), &mut eyes, &mut self.keeping.instead)?;
            shown = rest;
        }
        let tail = self.to_caller.split_off(from);
        self.keep();
        self.to_caller.extend_from_slice(&tail);
        self.keep_instead();
        Ok(())
    }

    /// CopyDone of the target's.
    pub(super) fn take_copy_done(&mut self) -> Result<Pass, Malformed> {
        match self.expected.front_mut().and_then(Expect::running) {
            Some(Running { copy: Copying::Both { caller, target: target @ true }, .. }) if *caller => {
                *target = false;
                Ok(Pass::Verbatim)
            }
            Some(running @ Running { copy: Copying::Both { target: true, .. }, .. }) => {
                running.copy = Copying::None;
                Ok(Pass::Verbatim)
            }
            Some(running) if matches!(running.copy, Copying::Clear { .. } | Copying::Masked(_)) => {
                match std::mem::take(&mut running.copy) {
                    Copying::Masked(masked) => masked.end()?,
                    // Its last message was no row, but the trailer.
                    Copying::Clear { binary: true } => {
                        running.shown.rows = running.shown.rows.saturating_sub(1);
                    }
                    _ => {}
                }
                Ok(Pass::Verbatim)
            }
            _ => Err(self.out_of_place("the end of a copy")),
        }
    }
}

impl Running {
    /// What shows a copy by a plan; none if it is in a form that can't be masked.
    fn masked(&self, plan: &Plan, manners: &[Option<Manner>], format: &CopyFormat) -> Option<Masked> {
        let names = self.names.iter().map(String::as_str).chain(std::iter::repeat(""));
        let manners = manners.iter().copied().chain(std::iter::repeat(None));
        let how = plan.fields().iter().zip(&self.types).zip(names).zip(manners).enumerate();
        let columns = how.map(|(at, (((field, wire), name), manner))| Column {
            field: field.clone(),
            wire: *wire,
            manner: manner.map(|manner| (at, manner)),
            force_quote: matches!(format, CopyFormat::Csv { force_quote, .. } if force_quote.covers(name)),
        });
        Masked::new(columns.collect(), format)
    }

    pub fn begin_copy(&mut self, copying: Copying) -> Result<(), Malformed> {
        if !matches!(self.copy, Copying::None) {
            return Err(Malformed::new("a copy within a copy"));
        }
        self.copy = copying;
        Ok(())
    }

    /// Counts more of what was shown.
    pub fn count(&mut self, more: Shown) {
        self.shown.rows = self.shown.rows.saturating_add(more.rows);
        self.shown.bytes = self.shown.bytes.saturating_add(more.bytes);
        self.shown.masked = self.shown.masked.saturating_add(more.masked);
    }

    /// A command is complete: a copy says how many rows it had, which the frames of a caller's data don't tell.
    pub fn copied(&mut self, tag: &[u8], is_in: bool) {
        let rows = tag.strip_suffix(b"\0").and_then(|tag| tag.strip_prefix(b"COPY "));
        let rows = rows.and_then(|rows| std::str::from_utf8(rows).ok()?.parse::<u64>().ok());
        if let Some(rows) = rows.filter(|_| is_in) {
            self.shown.rows = self.shown.rows.saturating_add(rows);
        }
    }
}

/// Format and number of columns of a CopyOutResponse, or CopyInResponse.
pub(super) fn copy_response(body: &[u8]) -> Result<(bool, usize), Malformed> {
    let mut fields = Fields::of("a response to COPY", body);
    let format = fields.byte()?;
    let columns = fields.count()?;
    fields.bytes(columns.saturating_mul(2))?;
    fields.end()?;
    match format {
        0 | 1 => Ok((format == 1, columns)),
        other => Err(Malformed(format!("a copy in format {other}"))),
    }
}

/// The columns that are copied, of all that the target has described.
fn chosen(source: &CopySource, described: Vec<ColumnShape>, catalog: &Catalog) -> Result<Vec<ColumnShape>, String> {
    match source {
        CopySource::Query => Ok(described),
        CopySource::Columns(names) => names
            .iter()
            .map(|name| {
                let found = described.iter().find(|column| column.name == *name).cloned();
                found.ok_or_else(|| "a column that is copied is not one of the table's".to_owned())
            })
            .collect(),
        // Generated columns stay generated until somebody says otherwise, and none of a column that is there already
        // becomes one. So if the snapshot knows all of the columns, and as many are left as the target then copies
        // (which is seen when it does), they are the same.
        CopySource::Table => {
            let mut columns = Vec::with_capacity(described.len());
            for column in described {
                match catalog.column(column.table_oid, column.attribute) {
                    Some(known) if known.generated => {}
                    Some(_) => columns.push(column),
                    None => return Err("the table has a column that Weir does not know yet".to_owned()),
                }
            }
            Ok(columns)
        }
    }
}

/// A report of the target's as it came, perhaps without its position.
pub(super) fn without_position(body: &[u8], without: bool, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut fields = Fields::of("ErrorResponse", body);
    let mut kept = Vec::new();
    loop {
        match fields.byte()? {
            0 => break,
            kind => {
                let text = fields.cstr()?;
                if !(without && kind == b'P') {
                    kept.push(kind);
                    build::cstr(&mut kept, text);
                }
            }
        }
    }
    kept.push(0);
    build::frame(out, b'E', |out| out.extend_from_slice(&kept));
    Ok(())
}
