//! Policies and tokens that change while Weir runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use gate::{Event, Gate, Ledger};

use super::{record, watched};
use crate::config::Config;
use crate::policies;

/// What is watched, as it was when it was last looked at.
pub struct Watched {
    policies: PathBuf,
    policies_seen: Look,
    credentials: Vec<PathBuf>,
    credentials_seen: Look,
    said: Arc<watched::State>,
}

/// Names, times and lengths of files: what changes when a file does.
type Look = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

impl Watched {
    /// What this configuration names.
    pub fn new(config: &Config, said: Arc<watched::State>) -> Self {
        let policies = config.policies.clone();
        let revoked = config.certificates.iter().filter_map(|authority| authority.revoked.clone());
        let credentials: Vec<PathBuf> = revoked.chain([config.state.join("tokens.jsonl")]).collect();
        let (policies_seen, credentials_seen) = (look_into(&policies), look_at_all(&credentials));
        Self { policies, policies_seen, credentials, credentials_seen, said }
    }

    /// Puts changed policies in force, if they changed.
    pub fn look_at_policies(&mut self, config: &Config, gate: &Gate, ledger: &dyn Ledger) {
        let seen = look_into(&self.policies);
        if seen != self.policies_seen {
            self.policies_seen = seen;
            self.reload_policies(config, gate, ledger);
        }
    }

    /// Puts the policies in force, all of them or none. If they are wrong the old ones stay.
    pub fn reload_policies(&mut self, config: &Config, gate: &Gate, ledger: &dyn Ledger) {
        let event = match policies::load(config) {
            Ok((policies, warnings)) => {
                for warning in warnings {
                    tracing::warn!("{warning}");
                }
                // What is in the folder now is sound, also where it is what is in force already.
                self.said.policies_refused.store(false, Ordering::Release);
                if policies.hash() == gate.policies().hash() {
                    return;
                }
                let hash = policies.hash().to_owned();
                // Written first: from then on, decisions may be by the new ones.
                let event = Event::PoliciesChanged { policies: hash.clone() };
                if let Err(down) = ledger.append(&[record(event)]) {
                    self.said.policies_refused.store(true, Ordering::Release);
                    return tracing::error!("the policies have changed, and the old ones stay in force: {down}");
                }
                gate.replace_policies(Arc::new(policies));
                return tracing::info!("policies {} are in force", hash.get(..12).unwrap_or(&hash));
            }
            Err(problems) => {
                for problem in &problems {
                    tracing::error!("{problem}");
                }
                tracing::error!("the policies have changed and are wrong: the old ones stay in force");
                self.said.policies_refused.store(true, Ordering::Release);
                let why = problems.first().map(ToString::to_string).unwrap_or_default();
                Event::PoliciesRefused { why }
            }
        };
        ledger.note(record(event));
    }

    /// Whether tokens or certificates may have been issued or revoked since it was last asked.
    pub fn credentials_changed(&mut self) -> bool {
        let seen = look_at_all(&self.credentials);
        let changed = seen != self.credentials_seen;
        self.credentials_seen = seen;
        changed
    }
}

fn look_into(folder: &PathBuf) -> Look {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let cedar = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "cedar"));
    cedar.flat_map(|path| look_at(&path)).collect()
}

fn look_at_all(files: &[PathBuf]) -> Look {
    files.iter().flat_map(look_at).collect()
}

fn look_at(file: &PathBuf) -> Look {
    let metadata = std::fs::metadata(file).ok();
    let seen = metadata.map(|metadata| (file.clone(), (metadata.modified().ok(), metadata.len())));
    seen.into_iter().collect()
}
