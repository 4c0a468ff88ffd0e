//! A client of HTTP for one URL: with TLS where it is https, by whoever may vouch for the receiver.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub(crate) type Client = hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// One for this URL. Connections are kept for so long without use, or not at all.
pub(crate) fn client(url: &Uri, ca: Option<&Path>, idle_max: Option<Duration>) -> Result<Client, String> {
    let is_tls = url.scheme() == Some(&hyper::http::uri::Scheme::HTTPS);
    let tls = match is_tls {
        true => crate::trust::client_config(ca)?,
        // A machine without any authority can still speak to one beside it.
        false => crate::trust::nobody()?,
    };
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls);
    let connector = if is_tls { connector.https_only() } else { connector.https_or_http() }.enable_http1().build();
    Ok(hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(idle_max)
        .pool_max_idle_per_host(usize::from(idle_max.is_some()))
        .build(connector))
}

/// An error and all that it came from.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}
