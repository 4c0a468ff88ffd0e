//! `weir hold`: what is kept whatever the retention of a target says.
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Subcommand;
use evidence::hold::{Hand, Hold, HoldError, Release};
use evidence::recording::{KeptNow, kept_now};
use gate::Held;
use model::UnixMicros;
use serde_json::{Value, json};

use super::indexed::{show_table, time};
use super::{CliError, Global, counted, load_config, output, target};
use crate::config::Config;
use crate::login::login;
use crate::secrets::Secrets;
use crate::{state, wiring};

/// How long recordings are looked at to say which a new hold keeps.
const LOOK_FOR: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  weir hold place case-17 --principal alice@example.com --from 2026-10-01T00:00:00Z --reason \"case 17, by legal\"
  weir hold list
  weir hold release case-17 --reason \"case 17 is closed\"";

/// Keep recordings whatever the retention of their target says
///
/// A hold is in force as soon as it is placed, whether Weir runs or not. The decision log gets a record of each that is placed or released: from the
/// running `weir serve`, or from the next one.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: HoldCommand,
}

#[derive(Debug, Subcommand)]
enum HoldCommand {
    Place(PlaceArgs),
    List(ListArgs),
    Release(ReleaseArgs),
}

const PLACE_EXAMPLES: &str = "\
Examples:
  weir hold place case-17 --principal alice@example.com --principal bob@example.com --reason \"case 17, by legal\"
  weir hold place outage --target orders --from 2026-11-20T00:00:00Z --to 2026-11-22T00:00:00Z --reason \"ticket 4711\"
  weir hold place audit --all --reason \"audit of 2026\"";

/// Place a hold
///
/// Of each kind that is named (sessions, principals, targets, runs, times) a recording must be of one; of those of one kind any will do. Says
/// how many of the recordings that are there now it keeps, as far as five seconds are enough to look at them.
#[derive(Debug, clap::Args)]
#[command(after_help = PLACE_EXAMPLES)]
struct PlaceArgs {
    /// What it is called: letters, digits, `.`, `_`, `-` and `/`
    #[arg(value_name = "NAME")]
    name: String,
    /// A session, by its id or at least eight characters of its beginning or end; may be given more than once, as the next three
    #[arg(long = "session", value_name = "ID")]
    sessions: Vec<String>,
    /// Who, with or without the issuer; also one on whose behalf somebody acted, or who owns a workload
    #[arg(long = "principal", value_name = "[ISSUER:]NAME")]
    principals: Vec<String>,
    /// A target
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<String>,
    /// A workflow run, or a workflow before its #
    #[arg(long = "run", value_name = "RUN")]
    runs: Vec<String>,
    /// Sessions that were not over before this
    #[arg(long, value_name = "TIME")]
    from: Option<jiff::Timestamp>,
    /// Sessions that had begun before this
    #[arg(long, value_name = "TIME")]
    to: Option<jiff::Timestamp>,
    /// All recordings
    #[arg(long)]
    all: bool,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

const LIST_EXAMPLES: &str = "\
Examples:
  weir hold list
  weir hold list --json | jq -r 'select(.state == \"in force\") | .name'";

/// Say which holds there are, and which there were
#[derive(Debug, clap::Args)]
#[command(after_help = LIST_EXAMPLES)]
struct ListArgs {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

const RELEASE_EXAMPLES: &str = "\
Examples:
  weir hold release case-17 --reason \"case 17 is closed\"";

/// Release a hold: what it kept and no other hold keeps may be deleted from then on
#[derive(Debug, clap::Args)]
#[command(after_help = RELEASE_EXAMPLES)]
struct ReleaseArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    /// Why it is not needed any more
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Runs the command.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    match args.command {
        HoldCommand::Place(args) => place(args, &config),
        HoldCommand::List(args) => list(&args, &config),
        HoldCommand::Release(args) => release(&args, &config),
    }
}

fn place(mut args: PlaceArgs, config: &Config) -> Result<ExitCode, CliError> {
    // What was copied with a blank beside it would keep nothing.
    for names in [&mut args.sessions, &mut args.principals, &mut args.targets, &mut args.runs] {
        names.iter_mut().for_each(|name| *name = name.trim().to_owned());
    }
    // A name that is mistyped would keep nothing. What is of a target that is not configured is never deleted.
    args.targets.iter().try_for_each(|name| target(config, name).map(drop))?;
    let micros = |at: jiff::Timestamp| u64::try_from(at.as_microsecond()).unwrap_or(0);
    let PlaceArgs { name, sessions, principals, targets, runs, all, reason, .. } = args;
    let (name, reason) = (name.trim(), reason.trim());
    let (from, to) = (args.from.map(micros), args.to.map(micros));
    let held = Held { all, sessions, principals, targets, runs, from, to };
    if let Some(wrong) = evidence::hold::fault(&held) {
        let (what, help) = wrong.split_once("; ").unwrap_or((&wrong, ""));
        return Err(CliError::usage(what, help));
    }
    state::prepare(&config.state)?;
    let by = login();
    let hand = Hand { reason, by: &by, at: now() };
    wiring::holds(config).lock()?.place(name, held.clone(), hand)?;
    output::line(format_args!("placed {name}: what it keeps is not deleted from now on"))?;
    say_kept(config, &held)?;
    if wiring::retention(config).shortest().is_none() {
        output::note("no target has a `retention`, so no recording is deleted anyway");
    }
    Ok(ExitCode::SUCCESS)
}

/// Says how many recordings that are there it keeps: none is seldom what was meant.
fn say_kept(config: &Config, held: &Held) -> Result<(), CliError> {
    let folder = wiring::recordings_folder(config);
    // Without recordings there is nothing to open, and no key is made for it.
    if !folder.exists() {
        output::line("no recording is there now")?;
        return Ok(());
    }
    let keys = match Secrets::read(&config.state).and_then(|secrets| secrets.recording_keys()) {
        Ok(keys) => keys,
        Err(error) => {
            output::note(format_args!("which recordings it keeps now can't be told: {error}"));
            return Ok(());
        }
    };
    let now = match kept_now(&folder, &keys, held, LOOK_FOR) {
        Ok(now) => now,
        Err(error) => {
            output::note(format_args!("which recordings it keeps now can't be told: {}: {error}", folder.display()));
            return Ok(());
        }
    };
    let KeptNow { all, looked_at, kept, unread } = now;
    let is_all = looked_at == all;
    if all == 0 {
        output::line("no recording is there now")?;
    } else if kept == 0 && is_all {
        output::line(format_args!("warning: it keeps none of the {} that are there now", counted(all, "recording")))?;
    } else if is_all {
        output::line(format_args!("it keeps {kept} of the {} that are there now", counted(all, "recording")))?;
    } else {
        output::line(format_args!(
            "it keeps {kept} of the newest {looked_at} of {}; there was no time to look at more (`weir audit retention` says all)",
            counted(all, "recording")
        ))?;
    }
    if unread > 0 {
        output::note(format_args!("of {} nobody can tell, and those are not deleted", counted(unread, "recording")));
    }
    Ok(())
}

fn release(args: &ReleaseArgs, config: &Config) -> Result<ExitCode, CliError> {
    state::prepare(&config.state)?;
    let (by, name) = (login(), args.name.trim());
    let hand = Hand { reason: args.reason.trim(), by: &by, at: now() };
    wiring::holds(config).lock()?.release(name, hand)?;
    output::line(format_args!("released {name}: what no other hold keeps is deleted when it is due"))?;
    Ok(ExitCode::SUCCESS)
}

fn list(args: &ListArgs, config: &Config) -> Result<ExitCode, CliError> {
    let holds = wiring::holds(config).read()?;
    if args.json {
        holds.iter().try_for_each(|hold| output::line(as_json(hold)))?;
    } else if !holds.is_empty() {
        show_table(["NAME", "STATE", "SINCE", "BY", "KEEPS", "REASON"], holds.iter().map(row))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(hold: &Hold) -> [String; 6] {
    let (state, since, by, reason) = match &hold.released {
        None => ("in force", hold.placed, &hold.by, &hold.reason),
        Some(Release { reason, by, at, .. }) => ("released", *at, by, reason),
    };
    [hold.name.clone(), state.to_owned(), moment(since), by.clone(), words(&hold.keeps), reason.clone()]
}

/// What a hold keeps, in words.
fn words(held: &Held) -> String {
    let Held { all, sessions, principals, targets, runs, from, to } = held;
    let kinds = [("session", sessions), ("principal", principals), ("target", targets), ("run", runs)];
    let named = kinds.into_iter().filter(|(_, names)| !names.is_empty());
    let mut words: Vec<String> = named.map(|(kind, names)| format!("{kind} {}", names.join(" or "))).collect();
    words.extend(from.map(|from| format!("from {}", moment(from))));
    words.extend(to.map(|to| format!("to {}", moment(to))));
    if *all {
        words.push("all".to_owned());
    }
    words.join(", ")
}

fn as_json(hold: &Hold) -> Value {
    let Hold { name, keeps, reason, by, placed, released, .. } = hold;
    let state = if hold.is_in_force() { "in force" } else { "released" };
    let released = released
        .as_ref()
        .map(|Release { reason, by, at, .. }| json!({ "reason": reason, "by": by, "at": moment(*at) }));
    json!({
        "name": name, "state": state, "keeps": keeps, "reason": reason, "by": by, "placed": moment(*placed), "released": released,
    })
}

fn moment(at: u64) -> String {
    time(i64::try_from(at).unwrap_or(i64::MAX))
}

fn now() -> UnixMicros {
    SystemTime::now().into()
}

impl From<HoldError> for CliError {
    fn from(error: HoldError) -> Self {
        let text = error.to_string();
        match text.split_once("; ") {
            Some((what, help)) => Self::failed(what, help),
            None => Self::failed(text, ""),
        }
    }
}
