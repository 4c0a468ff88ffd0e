//! `weir search`: statements by who, what, where, when, and how they were decided.

use std::process::ExitCode;

use store::{Search, Statement, Text};

use super::indexed::{
    self, Filters, PageArgs, short_id, shortened, show_json, show_more, show_table, time, up_to_date,
};
use super::{CliError, Global, load_config};

const EXAMPLES: &str = "\
Examples:
  weir search --person alice@example.com --table customers --since 2h
  weir search --decision deny --since 3d
  weir search --text 'orders \"group by\"' --min-rows 1000
  weir search --class pii.email:clear --owner bob@example.com --json
  weir search --session 1a2b3c4d";

/// Characters of a text that are shown.
const TEXT_CHARS_MAX: usize = 160;

/// Find statements in the decision log, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    page: PageArgs,
    /// Words of the text, of which all must occur; in quotes those that follow each other
    #[arg(long, value_name = "WORDS", value_parser = text)]
    text: Option<Text>,
    /// A session, by its id or the end of it
    #[arg(long, value_name = "ID", value_parser = session)]
    session: Option<String>,
    #[command(flatten)]
    filters: Filters,
}

/// Runs it.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    let mut index = up_to_date(&config.state)?;
    let search = Search { text: args.text, session: args.session, ..args.filters.search(&mut index, &config)? };
    let page = index.statements(&search, args.page.after, args.page.limit()).map_err(indexed::unusable)?;
    if args.page.json {
        page.found.iter().try_for_each(|statement| show_json(statement, statement.position()))?;
    } else if !page.found.is_empty() {
        let head = ["AT", "SESSION", "WHO", "TARGET", "DECISION", "OUTCOME", "ROWS", "MASKED", "RULES", "TEXT"];
        show_table(head, page.found.iter().map(row))?;
    }
    show_more(page.next);
    Ok(ExitCode::SUCCESS)
}

fn row(statement: &Statement) -> [String; 10] {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    [
        time(statement.at),
        short_id(statement.session.as_deref()),
        text(&statement.principal),
        text(&statement.target),
        if statement.ruling == "deny" { "DENY".to_owned() } else { statement.ruling.to_owned() },
        text(&statement.outcome),
        statement.rows.to_string(),
        statement.masked.to_string(),
        statement.rules.join(" "),
        shortened(&statement.text, TEXT_CHARS_MAX),
    ]
}

fn text(text: &str) -> Result<Text, String> {
    Text::parse(text).ok_or_else(|| "there is no word in it: words are letters, digits and underscores".to_owned())
}

fn session(id: &str) -> Result<String, String> {
    match id.chars().count() {
        0..8 => Err("write the id, or at least its last 8 characters".to_owned()),
        _ => Ok(id.to_owned()),
    }
}
