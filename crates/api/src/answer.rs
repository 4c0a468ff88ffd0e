//! What each request is answered. Pure but for the figures that are asked for.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Response, StatusCode};

use crate::figures::Figures;
use crate::metrics::exposition;
use crate::readiness::readiness;

pub(crate) type Body = Full<Bytes>;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers one request.
pub(crate) fn answer(method: &Method, path: &str, figures: &dyn Fn() -> Figures) -> Response<Body> {
    let is_read = *method == Method::GET || *method == Method::HEAD;
    match (path, is_read) {
        ("/healthz", true) => respond(StatusCode::OK, TEXT, "ok\n".to_owned()),
        ("/readyz", true) => ready(&figures()),
        ("/metrics", true) => respond(StatusCode::OK, METRICS, exposition(&figures())),
        ("/healthz" | "/readyz" | "/metrics", false) => {
            let mut response = respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n".to_owned());
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            response
        }
        _ => respond(StatusCode::NOT_FOUND, TEXT, "not here: there are /healthz, /readyz and /metrics\n".to_owned()),
    }
}

fn ready(figures: &Figures) -> Response<Body> {
    let readiness = readiness(figures);
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    match serde_json::to_string(&readiness) {
        Ok(json) => respond(status, JSON, json + "\n"),
        Err(why) => respond(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{why}\n")),
    }
}

fn respond(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // What was true a moment ago is of no use, and a browser has nothing to guess.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
