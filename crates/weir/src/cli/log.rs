//! `weir log`: the decision log, for people and for programs.

use std::process::ExitCode;
use std::time::Duration;

use evidence::{Filter, Follower, LoggedRecord, Zone, json_line, records, render};
use gate::Ruling;

use super::{CliError, Global, load_config, output};

const EXAMPLES: &str = "\
Examples:
  weir log --last 20
  weir log --follow
  weir log --principal local:alice@example.com --ruling deny
  weir log --event alert
  weir log --since 2026-11-21T09:00:00Z --json";

/// Records that a followed log starts with, if nothing else is said.
const FOLLOWED: usize = 10;
/// How often a followed log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Show the decision log: who asked for what, what was decided by which rule, and how it ended.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Go on showing records as they are written
    #[arg(short, long)]
    follow: bool,
    /// Only the last records
    #[arg(short = 'n', long, value_name = "COUNT")]
    last: Option<usize>,
    /// Only this session, by its id or the beginning of it
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only what this principal did
    #[arg(long, value_name = "ISSUER:NAME")]
    principal: Option<String>,
    /// Only what was decided so: permit or deny
    #[arg(long, value_parser = ["permit", "deny"])]
    ruling: Option<String>,
    /// Only events of this kind: admitted, rejected, decided, ended, noticed, closed, alert …
    #[arg(long, value_name = "KIND")]
    event: Option<String>,
    /// Only from this moment on
    #[arg(long, value_name = "TIME")]
    since: Option<jiff::Timestamp>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    let folder = config.state.join("log");
    let unreadable = |error: std::io::Error| {
        CliError::failed(format!("{}: the log can't be read: {error}", folder.display()), "has `weir serve` run yet?")
    };
    let filter = args.filter();
    if args.follow {
        let followed = Follower::after_last(&folder, args.last.unwrap_or(FOLLOWED), &filter);
        let (mut follower, mut records) = followed.map_err(unreadable)?;
        loop {
            for record in records.into_iter().filter(|record| wanted(record, &filter)) {
                show(record, args.json)?;
            }
            std::thread::sleep(LOOK_EVERY);
            records = follower.poll().map_err(unreadable)?;
        }
    }
    match args.last {
        Some(last) => {
            let (_, records) = Follower::after_last(&folder, last, &filter).map_err(unreadable)?;
            records.into_iter().try_for_each(|record| show(record, args.json))?;
        }
        None => {
            let mut matching = records(&folder).map_err(unreadable)?.filter(|record| wanted(record, &filter));
            matching.try_for_each(|record| show(record, args.json))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Faults are always wanted.
fn wanted(record: &Result<LoggedRecord, evidence::Fault>, filter: &Filter) -> bool {
    record.as_ref().map_or(true, |record| filter.matches(record))
}

fn show(record: Result<LoggedRecord, evidence::Fault>, json: bool) -> Result<(), CliError> {
    match record {
        Ok(record) if json => output::line(json_line(&record)),
        Ok(record) => output::line(render(&record, Zone::Local)),
        Err(fault) => {
            output::note(format_args!("warning: {fault}"));
            Ok(())
        }
    }
}

impl Args {
    fn filter(&self) -> Filter {
        Filter {
            session: self.session.clone(),
            principal: self.principal.clone(),
            ruling: self.ruling.as_deref().map(|word| if word == "permit" { Ruling::Permit } else { Ruling::Deny }),
            event: self.event.clone(),
            since: self.since.map(|at| model::UnixMicros(u64::try_from(at.as_microsecond()).unwrap_or(0))),
        }
    }
}
