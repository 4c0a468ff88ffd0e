//! A place that records go to.

use std::time::Duration;

use crate::entry::Entry;
use crate::file::FileSink;
use crate::settings::{Pace, To};
use crate::syslog::SyslogSink;
use crate::webhook::WebhookSink;

/// Why something could not be delivered, in words for the operator.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

/// One of the kinds there are. Dropping a future of it at any point leaves it as after a failure: [`Sink::reset`] it.
pub(crate) enum Sink {
    File(FileSink),
    Syslog(SyslogSink),
    // It is a client with all that belongs to it.
    Webhook(Box<WebhookSink>),
}

impl Sink {
    /// The error says what of the settings can't be used.
    pub(crate) fn new(to: To, pace: &Pace) -> Result<Self, String> {
        Ok(match to {
            To::File(path) => Self::File(FileSink::new(path)),
            To::Syslog(to) => Self::Syslog(SyslogSink::new(to, pace.timeout)?),
            To::Webhook(to) => Self::Webhook(Box::new(WebhookSink::new(to, pace.timeout)?)),
        })
    }

    /// How long after it was delivered something counts as taken, if nothing fails until then.
    pub(crate) fn settles_after(&self, pace: &Pace) -> Duration {
        match self {
            Self::File(_) | Self::Webhook(_) => Duration::ZERO,
            Self::Syslog(_) => pace.settle,
        }
    }

    /// Delivers these, in order.
    pub(crate) async fn deliver(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        match self {
            Self::File(sink) => sink.deliver(entries).await,
            Self::Syslog(sink) => sink.deliver(entries).await,
            Self::Webhook(sink) => sink.deliver(entries).await,
        }
    }

    /// Whether what was delivered, and has not settled, may still be on its way.
    pub(crate) async fn check(&mut self) -> Result<(), Failure> {
        match self {
            Self::File(_) | Self::Webhook(_) => Ok(()),
            Self::Syslog(sink) => sink.check().await,
        }
    }

    /// Ends in good order: when this succeeds all that was delivered is taken.
    pub(crate) async fn finish(&mut self) -> Result<(), Failure> {
        match self {
            Self::File(_) | Self::Webhook(_) => Ok(()),
            Self::Syslog(sink) => sink.finish().await,
        }
    }

    /// Begins anew: what was delivered and has not settled will be delivered again.
    pub(crate) fn reset(&mut self) {
        match self {
            Self::File(sink) => sink.reset(),
            Self::Syslog(sink) => sink.reset(),
            Self::Webhook(_) => {}
        }
    }
}
