//! What an exporter is told.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use model::Sensitive;

/// One exporter.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name, which its cursor's file has too.
    pub name: String,
    /// Where records go.
    pub to: To,
    /// The kinds of records that go there; all, if none are named.
    pub events: Option<BTreeSet<String>>,
    /// How quick and how patient it is.
    pub pace: Pace,
}

/// Where records go.
#[derive(Clone, Debug)]
pub enum To {
    /// Appended to this file, one JSON object a line.
    File(PathBuf),
    /// To a receiver of syslog.
    Syslog(SyslogTo),
    /// By POST to a URL.
    Webhook(WebhookTo),
}

/// A receiver of syslog over TCP.
#[derive(Clone, Debug)]
pub struct SyslogTo {
    /// A DNS name or an IP address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// With TLS: who vouches for it, as PEM, in the place of those that the system trusts.
    pub ca: Option<PathBuf>,
}

/// A receiver of webhooks.
#[derive(Clone, Debug)]
pub struct WebhookTo {
    /// Its address, that [`location`](crate::location) has accepted.
    pub url: Uri,
    /// What requests are signed with.
    pub secret: Secret,
    /// What a request holds.
    pub body: Body,
    /// Who vouches for it, as PEM, in the place of those that the system trusts.
    pub ca: Option<PathBuf>,
}

/// How the records of a request are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// One JSON object a line.
    #[default]
    Lines,
    /// One JSON array.
    Array,
}

/// A secret that is fetched when it is used, so that a rotated one is used from then on.
#[derive(Clone)]
pub struct Secret(Arc<dyn Fn() -> Result<Sensitive<String>, String> + Send + Sync>);

impl Secret {
    /// One that is fetched so. The error says why it can't be had, and holds nothing of it.
    pub fn new(fetch: impl Fn() -> Result<Sensitive<String>, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fetch))
    }

    pub(crate) fn fetch(&self) -> Result<Sensitive<String>, String> {
        (self.0)()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How quick and how patient an exporter is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often the log is looked at when all of it is delivered.
    pub poll: Duration,
    /// How long to wait after a first failure; twice that after the next, and so on, less a random part.
    pub retry_first: Duration,
    /// The longest such wait.
    pub retry_max: Duration,
    /// How long connecting, a request with its answer, or writing a batch may take.
    pub timeout: Duration,
    /// How old what was written to a syslog connection must be, and the connection stand, to count as taken. It is longer
    /// than `timeout`, after which the system itself gives up a connection whose other end is silent.
    pub settle: Duration,
    /// How often the cursor is written at most: what a killed process delivers twice.
    pub save_every: Duration,
    /// The most records in a batch.
    pub batch_records_max: usize,
    /// The most bytes in a batch of more than one record.
    pub batch_bytes_max: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(250),
            retry_first: Duration::from_millis(500),
            retry_max: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
            settle: Duration::from_secs(15),
            save_every: Duration::from_secs(1),
            batch_records_max: 500,
            // Half of what servers in front of a receiver take by default.
            batch_bytes_max: 512 * 1024,
        }
    }
}
