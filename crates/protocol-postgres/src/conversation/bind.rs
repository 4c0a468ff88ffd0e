//! Bind: its values are looked at, and replaced where that is how they are stored, and a portal is made of them.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

use gate::{Declined, Verdict};
use model::UnixMicros;

use super::caller::{BIND, Planned, declined_report, no_statement};
use super::forward::{Slot, Work};
use super::long_bind::{Watched, looked_for};
use super::lowered::{of_other_encoding, too_long_to_lower};
use super::statements::{Lookup, Portal};
use super::text_settings::Reads;
use super::{Conversation, Stall, long};
use crate::cells::holds_mask;
use crate::interpret::{Interpreted, returned_mask};
use crate::wire::frontend::Bind;

impl<S> Conversation<S> {
    pub(super) fn plan_bind(
        &mut self,
        bind: Bind<'_>,
        parameters: Parameters,
        frame: Range<usize>,
        now: UnixMicros,
        verdicts: &mut Vec<Verdict<()>>,
    ) -> Planned {
        if let Some(report) = self.no_room(bind.portal) {
            return self.refuse(report, frame);
        }
        let prepared = match self.statement(bind.statement) {
            Lookup::Known(prepared) => prepared,
            Lookup::Unconfirmed => return Planned::Stalled(Stall::Replies),
            Lookup::Unknown => return self.refuse(no_statement(bind.statement), frame),
        };
        let interpreted = match self.read_again(&prepared) {
            Ok(interpreted) => interpreted,
            Err(stall) => return Planned::Stalled(stall),
        };
        if let Some(number) = mask_in(&bind, &long::watched(&interpreted, &prepared)) {
            return self.refuse_mask(&interpreted, number, frame, verdicts);
        }
        let nothing_awaited = self.expected.is_empty() && self.planned == 0;
        if parameters == Parameters::Here && !nothing_awaited && self.awaits_encoding(&bind, &prepared, &interpreted) {
            return Planned::Stalled(Stall::Replies);
        }
        // Policies may change meanwhile: what is looked at by newer ones counts as looked at by these.
        let looked_by = self.policies_epoch();
        // What runs by a name may be another statement than when it was parsed.
        let refused = self.refuses_constants(&interpreted, now).or_else(|| match parameters {
            Parameters::Here => self.refuses_parameters(&bind, &prepared, &interpreted, now),
            Parameters::ToCome => self.refuses_unseen(&interpreted, now),
        });
        if let Some(unfit) = refused {
            let report = declined_report("42501", &unfit, None);
            self.decline(BIND, interpreted.wording.clone(), unfit, verdicts);
            return self.refuse_decided(report, frame);
        }
        let lowered = self.lowered_now(&interpreted, now);
        let otherwise = match self.values_read(&bind, &interpreted, &lowered, nothing_awaited) {
            Reads::Alike => None,
            Reads::Otherwise(why) => Some(of_other_encoding(why)),
            Reads::NotKnownYet => return Planned::Stalled(Stall::Replies),
        };
        let rewritten = match (lowered.is_empty(), parameters) {
            (true, _) => Ok(None),
            _ if otherwise.is_some() => otherwise.map_or(Ok(None), Err),
            (false, Parameters::Here) => self.lowered_bind(&bind, &prepared, &interpreted, &lowered).map(Some),
            (false, Parameters::ToCome) => Err(too_long_to_lower()),
        };
        let rewritten = match rewritten {
            Ok(rewritten) => rewritten,
            Err(unfit) => {
                let report = declined_report("42501", &unfit, None);
                self.decline(BIND, interpreted.wording.clone(), unfit, verdicts);
                return self.refuse_decided(report, frame);
            }
        };
        // What runs by a name returns what that name stands for when it is bound, whatever was described before.
        let shape = prepared.shape().filter(|_| !interpreted.runs_names());
        let tainted = interpreted.operation.is_tainted();
        let bound = (bind.parameter_count > 0).then(|| self.session.gate().digest([bind.parameters]));
        let formats = bind.formats();
        let weight = self.names.held.weigh(formats.len().saturating_mul(2));
        let portal = Rc::new(Portal {
            shape: None.into(),
            formats: formats.into(),
            bound: bound.into(),
            lowered,
            lowered_in_text: prepared.lowered.clone(),
            confirmed: Cell::default(),
            of: interpreted.uses_names().then_some(prepared),
            interpreted,
            otherwise: false,
            looked_by,
            hold: false,
            asked_shape: Cell::default(),
            weight,
        });
        if let Some(shape) = shape.filter(|_| tainted)
            && let Err(why) = &shape.holds
        {
            let message = format!("Weir cannot tell what this statement returns: {why}");
            let unfit = Declined { message, detail: None, hint: None };
            let report = declined_report("0A000", &unfit, None);
            self.decline(BIND, portal.interpreted.wording.clone(), unfit, verdicts);
            return self.refuse_decided(report, frame);
        }
        let before = self.names.define_portal(bind.portal, &portal, self.batch);
        let work = Work::Bind { name: bind.portal.to_vec(), portal, before, rewritten };
        Planned::Slot(Slot { frame, work, decided: None })
    }

    /// Refuses a Bind in which this parameter is a mask that comes back.
    pub(super) fn refuse_mask(
        &mut self,
        interpreted: &Interpreted,
        number: usize,
        frame: Range<usize>,
        verdicts: &mut Vec<Verdict<()>>,
    ) -> Planned {
        let Some(kept) = long::kept(interpreted).find(|kept| kept.number == number) else {
            return Planned::Dropped;
        };
        let unfit = returned_mask(&kept.field);
        let report = declined_report("42501", &unfit, None);
        self.decline(BIND, interpreted.wording.clone(), unfit, verdicts);
        self.refuse_decided(report, frame)
    }
}

/// The number of a parameter in which a mask comes back.
fn mask_in(bind: &Bind<'_>, watched: &Watched) -> Option<usize> {
    if watched.is_empty() {
        return None;
    }
    let holds = |(number, (binary, value)): &(usize, (bool, Option<&[u8]>))| {
        let types = watched.get(number).map(Vec::as_slice).unwrap_or_default();
        value.is_some_and(|value| !types.is_empty() && holds_mask(looked_for(types, *binary), value))
    };
    (1..).zip(bind.values()).find(holds).map(|(number, _)| number)
}

/// Where the parameters of a Bind are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameters {
    /// In the message.
    Here,
    /// They come later, and go to the target as they come.
    ToCome,
}
