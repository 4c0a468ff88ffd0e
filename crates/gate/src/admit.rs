//! The gate itself, and who may come in.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use model::{Ask, Digest, Object, Principal, RecordingLevel, RecordingRule, SessionId, Target, TargetId, UnixMicros};
use policy::{Circumstances, Decision, Policies, Scene};

use crate::erred::Erred;
use crate::keys::Keys;
use crate::ledger::{Arrived, Event, Ledger, LedgerDown, Record, Rejected};
use crate::recorder::{Frame, Opening, Recorder, RecorderDown, Recording};
use crate::refusal::{Refusal, join};
use crate::scenes::Scenes;
use crate::session::Session;
use crate::tally::{Counter, Tally};

/// What all sessions of one instance share: the policies in force, the instance's keys, and what is counted.
#[derive(Debug)]
pub struct Gate {
    recorder: Option<Arc<dyn Recorder>>,
    policies: ArcSwap<Policies>,
    scenes: Scenes,
    keys: Keys,
    tally: Tally,
    erred: Erred,
}

/// A caller whose identity is proved, before a target.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The name that the session will have.
    pub session: SessionId,
    /// Who.
    pub principal: Arc<Principal>,
    /// Where to.
    pub target: Arc<Target>,
    /// Where inside the target, in the protocol's words.
    pub place: Option<String>,
    /// From where.
    pub peer: SocketAddr,
    /// The program, as it names itself.
    pub application: Option<String>,
    /// When.
    pub at: UnixMicros,
}

impl Gate {
    /// A gate with these policies.
    pub fn new(policies: Arc<Policies>, keys: Keys) -> Self {
        Self {
            recorder: None,
            policies: ArcSwap::new(policies),
            scenes: Scenes::default(),
            keys,
            tally: Tally::default(),
            erred: Erred::default(),
        }
    }

    /// With this recorder for the sessions of targets that are recorded.
    pub fn with_recorder(self, recorder: Arc<dyn Recorder>) -> Self {
        Self { recorder: Some(recorder), ..self }
    }

    /// With this tally to count in.
    pub fn with_tally(self, tally: Tally) -> Self {
        Self { tally, ..self }
    }

    /// What has passed.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Rules that could not be evaluated.
    pub fn erred(&self) -> &Erred {
        &self.erred
    }

    pub(crate) fn counter(&self, target: &TargetId) -> Counter {
        self.tally.counter(Some(target))
    }

    /// The policies in force.
    pub fn policies(&self) -> Arc<Policies> {
        self.policies.load_full()
    }

    /// What these policies are to a principal at a target.
    pub(crate) fn scene(&self, policies: &Arc<Policies>, principal: &Principal, target: &Target) -> Arc<Scene> {
        self.scenes.of(policies, principal, target)
    }

    /// Whether these are the policies in force. Without counting a reference to them: all workers share that counter, and every
    /// decision asks.
    pub(crate) fn has_in_force(&self, policies: &Arc<Policies>) -> bool {
        Arc::ptr_eq(&self.policies.load(), policies)
    }

    /// Puts other policies in force: from the next operation of every session on.
    pub fn replace_policies(&self, policies: Arc<Policies>) {
        self.policies.store(policies);
        self.erred.forget();
    }

    /// The instance's keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The keyed digest of some parts, kept apart by their lengths.
    pub fn digest<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        self.keys.digest(parts)
    }

    /// Asks `connect` on the target and writes the answer down. Refused with the inner error; not even refused, and not
    /// admitted, if the ledger is down.
    pub fn admit(
        self: &Arc<Self>,
        arrival: Arrival,
        ledger: Arc<dyn Ledger>,
    ) -> Result<Result<Session, Refusal>, LedgerDown> {
        let policies = self.policies();
        let scene = self.scene(&policies, &arrival.principal, &arrival.target);
        let circumstances = Circumstances {
            approvals: 0,
            mfa_age_seconds: None,
            now: arrival.at.seconds(),
            address: arrival.peer.ip(),
            application: arrival.application.clone(),
            run: arrival.principal.run.clone(),
            recording: arrival.target.recording.level,
        };
        let ask = Ask::new(policy::actions::CONNECT, Object::Target);
        let decision = scene.decide(&ask, &circumstances);
        self.erred.look(&decision, &ask, &arrival.principal, &arrival.target);
        match decision {
            Decision::Permit { rules } => {
                // A recording that was begun stays, also of somebody whom the ledger then does not let in.
                ledger.stands()?;
                // Before anything is written of it: who is not recorded was not let in.
                let recording = match self.begin_recording(&arrival) {
                    Ok(recording) => recording,
                    Err(down) => {
                        self.reject(ledger.as_ref(), arrival.at, rejected(&arrival, down.to_string()))?;
                        return Ok(Err(Refusal::unrecorded(&down)));
                    }
                };
                let admitted = Record {
                    at: arrival.at,
                    session: Some(arrival.session.clone()),
                    event: Event::Admitted(arrived(&arrival, policies.hash(), &rules)),
                };
                if let Some(recording) = &recording {
                    recording.add(arrival.at, Frame::Record(&admitted));
                }
                ledger.append(&[admitted])?;
                Ok(Ok(Session::open(Arc::clone(self), arrival, policies, scene, circumstances, ledger, recording)))
            }
            Decision::Deny(denial) => {
                let words = format!("connect Target::\"{}\"", arrival.target.id);
                let why = format!("{words}: {:?} {}", denial.reason, join(&denial.rules)).trim_end().to_owned();
                self.reject(ledger.as_ref(), arrival.at, rejected(&arrival, why))?;
                Ok(Err(Refusal::denied(&words, &denial, arrival.principal.kind)))
            }
        }
    }

    fn begin_recording(&self, arrival: &Arrival) -> Result<Option<Box<dyn Recording>>, RecorderDown> {
        let Target { protocol, recording: RecordingRule { level, .. }, .. } = *arrival.target;
        if level == RecordingLevel::Off {
            return Ok(None);
        }
        let recorder = self.recorder.as_ref().ok_or_else(|| RecorderDown("nothing records here".to_owned()))?;
        let opening = Opening { session: &arrival.session, at: arrival.at, protocol, level };
        recorder.begin(&opening).map(Some)
    }

    /// Writes down a caller that was turned away before a session could begin.
    pub fn reject(&self, ledger: &dyn Ledger, at: UnixMicros, rejected: Rejected) -> Result<(), LedgerDown> {
        let counter = self.tally.counter(rejected.target.as_ref());
        ledger.append(&[Record { at, session: None, event: Event::Rejected(rejected) }])?;
        counter.rejected();
        Ok(())
    }

    /// A rejection without a proved principal.
    pub fn stranger(peer: SocketAddr, target: Option<TargetId>, why: impl Into<String>) -> Rejected {
        Rejected { principal: None, target, peer: peer.to_string(), why: why.into() }
    }
}

fn rejected(arrival: &Arrival, why: String) -> Rejected {
    Rejected {
        principal: Some(arrival.principal.id()),
        target: Some(arrival.target.id.clone()),
        peer: arrival.peer.to_string(),
        why,
    }
}

fn arrived(arrival: &Arrival, policies: &str, rules: &[Arc<str>]) -> Arrived {
    let principal = &arrival.principal;
    Arrived {
        principal: principal.id(),
        kind: principal.kind.as_str(),
        groups: principal.groups.iter().cloned().collect(),
        act: principal.act.clone(),
        owner: principal.owner.clone(),
        credential: principal.credential.to_string(),
        target: arrival.target.id.clone(),
        place: arrival.place.clone(),
        peer: arrival.peer.to_string(),
        application: arrival.application.clone(),
        run: principal.run.clone(),
        policies: policies.to_owned(),
        rules: rules.iter().map(|rule| rule.to_string()).collect(),
    }
}
