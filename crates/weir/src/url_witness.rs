//! A URL as a place of checkpoints: PUT keeps the last one there, and GET is asked for it when the log is opened, and before it is replaced.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::time::Duration;

use evidence::{ANOTHER_WRITES, Apart, Check, Witness};
use export::Document;
use hyper::Uri;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::state::FileError;

/// How long a request may take, and looking and putting together. Less than who signs and who opens the log wait for the answer.
const TIMEOUT: Duration = Duration::from_secs(8);
/// Notes of ours that may be there. More than one: an answer can be lost or late, and something in between can have kept an older one.
const KNOWN_MAX: usize = 16;
/// What stands before the signatures of a note.
const SIGNATURES: &str = "\n\n\u{2014} ";

/// A place at a URL.
struct UrlWitness {
    place: String,
    document: Document,
    /// None when it ends.
    runtime: Option<Runtime>,
    /// What was there at first, and the last notes that were sent there, whatever was answered.
    known: VecDeque<String>,
    /// Whether it is known what was there at first.
    has_looked: bool,
    /// Set while nobody has held what is there against the log.
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
        let document = Document::new(url.clone(), TIMEOUT)?;
        Ok(Self {
            place: place(&url),
            document,
            runtime: Some(runtime),
            known: VecDeque::new(),
            has_looked: false,
            doubt: None,
        })
    }
}

impl Drop for UrlWitness {
    /// A name that is being looked up can't be given up, and would be waited for.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What it has. What is no note at all is what something in between says: it tells nothing. A note that is not this log's is another matter.
async fn last(document: &Document) -> Result<Option<String>, String> {
    match document.get().await? {
        Some(text) if !text.contains(SIGNATURES) => Err("what it answers is no checkpoint".to_owned()),
        last => Ok(last),
    }
}

impl Witness for UrlWitness {
    fn place(&self) -> String {
        self.place.clone()
    }

    /// As a file: what another Weir has written is left there, and so is what can't be looked at.
    fn publish(&mut self, note: &str) -> Result<(), String> {
        let Self { document, runtime, known, has_looked, doubt, .. } = self;
        let runtime = runtime.as_ref().ok_or("it is at its end")?;
        let look_and_put = async {
            let found = last(document).await?;
            if let Some((doubt, found)) = doubt.as_ref().zip(found.as_ref()) {
                doubt(found)?;
            }
            *doubt = None;
            if let Some(found) = &found
                && *has_looked
                && !known.contains(found)
            {
                return Err(ANOTHER_WRITES.to_owned());
            }
            *has_looked = true;
            // The last of them, so that it stays known however often it can't be replaced.
            for note in found.into_iter().chain([note.to_owned()]) {
                known.retain(|known| *known != note);
                known.push_back(note);
            }
            known.drain(..known.len().saturating_sub(KNOWN_MAX));
            document.put(note).await
        };
        let published = runtime.block_on(async { timeout(TIMEOUT, look_and_put).await });
        published.unwrap_or_else(|_| Err(format!("no answer within {} s", TIMEOUT.as_secs())))
    }

    fn last(&self) -> Result<Option<String>, String> {
        let runtime = self.runtime.as_ref().ok_or("it is at its end")?;
        runtime.block_on(last(&self.document))
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

    #[test]
    fn who_ends_does_not_wait_for_a_name() {
        let witness = UrlWitness::new(&"http://127.0.0.1:1/note".parse().unwrap(), "weir/1").unwrap();
        let (to, from) = std::sync::mpsc::channel::<()>();
        // As a name is looked up: in a thread that nobody can end.
        let looking = witness.runtime.as_ref().unwrap().spawn_blocking(move || from.recv());
        let (done, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            drop(witness);
            done.send(()).unwrap();
        });
        let is_over = ended.recv_timeout(Duration::from_secs(10));
        drop((to, looking));
        assert!(is_over.is_ok(), "it waits");
    }
}
