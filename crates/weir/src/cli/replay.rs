//! `weir replay`: what a session's caller was shown, told again.

mod deleted;
pub mod story;
mod tell;

use std::io::{IsTerminal as _, stdin, stdout};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use evidence::recording::{self, FindError, Next, Reader};
use model::RecordingLevel;

use super::{CliError, Global, load_config, output, time_span};
use crate::secrets::Secrets;
use crate::wiring;
use story::{Moment, Story, What};
use tell::Teller;

const EXAMPLES: &str = "\
Examples:
  weir replay 0198f0a2-77b1                  play it as it went, in the terminal
  weir replay 0198f0a2-77b1 --speed 10 --skip-idle 2s
  weir replay 0198f0a2-77b1 --text | less
  weir replay 0198f0a2-77b1 --sql > statements.sql
  weir replay 0198f0a2-77b1 --csv 12 > result.csv
  weir replay 0198f0a2-77b1 --follow         while it still runs

A session's id is in `weir log`, or `weir sessions`. Its beginning does, or the last eight characters that these show, if no other has them.";

/// How often a session that still runs is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Tell again what a session's caller asked and was shown: statements, results as tables, refusals with their rules
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The session's id, or its beginning or end
    #[arg(value_name = "SESSION")]
    session: String,
    /// All at once, without the time that passed in between
    #[arg(long, conflicts_with_all = ["json", "sql", "csv"])]
    text: bool,
    /// One JSON object for each thing that happened
    #[arg(long, conflicts_with_all = ["sql", "csv"])]
    json: bool,
    /// The statements that ran, and nothing else
    #[arg(long, conflicts_with = "csv")]
    sql: bool,
    /// The rows of one operation as CSV: its number, as the replay shows it
    #[arg(long, value_name = "OP")]
    csv: Option<u64>,
    /// How many times as fast as it went
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    speed: f64,
    /// No pause is longer than this
    #[arg(long, value_name = "TIME", value_parser = time_span::parse)]
    skip_idle: Option<Duration>,
    /// Begin this long after the session's beginning
    #[arg(long, value_name = "TIME", value_parser = time_span::parse)]
    seek: Option<Duration>,
    /// Begin where this text is met first: in a statement, a cell, or a message
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Wait for Enter before each statement
    #[arg(long)]
    step: bool,
    /// Go on as long as the session does
    #[arg(short, long)]
    follow: bool,
}

fn factor(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|factor| (0.01..=1000.0).contains(factor))
        .ok_or_else(|| "write a number from 0.01 to 1000".to_owned())
}

/// Runs it.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    let folder = wiring::recordings_folder(&config);
    let file = recording::find(&folder, &args.session).map_err(|error| {
        if let FindError::None(wanted) = &error
            && let Some(deleted) = deleted::deleted(&config.state.join("log"), wanted)
        {
            return deleted;
        }
        let help =
            "recordings are made of targets with `recording = \"full\"` or \"metadata\"; `weir log` shows all sessions";
        CliError::failed(error.to_string(), help)
    })?;
    let keys = Secrets::read(&config.state)?.recording_keys()?;
    let reader = recording::open(&file, &keys).map_err(|error| CliError::failed(error.to_string(), ""))?;
    let named = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if reader.header().session != named {
        let session = evidence::printable(&reader.header().session);
        return Err(CliError::failed(
            format!("{}: it is of the session {session}, under another's name", file.display()),
            "somebody has put it there: `weir audit verify --recordings` says what the log knows of it",
        ));
    }
    Replay {
        story: Story::new(reader.header()),
        reader,
        pace: Pace::new(&args),
        teller: Teller::new(&args.form()),
        args,
    }
    .run()
}

/// In which form it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
    Sql,
    Csv(u64),
}

impl Args {
    fn form(&self) -> Form {
        match self {
            Self { json: true, .. } => Form::Json,
            Self { sql: true, .. } => Form::Sql,
            Self { csv: Some(op), .. } => Form::Csv(*op),
            _ => Form::Text,
        }
    }

    /// Whether the time that passed passes again.
    fn is_timed(&self) -> bool {
        self.form() == Form::Text && !self.text && !self.step && stdout().is_terminal()
    }
}

struct Replay {
    reader: Reader,
    story: Story,
    pace: Pace,
    teller: Teller,
    args: Args,
}

impl Replay {
    fn run(mut self) -> Result<ExitCode, CliError> {
        loop {
            let next = self.reader.next();
            let next = match next {
                Ok(next) => next,
                Err(fault) => {
                    self.end_telling()?;
                    let help = "`weir audit verify --recordings` holds every recording against the log";
                    return Err(CliError::failed(format!("the recording is not as it was written: {fault}"), help));
                }
            };
            match next {
                Next::Frame(kept) => {
                    for moment in self.story.take(kept) {
                        self.tell(&moment)?;
                    }
                }
                Next::Complete => break,
                Next::Unfinished { .. } if self.args.follow => {
                    self.tell_rest()?;
                    self.teller.flush()?;
                    sleep(LOOK_EVERY);
                }
                Next::Unfinished { torn, .. } => {
                    self.tell_rest()?;
                    self.end_telling()?;
                    let rest = if torn > 0 {
                        format!(" ({torn} bytes of what would follow are there)")
                    } else {
                        String::new()
                    };
                    output::note(format_args!(
                        "the recording ends here without an end{rest}: the session still runs, or Weir was killed; --follow waits for more"
                    ));
                    return self.done();
                }
            }
        }
        self.tell_rest()?;
        self.end_telling()?;
        self.done()
    }

    fn tell_rest(&mut self) -> Result<(), CliError> {
        self.story.end().iter().try_for_each(|moment| self.tell(moment))
    }

    /// What waits is told, if anything was to be.
    fn end_telling(&mut self) -> Result<(), CliError> {
        if self.pace.is_seeking() || self.pace.is_waiting() {
            return Ok(());
        }
        self.teller.end()
    }

    fn done(&self) -> Result<ExitCode, CliError> {
        match (self.args.csv, self.teller.has_told()) {
            (Some(_), false) if self.reader.header().level == RecordingLevel::Metadata.as_str() => {
                Err(CliError::failed(
                    "the recording has no rows: it keeps \"metadata\" alone",
                    "what a target's recordings keep is its `recording` in the configuration; `weir replay SESSION --text` shows \
                 how many rows there were",
                ))
            }
            (Some(op), false) => Err(CliError::failed(
                format!("operation {op} has shown no rows"),
                "`weir replay SESSION --text` shows the numbers",
            )),
            _ if self.pace.is_seeking() => Err(CliError::failed(
                "the recording ends before that".to_owned(),
                format!("it is {} s long; --seek counts from the session's beginning", self.pace.length().as_secs()),
            )),
            _ if self.pace.is_waiting() => {
                let text = self.args.search.as_deref().unwrap_or_default();
                Err(CliError::failed(
                    format!("\"{text}\" is not in the recording"),
                    "values of classes are kept as tokens or not at all",
                ))
            }
            _ => Ok(ExitCode::SUCCESS),
        }
    }

    fn tell(&mut self, moment: &Moment) -> Result<(), CliError> {
        if !self.pace.reaches(moment) {
            self.teller.pass(moment);
            return Ok(());
        }
        if self.args.step && matches!(moment.what, What::Decided { .. }) {
            self.teller.flush()?;
            let mut line = String::new();
            // The end of the input is as good as Enter.
            let _ = stdin().read_line(&mut line);
        }
        if self.args.is_timed() {
            let pause = self.pace.pause(moment);
            if pause > Duration::ZERO {
                self.teller.flush()?;
                sleep(pause);
            }
        }
        self.teller.tell(moment)
    }
}

/// When what happened is told.
struct Pace {
    speed: f64,
    skip_idle: Option<Duration>,
    seek: Option<Duration>,
    search: Option<String>,
    /// When the session began.
    began: Option<u64>,
    /// The latest moment so far.
    latest: u64,
    /// When the last moment that was told was.
    last: Option<u64>,
    /// By when the last one was told.
    told: Option<Instant>,
}

impl Pace {
    fn new(args: &Args) -> Self {
        let search = args.search.as_ref().map(|text| text.to_lowercase());
        Self {
            speed: args.speed,
            skip_idle: args.skip_idle,
            seek: args.seek,
            search,
            began: None,
            latest: 0,
            last: None,
            told: None,
        }
    }

    /// Whether it begins here, or has begun.
    fn reaches(&mut self, moment: &Moment) -> bool {
        let began = *self.began.get_or_insert(moment.at.0);
        self.latest = self.latest.max(moment.at.0);
        if let Some(seek) = self.seek {
            if u128::from(moment.at.0.saturating_sub(began)) < seek.as_micros() {
                return false;
            }
            self.seek = None;
        }
        if let Some(text) = &self.search {
            if !moment.says(text) {
                return false;
            }
            self.search = None;
        }
        true
    }

    /// Whether the time that it is to begin at has not come.
    fn is_seeking(&self) -> bool {
        self.seek.is_some()
    }

    /// How long the session went so far.
    fn length(&self) -> Duration {
        Duration::from_micros(self.latest.saturating_sub(self.began.unwrap_or(self.latest)))
    }

    /// Whether what was searched was not met.
    fn is_waiting(&self) -> bool {
        self.search.is_some()
    }

    /// How long to wait before this is told.
    fn pause(&mut self, moment: &Moment) -> Duration {
        let passed = moment.at.0.saturating_sub(self.last.replace(moment.at.0).unwrap_or(moment.at.0));
        let passed = Duration::from_micros(passed).min(self.skip_idle.unwrap_or(Duration::MAX));
        let passed = passed.div_f64(self.speed);
        let now = Instant::now();
        let due = self.told.unwrap_or(now).checked_add(passed).unwrap_or(now);
        self.told = Some(due.max(now));
        due.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use model::UnixMicros;

    use super::*;

    fn pace(speed: f64, skip_idle: Option<u64>) -> Pace {
        let skip_idle = skip_idle.map(Duration::from_secs);
        Pace { speed, skip_idle, seek: None, search: None, began: None, latest: 0, last: None, told: None }
    }

    fn moment(seconds: u64) -> Moment {
        Moment { at: UnixMicros(seconds * 1_000_000), op: 0, what: What::Row { cells: vec![Some("Ada".to_owned())] } }
    }

    #[test]
    fn time_passes_as_fast_as_it_is_to() {
        let near = |pause: Duration, seconds: f64| assert!((pause.as_secs_f64() - seconds).abs() < 0.1, "{pause:?}");
        let mut twice = pace(2.0, Some(10));
        near(twice.pause(&moment(100)), 0.0);
        near(twice.pause(&moment(103)), 1.5);
        near(twice.pause(&moment(1000)), 6.5);
        let mut faster = pace(100.0, None);
        faster.pause(&moment(0));
        near(faster.pause(&moment(50)), 0.5);
    }

    #[test]
    fn it_begins_where_it_is_told_to() {
        let mut seeking = Pace { seek: Some(Duration::from_secs(5)), ..pace(1.0, None) };
        assert_eq!([10, 12].map(|at| seeking.reaches(&moment(at))), [false, false]);
        assert!(seeking.is_seeking() && seeking.length() == Duration::from_secs(2), "{:?}", seeking.length());
        assert_eq!([15, 11].map(|at| seeking.reaches(&moment(at))), [true, true]);
        assert!(!seeking.is_seeking());
        let mut searching = Pace { search: Some("ada".to_owned()), ..pace(1.0, None) };
        let other = Moment { what: What::Row { cells: vec![None] }, ..moment(1) };
        assert!(!searching.reaches(&other) && searching.is_waiting());
        assert!(searching.reaches(&moment(2)) && searching.reaches(&other) && !searching.is_waiting());
    }
}
