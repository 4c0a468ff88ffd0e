//! The directory as the gate's port.

use std::future::Future;
use std::pin::Pin;

use model::{Principal, UnixSeconds};

use crate::directory::Directory;
use crate::rejection::Reason;

impl gate::Identities for Directory {
    fn verify<'a>(
        &'a self,
        secret: &'a str,
        now: UnixSeconds,
    ) -> Pin<Box<dyn Future<Output = Result<Principal, gate::Rejection>> + Send + 'a>> {
        Box::pin(async move { Self::verify(self, secret, now).await.map_err(told) })
    }

    fn certificate(&self, chain: &[&[u8]], now: UnixSeconds) -> Result<Principal, gate::Rejection> {
        Self::certificate(self, chain, now).map_err(|rejection| {
            let public = match rejection.reason {
                Reason::Revoked => "it was revoked",
                Reason::Unavailable => "it can't be checked at the moment",
                Reason::UnknownIssuer => "no authority that is known here vouches for it now",
                _ => "it names nobody in a way that can be used here",
            };
            gate::Rejection { public: public.to_owned(), ..told(rejection) }
        })
    }

    fn challenge(&self, name: &str, now: UnixSeconds) -> gate::Challenge {
        Self::challenge(self, name, now)
    }

    fn is_live(&self, principal: &Principal, now: UnixSeconds) -> bool {
        Self::is_live(self, principal, now)
    }
}

fn told(rejection: crate::Rejection) -> gate::Rejection {
    gate::Rejection {
        public: rejection.public().to_owned(),
        detail: format!("{}: {}", rejection.reason.as_str(), rejection.detail),
    }
}
