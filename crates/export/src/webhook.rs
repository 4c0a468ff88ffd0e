//! A batch of records by POST, signed.
//!
//! ```text
//! POST /hook HTTP/1.1
//! content-type: application/x-ndjson
//! weir-signature: t=1795251604,v1=5257a869…     HMAC-SHA256 of "1795251604." and the body
//! weir-first: 0:17                              lane and number of the first and of the last record
//! weir-last: 1:9
//! idempotency-key: 0:17-1:9-9f86d081884c7d65    the same for the same body, and for no other
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{digest, hmac};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{Request, Uri, header};
use model::Sensitive;
use tokio::time::timeout;
use url::{Host, Url};

use crate::client::{Client, chain, client};
use crate::cursor_file::hex;
use crate::entry::Entry;
use crate::settings::{Body, Secret, WebhookTo};
use crate::sink::Failure;

/// As much of an answer's body is read, so that the connection can be used again.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long a connection is kept without use; less than servers do, so that they are rarely the ones that close it.
const IDLE_MAX: Duration = Duration::from_secs(20);

/// Posts to one URL.
pub(crate) struct WebhookSink {
    client: Client,
    url: Uri,
    secret: Secret,
    body: Body,
    timeout: Duration,
}

impl WebhookSink {
    pub(crate) fn new(to: WebhookTo, timeout: Duration) -> Result<Self, String> {
        let client = client(&to.url, to.ca.as_deref(), Some(IDLE_MAX))?;
        Ok(Self { client, url: to.url, secret: to.secret, body: to.body, timeout })
    }

    pub(crate) async fn deliver(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(()) };
        let secret = self.secret.fetch().map_err(Failure)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let (body, media) = match self.body {
            Body::Lines => (joined(entries, "", "\n", "\n"), "application/x-ndjson"),
            Body::Array => (joined(entries, "[", ",\n", "]"), "application/json"),
        };
        let hash = hex(digest::digest(&digest::SHA256, &body).as_ref());
        let (first, last) = (first.name(), last.name());
        let request = Request::post(self.url.clone())
            .header(header::CONTENT_TYPE, media)
            .header(header::USER_AGENT, "weir")
            .header("weir-signature", signature(&secret, now, &body))
            .header("idempotency-key", format!("{first}-{last}-{}", hash.get(..16).unwrap_or(&hash)))
            .header("weir-first", first)
            .header("weir-last", last)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| self.failed(&error.to_string()))?;
        match timeout(self.timeout, self.post(request)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(what)) => Err(self.failed(&what)),
            Err(_) => Err(self.failed(&format!("no answer within {} s", self.timeout.as_secs_f32()))),
        }
    }

    async fn post(&self, request: Request<Full<Bytes>>) -> Result<(), String> {
        let response = self.client.request(request).await.map_err(|error| chain(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("the answer is {status}, and only 2xx means taken"));
        }
        // An answer that breaks off may be of something in between that has not passed everything on.
        match Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await {
            Err(error) if !error.is::<LengthLimitError>() => Err(format!("the answer breaks off: {}", chain(&*error))),
            _ => Ok(()),
        }
    }

    /// Names the receiver by its host: path and query may be a secret in themselves.
    fn failed(&self, what: &str) -> Failure {
        Failure(format!("{}: {what}", self.url.host().unwrap_or_default()))
    }
}

fn joined(entries: &[Entry], begin: &str, between: &str, end: &str) -> Vec<u8> {
    let texts: Vec<&str> = entries.iter().map(|entry| entry.json.as_str()).collect();
    [begin, &texts.join(between), end].concat().into_bytes()
}

/// `t=<seconds since 1970>,v1=<hexadecimal HMAC-SHA256 of "t.body">`. The time is signed too, so that an old request can be told.
fn signature(secret: &Sensitive<String>, now: u64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{now}.").as_bytes());
    context.update(body);
    format!("t={now},v1={}", hex(context.sign().as_ref()))
}

/// An address that can be posted to, or why not.
pub fn location(text: &str) -> Result<Uri, &'static str> {
    let url = Url::parse(text).map_err(|_| "is not a URL")?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("is neither an https nor an http URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user name or password in it");
    }
    if url.fragment().is_some() {
        return Err("has a `#`, behind which nothing is sent");
    }
    url.as_str().parse().map_err(|_| "is not a URL")
}

/// Whether what is posted there stays inside this machine.
pub fn is_on_this_machine(url: &Uri) -> bool {
    match Url::parse(&url.to_string()).as_ref().map(Url::host) {
        Ok(Some(Host::Domain(name))) => name == "localhost",
        Ok(Some(Host::Ipv4(ip))) => ip.is_loopback(),
        Ok(Some(Host::Ipv6(ip))) => ip.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_others() {
        // python3 -c 'import hmac; print(hmac.new(b"whsec", b"1795251604.{}\n", "sha256").hexdigest())'
        let secret = Sensitive::new("whsec".to_owned());
        assert_eq!(
            signature(&secret, 1_795_251_604, b"{}\n"),
            "t=1795251604,v1=2a1d26082958922e4c154f885799b2696f655f01d5bdd419580be47ccd2f41ff"
        );
    }

    #[test]
    fn addresses() {
        for (good, here) in [
            ("https://siem.example.com/hook?source=weir", false),
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]/x", true),
            ("http://localhost", true),
            ("http://localhost.example.com", false),
        ] {
            assert_eq!(is_on_this_machine(&location(good).unwrap()), here, "{good}");
        }
        for bad in ["", "siem.example.com/hook", "ftp://x/", "https://", "https://a:b@x/", "https://x/#y"] {
            assert!(location(bad).is_err(), "{bad}");
        }
    }
}
