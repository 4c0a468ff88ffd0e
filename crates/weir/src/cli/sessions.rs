//! `weir sessions`: who was where, when, and what came of it.

use std::process::ExitCode;

use store::{Session, SessionState};

use super::indexed::{self, Filters, PageArgs, short_id, show_json, show_more, show_table, time, up_to_date};
use super::{CliError, Global, load_config};

const EXAMPLES: &str = "\
Examples:
  weir sessions
  weir sessions --person alice@example.com --since 3d
  weir sessions --class pii:clear --min-rows 1000
  weir sessions --decision deny --target orders --json";

/// List sessions, newest first, and callers that were turned away.
///
/// A session is found if something in it fulfils each filter. Its time is when it began. One that goes on is marked
/// `running`; one that Weir left without closing it (killed, or a lost power) `cut off`, once Weir has started again.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    filters: Filters,
}

/// Runs it.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    let mut index = up_to_date(&config.state)?;
    let search = args.filters.search(&mut index, &config)?;
    let page = index.sessions(&search, args.page.after, args.page.limit()).map_err(indexed::unusable)?;
    if args.page.json {
        page.found.iter().try_for_each(|session| show_json(session, session.position()))?;
    } else if !page.found.is_empty() {
        let head = ["BEGAN", "SESSION", "STATE", "WHO", "TARGET", "PERMITTED", "REFUSED", "ROWS", "MASKED", "MORE"];
        show_table(head, page.found.iter().map(row))?;
    }
    show_more(page.next);
    Ok(ExitCode::SUCCESS)
}

fn row(session: &Session) -> [String; 10] {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let state = match session.state {
        SessionState::Running => "running".to_owned(),
        SessionState::CutOff => "cut off".to_owned(),
        SessionState::Rejected => "REJECTED".to_owned(),
        SessionState::Closed => {
            let micros = session.ended.unwrap_or(session.began).saturating_sub(session.began);
            format!("{} s", micros / 1_000_000)
        }
    };
    let mut more = Vec::new();
    more.extend(session.owner.as_ref().map(|owner| format!("owner {owner}")));
    more.extend(session.run.as_ref().map(|run| format!("run {run}")));
    more.extend(session.peer.as_ref().map(|peer| format!("from {peer}")));
    if session.notices > 0 {
        more.push(super::counted(session.notices, "notice"));
    }
    more.extend(session.recording_deleted.map(|_| "recording deleted".to_owned()));
    more.extend(session.why.clone());
    [
        time(session.began),
        short_id(session.session.as_deref()),
        state,
        text(&session.principal),
        text(&session.target),
        session.permitted.to_string(),
        session.refused.to_string(),
        session.rows.to_string(),
        session.masked.to_string(),
        more.join(", "),
    ]
}
