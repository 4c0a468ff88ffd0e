//! What the target sends: matched with what was forwarded, and shown.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use gate::{Met, Outcome};
use model::{Holds, UnixMicros};
use redact::Plan;

use super::by_name::Undone;
use super::copy::without_position;
use super::expect::{Copying, Described as Subject, Expect, Running};
use super::long_row::{LONG_ROW_BYTES, LongRow};
use super::looking::{Looked, undescribed};
use super::report::{is_about_the_text, neutral_parameter, neutral_report};
use super::rows::Passing;
use super::shapes::{copies_in, described, lay_out, shape_of};
use super::statements::Shape;
use super::{Conversation, Ended, Stall};
use crate::interpret::Interpreted;
use crate::wire::Malformed;
use crate::wire::backend::{self, ColumnShape, Report};
use crate::wire::build::{self, OwnReport, Severity};
use crate::wire::frame::{DATA_BYTES_MAX, FRAME_BYTES_MAX, HEAD_BYTES, Head};

/// Every type of message that a target may send once it is ready.
const KINDS: &[u8] = b"123ACDEGHINSTVWZcdnst";

fn unknown(kind: u8) -> Malformed {
    Malformed(format!("a message of type '{}'", char::from(kind).escape_default()))
}

/// Those that say something in words.
const KEPT_BY_WORDS: &[u8] = b"ENASV";

/// What is done with a frame of the target's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// It is shown as it is.
    Verbatim,
    /// It is not shown, or something else was written in its place.
    Done,
    /// What was written in its place is kept otherwise in the recording.
    KeptOtherwise,
}

impl<S> Conversation<S> {
    /// Takes bytes of the target's.
    pub fn take_from_target(&mut self, bytes: &[u8], now: UnixMicros) {
        self.keep_from(now);
        let Some(bytes) = self.if_stream_stands(bytes, now) else { return self.keep() };
        let mut inbox = std::mem::take(&mut self.from_target);
        let taken = self.pass_on(&bytes).and_then(|bytes| {
            inbox.push(bytes);
            self.take_frames(&mut inbox, now)
        });
        if let Err(wrong) = taken {
            self.target_broke(wrong);
        }
        self.from_target = inbox;
        self.keep();
        // What was not planned before may be now: a name is confirmed, a shape is known, there is room again.
        let waits = self.stall == Some(Stall::Copy) || !self.from_caller.unread().is_empty();
        if self.stall != Some(Stall::Catalog) && waits {
            self.proceed(now);
        }
    }

    /// The rest of a row that is shown as it comes.
    fn pass_on<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Malformed> {
        match self.passing.take() {
            None => Ok(bytes),
            Some(Passing::Row(row)) => match self.feed_row(row, bytes)? {
                rest if matches!(self.passing, Some(Passing::Clear(_))) => self.pass_on(rest),
                rest => Ok(rest),
            },
            Some(Passing::Clear(left)) => {
                let (now, later) = bytes.split_at(left.min(bytes.len()));
                let left = left.saturating_sub(now.len());
                self.passing = (left > 0).then_some(Passing::Clear(left));
                self.to_caller.extend_from_slice(now);
                Ok(later)
            }
            Some(Passing::Copy(left)) => {
                let (now, later) = bytes.split_at(left.min(bytes.len()));
                let left = left.saturating_sub(now.len());
                self.passing = (left > 0).then_some(Passing::Copy(left));
                self.show_copy(now)?;
                Ok(later)
            }
        }
    }

    fn take_frames(&mut self, inbox: &mut super::Inbox, now: UnixMicros) -> Result<(), Malformed> {
        // Frames that are shown as they are go in one piece: from `shown` to `at`.
        let (mut shown, mut at) = (0, 0);
        let recorded = self.is_recorded();
        while self.ended.is_none() {
            let unread = inbox.unread().get(at..).unwrap_or_default();
            let Some(head) = Head::read(unread)? else { break };
            let own = self.reads_own_catalog();
            if recorded && !own {
                let is_whole = unread.len() >= head.frame_bytes;
                self.keep_in_its_place(head.kind, is_whole, inbox.get(shown..at)).then(|| shown = at);
                if head.kind == b'D' && !is_whole {
                    // How it is kept is known only now, if it is the first one.
                    self.plan_rows(now)?;
                    self.keep_in_its_place(head.kind, is_whole, inbox.get(shown..at)).then(|| shown = at);
                }
            }
            if unread.len() < head.frame_bytes {
                let passes = !own
                    && ((head.kind == b'D' && self.row_passes(now)?) || (head.kind == b'd' && self.copy_passes()?));
                if passes || (head.kind == b'd' && !own) {
                    // A row that nothing is done to need not be held until it is complete, nor do copy data.
                    let all = inbox.unread();
                    if passes {
                        self.count_row(head.frame_bytes);
                        self.to_caller.extend_from_slice(all.get(shown..).unwrap_or_default());
                    } else {
                        self.to_caller.extend_from_slice(all.get(shown..at).unwrap_or_default());
                        self.show_copy(unread.get(HEAD_BYTES..).unwrap_or_default())?;
                    }
                    let left = head.frame_bytes.saturating_sub(unread.len());
                    self.passing = Some(if passes { Passing::Clear(left) } else { Passing::Copy(left) });
                    let whole = all.len();
                    inbox.consume(whole);
                    return Ok(());
                }
                if !own && head.kind == b'D' && (LONG_ROW_BYTES..=DATA_BYTES_MAX).contains(&head.frame_bytes) {
                    let all = inbox.unread();
                    self.to_caller.extend_from_slice(all.get(shown..at).unwrap_or_default());
                    let row = LongRow::new(head.frame_bytes.saturating_sub(HEAD_BYTES));
                    self.passing = Some(Passing::Row(Box::new(row)));
                    self.pass_on(unread.get(HEAD_BYTES..).unwrap_or_default())?;
                    let whole = all.len();
                    inbox.consume(whole);
                    return Ok(());
                }
                // What can never be read is not waited for.
                if !KINDS.contains(&head.kind) {
                    return Err(unknown(head.kind));
                }
                if head.frame_bytes > FRAME_BYTES_MAX {
                    return Err(Malformed(format!("a message of {} bytes is too long to be read", head.frame_bytes)));
                }
                break;
            }
            let end = at.saturating_add(head.frame_bytes);
            let body = inbox.get(at.saturating_add(HEAD_BYTES)..end);
            if head.kind == b'D' && !own && self.row_passes(now)? {
                self.count_row(head.frame_bytes);
            } else if head.kind == b'd' && !own {
                if self.copy_passes()? {
                    self.count_row(head.frame_bytes);
                } else {
                    self.to_caller.extend_from_slice(inbox.get(shown..at));
                    self.show_copy(body)?;
                    shown = end;
                }
            } else {
                let pass = match head.kind {
                    b'D' if !own => self.take_row(head.frame_bytes, body)?,
                    kind => self.take_frame(kind, body, now)?,
                };
                if recorded && KEPT_BY_WORDS.contains(&head.kind) && self.session.keeps_less() {
                    self.to_caller.extend_from_slice(inbox.get(shown..at));
                    if pass == Pass::Verbatim {
                        self.to_caller.append(&mut self.instead);
                        self.instead.extend_from_slice(inbox.get(at..end));
                    }
                    let words = std::mem::take(&mut self.instead);
                    self.keep_words(&words, now)?;
                    shown = end;
                } else if pass != Pass::Verbatim || !self.instead.is_empty() {
                    self.to_caller.extend_from_slice(inbox.get(shown..at));
                    if pass == Pass::KeptOtherwise {
                        self.keep();
                    }
                    self.to_caller.append(&mut self.instead);
                    if pass == Pass::KeptOtherwise {
                        self.keep_instead();
                    }
                    shown = if pass == Pass::Verbatim { at } else { end };
                }
            }
            at = end;
        }
        self.to_caller.extend_from_slice(inbox.get(shown..at));
        inbox.consume(at);
        Ok(())
    }

    fn take_frame(&mut self, kind: u8, body: &[u8], now: UnixMicros) -> Result<Pass, Malformed> {
        if self.reads_own_catalog() {
            return self.take_own_catalog(kind, body, now);
        }
        match kind {
            b'S' => self.take_parameter(body, now),
            b'N' => self.take_words(kind, body, now, Self::take_notice),
            b'A' => self.take_notification(body, now),
            b'E' => self.take_words(kind, body, now, Self::take_error),
            b'Z' => self.take_ready(body, now),
            b'C' => self.take_complete(body, now),
            b'T' => self.take_shape(body, now),
            b'n' => self.take_no_data(),
            b't' => self.take_parameter_types(),
            b'1' | b'2' | b'3' => self.take_acknowledgement(kind, now),
            b's' | b'I' => self.take_end(kind, now),
            b'G' => self.take_copy_in(body, now),
            b'H' => self.take_copy_out(body, now),
            b'c' => self.take_copy_done(),
            b'V' => self.take_call_result(body, now),
            b'W' => self.take_copy_both(),
            other => Err(unknown(other)),
        }
    }

    pub(super) fn out_of_place(&self, what: &str) -> Malformed {
        let awaited = match self.expected.front() {
            None => "nothing",
            Some(Expect::Parse { .. }) => "the end of Parse",
            Some(Expect::Bind { .. }) => "the end of Bind",
            Some(Expect::Describe { .. }) => "a description",
            Some(Expect::CopyShape { .. }) => "the description of a copy",
            Some(Expect::Execute { .. }) => "rows",
            Some(Expect::CloseStatement { .. } | Expect::ClosePortal { .. }) => "the end of Close",
            Some(Expect::Sync) => "the end of a batch",
            Some(Expect::Query { .. }) => "results",
            Some(Expect::Poison { .. }) => "an error",
            Some(Expect::OwnCatalog(_)) => "a catalog",
        };
        Malformed(format!("{what} where {awaited} is due"))
    }

    fn take_acknowledgement(&mut self, kind: u8, now: UnixMicros) -> Result<Pass, Malformed> {
        match (kind, self.expected.pop_front()) {
            (b'1', Some(Expect::Parse { flow, prepared, .. })) => {
                flow.finish(Outcome::Done, now);
                self.names.confirm_statement(&prepared);
            }
            (b'2', Some(Expect::Bind { name, portal, refused: None, .. })) => self.names.confirm_portal(&name, &portal),
            (b'3', Some(Expect::CloseStatement { .. } | Expect::ClosePortal { .. })) => {}
            (b'1', Some(shape @ Expect::CopyShape { columns: None, .. })) => {
                self.expected.push_front(shape);
                return Ok(Pass::Done);
            }
            (b'3', Some(shape @ Expect::CopyShape { columns: Some(_), .. })) => {
                self.expected.push_front(shape);
                return self.copy_shape_known(now);
            }
            (_, other) => {
                other.into_iter().for_each(|expect| self.expected.push_front(expect));
                return Err(self.out_of_place("an acknowledgement"));
            }
        }
        Ok(Pass::Verbatim)
    }

    fn take_parameter_types(&mut self) -> Result<Pass, Malformed> {
        match self.expected.front() {
            Some(Expect::Describe { what: Subject::Statement(_), hidden, .. }) => {
                Ok(if *hidden { Pass::Done } else { Pass::Verbatim })
            }
            Some(Expect::CopyShape { columns: None, .. }) => Ok(Pass::Done),
            _ => Err(self.out_of_place("a description of parameters")),
        }
    }

    fn take_no_data(&mut self) -> Result<Pass, Malformed> {
        if let Some(Expect::CopyShape { columns: columns @ None, .. }) = self.expected.front_mut() {
            *columns = Some(Vec::new());
            return Ok(Pass::Done);
        }
        match self.expected.pop_front() {
            Some(Expect::Describe { interpreted, what, hidden }) => {
                described(&interpreted, &what, Rc::new(Shape::of_none()));
                Ok(if hidden { Pass::Done } else { Pass::Verbatim })
            }
            other => {
                other.into_iter().for_each(|expect| self.expected.push_front(expect));
                Err(self.out_of_place("a description"))
            }
        }
    }

    fn take_shape(&mut self, body: &[u8], now: UnixMicros) -> Result<Pass, Malformed> {
        if let Some(Expect::Query { running: Running { plan: Some(_), .. }, .. }) = self.expected.front() {
            return Err(self.out_of_place("a second description of rows"));
        }
        match self.expected.front_mut() {
            Some(Expect::CopyShape { columns: shape @ None, .. }) => {
                *shape = Some(backend::row_description(body)?);
                Ok(Pass::Done)
            }
            Some(Expect::Describe { .. }) => {
                let Some(Expect::Describe { interpreted, what, hidden }) = self.expected.pop_front() else {
                    return Ok(Pass::Done);
                };
                described(&interpreted, &what, shape_of(&interpreted, 0, body)?);
                Ok(if hidden { Pass::Done } else { Pass::Verbatim })
            }
            Some(Expect::Query { running, interpreted, statement, .. }) => {
                let shape = shape_of(interpreted, *statement, body)?;
                let columns = &shape.columns;
                let holds = match &shape.holds {
                    Ok(holds) => Cow::Borrowed(holds),
                    Err(why) => {
                        self.session.notice(now, "shape_mismatch", format!("{why}: nothing of the result is shown"));
                        Cow::Owned(vec![Holds::Unknown; columns.len()])
                    }
                };
                // FETCH from a binary cursor gives binary cells here as well.
                let is_binary = |at| columns.get(at).is_some_and(|column: &ColumnShape| column.format == 1);
                let (mut plan, mut watch) = (shape.kept_plan.borrow_mut(), shape.kept_watch.borrow_mut());
                let looked = Looked::of(self.catalogs.search(), interpreted, *statement);
                let session = &self.session;
                lay_out(running, &holds, columns, (&mut plan, &mut watch), is_binary, looked.as_ref(), (session, now));
                drop(watch);
                shape.keep_watch(&self.names.watches);
                let surprise =
                    !interpreted.operation.is_tainted() && running.plan.as_ref().is_some_and(|p| !p.is_clear());
                if surprise {
                    let what = "the target describes a classified column that the statement did not show";
                    self.session.notice(now, "witness_disagreement", what);
                }
                Ok(Pass::Verbatim)
            }
            _ => Err(self.out_of_place("a description of rows")),
        }
    }

    /// The plan of the rows that come now, laid out when the first of them comes.
    pub(super) fn plan_rows(&mut self, now: UnixMicros) -> Result<&mut Running, Malformed> {
        if !matches!(self.expected.front(), Some(Expect::Execute { .. } | Expect::Query { .. })) {
            return Err(self.out_of_place("a row"));
        }
        match self.expected.front_mut() {
            Some(Expect::Execute { running, portal, .. }) => {
                if running.plan.is_none() {
                    let shape = portal.shape.borrow().clone();
                    let looked = Looked::of(self.catalogs.search(), &portal.interpreted, 0);
                    match shape.as_deref() {
                        Some(Shape { returns_rows: false, .. }) => {
                            return Err(Malformed::new("rows of what returns none"));
                        }
                        Some(shape @ Shape { columns, holds: Ok(holds), kept_plan, kept_watch, .. }) => {
                            let (mut plan, mut watch) = (kept_plan.borrow_mut(), kept_watch.borrow_mut());
                            let (kept, is_binary) = ((&mut *plan, &mut *watch), |at| portal.is_binary(at));
                            lay_out(running, holds, columns, kept, is_binary, looked.as_ref(), (&self.session, now));
                            drop(watch);
                            shape.keep_watch(&self.names.watches);
                        }
                        // What was known when it was bound was refused then.
                        Some(Shape { columns, holds: Err(why), .. }) => {
                            self.session.notice(
                                now,
                                "shape_mismatch",
                                format!("{why}: nothing of the result is shown"),
                            );
                            let holds = vec![Holds::Unknown; columns.len()];
                            lay_out(
                                running,
                                &holds,
                                columns,
                                (&mut None, &mut None),
                                |at| portal.is_binary(at),
                                None,
                                (&self.session, now),
                            );
                        }
                        // Never described, and nothing classified can be in it.
                        None if !portal.may_hold_classified() => {
                            running.plan = Some(undescribed());
                            if let Some(looked) = looked {
                                looked.watch_undescribed(running, now);
                            }
                        }
                        _ => return Err(Malformed::new("rows of a result that was never described")),
                    }
                }
                Ok(running)
            }
            Some(Expect::Query { running, .. }) if running.plan.is_some() => Ok(running),
            _ => Err(Malformed::new("rows before their description")),
        }
    }

    /// CommandComplete.
    fn take_complete(&mut self, tag: &[u8], now: UnixMicros) -> Result<Pass, Malformed> {
        match self.expected.front_mut() {
            // A server that shuts down ends its streams so.
            Some(Expect::Query {
                running: Running { copy: copy @ Copying::Both { .. }, .. }, failed: None, ..
            }) => {
                *copy = Copying::None;
            }
            Some(Expect::Query { running: Running { copy: Copying::None, .. }, failed: None, .. })
            | Some(Expect::Execute { running: Running { copy: Copying::None, .. }, .. }) => {}
            _ => return Err(self.out_of_place("the end of a command")),
        }
        match self.expected.front_mut() {
            Some(Expect::Query { running, statement, changes, interpreted, .. }) => {
                let (at, interpreted) = (*statement, Rc::clone(interpreted));
                let done = changes.iter().take_while(|change| change.statement <= at).count();
                let done: Vec<_> = changes.drain(..done).collect();
                running.copied(tag, copies_in(&interpreted, at));
                *statement = at.saturating_add(1);
                let plan = running.plan.take();
                running.forget_rows();
                let any = running.shown.masked > 0;
                let found = running.flow.met().hidden();
                let lowered = running.flow.lowers().to_vec();
                done.iter().for_each(|change| self.confirm_change(change));
                self.completed(interpreted.statements.get(at), tag);
                self.tell_lowered(interpreted.statements.get(at), &lowered);
                if any {
                    self.tell_masked(plan.as_deref(), found);
                }
                Ok(Pass::Verbatim)
            }
            Some(Expect::Execute { .. }) => {
                if let Some(Expect::Execute { mut running, portal, changes }) = self.expected.pop_front() {
                    running.copied(tag, copies_in(&portal.interpreted, 0));
                    changes.iter().for_each(|change| self.confirm_change(change));
                    self.completed(portal.interpreted.statements.first(), tag);
                    self.tell_others(&portal.interpreted);
                    self.tell_lowered(portal.interpreted.statements.first(), running.flow.lowers());
                    let any = running.shown.masked > 0;
                    if any {
                        self.tell_masked(running.plan.as_deref(), running.flow.met().hidden());
                    }
                    running.finish(Outcome::Done, now);
                }
                Ok(Pass::Verbatim)
            }
            _ => Err(self.out_of_place("the end of a command")),
        }
    }

    /// PortalSuspended or EmptyQueryResponse.
    fn take_end(&mut self, kind: u8, now: UnixMicros) -> Result<Pass, Malformed> {
        match self.expected.front() {
            Some(Expect::Query { .. }) if kind == b'I' => Ok(Pass::Verbatim),
            Some(Expect::Execute { .. }) => {
                if let Some(Expect::Execute { running, .. }) = self.expected.pop_front() {
                    running.finish(if kind == b's' { Outcome::Suspended } else { Outcome::Done }, now);
                }
                Ok(Pass::Verbatim)
            }
            _ => Err(self.out_of_place("the end of rows")),
        }
    }

    fn take_ready(&mut self, body: &[u8], now: UnixMicros) -> Result<Pass, Malformed> {
        let status = backend::ready_for_query(body)?;
        match self.expected.pop_front() {
            Some(Expect::Sync | Expect::Poison { simple: true, told: true, .. }) => {}
            Some(Expect::Query { running, interpreted, failed, changes, .. })
                if matches!(running.copy, Copying::None) =>
            {
                // A text without an error has confirmed them all; one with an error has undone them.
                let mut undone = Undone::default();
                undone.changes(changes.into());
                self.undo(undone);
                if !self.expected.iter().any(Expect::is_stream) {
                    self.streaming = None;
                }
                self.tell_others(&interpreted);
                running.finish(failed.map_or(Outcome::Done, Outcome::Failed), now);
            }
            other => {
                other.into_iter().for_each(|expect| self.expected.push_front(expect));
                return Err(self.out_of_place("readiness"));
            }
        }
        if status == b'I' {
            if self.uncommitted {
                self.catalogs.mark_changed();
                // What was sent since may change it once more.
                self.uncommitted = self.expected.iter().any(Expect::changes_catalog);
                self.forget_own_catalog();
            }
            self.tainted = self.expected.iter().any(|expect| self.is_withheld(expect));
            self.forget_touched();
            self.names.end_transaction(self.failed);
            self.failed = false;
        }
        self.in_block = status != b'I';
        self.aborted = status == b'E';
        self.settings.ready(self.expected.iter().filter_map(Expect::running_text));
        Ok(Pass::Verbatim)
    }

    /// What this session has changed in the catalog is there for all others once it has committed.
    fn tell_others(&self, ran: &Interpreted) {
        if self.uncommitted && ran.commits() {
            self.catalogs.mark_changed();
        }
    }

    pub(super) fn take_parameter(&mut self, body: &[u8], now: UnixMicros) -> Result<Pass, Malformed> {
        let (name, value) = backend::parameter_status(body)?;
        self.settings.told(name, value);
        if neutral_parameter(name, value) {
            return Ok(Pass::Verbatim);
        }
        let shown = match self.speaks_of_tainted() {
            true => Some(Vec::new()),
            false if self.hides_content(now) => self.said(value, false, &mut Met::default(), now),
            false => None,
        };
        let Some(shown) = shown else { return Ok(Pass::Verbatim) };
        build::frame(&mut self.instead, b'S', |out| {
            build::cstr(out, name);
            build::cstr(out, &shown);
        });
        Ok(Pass::Done)
    }

    fn take_notice(&mut self, body: &[u8], _: UnixMicros) -> Result<Pass, Malformed> {
        let report = Report::read(body)?;
        if !self.speaks_of_tainted() {
            return Ok(Pass::Verbatim);
        }
        Ok(self.withhold(&report, b'N'))
    }

    /// Whether what the target says now may hold something classified.
    pub(super) fn speaks_of_tainted(&self) -> bool {
        self.tainted || self.expected.front().is_some_and(|expect| self.is_withheld(expect))
    }

    /// Whether what the target says while this runs may hold what the caller does not see.
    pub(super) fn is_withheld(&self, expect: &Expect) -> bool {
        let withheld = |read: &Interpreted| read.operation.is_tainted() && self.session.withholds(read.key);
        expect.interpreted().is_some_and(|read| withheld(&read))
    }

    pub(super) fn take_error(&mut self, body: &[u8], now: UnixMicros) -> Result<Pass, Malformed> {
        let mut report = Report::read(body)?;
        let tainted = self.speaks_of_tainted();
        let code = report.sqlstate().to_owned();
        // A place in a text that was rewritten is none in the caller's.
        let mut placeless = Vec::new();
        let rewritten = self.expected.front().is_some_and(Expect::is_rewritten);
        // Nor is a value in it one of the caller's: what is wrong with that is not told.
        let tainted = tainted && !(is_about_the_text(&report) && (!rewritten || report.sqlstate().starts_with("42")));
        if rewritten {
            report.fields.retain(|(kind, _)| *kind != b'P');
            without_position(body, true, &mut placeless)?;
        }
        self.failed = true;
        if report.is_fatal() {
            self.ended = Some(Ended::CutOff(code));
            return Ok(self.show_report(&report, tainted));
        }
        if let Some(Expect::Execute { running, .. } | Expect::Query { running, .. }) = self.expected.front_mut()
            && let Some(own) = running.instead_of_error.take()
        {
            let mut bytes = own.to_bytes();
            if matches!(self.expected.front(), Some(Expect::Execute { .. })) {
                self.skip_batch(Some(code), now);
            } else if let Some(Expect::Query { failed, running, .. }) = self.expected.front_mut() {
                running.forget_rows();
                running.copy = Copying::None;
                *failed = Some(code);
            }
            self.instead.append(&mut bytes);
            return Ok(Pass::Done);
        }
        if let Some(Expect::Bind { refused: Some(report), .. }) = self.expected.front() {
            let mut bytes = report.to_bytes();
            self.skip_batch(Some(code), now);
            self.instead.append(&mut bytes);
            return Ok(Pass::Done);
        }
        let in_batch = match self.expected.front_mut() {
            None => {
                // Between statements there is nothing that could fail but the session itself.
                return Ok(self.show_report(&report, tainted));
            }
            Some(Expect::CopyShape { .. }) => return self.copy_shape_failed(body, now),
            Some(Expect::Query { failed, running, changes, .. }) => {
                running.forget_rows();
                running.copy = Copying::None;
                *failed = Some(code.clone());
                let mut undone = Undone::default();
                undone.changes(std::mem::take(changes).into());
                self.undo(undone);
                false
            }
            Some(Expect::Poison { error, simple, told }) => {
                let (error, simple) = (std::mem::take(error), *simple);
                *told = true;
                self.instead.extend_from_slice(&error);
                if !simple {
                    self.expected.pop_front();
                    self.skip_batch(None, now);
                }
                return Ok(Pass::Done);
            }
            // A deferred constraint, or the commit itself.
            Some(Expect::Sync) => false,
            Some(_) => true,
        };
        if in_batch {
            self.skip_batch(Some(code), now);
        }
        let pass = self.show_report(&report, tainted);
        if rewritten && pass == Pass::Verbatim {
            self.instead.append(&mut placeless);
            return Ok(Pass::Done);
        }
        Ok(pass)
    }

    fn show_report(&mut self, report: &Report, tainted: bool) -> Pass {
        if !tainted {
            return Pass::Verbatim;
        }
        self.withhold(report, b'E')
    }

    fn withhold(&mut self, report: &Report, kind: u8) -> Pass {
        let snapshot = self.own_snapshot().map(Arc::clone).or_else(|| self.catalogs.current());
        let catalog = snapshot.as_ref().map(|snapshot| &*snapshot.catalog);
        neutral_report(report, kind, catalog, &mut self.instead);
        Pass::Done
    }

    /// After an error in a batch the target skips everything up to the next Sync: nothing of that is answered. The
    /// first of them failed with `code`.
    pub(super) fn skip_batch(&mut self, mut code: Option<String>, now: UnixMicros) {
        let sync = self.expected.iter().position(|expect| matches!(expect, Expect::Sync));
        self.discarding |= sync.is_none();
        let skipped: Vec<Expect> = self.expected.drain(..sync.unwrap_or(self.expected.len())).collect();
        // Of what has no record of its own it is the Execute behind it that has failed, as far as the log says.
        let part_failed = match skipped.first() {
            Some(Expect::Parse { flow, .. }) => flow.is_part(),
            Some(Expect::Describe { hidden, .. }) => *hidden,
            _ => false,
        };
        let outcomes = skipped.iter().map(|expect| match expect {
            _ if part_failed && !matches!(expect, Expect::Execute { .. }) => Outcome::Skipped,
            _ => code.take().map_or(Outcome::Skipped, Outcome::Failed),
        });
        let outcomes: Vec<Outcome> = outcomes.collect();
        // Names mean again what they meant before all of it: what came last is taken back first.
        let mut undone = Undone::default();
        for (expect, outcome) in skipped.into_iter().zip(outcomes).rev() {
            match expect {
                Expect::Parse { flow, name, before, .. } => {
                    flow.finish(outcome, now);
                    undone.statement(&name, before);
                }
                Expect::CloseStatement { name, before } => undone.statement(&name, before),
                Expect::Bind { name, before, .. } | Expect::ClosePortal { name, before } => {
                    undone.portal(&name, before)
                }
                Expect::CopyShape { running, .. } => running.finish(outcome, now),
                Expect::Execute { running, changes, .. } => {
                    running.finish(outcome, now);
                    undone.changes(changes);
                }
                Expect::Query { running, changes, .. } => {
                    running.finish(outcome, now);
                    undone.changes(changes.into());
                }
                // Whoever runs it in a later batch asks again.
                Expect::Describe { what: Subject::Portal(portal), .. } => portal.asked_shape.set(false),
                Expect::Describe { .. } | Expect::Sync | Expect::Poison { .. } | Expect::OwnCatalog(_) => {}
            }
        }
        self.undo(undone);
    }

    /// Tells a caller, once a session, that something it sees is masked.
    fn tell_masked(&mut self, plan: Option<&Plan>, found: Vec<String>) {
        if !self.notices || std::mem::replace(&mut self.told_masked, true) {
            return;
        }
        let mut classes = found;
        for field in plan.iter().flat_map(|plan| plan.fields()) {
            field.hidden(&mut |hidden| {
                let class = hidden.class.as_ref().map_or("computed from classified columns", |class| class.as_str());
                classes.push(format!("{class}: {}", hidden.sight.as_str()));
            });
        }
        classes.sort();
        classes.dedup();
        let mut notice = OwnReport::new(Severity::Notice, "01000", "Weir shows some columns masked");
        notice.detail = Some(classes.join(", "));
        notice.hint = Some("This is said once a session. SET weir.notices = off turns it off.".to_owned());
        notice.write(&mut self.instead);
    }
}
