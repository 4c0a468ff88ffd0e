//! `weir audit retention`: which recordings go, when, and which are kept by what.

use std::process::ExitCode;
use std::time::SystemTime;

use evidence::hold::Whose;
use evidence::recording::{State, Surveyed, survey};
use model::UnixMicros;
use serde_json::json;

use super::super::indexed::{short_id, show_table, time};
use super::super::{CliError, Global, counted, load_config, output};
use crate::secrets::Secrets;
use crate::wiring;

const EXAMPLES: &str = "\
Examples:
  weir audit retention
  weir audit retention --limit 10
  weir audit retention --json | jq -r 'select(.state == \"held\") | [.session, .hold] | @tsv'";

/// Say which recordings are deleted next, and which are kept by a hold or because they are not as the log says; deletes nothing
///
/// It reads the recordings themselves, those that are due from their first byte to their last, and needs no running Weir.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// At most so many lines
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50)]
    limit: usize,
    /// One JSON object a line, for every recording
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(args: &Args, global: &Global) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    let holds = wiring::holds(&config).read().map_err(|error| CliError::failed(error.to_string(), ""))?;
    let keys = Secrets::read(&config.state)?.recording_keys()?;
    let folder = wiring::recordings_folder(&config);
    let (log, retention) = (config.state.join("log"), wiring::retention(&config));
    let surveyed = survey(&folder, &log, &keys, &retention, &holds, UnixMicros::from(SystemTime::now()));
    let mut surveyed =
        surveyed.map_err(|error| CliError::failed(format!("{}: can't be read: {error}", folder.display()), ""))?;
    surveyed.sort_by_key(|found| rank(&found.state));
    if args.json {
        surveyed.iter().try_for_each(|found| output::line(as_json(found)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let told = surveyed.iter().filter(|found| !matches!(found.state, State::Kept(_))).take(args.limit).map(row);
    let told: Vec<_> = told.collect();
    if !told.is_empty() {
        show_table(["GOES", "SESSION", "TARGET", "WHO", "OVER", "MORE"], told)?;
    }
    let count = |is: fn(&State) -> bool| surveyed.iter().filter(|found| is(&found.state)).count();
    output::line(format_args!(
        "{}: {} due, {} later, {} held, {} kept for ever by their targets, {} never deleted because nobody can tell",
        counted(u64::try_from(surveyed.len()).unwrap_or(u64::MAX), "recording"),
        count(|state| matches!(state, State::Due(_))),
        count(|state| matches!(state, State::NotBefore(..))),
        count(|state| matches!(state, State::Held(..))),
        count(|state| matches!(state, State::Kept(_))),
        count(|state| matches!(state, State::Never(_))),
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// What goes first stands first.
fn rank(state: &State) -> (u8, u64) {
    match state {
        State::Due(whose) => (0, whose.over().0),
        State::Never(_) => (1, 0),
        State::Held(_, whose) => (2, whose.over().0),
        State::NotBefore(at, _) => (3, at.0),
        State::Kept(whose) => (4, whose.began),
    }
}

fn whose(state: &State) -> Option<&Whose> {
    match state {
        State::Due(whose) | State::NotBefore(_, whose) | State::Held(_, whose) | State::Kept(whose) => Some(whose),
        State::Never(_) => None,
    }
}

fn moment(at: u64) -> String {
    time(i64::try_from(at).unwrap_or(i64::MAX))
}

fn row(found: &Surveyed) -> [String; 6] {
    let (goes, more) = match &found.state {
        State::Due(_) => ("due".to_owned(), String::new()),
        State::NotBefore(at, _) => (moment(at.0), String::new()),
        State::Held(hold, _) => ("held".to_owned(), format!("by {hold}")),
        State::Kept(_) => ("never".to_owned(), String::new()),
        State::Never(why) => ("never".to_owned(), why.clone()),
    };
    let named = found.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let whose = whose(&found.state);
    let text = |of: fn(&Whose) -> &String| whose.map_or_else(|| "-".to_owned(), |whose| of(whose).clone());
    let over = whose.and_then(|whose| whose.over).map_or_else(|| "-".to_owned(), moment);
    [goes, short_id(named.as_deref()), text(|whose| &whose.target), text(|whose| &whose.principal), over, more]
}

fn as_json(found: &Surveyed) -> serde_json::Value {
    let (state, why, hold, not_before) = match &found.state {
        State::Due(_) => ("due", None, None, None),
        State::NotBefore(at, _) => ("later", None, None, Some(at.0)),
        State::Held(hold, _) => ("held", None, Some(hold), None),
        State::Kept(_) => ("kept", None, None, None),
        State::Never(why) => ("never", Some(why), None, None),
    };
    let mut line = json!({ "file": found.path, "state": state });
    let whose = whose(&found.state);
    let facts = [
        ("session", whose.map(|whose| json!(whose.session))),
        ("target", whose.map(|whose| json!(whose.target))),
        ("principal", whose.map(|whose| json!(whose.principal))),
        ("began", whose.map(|whose| json!(whose.began))),
        ("over", whose.and_then(|whose| whose.over).map(|over| json!(over))),
        ("not_before", not_before.map(|at| json!(at))),
        ("hold", hold.map(|hold| json!(hold))),
        ("why", why.map(|why| json!(why))),
    ];
    if let Some(line) = line.as_object_mut() {
        line.extend(facts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    }
    line
}
