//! A bar on standard error for what takes long, if somebody looks at it.

use std::fmt::Display;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is over sooner needs no bar.
const APPEARS_AFTER: Duration = Duration::from_secs(1);
/// How often it is drawn, at most, in a second.
const DRAWN_PER_SECOND: u8 = 8;

/// How far something is. Nothing is drawn where standard error is no terminal.
pub struct Progress {
    bar: ProgressBar,
    /// The style that it will be drawn in.
    style: &'static str,
    began: Option<Instant>,
}

/// Bytes of a known number of bytes.
const BYTES: &str = "{bar:30} {bytes}/{total_bytes}, {binary_bytes_per_sec}, {eta} left {wide_msg}";
/// Bytes of who knows how many.
const BYTES_SO_FAR: &str = "{bytes}, {binary_bytes_per_sec} {wide_msg}";
/// Things that are counted.
const COUNT: &str = "{bar:30} {pos}/{len}, {eta} left {wide_msg}";

impl Progress {
    /// Of bytes, so many if that is known.
    pub fn of_bytes(total: Option<u64>) -> Self {
        Self::new(total, if total.is_some() { BYTES } else { BYTES_SO_FAR })
    }

    /// Of so many things.
    pub fn of_things(total: usize) -> Self {
        Self::new(u64::try_from(total).ok(), COUNT)
    }

    fn new(total: Option<u64>, style: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        Self { bar, style, began: Some(Instant::now()) }
    }

    /// So much more is done.
    pub fn more(&mut self, done: u64) {
        self.appear();
        self.bar.inc(done);
    }

    /// What it is at.
    pub fn at(&mut self, what: impl Display) {
        self.appear();
        self.bar.set_message(what.to_string());
    }

    /// Does what writes to the terminal, without the bar in its way.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// It is over.
    pub fn end(self) {
        self.bar.finish_and_clear();
    }

    fn appear(&mut self) {
        if self.began.take_if(|began| began.elapsed() >= APPEARS_AFTER).is_some() {
            if let Ok(style) = ProgressStyle::with_template(self.style) {
                self.bar.set_style(style);
            }
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWN_PER_SECOND));
        }
    }
}
