//! A target: how it is reached, and why it can't be. The login itself is in `target_login`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::Target;
use sql_postgres::ClassRules;

use crate::stream::{ReadError, Stream};
use crate::target_tls::TlsError;
use crate::wire::Malformed;
use crate::wire::backend::Report;
use crate::wire::startup::CancelKey;

/// A target as configured.
#[derive(Debug)]
pub struct TargetSettings {
    /// As policy sees it.
    pub target: Arc<Target>,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The database that the target's own name stands for.
    pub database: String,
    /// Other databases, reached as `target/database`.
    pub databases: Vec<String>,
    /// The login that Weir uses.
    pub user: String,
    /// How the connection is protected.
    pub tls: TargetTls,
    /// How it begins, and how Weir proves itself.
    pub login: TargetLogin,
    /// Which columns are classified.
    pub rules: ClassRules,
    /// What is looked for in the values of all others, if anything is.
    pub content: Option<Arc<gate::Content>>,
    /// The longest that dialling and login may take, each.
    pub connect_timeout: Duration,
}

#[cfg(test)]
impl TargetSettings {
    /// The target `shop` of tests, on this port of this machine.
    pub fn of_tests(port: u16, rules: ClassRules) -> Self {
        let id = model::TargetId("shop".into());
        let (env, labels, token_scope) = (Some("dev".into()), Vec::new(), Default::default());
        Self {
            target: Arc::new(Target {
                id,
                protocol: "postgres",
                env,
                labels,
                token_scope,
                recording: Default::default(),
            }),
            host: "127.0.0.1".to_owned(),
            port,
            database: "test".to_owned(),
            databases: Vec::new(),
            user: "weir".to_owned(),
            tls: TargetTls::Off,
            login: TargetLogin::default(),
            rules,
            content: None,
            connect_timeout: Duration::from_secs(1),
        }
    }
}

/// How the connection to a target is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetTls {
    /// Not at all.
    Off,
    /// TLS, whoever answers.
    Require,
    /// TLS, and the certificate must be the target's.
    Verify {
        /// The CA that vouches for it, in PEM; the system's own if there is none.
        ca: Option<PathBuf>,
        /// The name in the certificate, if it is not the host.
        server_name: Option<String>,
    },
}

/// How a connection to a target begins, and how Weir proves itself. Only the password's place is not here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetLogin {
    /// How TLS begins.
    pub negotiation: TlsNegotiation,
    /// Whether the proof of the password is bound to the target's certificate.
    pub channel_binding: BindingUse,
    /// What Weir shows of itself in TLS.
    pub certificate: Option<ClientPair>,
}

/// How TLS with a target begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsNegotiation {
    /// It is asked for with an SSLRequest, as every PostgreSQL takes it.
    #[default]
    Postgres,
    /// With the first byte, as PostgreSQL takes it since 17: a round trip less.
    Direct,
}

/// Whether a login to a target is bound to the target's certificate (SCRAM-SHA-256-PLUS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BindingUse {
    /// If the target offers it.
    #[default]
    Prefer,
    /// Always: a target that does not offer it is not logged in to.
    Require,
    /// Never.
    Off,
}

/// A certificate chain and its key, as PEM files. They are read for each connection, so that they can be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientPair {
    /// The chain, Weir's own certificate first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Why a target can't be reached. The text is for the log; [`TargetDown::public`] is for the caller.
#[derive(Debug, thiserror::Error)]
pub enum TargetDown {
    /// No connection.
    #[error("cannot connect to {address}: {why}")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        why: io::Error,
    },
    /// No answer in time.
    #[error("no answer from {0} within {1:?}")]
    TimedOut(String, Duration),
    /// TLS is wanted and can't be had.
    #[error("TLS with the target: {0}")]
    Tls(#[from] TlsError),
    /// The target does not offer TLS.
    #[error("the target does not offer TLS, and its configuration wants it")]
    NoTls,
    /// The credential can't be had.
    #[error("{0}")]
    Credential(#[from] gate::CredentialDown),
    /// The target wants a login that Weir does not do.
    #[error("the target asks for {0}; Weir logs in with SCRAM-SHA-256 only")]
    Login(String),
    /// The login would not be bound to the target's certificate, and must be.
    #[error("the target does not offer channel binding over TLS, and its configuration wants it")]
    Unbound,
    /// The target refuses the login.
    #[error("the target refuses the login: {} {}", .0.sqlstate(), .0.field(b'M').unwrap_or_default())]
    Refused(Report),
    /// The target does not speak the protocol.
    #[error("the target breaks the protocol: {0}")]
    Protocol(#[from] Malformed),
    /// The session's texts would mean something else than Weir reads in them.
    #[error("{0}: Weir could not read the session's statements as the target does")]
    Unreadable(String),
    /// The connection was lost.
    #[error("the connection to the target was lost: {0}")]
    Lost(io::Error),
}

impl From<ReadError> for TargetDown {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(why) => Self::Lost(why),
            ReadError::Malformed(what) => Self::Protocol(what),
        }
    }
}

impl TargetDown {
    /// Whether the target is there, and it is a setting which the caller asks for that it does not take.
    pub fn is_by_what_was_asked(&self) -> bool {
        matches!(self, Self::Refused(report) if report.sqlstate().starts_with("22"))
    }

    /// What a caller may know: whose fault it is, not where the target lives nor what it said.
    pub fn public(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "it cannot be connected to",
            Self::TimedOut(..) => "it does not answer",
            Self::Tls(_) | Self::NoTls | Self::Unbound => "no trusted TLS connection can be made to it",
            Self::Credential(_) => "Weir does not have its credential at hand",
            Self::Login(_) => "it asks for a kind of login that Weir does not do",
            Self::Refused(report) if report.sqlstate() == "3D000" => "it does not have that database",
            Self::Refused(report) if report.sqlstate().starts_with("53") => "it takes no more connections now",
            Self::Refused(report) if report.sqlstate().starts_with("57") => "it is starting up or shutting down",
            Self::Refused(report) if report.sqlstate().starts_with("22") => "it refuses a startup parameter",
            Self::Refused(_) => "it refuses Weir's own login",
            Self::Unreadable(_) => "its role has a default setting that changes what statements mean",
            Self::Protocol(_) => "it does not speak PostgreSQL's protocol",
            Self::Lost(_) => "the connection was lost while logging in",
        }
    }
}

/// A connection that is logged in and ready.
#[derive(Debug)]
pub struct LoggedIn {
    /// The connection.
    pub stream: Stream,
    /// ParameterStatus and notices of the login, as frames to pass on.
    pub greeting: Vec<u8>,
    /// What cancels its statements.
    pub key: Option<CancelKey>,
}

impl TargetSettings {
    /// `host:port`, for logs.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}
