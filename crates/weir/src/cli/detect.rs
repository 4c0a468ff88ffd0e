//! `weir detect`: sensitive data in files and in what comes through a pipe.

mod kinds;
mod places;
mod report;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use detect::{Detector, Stream};

use self::places::Places;
use self::report::{How, Report, Summary};
use super::progress::Progress;
use super::{CliError, Global, load_config, output};
use crate::config::Detection;

const EXAMPLES: &str = "\
Examples:
  weir detect app.log
  weir detect --json exports/*.csv
  pg_dump shop | weir detect
  weir detect --redact app.log > shared.log
  weir detect --kinds
  weir detect --min-odds 3 -c weir.toml app.log      # with the kinds of this configuration

Exit codes: 0 nothing found (with --redact: all is written), 1 something found, 2 wrong usage, or something could not be read.";

/// Exit code of having found something.
const FOUND: u8 = 1;
/// Exit code of what could not be done.
const FAILED: u8 = 2;
/// Bytes that are read at once.
const READ_BYTES: usize = 64 * 1024;
/// What stands for standard input.
const STDIN: &str = "-";

/// Find sensitive data in files or standard input
///
/// Writes a line for each finding: where it is, what it is, its class, how sure that is, and what may be shown of it; never the
/// value itself. Columns are counted in bytes, from 1. A summary by kind goes to standard error.
///
/// What is looked for is said by the section [detect] of the configuration, if there is one: see docs/configuration.md.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files; - is standard input, which is also read if none is named
    files: Vec<PathBuf>,
    /// Write a JSON object for each finding
    #[arg(long, conflicts_with = "redact")]
    json: bool,
    /// Write what was read to standard output, with each finding replaced by [redacted]
    #[arg(long)]
    redact: bool,
    /// List the kinds of sensitive data that are known, and whether they are looked for
    #[arg(long, conflicts_with_all = ["files", "redact", "min_odds"])]
    kinds: bool,
    /// Leave out what is less sure, in log-odds: 0 is even, 3 is twenty to one
    #[arg(long, value_name = "ODDS", default_value_t = 0.0, allow_negative_numbers = true, value_parser = odds)]
    min_odds: f32,
}

fn odds(text: &str) -> Result<f32, String> {
    let number = text.parse::<f32>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| "write a number, like 3 or 0.5".to_owned())
}

/// Runs it.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    let mut summary = Summary::default();
    match detected(&args, global, &mut summary) {
        Ok(code) => Ok(code),
        // Whoever reads has seen enough: a line is written for a finding only.
        Err(CliError::ReaderGone) if summary.found > 0 && !args.redact => Ok(FOUND.into()),
        Err(error) => Ok(error.report_as(FAILED)),
    }
}

fn detected(args: &Args, global: &Global, summary: &mut Summary) -> Result<ExitCode, CliError> {
    let detection = detection(global)?;
    let faulty =
        |fault: String| CliError::failed(fault, "this is a fault of Weir's own, or of kinds in the configuration");
    if args.kinds {
        let all = detection.kinds().map_err(|fault| faulty(fault.to_string()))?;
        kinds::list(&all, args.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let detector = detection.detector().map_err(|fault| faulty(fault.to_string()))?;
    let stdin = [PathBuf::from(STDIN)];
    let files = if args.files.is_empty() { &stdin[..] } else { &args.files };
    let mut progress = Progress::of_bytes(total(files));
    let mut unread = 0_usize;
    for file in files {
        let read = Reading { args, detector, progress: &mut progress, summary: &mut *summary };
        match read.file(file) {
            Ok(()) => {}
            Err(Stop::Input(error)) => {
                unread = unread.saturating_add(1);
                let file = evidence::printable(&file.display().to_string());
                progress.aside(|| output::note(format_args!("error: {file} can't be read: {error}")));
            }
            Err(Stop::Output(error)) => return Err(error),
        }
    }
    progress.end();
    summary.tell();
    Ok(match (unread, summary.found) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) if args.redact => ExitCode::SUCCESS,
        (0, _) => FOUND.into(),
        _ => FAILED.into(),
    })
}

/// What is looked for: as the configuration says, or what comes with Weir where there is none.
fn detection(global: &Global) -> Result<Detection, CliError> {
    match global.config == Path::new("weir.toml") && !global.config.exists() {
        true => Ok(Detection::default()),
        false => Ok(load_config(global)?.detection),
    }
}

/// How many bytes there are, if that can be known.
fn total(files: &[PathBuf]) -> Option<u64> {
    let size = |file: &PathBuf| std::fs::metadata(file).ok().filter(|file| file.is_file()).map(|file| file.len());
    files.iter().map(size).sum()
}

/// Why no more of a file is read.
enum Stop {
    /// It can't be.
    Input(io::Error),
    /// What was found can't be written.
    Output(CliError),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Input(error)
    }
}

impl From<CliError> for Stop {
    fn from(error: CliError) -> Self {
        Self::Output(error)
    }
}

/// What reading a file takes.
struct Reading<'a> {
    args: &'a Args,
    detector: &'a Detector,
    progress: &'a mut Progress,
    summary: &'a mut Summary,
}

impl Reading<'_> {
    fn file(self, file: &Path) -> Result<(), Stop> {
        if file == Path::new(STDIN) {
            let stdin = io::stdin();
            if stdin.is_terminal() {
                output::note("reading standard input; end it with Ctrl-D");
            }
            return self.read("-", stdin.lock());
        }
        let name = file.display().to_string();
        self.progress.at(evidence::printable(&name));
        self.read(&name, File::open(file)?)
    }

    fn read(self, name: &str, mut input: impl Read) -> Result<(), Stop> {
        let Self { args, detector, progress, summary } = self;
        let how = match args {
            Args { redact: true, .. } => How::Redacted,
            Args { json: true, .. } => How::Json,
            _ => How::Lines,
        };
        // Only what goes to a terminal gets into the bar's way.
        let is_shared = io::stdout().is_terminal();
        let mut report = Report {
            file: name,
            how,
            odds_min: args.min_odds,
            detector,
            summary,
            out: BufWriter::new(io::stdout().lock()),
            places: Places::new(),
            failed: None,
        };
        let mut stream = Stream::with_views(detector);
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let count = match input.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                count => count?,
            };
            let bytes = buffer.get(..count).unwrap_or_default();
            let mut take = || {
                report.places.read(bytes);
                stream.feed(bytes, bytes.is_empty(), None, &mut report);
                report.failed.take().map_or_else(|| report.out.flush(), Err)
            };
            let taken = if is_shared { progress.aside(take) } else { take() };
            taken.map_err(output::unwritten)?;
            if bytes.is_empty() {
                break;
            }
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            report.summary.bytes = report.summary.bytes.saturating_add(count);
            progress.more(count);
        }
        report.summary.files = report.summary.files.saturating_add(1);
        Ok(())
    }
}
