//! Function calls by the fast path: decided like a text, answered with one value.

use std::ops::Range;
use std::rc::Rc;

use gate::{Met, Step, Verdict};
use model::UnixMicros;

use super::Conversation;
use super::caller::{Planned, Slotted};
use super::expect::Expect;
use super::forward::{Kind, Work};
use super::lowered::Rewritten;
use super::target::Pass;
use crate::cells::{CellType, RETURNED, Said, each_said};
use crate::interpret::{Form, Interpreted};
use crate::wire::build;
use crate::wire::frontend::FunctionCall;
use crate::wire::{Fields, Malformed};

const CALL: Step = Step("call");

/// Types of which a result can be.
const TEXT: u32 = 25;
const BYTEA: u32 = 17;

impl<S> Conversation<S> {
    /// Decides a function call. It is answered as a text is: by its result or an error, and ReadyForQuery.
    pub(super) fn plan_call(
        &mut self,
        call: FunctionCall<'_>,
        frame: Range<usize>,
        now: UnixMicros,
        verdicts: &mut Vec<Verdict<()>>,
    ) -> Planned {
        // Whether anything is classified here, an empty text tells, which waits for the catalog as any does.
        let empty = match self.interpreted(b"") {
            Ok(empty) => empty,
            Err(stall) => return Planned::Stalled(stall),
        };
        let interpreted = if empty.unfit.is_some() {
            empty
        } else {
            Rc::new(Interpreted::of_call(call.function, &empty.snapshot, self.session.gate()))
        };
        let bound = self.session.gate().digest([call.arguments]);
        let work =
            Work::Query { interpreted: Rc::clone(&interpreted), changes: Vec::new(), rewritten: Rewritten::default() };
        self.decide(&interpreted, CALL, Kind::Simple, Some(bound), Slotted { frame, work }, now, verdicts)
    }

    /// FunctionCallResponse.
    pub(super) fn take_call_result(&mut self, body: &[u8], now: UnixMicros) -> Result<Pass, Malformed> {
        let mut fields = Fields::of("FunctionCallResponse", body);
        let value = fields.value()?;
        fields.end()?;
        let mut met = Met::default();
        // Nobody says of what type it is, nor in which format.
        let found = value.is_some_and(|value| {
            [(TEXT, false), (BYTEA, false), (RETURNED, true)].into_iter().any(|(oid, binary)| {
                let mut ask = |says: Said<'_>| match says {
                    Said::Bytes(says) => self.said(says, false, &mut met, now).map(|_| ()),
                    // It is no such text. In binary it may be anything.
                    Said::Unread => binary.then_some(()),
                };
                each_said(CellType::of(oid, binary), value, &mut ask).is_some()
            })
        });
        let Some(Expect::Query { running, interpreted, failed: None, .. }) = self.expected.front_mut() else {
            return Err(self.out_of_place("the result of a function"));
        };
        if interpreted.form != Form::Call || running.shown.rows > 0 {
            return Err(self.out_of_place("the result of a function"));
        }
        let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
        // What comes from a function that nobody knows may be anything.
        let hidden = value.is_some() && (interpreted.operation.touches_unknown || found);
        running.flow.met().add(met);
        running.count(gate::Shown { rows: 1, bytes, masked: hidden.into() });
        if !hidden {
            return Ok(Pass::Verbatim);
        }
        build::frame(&mut self.instead, b'V', |out| out.extend_from_slice(&(-1_i32).to_be_bytes()));
        Ok(Pass::Done)
    }
}
