//! The directory as the gate's port.

use std::future::Future;
use std::pin::Pin;

use model::{Principal, UnixSeconds};

use crate::directory::Directory;

impl gate::Identities for Directory {
    fn verify<'a>(
        &'a self,
        secret: &'a str,
        now: UnixSeconds,
    ) -> Pin<Box<dyn Future<Output = Result<Principal, gate::Rejection>> + Send + 'a>> {
        Box::pin(async move {
            Self::verify(self, secret, now).await.map_err(|rejection| gate::Rejection {
                public: rejection.public().to_owned(),
                detail: format!("{}: {}", rejection.reason.as_str(), rejection.detail),
            })
        })
    }

    fn challenge(&self, name: &str, now: UnixSeconds) -> gate::Challenge {
        Self::challenge(self, name, now)
    }

    fn is_live(&self, principal: &Principal, now: UnixSeconds) -> bool {
        Self::is_live(self, principal, now)
    }
}
