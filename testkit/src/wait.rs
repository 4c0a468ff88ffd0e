//! Waiting for something to become true, and a port to listen on.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(10);

/// What was waited for did not happen.
#[derive(Debug, thiserror::Error)]
#[error("{what} did not happen within {limit:?}")]
pub struct TimedOut {
    what: String,
    limit: Duration,
}

/// Looks at `condition` until it holds, at least once, for no longer than `limit`; `what` is for the error.
pub fn wait_until(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) -> Result<(), TimedOut> {
    let begun = Instant::now();
    loop {
        if condition() {
            return Ok(());
        }
        if begun.elapsed() >= limit {
            return Err(TimedOut { what: what.to_owned(), limit });
        }
        thread::sleep(POLL);
    }
}

/// A port of 127.0.0.1 that nobody listened on a moment ago. Better, where it can be had: let the server listen on port 0.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_looked_at_until_it_holds() {
        let mut looks = 0;
        wait_until(Duration::from_secs(5), "the third look", || {
            looks += 1;
            looks == 3
        })
        .unwrap();
        assert_eq!(looks, 3);
    }

    #[test]
    fn what_never_happens_is_named() {
        let error = wait_until(Duration::from_millis(30), "rain", || false).unwrap_err();
        assert!(error.to_string().starts_with("rain did not happen"), "{error}");
    }
}
