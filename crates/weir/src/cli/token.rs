//! `weir token`: Weir's own tokens, for those whom no other issuer vouches for.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Subcommand;
use identity::{NewToken, TokenEntry, TokenFile, TokenFileError, TokenState};
use model::{PrincipalKind, Sensitive, UnixMicros, UnixSeconds};
use serde_json::{Map, Value, json};

use super::init::{connection_value, shell_quoted};
use super::{CliError, Global, load_config, output, time_span};
use crate::config::{Config, LOCAL_ISSUER, nearest};
use crate::wiring::{self, TokensDown};
use crate::{state, tls};

const EXAMPLES: &str = "\
Examples:
  weir token issue --user alice@example.com --group dba --for 8h
  weir token list
  weir token revoke ID";

/// Issue, list and revoke Weir's own tokens
///
/// A token is the password of a caller. It is shown once, when it is issued; Weir keeps only a hash of it, and what
/// proofs by SCRAM are checked with.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    Issue(IssueArgs),
    List(ListArgs),
    Revoke(RevokeArgs),
}

const ISSUE_EXAMPLES: &str = "\
Examples:
  weir token issue --user alice@example.com --group dba --for 8h
  weir token issue --workload acme/nightly --owner local:alice@example.com --for 30m
  weir token issue --user alice@example.com --scram --for 30d
  PGPASSWORD=$(weir token issue --user alice@example.com) psql \"host=localhost port=6432 …\"";

/// Make a token for a person or a workload
///
/// The token goes to standard output, alone; how to use it goes to standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = ISSUE_EXAMPLES)]
struct IssueArgs {
    /// The person it is for
    #[arg(long, value_name = "NAME", required_unless_present = "workload", conflicts_with = "workload")]
    user: Option<String>,
    /// The job, service or agent it is for
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// A group to be in, beside those of the configuration; may be given more than once
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// The person a workload belongs to, as issuer:name
    #[arg(long, value_name = "ID", conflicts_with = "user")]
    owner: Option<String>,
    /// How long it holds: 90s, 30m, 8h, 7d
    #[arg(long = "for", value_name = "TIME", default_value = "8h", value_parser = time_span::parse)]
    lasts: Duration,
    /// Make it a password that is only ever proved, by SCRAM-SHA-256: it is never sent, and from then on this name is asked
    /// for such a proof
    #[arg(long)]
    scram: bool,
    /// Print the token with all that is known of it, as JSON
    #[arg(long)]
    json: bool,
}

const LIST_EXAMPLES: &str = "\
Examples:
  weir token list
  weir token list --json | jq -r 'select(.state == \"live\") | .principal'";

/// Say which tokens there are
#[derive(Debug, clap::Args)]
#[command(after_help = LIST_EXAMPLES)]
struct ListArgs {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

const REVOKE_EXAMPLES: &str = "\
Examples:
  weir token revoke k3vq7mzt5c2a";

/// End a token now
///
/// Sessions that run on it are ended as well.
#[derive(Debug, clap::Args)]
#[command(after_help = REVOKE_EXAMPLES)]
struct RevokeArgs {
    /// The token's id, from `weir token list`
    #[arg(value_name = "ID")]
    id: String,
}

/// Runs the command.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    match args.command {
        TokenCommand::Issue(args) => issue_command(args, &config),
        TokenCommand::List(args) => list(&args, &config),
        TokenCommand::Revoke(args) => revoke(&args, &config),
    }
}

/// Whom a token is for.
pub enum Holder {
    /// A person.
    User(String),
    /// A job, a service, an agent.
    Workload(String),
}

/// What a token should be.
pub struct Wanted {
    /// Whom it is for.
    pub holder: Holder,
    /// Groups beside those of the configuration.
    pub groups: Vec<String>,
    /// The person a workload belongs to, as a principal id.
    pub owner: Option<String>,
    /// How long it holds.
    pub lasts: Duration,
    /// Whether it is only ever proved, by SCRAM.
    pub scram_only: bool,
}

/// A new token, which nobody can show again.
pub struct Issued {
    /// The token itself.
    pub token: Sensitive<String>,
    /// What is kept of it.
    pub entry: TokenEntry,
}

/// Makes a token in the configured state folder.
pub fn issue(config: &Config, wanted: Wanted) -> Result<Issued, CliError> {
    known_groups(config, &wanted.groups)?;
    if let Some(owner) = &wanted.owner {
        known_owner(config, owner)?;
    }
    state::prepare(&config.state)?;
    let (kind, name) = match wanted.holder {
        Holder::User(name) => (PrincipalKind::User, name),
        Holder::Workload(name) => (PrincipalKind::Workload, name),
    };
    let ttl_seconds = wanted.lasts.as_secs();
    let groups = wanted.groups.into_iter().collect();
    let Wanted { owner, scram_only, .. } = wanted;
    let new = NewToken { kind, name, groups, ttl_seconds, owner, scram_only };
    let (token, entry) = file(config)?.issue(&new, now())?;
    Ok(Issued { token, entry })
}

fn issue_command(args: IssueArgs, config: &Config) -> Result<ExitCode, CliError> {
    let holder = match (args.user, args.workload) {
        (Some(name), None) => Holder::User(name),
        (None, Some(name)) => Holder::Workload(name),
        _ => return Err(CliError::usage("a token is for one user or one workload", "give --user or --workload")),
    };
    let IssueArgs { groups, owner, lasts, scram, .. } = args;
    let issued = issue(config, Wanted { holder, groups, owner, lasts, scram_only: scram })?;
    let (token, entry) = (issued.token.expose(), &issued.entry);
    if args.json {
        let mut shown = shown(entry);
        shown.insert("token".into(), token.as_str().into());
        output::line(Value::Object(shown))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(token)?;
    let until = time(entry.expires);
    output::note(format_args!("for {LOCAL_ISSUER}:{}, until {until}; its id is {}", entry.name, entry.id));
    if let (Some(listener), Some(target)) = (config.listen.postgres, config.targets.keys().next()) {
        let ca = config.state.join(tls::CALLERS_CA_FILE);
        let ca = std::path::absolute(&ca).unwrap_or(ca);
        let trust = match config.tls.pair {
            Some(_) => String::new(),
            None => format!(" sslrootcert={}", connection_value(&ca.display().to_string())),
        };
        let proof = if entry.scram_only { " channel_binding=require" } else { "" };
        let connection = format!(
            "host=localhost port={} dbname={target} user={} sslmode=verify-full{trust}{proof}",
            listener.port(),
            connection_value(&entry.name)
        );
        output::note(format_args!("it is the password: PGPASSWORD=… psql {}", shell_quoted(&connection)));
    }
    Ok(ExitCode::SUCCESS)
}

fn list(args: &ListArgs, config: &Config) -> Result<ExitCode, CliError> {
    let entries = file(config)?.list()?;
    if args.json {
        for entry in &entries {
            output::line(Value::Object(shown(entry)))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let head = ["ID", "PRINCIPAL", "KIND", "STATE", "UNTIL", "GROUPS"].map(str::to_owned);
    let rows = entries.iter().map(|entry| {
        let groups = entry.groups.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let principal = format!("{LOCAL_ISSUER}:{}", entry.name);
        [
            entry.id.clone(),
            principal,
            entry.kind.as_str().to_owned(),
            state_word(entry).to_owned(),
            time(entry.expires),
            groups,
        ]
    });
    let rows: Vec<_> = [head].into_iter().chain(rows).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in &rows {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        output::line(cells.join("  ").trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn revoke(args: &RevokeArgs, config: &Config) -> Result<ExitCode, CliError> {
    let entry = file(config)?.revoke(&args.id, now())?;
    output::line(format_args!("revoked {}, a token of {LOCAL_ISSUER}:{}", entry.id, entry.name))?;
    Ok(ExitCode::SUCCESS)
}

fn known_groups(config: &Config, groups: &[String]) -> Result<(), CliError> {
    let known = config.group_names();
    let Some(unknown) = groups.iter().find(|group| !known.contains(group.as_str())) else { return Ok(()) };
    let help = match nearest(unknown, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "add it under [groups] in the configuration".to_owned(),
        None => format!("known groups: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    };
    Err(CliError::failed(format!("no group is named {unknown:?}"), help))
}

fn known_owner(config: &Config, owner: &str) -> Result<(), CliError> {
    let right = format!("write an id like \"{LOCAL_ISSUER}:alice@example.com\"");
    let Some((issuer, _)) = owner.split_once(':').filter(|(_, name)| !name.is_empty()) else {
        return Err(CliError::failed(format!("{owner:?} does not say whose name it is"), right));
    };
    let known = config.issuers.iter().map(|known| &known.name);
    let mut known = known.chain(config.certificates.iter().map(|known| &known.name));
    if issuer == LOCAL_ISSUER || known.any(|known| known == issuer) {
        return Ok(());
    }
    Err(CliError::failed(format!("no issuer is named {issuer:?}"), right))
}

/// The file of tokens, made when there is none.
pub fn file(config: &Config) -> Result<TokenFile, CliError> {
    state::prepare(&config.state)?;
    wiring::token_file(config).map_err(|down| match down {
        TokensDown::State(error) => error.into(),
        TokensDown::Tokens(error) => error.into(),
    })
}

impl From<TokenFileError> for CliError {
    fn from(error: TokenFileError) -> Self {
        let text = error.to_string();
        match text.split_once("; ") {
            Some((what, help)) => Self::failed(what, help),
            None => Self::failed(text, ""),
        }
    }
}

/// All that may be known of a token.
fn shown(entry: &TokenEntry) -> Map<String, Value> {
    let shown = json!({
        "id": entry.id,
        "principal": format!("{LOCAL_ISSUER}:{}", entry.name),
        "kind": entry.kind.as_str(),
        "groups": entry.groups,
        "owner": entry.owner,
        "scram": entry.scram_only,
        "state": state_word(entry),
        "issued": time(entry.issued),
        "expires": time(entry.expires),
        "revoked": entry.revoked.map(time),
    });
    match shown {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn state_word(entry: &TokenEntry) -> &'static str {
    match entry.state(now()) {
        TokenState::Live => "live",
        TokenState::Expired => "expired",
        TokenState::Revoked => "revoked",
    }
}

fn time(at: UnixSeconds) -> String {
    let timestamp = i64::try_from(at.0).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    timestamp.map_or_else(|| at.0.to_string(), |timestamp| timestamp.to_string())
}

fn now() -> UnixSeconds {
    UnixMicros::from(SystemTime::now()).seconds()
}
