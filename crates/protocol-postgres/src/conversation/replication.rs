//! Replication connections: the commands that are no SQL, and the stream both ways that follows one of them.
//!
//! A stream is not masked: who may not see all that it can carry does not get it (`sql_postgres::replication_command`). It
//! goes through frame by frame, counted, until both sides have ended it or the session ends. It can last for months, so it
//! is decided again while it goes: whenever the target sends something and the policies or the catalog are others by then.
//! Where something is classified, what the target sends waits until the catalog is known; what the caller sends does not:
//! the target ends a stream that it hears nothing of.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, Instant};

use gate::{Declined, Released, Step, Verdict};
use model::{Holds, Sight, UnixMicros};
use sql_postgres::{Carries, ReplicationOf, replication_command};

use super::caller::{Planned, QUERY, declined_report};
use super::expect::{Copying, Expect};
use super::forward::{Kind, Slot, Work};
use super::target::Pass;
use super::{Conversation, Ended, Stall};
use crate::interpret::{Form, Interpreted};
use crate::wire::Malformed;
use crate::wire::build::{OwnReport, Severity};

impl Interpreted {
    /// Whether it is a command of a replication connection that carries this.
    pub fn carries(&self, what: Carries) -> bool {
        self.form == Form::Replication(what)
    }

    /// Whether it is a command of a replication connection.
    pub fn is_replication(&self) -> bool {
        matches!(self.form, Form::Replication(_))
    }

    /// Whether a stream or a backup comes of it.
    pub fn is_stream(&self) -> bool {
        self.carries(Carries::Stream) || self.carries(Carries::Backup)
    }
}

/// A stream or backup that goes on.
#[derive(Debug)]
pub(super) struct Streaming {
    /// The command.
    text: Vec<u8>,
    /// What it does, by the catalog as it was last read.
    interpreted: Rc<Interpreted>,
    /// What the target has sent while the catalog is read again.
    pub(super) held: Option<Held>,
}

/// What waits for the catalog.
#[derive(Debug)]
pub(super) struct Held {
    bytes: Vec<u8>,
    /// When the last of it came.
    came: Instant,
    /// Since when it waits.
    pub(super) since: Instant,
}

/// How long a stream waits for a catalog that can't be read. A server lets go of who is silent for 60 seconds.
pub(super) const CATALOG_WAIT_MAX: Duration = Duration::from_secs(30);

/// Looking at a stream again.
const STREAM: Step = Step("stream");

impl<S> Conversation<S> {
    /// A permitted command goes to the target: if a stream or a backup comes of it, that is looked at again while it goes on.
    pub(super) fn begin_stream(&mut self, text: &[u8], interpreted: &Rc<Interpreted>) {
        if interpreted.is_stream() {
            let text = text.strip_suffix(b"\0").unwrap_or(text).to_vec();
            self.streaming = Some(Streaming { text, interpreted: Rc::clone(interpreted), held: None });
        }
    }

    /// Whether a stream or a backup goes on.
    pub fn is_streaming(&self) -> bool {
        self.streaming.is_some()
    }

    /// Whether what the target sends may be taken. A stream is not, while nobody knows what is classified.
    pub fn hears_target(&self) -> bool {
        self.streaming.as_ref().is_none_or(|streaming| streaming.held.is_none())
    }

    /// What the target has sent, with what of it was held before, if the stream may go on, or there is none. If not, it waits for the
    /// catalog, or the session is over.
    pub(super) fn if_stream_stands<'a>(&mut self, bytes: &'a [u8], now: UnixMicros) -> Option<Cow<'a, [u8]>> {
        let Some(streaming) = &mut self.streaming else { return Some(Cow::Borrowed(bytes)) };
        if let Some(held) = streaming.held.as_mut().filter(|_| !bytes.is_empty()) {
            held.bytes.extend_from_slice(bytes);
            held.came = Instant::now();
        }
        let stands = self.stream_stands(now);
        let streaming = self.streaming.as_mut()?;
        match &mut streaming.held {
            held if stands => Some(held.take().map_or(Cow::Borrowed(bytes), |held| Cow::Owned(held.bytes))),
            Some(_) => None,
            held => {
                let since = Instant::now();
                *held = Some(Held { bytes: bytes.to_vec(), came: since, since });
                None
            }
        }
    }

    fn stream_stands(&mut self, now: UnixMicros) -> bool {
        let Some(streaming) = &mut self.streaming else { return true };
        let Some(snapshot) = self.catalogs.current_for(streaming.held.as_ref().map(|held| held.came)) else {
            let waited = streaming.held.as_ref().is_some_and(|held| held.since.elapsed() > CATALOG_WAIT_MAX);
            if self.catalog_failed && waited {
                let why = "Weir cannot read the target's catalog, so it cannot tell what this stream carries";
                self.end_stream(OwnReport::fatal("58000", why).hint("The reason is in Weir's log."));
            }
            return false;
        };
        if snapshot.epoch != streaming.interpreted.snapshot.epoch
            && let Some(of) = self.replication
            && let Some(command) = replication_command(&streaming.text, of, &snapshot.catalog)
        {
            let read = Interpreted::of_replication(&streaming.text, command, &snapshot, self.session.gate());
            streaming.interpreted = Rc::new(read);
        }
        let interpreted = &streaming.interpreted;
        let verdict = match &interpreted.unfit {
            Some(unfit) => self.session.decline(STREAM, interpreted.wording.clone(), unfit.declined.clone(), ()),
            None => {
                let operation = || interpreted.operation.clone();
                self.session.decide(STREAM, interpreted.key, interpreted.wording.clone(), now, (), operation)
            }
        };
        if !verdict.refuses() {
            return true;
        }
        // What ends it is written down as any refusal is; should that fail, it ends all the same.
        let refusal = match self.session.commit(now, vec![verdict]).map(|released| released.into_iter().next()) {
            Ok(Some(Released::Refuse(refusal, ()))) => OwnReport::refusal(Severity::Fatal, "42501", &refusal),
            _ => OwnReport::fatal("42501", "this stream may not go on"),
        };
        self.end_stream(refusal);
        false
    }

    fn end_stream(&mut self, report: OwnReport) {
        self.end_with(&report);
        self.ended = Some(Ended::NoLongerPermitted);
    }

    /// Makes it the conversation of a replication connection.
    pub fn set_replication(&mut self, of: Option<ReplicationOf>) {
        self.replication = of;
    }

    /// The command that a text is on a replication connection, if it is not SQL.
    pub(super) fn command(&mut self, text: &[u8]) -> Option<Result<Rc<Interpreted>, Stall>> {
        let of = self.replication?;
        // What is classified here, an empty text tells, which waits for the catalog as any does.
        let empty = match self.interpreted(b"") {
            Ok(empty) => empty,
            Err(stall) => return Some(Err(stall)),
        };
        let mut command = replication_command(text, of, &empty.snapshot.catalog)?;
        if empty.unfit.is_some() {
            return Some(Ok(empty));
        }
        if !self.settings.tells_apart(text) {
            command = Err("a replication command that is not ASCII, where client_encoding is not UTF8".to_owned());
        }
        let gate = self.session.gate();
        Some(Ok(Rc::new(Interpreted::of_replication(text, command, &empty.snapshot, gate))))
    }

    /// Whether a copy that can't be described before it runs is seen clear: on a replication connection none can be, nor
    /// one that stands among other statements of its text.
    pub(super) fn is_seen_undescribed(&self, interpreted: &Interpreted, now: UnixMicros) -> bool {
        let operation = &interpreted.operation;
        let clear = |field: &model::Field| self.session.sight_of(&Holds::Copy(field.clone()), now) == Sight::Clear;
        // Nothing but the snapshot says here what its names mean, so it takes what a stream takes: to see everything.
        (self.replication.is_some() || interpreted.statements.len() > 1)
            && !operation.touches_unknown
            && operation.touches.iter().all(clear)
            && interpreted.snapshot.catalog.classified_fields().all(|field| clear(&field))
    }

    /// Whether it is a copy that would have to be masked, and so to be described, here where that is impossible.
    pub(super) fn cannot_mask(&self, interpreted: &Interpreted, now: UnixMicros) -> bool {
        let classifies = interpreted.snapshot.catalog.classifies();
        let copies = match self.replication {
            Some(_) => interpreted.copy_to_describe().is_some() || interpreted.copies_out_among_others(),
            None => interpreted.copies_out_among_others(),
        };
        let looked_at = self.replication.is_none() && self.hides_content(now);
        copies && (looked_at || classifies && !self.is_seen_undescribed(interpreted, now))
    }

    pub(super) fn refuse_copy(
        &mut self,
        interpreted: &Interpreted,
        frame: Range<usize>,
        verdicts: &mut Vec<Verdict<()>>,
    ) -> Planned {
        let (place, instead) = match self.replication {
            Some(_) => ("on a replication connection", "Connect without `replication`"),
            None => ("among other statements", "Send it on its own"),
        };
        let message = format!("Weir cannot mask a COPY {place}, so it does not run");
        let hint = Some(format!("{instead}, or as somebody who may see all that is classified in this database."));
        let unfit = Declined { message, detail: None, hint };
        let report = declined_report("0A000", &unfit, None);
        self.decline(QUERY, interpreted.wording.clone(), unfit, verdicts);
        let work = Work::Refuse { report, kind: Kind::Simple };
        Planned::Slot(Slot { frame, work, decided: Some(Kind::Simple) })
    }

    /// CopyBothResponse.
    pub(super) fn take_copy_both(&mut self) -> Result<Pass, Malformed> {
        let last = self.expected.len() == 1;
        match self.expected.front_mut() {
            Some(Expect::Query { running, interpreted, failed: None, .. })
                if last && interpreted.carries(Carries::Stream) =>
            {
                running.begin_copy(Copying::Both { caller: true, target: true })?;
                // Nobody takes its messages apart.
                running.copy_unkept = self.session.keeps_less();
                Ok(Pass::Verbatim)
            }
            _ => Err(self.out_of_place("the start of a stream both ways")),
        }
    }
}
