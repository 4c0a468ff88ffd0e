//! Replication connections: the commands that are no SQL, and the stream both ways that follows one of them.
//!
//! A stream is not masked: who may not see all that it can carry does not get it (`sql_postgres::replication_command`). It
//! goes through frame by frame, counted, until both sides have ended it or the session ends.

use std::ops::Range;
use std::rc::Rc;

use gate::{Declined, Verdict};
use model::{Holds, Sight, UnixMicros};
use sql_postgres::{Carries, ReplicationOf, replication_command};

use super::caller::{Planned, QUERY, declined_report};
use super::expect::{Copying, Expect};
use super::forward::{Kind, Slot, Work};
use super::target::Pass;
use super::{Conversation, Stall};
use crate::interpret::{Form, Interpreted};
use crate::wire::Malformed;

impl Interpreted {
    /// Whether it is a command of a replication connection that carries this.
    pub fn carries(&self, what: Carries) -> bool {
        self.form == Form::Replication(what)
    }

    /// Whether it is a command of a replication connection.
    pub fn is_replication(&self) -> bool {
        matches!(self.form, Form::Replication(_))
    }
}

impl<S> Conversation<S> {
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
        let clear =
            |field: &model::Field| self.session.sight_of(operation, &Holds::Copy(field.clone()), now) == Sight::Clear;
        // Nothing but the snapshot says here what its names mean, so it takes what a stream takes: to see everything.
        (self.replication.is_some() || interpreted.statements.len() > 1)
            && !operation.touches_unknown
            && operation.touches.iter().all(clear)
            && interpreted.snapshot.catalog.classified_fields().all(|field| clear(&field))
    }

    /// Whether it is a copy that would have to be masked, and so to be described, here where that is impossible.
    pub(super) fn cannot_mask(&self, interpreted: &Interpreted, now: UnixMicros) -> bool {
        let copies = match self.replication {
            Some(_) => interpreted.copy_to_describe().is_some(),
            None => interpreted.copies_out_among_others(),
        };
        copies && !self.is_seen_undescribed(interpreted, now)
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
                Ok(Pass::Verbatim)
            }
            _ => Err(self.out_of_place("the start of a stream both ways")),
        }
    }
}
