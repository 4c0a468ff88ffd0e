//! One caller's session with one target: deciding, and committing what was decided.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use model::{
    Ask, ClassId, Field, Holds, Object, Operation, Part, Principal, SessionId, Shape, Sight, Target, TypeTag,
    UnixMicros, Wording,
};
use parking_lot::Mutex;
use policy::actions::{SEE, STORE};
use policy::{Circumstances, Decision, Policies, Scene, Sighting};
use redact::{FieldPlan, Layout, TokenKey};
use serde::Serialize;

use crate::admit::{Arrival, Gate};
use crate::judge::{Judged, describe, judge};
use crate::keys::ShapeKey;
use crate::ledger::{Decided, Event, Ledger, LedgerDown, Record, Ruling};
use crate::recorder::{Frame, RecorderDown, Recording};
use crate::refusal::{Declined, Refusal};
use crate::search::Search;
use crate::storing::Storing;
use crate::tally::Counter;
use crate::upstream::Upstream;
use crate::verdict::{Answer, Pending, Permit, Released, Verdict};
use crate::watch::{KeptWatch, Sought, Watches};
use crate::words::Words;

/// Decisions kept by one session. A workload repeats few statements; what is past this is decided anew.
const DECISIONS_MAX: usize = 1024;
/// About the bytes that those decisions may take, what one takes, and what each ask and field in it adds.
const DECISIONS_BYTES_MAX: usize = 4 * 1024 * 1024;
const DECIDED_BYTES: usize = 256;
const DECIDED_PART_BYTES: usize = 256;

/// Answers to single asks, and sights of single fields, kept by one session.
const ASKS_MAX: usize = 4096;

/// What a protocol is about to do with an operation: `parse`, `execute`, `query`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Step(pub &'static str);

/// Whom something is shown to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eye {
    /// The caller.
    Caller,
    /// The recording, which is shown what the caller was shown, and of what is classified and was shown clear at most this.
    Recording(Sight),
}

/// Why nothing of what was decided may run.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unwritten {
    /// The log can't be written.
    #[error(transparent)]
    Log(#[from] LedgerDown),
    /// What the caller would be shown can't be kept.
    #[error(transparent)]
    Recording(#[from] RecorderDown),
}

/// A session. Shared by everything that runs in it: operations of one session may be decided and forwarded
/// concurrently, as the streams of one HTTP/2 connection are.
#[derive(Debug)]
pub struct Session {
    shared: Arc<Shared>,
}

/// What flows need of their session.
pub(crate) struct Shared {
    pub id: SessionId,
    pub ledger: Arc<dyn Ledger>,
    pub counter: Counter,
    gate: Arc<Gate>,
    principal: Arc<Principal>,
    target: Arc<Target>,
    circumstances: Circumstances,
    tokens: TokenKey,
    stored_tokens: TokenKey,
    kept_tokens: TokenKey,
    /// What its caller is shown is kept here.
    recording: Option<Box<dyn Recording>>,
    rule: ArcSwap<Rule>,
    state: Mutex<State>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.id)
    }
}

/// The policies as this session meets them.
pub(crate) struct Rule {
    policies: Arc<Policies>,
    scene: Arc<Scene>,
    epoch: u64,
    by_class: OnceLock<bool>,
    may_forbid_store: OnceLock<bool>,
}

impl Rule {
    /// Whether answers depend on the time.
    pub fn reads_now(&self) -> bool {
        self.policies.reads_now()
    }

    /// Whether how much is seen of a field depends on nothing of the field but its class.
    pub fn sees_by_class(&self) -> bool {
        *self.by_class.get_or_init(|| self.scene.sees_by_class())
    }

    /// Whether anything may be forbidden to be stored anywhere.
    pub fn may_forbid_store(&self) -> bool {
        *self.may_forbid_store.get_or_init(|| self.scene.may_forbid(STORE))
    }

    fn new(policies: Arc<Policies>, scene: Arc<Scene>, epoch: u64) -> Self {
        Self { policies, scene, epoch, by_class: OnceLock::new(), may_forbid_store: OnceLock::new() }
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rule({})", self.epoch)
    }
}

#[derive(Default)]
struct State {
    op: u64,
    permitted: u64,
    refused: u64,
    records: Vec<Record>,
    decisions: HashMap<ShapeKey, Arc<Judged>>,
    decisions_bytes: usize,
    /// Answers to asks and sights of fields, each with the policies' epoch that it holds in.
    asks: HashMap<Ask, (u64, Decision)>,
    sights: HashMap<Field, (u64, Sight)>,
    /// Whether anything that is found in values would be hidden, with the policies' epoch that it holds in.
    hides: Option<(u64, bool)>,
    closed: bool,
}

impl State {
    fn forget(&mut self) {
        self.decisions.clear();
        self.decisions_bytes = 0;
        self.asks.clear();
        self.sights.clear();
        self.hides = None;
    }
}

impl Session {
    pub(crate) fn open(
        gate: Arc<Gate>,
        arrival: Arrival,
        policies: Arc<Policies>,
        scene: Arc<Scene>,
        circumstances: Circumstances,
        ledger: Arc<dyn Ledger>,
        recording: Option<Box<dyn Recording>>,
    ) -> Self {
        let tokens = gate.keys().tokens(&arrival.session, &arrival.principal, &arrival.target);
        let stored_tokens = gate.keys().stored_tokens(&arrival.target);
        let kept_tokens = gate.keys().kept_tokens();
        let counter = gate.counter(&arrival.target.id);
        counter.admitted();
        Self {
            shared: Arc::new(Shared {
                id: arrival.session,
                ledger,
                counter,
                gate,
                principal: arrival.principal,
                target: arrival.target,
                circumstances,
                tokens,
                stored_tokens,
                kept_tokens,
                recording,
                rule: ArcSwap::from_pointee(Rule::new(policies, scene, 0)),
                state: Mutex::default(),
            }),
        }
    }

    /// The session's name.
    pub fn id(&self) -> &SessionId {
        &self.shared.id
    }

    /// Who acts in it.
    pub fn principal(&self) -> &Principal {
        &self.shared.principal
    }

    /// The key of the tokens that this session is shown.
    pub fn tokens(&self) -> &TokenKey {
        &self.shared.tokens
    }

    /// The key of the tokens that this session stores in the place of values.
    pub fn stored_tokens(&self) -> &TokenKey {
        &self.shared.stored_tokens
    }

    /// The key of the tokens that stand in its recording in the place of values.
    pub fn kept_tokens(&self) -> &TokenKey {
        &self.shared.kept_tokens
    }

    /// Its recording, if it has one.
    pub fn recording(&self) -> Option<&dyn Recording> {
        self.shared.recording.as_deref()
    }

    /// Whether a recording holds less than what the caller sees clear.
    pub fn keeps_less(&self) -> bool {
        self.shared.kept_at_most() != Sight::Clear
    }

    /// The gate it came through.
    pub fn gate(&self) -> &Gate {
        &self.shared.gate
    }

    /// Decides one operation. `key` stands for everything its meaning depends on; `interpret` runs only if the answer
    /// is not known already. `wording` is for the record.
    ///
    /// No I/O. Nothing has happened yet: the verdict is to be committed.
    pub fn decide<T>(
        &self,
        step: Step,
        key: ShapeKey,
        wording: Wording,
        now: UnixMicros,
        payload: T,
        interpret: impl FnOnce() -> Operation,
    ) -> Verdict<T> {
        let judged = self.shared.judged(key, now, interpret);
        Verdict(Answer::Judged(Pending { step, judged, wording, payload, joins_next: false }))
    }

    /// Refuses an operation that the protocol can't carry or can't read. It is written down like any other.
    pub fn decline<T>(&self, step: Step, wording: Wording, declined: Declined, payload: T) -> Verdict<T> {
        Verdict(Answer::Declined { step, wording, refusal: declined.into(), payload })
    }

    /// Writes down the verdicts of one read, in order, in one append, and releases them. If the ledger is down nothing
    /// is released and nothing may run.
    pub fn commit<T>(&self, now: UnixMicros, batch: Vec<Verdict<T>>) -> Result<Vec<Released<T>>, Unwritten> {
        self.shared.commit(now, batch)
    }

    /// How a result field of an operation will be shown, before it runs.
    pub fn sight_of(&self, holds: &Holds, now: UnixMicros) -> Sight {
        self.shared.field_plan(holds, Eye::Caller, now).sight
    }

    /// Whether anything of what is looked for in values would be hidden from this session.
    pub fn hides(&self, search: &Search, now: UnixMicros) -> bool {
        self.shared.hides(search, now)
    }

    /// Whether anything may be forbidden to be stored anywhere, so that constants and parameters have to be looked at.
    pub fn may_forbid_store(&self) -> bool {
        self.shared.rule().may_forbid_store()
    }

    /// Which policies are in force for the session: another number for others.
    pub fn policies_epoch(&self) -> u64 {
        self.shared.rule().epoch
    }

    /// Looks through values on their way into fields that nobody has classified: at about so many bytes of them, and what is beyond is refused.
    pub fn storing<'s>(&'s self, search: &'s Search, now: UnixMicros, most: usize) -> Storing<'s> {
        Storing::new(&self.shared, search, now, most)
    }

    /// The policies in force, if what they say does not depend on the time.
    pub fn lasting_policies(&self) -> Option<u64> {
        let rule = self.shared.rule();
        (!rule.reads_now()).then_some(rule.epoch)
    }

    /// Whether anything that may be found in a value could be forbidden to be stored in a field.
    pub fn may_refuse_store(&self, search: &Search, (part, name): (&Part, &str), now: UnixMicros) -> bool {
        self.shared.may_refuse_store(&self.shared.rule(), search, (part, name), now)
    }

    /// A watch over what belongs to no operation, as [`crate::Flow::watch`] gives it.
    pub fn watch(
        &self,
        search: &Arc<Search>,
        kept: &mut Option<KeptWatch>,
        now: UnixMicros,
        fields: impl FnOnce() -> Vec<Option<Sought>>,
    ) -> Watches {
        self.shared.kept_watch(search, &[], kept, now, fields)
    }

    /// Whether what the target says in words, while an operation that was decided by this key runs, may hold what the caller
    /// does not see.
    pub fn withholds(&self, key: ShapeKey) -> bool {
        self.shared.state.lock().decisions.get(&key).is_none_or(|judged| judged.withheld)
    }

    /// The only way to write to the target, made of its connection once this session exists.
    pub fn upstream<W>(&self, connection: W) -> Upstream<W> {
        Upstream::new(connection)
    }

    /// Says whether its target could be reached.
    pub fn reached(&self, reached: bool) {
        self.shared.counter.reached(reached);
    }

    /// A good moment for the ledger to do what can wait: the caller has been answered.
    pub fn settle(&self) {
        self.shared.ledger.settle();
    }

    /// Writes down something that is not an operation but that an auditor should see.
    pub fn notice(&self, now: UnixMicros, what: &'static str, detail: impl Into<String>) {
        self.shared.note(now, Event::Noticed { what, detail: detail.into() });
    }

    /// Ends the session and says why. A session that is dropped without it ends with "connection lost".
    pub fn close(&self, now: UnixMicros, why: &str) {
        self.shared.close(now, why);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.close(UnixMicros::from(std::time::SystemTime::now()), "connection lost");
    }
}

impl Shared {
    pub fn note(&self, at: UnixMicros, event: Event) {
        let record = Record { at, session: Some(self.id.clone()), event };
        if let Some(recording) = &self.recording {
            recording.add(at, Frame::Record(&record));
        }
        self.ledger.note(record);
    }

    /// How one field of an operation's result is shown. A copy of a classified field is shown at that field's sight;
    /// something computed is shown clear only to those who may see all that it may be made of; the unknown is not seen.
    pub fn field_plan(&self, holds: &Holds, eye: Eye, now: UnixMicros) -> FieldPlan {
        match holds {
            Holds::Plain => FieldPlan::new(Sight::Clear, None),
            Holds::Copy(field) => FieldPlan::new(self.sight_by(field, eye, now), Some(field.class.clone())),
            Holds::Computed(fields) => self.computed(fields, eye, now),
            Holds::Document(shape) => FieldPlan::document(self.document(shape, eye, now)),
            // The recording gets what the caller got of it, which is nothing.
            Holds::Unknown => FieldPlan::new(if eye == Eye::Caller { Sight::Nothing } else { Sight::Clear }, None),
        }
    }

    fn sight_by(&self, field: &Field, eye: Eye, now: UnixMicros) -> Sight {
        match (eye, self.sight(field, now)) {
            (Eye::Caller, sight) => sight,
            // What nobody has classified is another matter: what is found in it.
            (Eye::Recording(most), Sight::Clear) if field.class.as_str() != ClassId::UNCLASSIFIED => most,
            (Eye::Recording(_), _) => Sight::Clear,
        }
    }

    /// What is left in the recording of what is classified and seen clear.
    pub fn kept_at_most(&self) -> Sight {
        if self.recording.is_some() { self.target.recording.sight } else { Sight::Clear }
    }

    fn computed(&self, fields: &[Field], eye: Eye, now: UnixMicros) -> FieldPlan {
        let seen = !fields.is_empty() && fields.iter().all(|field| self.sight(field, now) == Sight::Clear);
        let hides = match eye {
            Eye::Caller => !seen,
            Eye::Recording(most) => seen && most != Sight::Clear,
        };
        FieldPlan::new(if hides { Sight::Nothing } else { Sight::Clear }, None)
    }

    /// The same of each value of a document.
    fn document(&self, shape: &Shape, eye: Eye, now: UnixMicros) -> Layout {
        match shape {
            Shape::Plain => Layout::Clear,
            Shape::Copy(field, kind) => {
                let sight = self.sight_by(field, eye, now);
                Layout::value(FieldPlan::new(sight, Some(field.class.clone())), *kind)
            }
            Shape::Computed(fields) => Layout::value(self.computed(fields, eye, now), TypeTag::default()),
            Shape::Object(named) => Layout::Object(
                named.iter().map(|(name, shape)| (Arc::clone(name), self.document(shape, eye, now))).collect(),
            ),
            Shape::Array(shape) => Layout::Array(Box::new(self.document(shape, eye, now))),
            Shape::Tuple(shapes) => Layout::Tuple(shapes.iter().map(|shape| self.document(shape, eye, now)).collect()),
        }
    }

    /// Whether a rule forbids this session to see a field.
    pub fn forbids_seeing(&self, field: &Field, now: UnixMicros) -> bool {
        self.rule().scene.forbids_seeing(field, &self.circumstances_at(now))
    }

    /// What is known of [`Self::hides`].
    pub fn known_hides(&self, rule: &Rule) -> Option<bool> {
        let known = self.state.lock().hides?;
        (known.0 == rule.epoch && !rule.reads_now()).then_some(known.1)
    }

    pub fn keep_hides(&self, rule: &Rule, hides: bool) {
        self.state.lock().hides = Some((rule.epoch, hides));
    }

    /// How much of a field this session may see, under the policies in force.
    pub fn sight(&self, field: &Field, now: UnixMicros) -> Sight {
        let rule = self.rule();
        let timed = rule.reads_now();
        if !timed
            && let Some((epoch, sight)) = self.state.lock().sights.get(field)
            && *epoch == rule.epoch
        {
            return *sight;
        }
        let Sighting { sight, why, erred, .. } = rule.scene.sight(field, &self.circumstances_at(now));
        if let Some(rules) = erred {
            let ask = Ask::new(SEE, Object::Field(field.clone()));
            self.gate.erred().add(&rules, &why.unwrap_or_default(), &ask, &self.principal, &self.target);
        }
        if !timed {
            let mut state = self.state.lock();
            if state.sights.len() >= ASKS_MAX {
                state.sights.clear();
            }
            state.sights.insert(field.clone(), (rule.epoch, sight));
        }
        sight
    }

    fn judged(&self, key: ShapeKey, now: UnixMicros, interpret: impl FnOnce() -> Operation) -> Arc<Judged> {
        let rule = self.rule();
        let timed = rule.reads_now();
        if let Some(known) = self.state.lock().decisions.get(&key)
            && known.epoch == rule.epoch
            && (!timed || known.at == now.seconds())
        {
            return Arc::clone(known);
        }
        let judged = Arc::new(self.judge(&rule, interpret(), now));
        let mut state = self.state.lock();
        let parts = judged.operation.asks.len().saturating_add(judged.operation.touches.len());
        let bytes = parts.saturating_mul(DECIDED_PART_BYTES).saturating_add(DECIDED_BYTES);
        if state.decisions.len() >= DECISIONS_MAX || state.decisions_bytes.saturating_add(bytes) > DECISIONS_BYTES_MAX {
            state.decisions.clear();
            state.decisions_bytes = 0;
        }
        state.decisions_bytes = state.decisions_bytes.saturating_add(bytes);
        state.decisions.insert(key, Arc::clone(&judged));
        judged
    }

    fn judge(&self, rule: &Rule, operation: Operation, now: UnixMicros) -> Judged {
        let (target, kind) = (&self.target.id.0, self.principal.kind);
        let mut judged = judge(operation, target, kind, now.seconds(), rule.epoch, |ask| self.decision(rule, ask, now));
        let touches = &judged.operation.touches;
        judged.withheld =
            judged.operation.touches_unknown || touches.iter().any(|field| self.sight(field, now) != Sight::Clear);
        judged
    }

    pub fn may_refuse_store(&self, rule: &Rule, search: &Search, field: (&Part, &str), now: UnixMicros) -> bool {
        let mut sorts = search.content().sorts().iter();
        rule.may_forbid_store() && sorts.any(|sort| self.forbids_store(rule, field, &sort.class, now).is_some())
    }

    /// Why something of this class may not be put into a field that nobody has classified, and what was asked. That nobody permits it is said of
    /// what is classified: of what is not it would stop whoever writes anything.
    pub fn forbids_store(
        &self,
        rule: &Rule,
        (part, name): (&Part, &str),
        class: &ClassId,
        now: UnixMicros,
    ) -> Option<Refusal> {
        let field = Field { part: part.clone(), name: name.to_owned(), class: class.clone(), sealed: false };
        let ask = Ask::new(STORE, Object::Field(field));
        match self.decision(rule, &ask, now) {
            Decision::Deny(denial) if denial.reason != policy::Reason::NotPermitted => {
                let kind = self.principal.kind;
                Some(Refusal::denied(&describe(&ask, &self.target.id.0), &denial, kind))
            }
            Decision::Deny(_) | Decision::Permit { .. } => None,
        }
    }

    /// The answer to one ask. Statements that differ in their literals ask the same.
    fn decision(&self, rule: &Rule, ask: &Ask, now: UnixMicros) -> Decision {
        let timed = rule.reads_now();
        if !timed
            && let Some((epoch, decision)) = self.state.lock().asks.get(ask)
            && *epoch == rule.epoch
        {
            return decision.clone();
        }
        let decision = rule.scene.decide(ask, &self.circumstances_at(now));
        self.gate.erred().look(&decision, ask, &self.principal, &self.target);
        if !timed {
            let mut state = self.state.lock();
            if state.asks.len() >= ASKS_MAX {
                state.asks.clear();
            }
            state.asks.insert(ask.clone(), (rule.epoch, decision.clone()));
        }
        decision
    }

    fn circumstances_at(&self, now: UnixMicros) -> Circumstances {
        Circumstances { now: now.seconds(), ..self.circumstances.clone() }
    }

    /// The policies in force, with what this session remembers of the old ones forgotten when they changed.
    pub fn rule(&self) -> Arc<Rule> {
        let rule = self.rule.load_full();
        if self.gate.has_in_force(&rule.policies) {
            return rule;
        }
        let policies = self.gate.policies();
        let scene = self.gate.scene(&policies, &self.principal, &self.target);
        let rule = Arc::new(Rule::new(policies, scene, rule.epoch.saturating_add(1)));
        self.state.lock().forget();
        self.rule.store(Arc::clone(&rule));
        rule
    }

    fn commit<T>(self: &Arc<Self>, now: UnixMicros, batch: Vec<Verdict<T>>) -> Result<Vec<Released<T>>, Unwritten> {
        if let Some(recording) = &self.recording {
            recording.stands()?;
        }
        let rule = self.rule();
        let batch: Vec<Verdict<T>> = batch.into_iter().map(|verdict| self.current(verdict, &rule, now)).collect();
        let mut state = self.state.lock();
        let mut records = std::mem::take(&mut state.records);
        records.clear();
        let mut released = Vec::with_capacity(batch.len());
        let (mut permitted, mut refused) = (0_u64, 0_u64);
        let mut op = state.op;
        let mut batch = batch.into_iter().peekable();
        while let Some(verdict) = batch.next() {
            let is_part = batch.peek().is_some_and(|next| verdict.is_part_of(next));
            let number = op.saturating_add(1);
            let (record, release) = match verdict.0 {
                Answer::Judged(Pending { judged, payload, .. }) if is_part => {
                    released.push(self.release(number, judged, payload, true));
                    continue;
                }
                Answer::Judged(Pending { step, judged, wording, payload, .. }) => {
                    (decided(number, step, &judged, wording), self.release(number, judged, payload, false))
                }
                Answer::Declined { step, wording, refusal, payload } => {
                    (declined(number, step, wording, &refusal), Released::Refuse(refusal, payload))
                }
            };
            op = number;
            match &release {
                Released::Forward(_) => permitted = permitted.saturating_add(1),
                Released::Refuse(..) => refused = refused.saturating_add(1),
            }
            records.push(Record { at: now, session: Some(self.id.clone()), event: Event::Decided(record) });
            released.push(release);
        }
        let written = self.ledger.append(&records);
        if let Some(recording) = self.recording.as_ref().filter(|_| written.is_ok()) {
            records.iter().for_each(|record| recording.add(now, Frame::Record(record)));
        }
        state.records = records;
        written?;
        self.counter.decided(permitted, refused);
        state.op = op;
        state.permitted = state.permitted.saturating_add(permitted);
        state.refused = state.refused.saturating_add(refused);
        Ok(released)
    }

    /// A verdict by the policies in force: if they have changed since it was reached, it is reached again.
    fn current<T>(&self, Verdict(answer): Verdict<T>, rule: &Rule, now: UnixMicros) -> Verdict<T> {
        match answer {
            Answer::Judged(mut pending) if pending.judged.epoch != rule.epoch => {
                pending.judged = Arc::new(self.judge(rule, pending.judged.operation.clone(), now));
                Verdict(Answer::Judged(pending))
            }
            answer => Verdict(answer),
        }
    }

    fn release<T>(self: &Arc<Self>, op: u64, judged: Arc<Judged>, payload: T, is_part: bool) -> Released<T> {
        match &judged.refusal {
            Some(refusal) => Released::Refuse(refusal.clone(), payload),
            None => Released::Forward(Permit { op, judged, session: Arc::clone(self), payload, is_part }),
        }
    }

    fn close(&self, now: UnixMicros, why: &str) {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.closed, true) {
            return;
        }
        let event = Event::Closed { why: why.to_owned(), permitted: state.permitted, refused: state.refused };
        drop(state);
        self.counter.closed();
        self.note(now, event);
    }
}

fn decided(op: u64, step: Step, judged: &Judged, wording: Wording) -> Decided {
    let Wording { digest, text, bound } = wording;
    Decided {
        op,
        ruling: judged.ruling(),
        step: step.0,
        asks: judged.asks.clone(),
        rules: judged.rules.clone(),
        why: judged.why.clone(),
        digest,
        text,
        bound,
    }
}

fn declined(op: u64, step: Step, wording: Wording, refusal: &Refusal) -> Decided {
    let Wording { digest, text, bound } = wording;
    Decided {
        op,
        ruling: Ruling::Deny,
        step: step.0,
        asks: Words::from_iter::<[&str; 0]>([]),
        rules: Words::from_iter::<[&str; 0]>([]),
        why: Some(refusal.message.as_str().into()),
        digest,
        text,
        bound,
    }
}
