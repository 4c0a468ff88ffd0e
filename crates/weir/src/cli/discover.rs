//! `weir discover`: which columns of a target hold sensitive data that nobody has classified yet.

mod found;
mod verdict;

use std::process::ExitCode;

use detect::{Detector, ViewScanner};
use model::ClassId;
use protocol_postgres::{SampledTable, Sampler, TargetDown};

use self::found::{Found, name_of};
use self::verdict::Seen;
use super::progress::Progress;
use super::{CliError, Global, output, target};
use crate::config::{Config, PostgresTarget};
use crate::wiring;

const EXAMPLES: &str = "\
Examples:
  weir discover orders
  weir discover orders --tables 'public.*' --limit 5000
  weir discover orders/archive --json

Exit codes: 0 done, whatever was found, 1 the target can't be read, 2 wrong usage.";

/// Rows that are read of a table when nothing else is said.
const ROWS: u32 = 1000;
/// The most that can be said.
const ROWS_MAX: i64 = 100_000;

/// Look at rows of a target's tables, and propose classes for columns that hold sensitive data
///
/// Reads some rows of each table with Weir's own login, in transactions that write nothing, and prints lines for
/// [targets.NAME.classes] to paste, each with how sure it is and masked examples. Columns that are classified already are not
/// looked at. What was not looked at, and why, goes to standard error. No value leaves in clear.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The target, or target/database
    target: String,
    /// Rows to read of each table
    #[arg(long, value_name = "ROWS", default_value_t = ROWS, value_parser = clap::value_parser!(u32).range(1..=ROWS_MAX))]
    limit: u32,
    /// Only tables like this: schema.table, with * for any characters. May be repeated
    #[arg(long, value_name = "PATTERN")]
    tables: Vec<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    let (config, _) = Config::load_and_look(&global.config).map_err(|problems| super::refused(&problems))?;
    let (name, database) = match args.target.split_once('/') {
        Some((name, database)) => (name, Some(database)),
        None => (args.target.as_str(), None),
    };
    let target = target(&config, name)?;
    let known =
        |database: &&str| target.database == **database || target.databases.iter().any(|known| known == database);
    if let Some(database) = database.filter(|database| !known(database)) {
        let help = "a target's databases are its `database` and `databases`";
        return Err(CliError::usage(format!("\"{name}\" has no database \"{database}\""), help));
    }
    let detector = config.detection.detector().map_err(|fault| CliError::failed(fault.to_string(), ""))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::failed(format!("cannot start: {error}"), ""))?;
    let passwords = wiring::Passwords::of(&config);
    let found = runtime.block_on(discovered(&args, target, database, &passwords, detector)).map_err(|down| {
        CliError::failed(
            format!("\"{name}\" can't be read: {down}"),
            "is it reachable from here, with its password at hand?",
        )
    })?;
    match args.json {
        true => output::line(found.json(name, database.unwrap_or(&target.database)))?,
        false => found.tell(name, is_begun(target))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn discovered(
    args: &Args,
    target: &PostgresTarget,
    database: Option<&str>,
    passwords: &wiring::Passwords,
    detector: &Detector,
) -> Result<Found, TargetDown> {
    let mut sampler = Sampler::open(wiring::postgres_target(target, None), database, passwords).await?;
    let mut tables = sampler.tables().await?;
    let wanted = |table: &SampledTable| {
        let name = name_of(table);
        args.tables.is_empty() || args.tables.iter().any(|pattern| sql_postgres::fits(pattern, &name))
    };
    tables.retain(wanted);
    let mut progress = Progress::of_things(tables.len());
    let (mut found, mut scanner) = (Found::default(), ViewScanner::new(detector));
    for table in &tables {
        progress.at(evidence::printable(&name_of(table)));
        let mut seen: Vec<_> = table.columns.iter().map(|column| Seen::new(detector, &column.name)).collect();
        let rows = sampler.sample(table, args.limit, |column, cell| {
            if let Some(seen) = seen.get_mut(column) {
                seen.cell(&mut scanner, detector, cell);
            }
        });
        let rows = rows.await?;
        match rows {
            Ok(rows) => {
                found.table(table, rows);
                let looked_at = table.columns.iter().zip(&seen).filter(|(column, _)| column.skipped.is_none());
                for (column, seen) in looked_at {
                    found.column(table, &column.name, seen.looked_at(), seen.verdict(detector));
                }
            }
            Err(why) => found.skip(table, why),
        }
        progress.more(1);
    }
    progress.end();
    sampler.close().await;
    Ok(found)
}

/// Whether the configuration classifies any column of the target by name.
fn is_begun(target: &PostgresTarget) -> bool {
    let unclassified = ClassId::parse("unclassified");
    target.class_ids.iter().any(|class| Some(class) != unclassified.as_ref())
}
