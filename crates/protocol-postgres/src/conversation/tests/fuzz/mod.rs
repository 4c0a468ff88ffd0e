//! Random bytes, random orders of valid messages, random targets: run for a moment by every test run, and for as long as
//! you like by `scripts/fuzz`. What has failed once is kept beside this file, as a seed, and is tried first.

mod bytes;
mod orders;
mod postgres;
mod rows;

use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseResult, TestRunner};

/// Cases between two looks at the clock.
const CASES: u32 = 64;

/// Tries cases until the time is over: a second, or `WEIR_FUZZ_SECONDS`. Says how many there were.
#[expect(clippy::print_stdout, reason = "what a long run is reported by")]
pub fn fuzz<S: Strategy>(name: &str, seeds: &'static str, strategy: &S, check: impl Fn(S::Value) -> TestCaseResult) {
    let seconds = std::env::var("WEIR_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let begun = Instant::now();
    let persistence = FileFailurePersistence::Direct(seeds);
    let config = Config {
        cases: CASES,
        failure_persistence: Some(Box::new(persistence)),
        max_shrink_iters: 100_000,
        ..Config::default()
    };
    let mut cases = 0_u64;
    while cases == 0 || begun.elapsed() < Duration::from_secs(seconds) {
        // A runner counts its cases: each goes once.
        if let Err(failed) = TestRunner::new(config.clone()).run(strategy, &check) {
            panic!("{name}: after {cases} cases: {failed}");
        }
        cases += u64::from(CASES);
    }
    println!("{name}: {cases} cases in {:.1?}", begun.elapsed());
}

/// Whether these bytes hold this word.
fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|part| part == word.as_bytes())
}
