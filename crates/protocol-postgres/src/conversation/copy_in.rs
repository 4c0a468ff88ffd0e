//! COPY … FROM STDIN: the data on their way to the target, as more of the permitted operation.
//!
//! They go as they come. Where some of them go into classified columns they are looked through on the way, and a mask that comes
//! back fails the copy. Where policy forbids that something is stored, what may be that is looked for in all columns.

use std::cell::RefCell;
use std::rc::Rc;

use gate::{Declined, Session, Step};
use model::{Field, Holds, Sight, UnixMicros, Wording};
use redact::CELL_BYTES_MAX;
use sql_postgres::{CopyFormat, CopyIn, CopyStatement, PlainInto};

use super::caller::declined_report;
use super::copy::{FLUSH, Rest, copy_response};
use super::expect::{Copying, Expect};
use super::forward::Frame;
use super::lowered::{Lowered, not_lowered};
use super::target::Pass;
use super::{Conversation, Ended, found_stored};
use crate::catalog::Catalogs;
use crate::cells::{CellType, Said};
use crate::copy::{Arriving, Guarded, Into, Keeper, Stopped};
use crate::interpret::{CANNOT_WATCH, Interpreted, returned_mask};
use crate::wire::Malformed;
use crate::wire::build::{self, OwnReport, Severity};
use crate::wire::frame::{HEAD_BYTES, Head};
use crate::wire::frontend::Frontend;

/// The longest reason for giving up that is taken from a caller.
const FAIL_BYTES_MAX: usize = 64 * 1024;

const COPY: Step = Step("copy");
/// Why rows can't be looked through.
const OTHER_COLUMNS: &str = "the table has other columns than Weir knows of";

/// Why a value may not be stored in a column that is not classified.
fn refuses<'a>(
    session: &'a Session,
    catalogs: &'a Catalogs,
    now: UnixMicros,
) -> impl Fn(&PlainInto, Said<'_>) -> Option<Declined> + use<'a> {
    let storing = catalogs.search().map(|search| RefCell::new(session.storing(search, now, usize::MAX)));
    move |into, said| found_stored::refuses(&mut storing.as_ref()?.borrow_mut(), into, said)
}

impl<S> Conversation<S> {
    /// Whether the target takes copy data now, as far as is known.
    pub(super) fn is_copying_in(&mut self) -> bool {
        let running = self.expected.back_mut().and_then(Expect::running);
        running.is_some_and(|running| running.copy.takes())
    }

    /// Whether the data are looked through on their way.
    fn is_watching(&mut self) -> bool {
        let running = self.expected.back_mut().and_then(Expect::running);
        running.is_some_and(|running| matches!(running.copy, Copying::Watched(_)))
    }

    /// What becomes of so many bytes that are missing of a message of watched data. Nothing of it was begun on the target, so nothing
    /// need be ended there once the copy has failed.
    pub(super) fn rest_of_watched(&mut self, left: usize) -> Option<Rest> {
        (left > 0).then(|| if self.is_watching() { Rest::Watched(left) } else { Rest::Nowhere(left) })
    }

    /// Sends copy data that are looked through, in messages of Weir's own: what has been looked at, and no more.
    pub(super) fn send_watched(&mut self, bytes: &[u8], now: UnixMicros) {
        let Some(running) = self.expected.back_mut().and_then(Expect::running) else { return };
        let Copying::Watched(arriving) = &mut running.copy else { return };
        if bytes.is_empty() {
            return;
        }
        let (mut frame, mut fed) = (Vec::new(), Ok(()));
        build::frame(&mut frame, b'd', |out| {
            let refuses = refuses(&self.session, &self.catalogs, now);
            let keeper = Keeper { key: self.session.stored_tokens(), refuses: &refuses };
            fed = arriving.feed(bytes, &keeper, out);
        });
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        running.shown.bytes = running.shown.bytes.saturating_add(count);
        match fed {
            Ok(()) if frame.len() > HEAD_BYTES => self.upstream.more(&mut running.flow, |wire| wire.put(&frame)),
            Ok(()) => {}
            Err(stopped) => self.stop_copy(stopped, now),
        }
    }

    /// Fails a copy whose data may not be stored. The server keeps nothing of a copy that fails.
    fn stop_copy(&mut self, stopped: Stopped, now: UnixMicros) {
        let (code, unfit) = match stopped {
            Stopped::Mask(field) => ("42501", returned_mask(&field)),
            Stopped::NotLowered(field, to) => ("42501", not_lowered(&field, to)),
            Stopped::Refused(why) => ("42501", why),
            Stopped::Long(into) => {
                let message = format!(
                    "a value of more than {CELL_BYTES_MAX} bytes can't be looked through for what may not be stored in {}.{}",
                    into.part.name, into.column
                );
                ("54000", Declined { message, detail: None, hint: None })
            }
            Stopped::Malformed(wrong) => {
                let message = format!("Weir cannot read the data of this COPY: {wrong}");
                ("22P04", Declined { message, detail: None, hint: None })
            }
        };
        let report = declined_report(code, &unfit, None);
        if let Some(interpreted) = self.expected.back().and_then(Expect::interpreted) {
            self.note_declined(COPY, interpreted.wording.clone(), unfit, now);
        }
        self.fail_copy(report);
    }

    /// Fails the copy on the target; the caller is told this.
    fn fail_copy(&mut self, report: OwnReport) {
        let mut fail = Vec::new();
        build::frame(&mut fail, b'f', |out| build::cstr(out, report.message.as_bytes()));
        if let Some(running) = self.expected.back_mut().and_then(Expect::running) {
            running.instead_of_error = Some(report);
        }
        self.end_data(&fail);
    }

    /// Writes down that something was refused in the middle of what was permitted. It does not run, whether that can be written or
    /// not.
    pub(super) fn note_declined(&mut self, step: Step, wording: Wording, unfit: Declined, now: UnixMicros) {
        let verdict = self.session.decline(step, wording, unfit, ());
        if let Err(down) = self.session.commit(now, vec![verdict]) {
            tracing::error!(session = %self.session.id(), "{down}");
        }
    }

    /// CopyInResponse.
    pub(super) fn take_copy_in(&mut self, body: &[u8], now: UnixMicros) -> Result<Pass, Malformed> {
        let (binary, columns) = copy_response(body)?;
        let last = self.expected.len() == 1;
        let (interpreted, at) = match self.expected.front() {
            Some(Expect::Query { interpreted, statement, failed: None, .. }) if last => {
                (Rc::clone(interpreted), *statement)
            }
            Some(Expect::Execute { portal, .. }) if last => (Rc::clone(&portal.interpreted), 0),
            _ => return Err(self.out_of_place("the start of a copy from the caller")),
        };
        if !interpreted.copies_in() {
            return Err(self.out_of_place("the start of a copy from the caller"));
        }
        let copying = match interpreted.statements.get(at).and_then(|statement| statement.copy.as_ref()) {
            Some(CopyStatement::In(copy)) => {
                let looked = self.looked_into(copy, now);
                let lowered = self.expected.front_mut().and_then(Expect::running).map(|running| running.flow.lowers());
                let lowered = lowered.unwrap_or_default().to_vec();
                let needs_none = || lowered.is_empty() && self.sees_all(&interpreted, now);
                let is_another = !copy.fields.is_empty() && copy.fields.len() != columns;
                match self.reads_alike(copy) {
                    _ if (is_another || interpreted.names_unknown) && self.may_forbid_store() => Err(OTHER_COLUMNS),
                    _ if !copy.is_classified() && looked.is_empty() => Ok(Copying::In),
                    Err(_) if looked.is_empty() && needs_none() => Ok(Copying::In),
                    Err(why) => Err(why),
                    Ok(()) => self.watching(copy, &lowered, &looked, binary, columns),
                }
            }
            _ => Ok(Copying::In),
        };
        let unsettled = self.settings.copies_alike().err();
        let Some(running) = self.expected.front_mut().and_then(Expect::running) else { return Ok(Pass::Verbatim) };
        match copying {
            Ok(copying) => {
                running.begin_copy(copying)?;
                Ok(Pass::Verbatim)
            }
            Err(why) => {
                running.begin_copy(Copying::In)?;
                let mut report = OwnReport::new(Severity::Error, "0A000", CANNOT_WATCH);
                report.detail = Some(why.to_owned());
                if unsettled == Some(why) {
                    report.hint = Some("Say in the COPY in which encoding it comes: ENCODING 'UTF8'.".to_owned());
                }
                self.fail_copy(report);
                Ok(Pass::Done)
            }
        }
    }

    /// Whether Weir finds the rows and columns of this copy's data where the target does; why not, if not. Code that stands in the
    /// COPY itself counts too: a WHERE is computed, as far as it is constant, before the target settles on the encoding.
    fn reads_alike(&self, copy: &CopyIn) -> Result<(), &'static str> {
        if copy.encoding.is_some() { Ok(()) } else { self.settings.copies_alike() }
    }

    /// Whether its texts are UTF-8, as those are of which tokens are made.
    fn reads_utf8(&self, copy: &CopyIn) -> bool {
        match &copy.encoding {
            Some(encoding) => matches!(encoding.to_ascii_lowercase().as_str(), "utf8" | "utf-8" | "unicode"),
            None => self.settings.copies_utf8(),
        }
    }

    /// Whether nothing is shown to the caller as a mask, so that none can come back.
    fn sees_all(&self, interpreted: &Interpreted, now: UnixMicros) -> bool {
        let clear = |field| self.session.sight_of(&Holds::Copy(field), now) == Sight::Clear;
        interpreted.snapshot.catalog.classified_fields().all(clear)
    }

    /// The columns that are not classified in which something may not be stored, each with its place.
    fn looked_into(&self, copy: &CopyIn, now: UnixMicros) -> Vec<(usize, PlainInto)> {
        let Some(search) = self.catalogs.search() else { return Vec::new() };
        let may_refuse = |into: &PlainInto| self.session.may_refuse_store(search, (&into.part, &into.column), now);
        copy.plain.iter().filter(|(_, into)| may_refuse(into)).cloned().collect()
    }

    /// A copy whose data are looked through.
    fn watching(
        &self,
        copy: &CopyIn,
        lowered: &[Lowered],
        looked: &[(usize, PlainInto)],
        binary: bool,
        columns: usize,
    ) -> Result<Copying, &'static str> {
        if binary != (copy.format == CopyFormat::Binary) {
            return Err("the target takes it in another form than was asked for");
        }
        let guarded = |(field, type_oid): &(Field, u32)| Guarded {
            lowered: lowered.iter().find(|(of, _)| of == field).map(|(_, to)| *to),
            wire: CellType::of(*type_oid, binary),
            field: field.clone(),
        };
        let plain = |at: usize| {
            let here = looked.iter().filter(|(place, _)| *place == at);
            let all: Vec<_> = here.map(|(_, into)| (into.clone(), CellType::of(into.type_oid, binary))).collect();
            (!all.is_empty()).then_some(Into::Looked(all))
        };
        let guards = match copy.fields.len() == columns {
            true => {
                let fields = copy.fields.iter().enumerate();
                fields.map(|(at, into)| into.as_ref().map(guarded).map(Into::Guarded).or_else(|| plain(at))).collect()
            }
            // The table is another than it was, or is not the one that was thought.
            false if !lowered.is_empty() || !looked.is_empty() => {
                return Err(OTHER_COLUMNS);
            }
            false => {
                let first = copy.fields.iter().flatten().next().map(|(field, _)| guarded(&(field.clone(), 0)));
                vec![first.map(Into::Guarded); columns]
            }
        };
        let arriving = Arriving::new(guards, &copy.format).ok_or("its form is one that Weir does not read")?;
        Ok(Copying::Watched(Box::new(if self.reads_utf8(copy) { arriving } else { arriving.in_another_encoding() })))
    }

    /// Sends copy data. Once the copy has failed the target ignores it, and the message must end all the same.
    pub(super) fn send_data(&mut self, bytes: &[u8]) {
        match self.expected.back_mut().and_then(Expect::running) {
            Some(running) if running.copy.takes() => {
                if matches!(running.copy, Copying::In) {
                    let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    running.shown.bytes = running.shown.bytes.saturating_add(count);
                }
                self.upstream.more(&mut running.flow, |wire| wire.put(bytes));
            }
            _ => self.upstream.control(Frame(bytes)),
        }
    }

    /// Takes the caller's frames while the target is copying in.
    pub(super) fn send_copy(&mut self, now: UnixMicros) {
        let inbox = std::mem::take(&mut self.from_caller);
        let mut at = 0;
        while self.ended.is_none() && self.is_copying_in() {
            let unread = inbox.unread().get(at..).unwrap_or_default();
            let head = match Head::read(unread).and_then(|head| {
                head.map_or(Ok(()), |head| Frontend::known(head.kind))?;
                Ok(head)
            }) {
                Ok(Some(head)) => head,
                Ok(None) => break,
                Err(wrong) => {
                    self.caller_broke(wrong);
                    break;
                }
            };
            if self.is_too_long(head) {
                break;
            }
            let whole = unread.get(..head.frame_bytes);
            let there = head.frame_bytes.min(unread.len());
            match (head.kind, whole) {
                (b'd', _) if self.is_watching() => {
                    self.send_watched(unread.get(HEAD_BYTES..there).unwrap_or_default(), now);
                    self.rest = self.rest_of_watched(head.frame_bytes.saturating_sub(there));
                }
                (b'd', _) => {
                    self.send_data(unread.get(..there).unwrap_or_default());
                    self.rest =
                        (there < head.frame_bytes).then(|| Rest::ToTarget(head.frame_bytes.saturating_sub(there)));
                }
                (b'c', Some(frame)) => match self.end_watched(now) {
                    Ok(()) => self.end_data(frame),
                    Err(stopped) => self.stop_copy(stopped, now),
                },
                (b'f', Some(frame)) => self.end_data(frame),
                (b'f', None) if head.frame_bytes > FAIL_BYTES_MAX => {
                    self.caller_broke(Malformed(format!("a reason of {} bytes for giving up", head.frame_bytes)));
                    break;
                }
                (b'X', Some(frame)) => {
                    self.upstream.control(Frame(frame));
                    self.ended = Some(Ended::Goodbye);
                }
                // The server ignores them while it copies.
                (b'S' | b'H', Some(_)) => {}
                (b'c' | b'f' | b'X' | b'S' | b'H', None) => break,
                (other, _) => {
                    self.unexpected_in_copy(other);
                    self.rest =
                        (there < head.frame_bytes).then(|| Rest::Nowhere(head.frame_bytes.saturating_sub(there)));
                }
            }
            at = at.saturating_add(there);
        }
        self.from_caller = inbox;
        self.from_caller.consume(at);
    }

    /// All data have come.
    fn end_watched(&mut self, now: UnixMicros) -> Result<(), Stopped> {
        let Some(running) = self.expected.back_mut().and_then(Expect::running) else { return Ok(()) };
        let Copying::Watched(arriving) = &mut running.copy else { return Ok(()) };
        let (mut frame, mut ended) = (Vec::new(), Ok(()));
        build::frame(&mut frame, b'd', |out| {
            let refuses = refuses(&self.session, &self.catalogs, now);
            let keeper = Keeper { key: self.session.stored_tokens(), refuses: &refuses };
            ended = arriving.end(&keeper, out);
        });
        ended?;
        if frame.len() > HEAD_BYTES {
            self.upstream.more(&mut running.flow, |wire| wire.put(&frame));
        }
        Ok(())
    }

    /// Sends the end of the data. What comes then tells what the caller's next frames mean.
    fn end_data(&mut self, frame: &[u8]) {
        let Some(expect) = self.expected.back_mut() else { return };
        let batched = matches!(expect, Expect::Execute { .. });
        let Some(running) = expect.running() else { return };
        running.copy = running.copy.caller_is_done();
        self.upstream.more(&mut running.flow, |wire| {
            wire.put(frame);
            if batched {
                // The Sync behind it waits for the answer, and the target answers when it is asked to.
                wire.put(FLUSH);
            }
        });
    }

    /// The server fails a copy in which something else comes than copy data, and so does Weir: what came is not sent.
    fn unexpected_in_copy(&mut self, kind: u8) {
        let text = format!("unexpected message type 0x{kind:02X} during COPY from stdin");
        self.fail_copy(OwnReport::new(Severity::Error, "08P01", text));
    }
}
