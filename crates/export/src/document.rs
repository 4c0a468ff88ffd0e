//! A text that is kept at a URL: PUT replaces it, GET reads it.
//!
//! A connection is made for each request: they are rare, and who asks may have no runtime that runs in between.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{Request, Response, StatusCode, Uri, body, header};
use tokio::time::timeout;

use crate::client::{Client, chain, client};

/// The largest text, to put and to get.
pub const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// A text at a URL.
pub struct Document {
    client: Client,
    url: Uri,
    timeout: Duration,
}

impl Document {
    /// The one at this URL, which [`location`](crate::location) has accepted; each request may take so long. The error is that nobody can
    /// vouch for the receiver.
    pub fn new(url: Uri, timeout: Duration) -> Result<Self, String> {
        Ok(Self { client: client(&url, None, None)?, url, timeout })
    }

    /// Puts this in the place of what is there. It is there when this returns, as far as the receiver's 2xx says.
    pub async fn put(&self, text: &str) -> Result<(), String> {
        let request = Request::put(self.url.clone()).header(header::CONTENT_TYPE, "text/plain; charset=utf-8");
        let request = request.header(header::USER_AGENT, "weir").body(Full::new(Bytes::from(text.to_owned())));
        let (status, _) = self.ask(request).await?;
        if status.is_success() { Ok(()) } else { Err(format!("the answer is {status}, and only 2xx means taken")) }
    }

    /// What is there; none if nothing is. The error is that it can't be told.
    pub async fn get(&self) -> Result<Option<String>, String> {
        let request = Request::get(self.url.clone()).header(header::USER_AGENT, "weir").body(Full::default());
        match self.ask(request).await? {
            (StatusCode::OK, text) => {
                String::from_utf8(text.to_vec()).map(Some).map_err(|_| "the answer is no text".to_owned())
            }
            (StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::NO_CONTENT, _) => Ok(None),
            (status, _) => Err(format!("the answer is {status}")),
        }
    }

    async fn ask(
        &self,
        request: Result<Request<Full<Bytes>>, hyper::http::Error>,
    ) -> Result<(StatusCode, Bytes), String> {
        let request = request.map_err(|error| error.to_string())?;
        let answered = timeout(self.timeout, async {
            read(self.client.request(request).await.map_err(|error| chain(&error))?).await
        });
        answered.await.unwrap_or_else(|_| Err(format!("no answer within {} s", self.timeout.as_secs_f32())))
    }
}

async fn read(response: Response<body::Incoming>) -> Result<(StatusCode, Bytes), String> {
    let status = response.status();
    match Limited::new(response.into_body(), DOCUMENT_BYTES_MAX).collect().await {
        Ok(body) => Ok((status, body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(format!("the answer is longer than {DOCUMENT_BYTES_MAX} bytes"))
        }
        Err(error) => Err(format!("the answer breaks off: {}", chain(&*error))),
    }
}
