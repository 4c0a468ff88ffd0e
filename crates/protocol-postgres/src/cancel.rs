//! Cancel keys of Weir's own: a caller never learns the target's.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::target::TargetSettings;
use crate::wire::startup::CancelKey;

/// Whose statements a key cancels.
#[derive(Clone, Debug)]
pub struct Cancellable {
    /// The target.
    pub target: Arc<TargetSettings>,
    /// The key that the target gave.
    pub key: CancelKey,
    /// The session, for the log.
    pub session: model::SessionId,
}

/// Every running session's key, with the secret that its caller was told.
#[derive(Debug, Default)]
pub struct CancelKeys(Mutex<HashMap<CancelKey, Cancellable>>);

/// A key in force. It goes when this is dropped.
#[derive(Debug)]
pub struct IssuedKey {
    keys: Arc<CancelKeys>,
    key: CancelKey,
}

impl CancelKeys {
    /// Issues a key: the target's process id, so that `pg_backend_pid()` agrees with what the caller was told, and a
    /// secret of Weir's own, as long as the caller's version of the protocol has it.
    /// Without randomness there is no key: there is no weaker one to fall back on.
    pub fn issue(
        self: &Arc<Self>,
        running: Cancellable,
        secret_bytes: usize,
    ) -> Result<IssuedKey, aws_lc_rs::error::Unspecified> {
        let mut keys = self.0.lock();
        let key = loop {
            let mut secret = vec![0_u8; secret_bytes];
            aws_lc_rs::rand::fill(&mut secret)?;
            let key = CancelKey { pid: running.key.pid, secret };
            if !keys.contains_key(&key) {
                break key;
            }
        };
        keys.insert(key.clone(), running);
        Ok(IssuedKey { keys: Arc::clone(self), key })
    }

    /// What a key cancels, if it is in force.
    pub fn find(&self, key: &CancelKey) -> Option<Cancellable> {
        self.0.lock().get(key).cloned()
    }
}

impl IssuedKey {
    /// The key as the caller is told it.
    pub fn key(&self) -> &CancelKey {
        &self.key
    }
}

impl Drop for IssuedKey {
    fn drop(&mut self) {
        self.keys.0.lock().remove(&self.key);
    }
}
