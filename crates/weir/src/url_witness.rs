//! A URL as a place of checkpoints: PUT keeps the last one there, and GET is asked for it when the log is opened.

use std::io;
use std::path::Path;
use std::time::Duration;

use evidence::{Apart, Check, Witness};
use export::Document;
use hyper::Uri;
use tokio::runtime::{Builder, Runtime};

use crate::state::FileError;

/// How long a request may take. Less than who opens the log waits for the answer.
const TIMEOUT: Duration = Duration::from_secs(8);
/// What stands before the signatures of a note.
const SIGNATURES: &str = "\n\n\u{2014} ";

/// A place at a URL.
struct UrlWitness {
    place: String,
    document: Document,
    runtime: Runtime,
    /// Set while nobody has looked what is there.
    doubt: Option<Check>,
}

/// These places, each in a thread of its own. `log` is the log's name.
pub fn all(urls: &[Uri], log: &str) -> Result<Vec<Box<dyn Witness>>, FileError> {
    urls.iter().map(|url| far(url, log)).collect()
}

fn far(url: &Uri, log: &str) -> Result<Box<dyn Witness>, FileError> {
    let failed = |why: String| FileError::new(Path::new(&place(url)), why, "");
    let witness = UrlWitness::new(url, log).map_err(failed)?;
    let apart = Apart::new(Box::new(witness));
    Ok(Box::new(apart.map_err(|error: io::Error| failed(format!("no thread can be had for it: {error}")))?))
}

impl UrlWitness {
    /// The one at this URL, or in the folder that it is, named after the log.
    fn new(url: &Uri, log: &str) -> Result<Self, String> {
        let url = match url.path().ends_with('/') {
            true => within(url, &format!("{}.checkpoint", log.replace('/', "-")))?,
            false => url.clone(),
        };
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(2).build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        Ok(Self { place: place(&url), document: Document::new(url, TIMEOUT)?, runtime, doubt: None })
    }
}

impl Witness for UrlWitness {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn publish(&mut self, note: &str) -> Result<(), String> {
        if let Some(doubt) = &self.doubt {
            self.last()?.map_or(Ok(()), |found| doubt(&found))?;
            self.doubt = None;
        }
        self.runtime.block_on(self.document.put(note))
    }

    /// What is no note at all is what something in between says: it tells nothing. A note that is not this log's is another matter.
    fn last(&self) -> Result<Option<String>, String> {
        match self.runtime.block_on(self.document.get())? {
            Some(text) if !text.contains(SIGNATURES) => Err("what it answers is no checkpoint".to_owned()),
            last => Ok(last),
        }
    }

    fn doubt(&mut self, check: Check) {
        self.doubt = Some(check);
    }

    fn is_far(&self) -> bool {
        true
    }
}

/// A URL as messages and alerts say it: without a query, which may be a secret.
fn place(url: &Uri) -> String {
    let text = url.to_string();
    text.split_once('?').map_or(text.as_str(), |(before, _)| before).to_owned()
}

fn within(folder: &Uri, name: &str) -> Result<Uri, String> {
    let (path, query) = (folder.path(), folder.query().map(|query| format!("?{query}")).unwrap_or_default());
    let mut parts = folder.clone().into_parts();
    let whole = format!("{path}{name}{query}").parse().map_err(|error| format!("it is no URL: {error}"))?;
    parts.path_and_query = Some(whole);
    Uri::from_parts(parts).map_err(|error| format!("it is no URL: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gets_a_file_that_is_named_after_the_log() {
        let named = |url: &str| within(&url.parse().unwrap(), "weir-1.checkpoint").unwrap().to_string();
        assert_eq!(named("https://a.example/w/"), "https://a.example/w/weir-1.checkpoint");
        assert_eq!(named("https://a.example:8/?key=x"), "https://a.example:8/weir-1.checkpoint?key=x");
        assert_eq!(place(&"https://a.example/w/?key=x".parse().unwrap()), "https://a.example/w/");
        let witness = |url: &str| UrlWitness::new(&url.parse().unwrap(), "weir/1").unwrap().place();
        assert_eq!(witness("http://127.0.0.1:1/notes/"), "http://127.0.0.1:1/notes/weir-1.checkpoint");
        assert_eq!(witness("http://127.0.0.1:1/note?key=x"), "http://127.0.0.1:1/note");
    }
}
