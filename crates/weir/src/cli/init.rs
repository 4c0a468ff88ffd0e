//! `weir init`: a start that works.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use super::token::{self, Holder, Wanted};
use super::{CliError, Global, output, refused};
use crate::config::{Address, Config};
use crate::state;
use crate::tls::{self, Made};

/// The policies that everyone starts with.
const START_POLICIES: &str = include_str!("../../../../policies/10-start.cedar");
const START_POLICIES_FILE: &str = "10-start.cedar";
const CONFIG_FILE: &str = "weir.toml";
/// How long the first token holds.
const FIRST_TOKEN: std::time::Duration = std::time::Duration::from_hours(8);

const EXAMPLES: &str = "\
Examples:
  weir init --target orders --address 127.0.0.1:5432 --database shop --user weir_orders
  weir init /etc/weir --target orders --address db.example.com:5432 --database shop --user weir \\
            --password-file /run/secrets/orders --env prod --admin alice@example.com
  weir init                # a target to fill in";

/// Write a working start: configuration, policies, certificate authority, first token
///
/// Writes weir.toml, policies/10-start.cedar and the state folder into DIR, makes Weir's own certificate authority,
/// issues a first token and prints the psql line that uses it. Nothing that exists is overwritten without --force, and
/// the state folder never is.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where to write
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// The name under which callers reach the database
    #[arg(long, default_value = "example", value_name = "NAME")]
    target: String,
    /// Where the database is
    #[arg(long, default_value = "127.0.0.1:5432", value_name = "HOST:PORT")]
    address: String,
    /// Its name on the server
    #[arg(long, default_value = "postgres", value_name = "NAME")]
    database: String,
    /// The role that Weir logs in as
    #[arg(long, default_value = "weir", value_name = "ROLE")]
    user: String,
    /// The environment variable that holds the role's password [default: from the target's name]
    #[arg(long, value_name = "VARIABLE", conflicts_with = "password_file")]
    password_env: Option<String>,
    /// The file that holds the role's password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The environment that the target is in: policies speak of it
    #[arg(long, default_value = "dev", value_name = "NAME")]
    env: String,
    /// Where callers come in
    #[arg(long, default_value = "127.0.0.1:6432", value_name = "IP:PORT")]
    listen: String,
    /// Who gets the first token, may read and may sign off [default: you@localhost]
    #[arg(long, value_name = "NAME")]
    admin: Option<String>,
    /// Overwrite weir.toml and the start policies if they exist
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub fn run(args: Args, _: &Global) -> Result<ExitCode, CliError> {
    let config_file = args.inside(CONFIG_FILE);
    let policies_folder = args.inside("policies");
    let policies_file = policies_folder.join(START_POLICIES_FILE);
    for file in [&config_file, &policies_file] {
        if file.exists() && !args.force {
            let help = "name another folder, or overwrite it with --force";
            return Err(CliError::failed(format!("{} exists, and nothing was written", file.display()), help));
        }
    }
    let admin = args.admin.clone().unwrap_or_else(you);
    let text = configuration(&args, &admin);
    // The start speaks of one environment, and policies may name no other than those of the configuration.
    let policies = START_POLICIES.replace("Env::\"dev\"", &format!("Env::\"{}\"", args.env));
    // Checked before anything is written: a start that does not load is none.
    let (config, _) = Config::parse(&config_file, &text).map_err(|problems| {
        let _ = refused(&problems);
        CliError::usage("these options make no configuration that loads, and nothing was written", "see above")
    })?;

    fs::create_dir_all(&policies_folder).map_err(|error| unwritten(&policies_folder, &error))?;
    state::write_whole(&policies_file, policies.as_bytes(), 0o644)?;
    state::write_whole(&config_file, text.as_bytes(), 0o644)?;
    let tls = tls::server(&config, SystemTime::now())?;
    let holder = Holder::User(admin.clone());
    let wanted = Wanted { holder, groups: Vec::new(), owner: None, lasts: FIRST_TOKEN, scram_only: false };
    let issued = token::issue(&config, wanted)?;

    output::line(format_args!("wrote  {}", config_file.display()))?;
    output::line(format_args!("wrote  {}", policies_file.display()))?;
    let authority = match tls.made {
        Made::Authority => "made   ",
        Made::Certificate | Made::Nothing => "kept   ",
    };
    let ca = tls.callers_ca.unwrap_or_else(|| config.state.join(tls::CALLERS_CA_FILE));
    let ca = std::path::absolute(&ca).unwrap_or(ca);
    output::line(format_args!("{authority}{} (give it to callers)", ca.display()))?;
    output::line(format_args!("issued a token to local:{admin}, for 8 hours; it is shown only here"))?;
    let port = config.listen.postgres.map_or(6432, |address| address.port());
    output::line("\nNext:")?;
    for target in config.targets.values() {
        let shown = args.config_option();
        output::line(format_args!("  1. put the password of \"{}\" into {}", target.user, target.password))?;
        output::line(format_args!("  2. weir check{shown} && weir serve{shown}"))?;
        output::line("  3. in another terminal:\n")?;
        output::line(format_args!(
            "PGPASSWORD={} psql {}",
            issued.token.expose(),
            shell_quoted(&format!(
                "host=localhost port={port} dbname={} user={} sslmode=verify-full sslrootcert={}",
                connection_value(&target.target.id.0),
                connection_value(&admin),
                connection_value(&ca.display().to_string()),
            ))
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    /// `weir.toml` reads better than `./weir.toml`.
    fn inside(&self, name: &str) -> PathBuf {
        if self.dir == Path::new(".") { name.into() } else { self.dir.join(name) }
    }

    /// How later commands find the configuration.
    fn config_option(&self) -> String {
        if self.dir == Path::new(".") {
            return String::new();
        }
        format!(" -c {}", shell_quoted(&self.inside(CONFIG_FILE).display().to_string()))
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> CliError {
    CliError::failed(format!("{} can't be made: {error}", path.display()), "")
}

fn you() -> String {
    let user = std::env::var("USER").ok().filter(|user| !user.is_empty());
    format!("{}@localhost", user.unwrap_or_else(|| "admin".into()))
}

fn configuration(args: &Args, admin: &str) -> String {
    let variable = args.password_env.clone().unwrap_or_else(|| {
        let name = args.target.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let lead = if name.starts_with(|c: char| c.is_ascii_digit()) { "T_" } else { "" };
        format!("{lead}{name}_PASSWORD")
    });
    let password = match &args.password_file {
        Some(file) => {
            // Relative paths in the configuration start at its own folder, this one where the command runs.
            let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            format!("{{ file = {} }}", toml_text(&file.display().to_string()))
        }
        None => format!("{{ env = {} }}", toml_text(&variable)),
    };
    let near = Address::parse(&args.address).is_ok_and(|address| address.is_loopback());
    let tls = if near { "tls      = \"off\"  # it is on this machine; anywhere else: \"verify\"\n" } else { "" };
    let (target, member) = (toml_key(&args.target), toml_text(&format!("local:{admin}")));
    let (address, database, user) = (toml_text(&args.address), toml_text(&args.database), toml_text(&args.user));
    let (env, listen) = (toml_text(&args.env), toml_text(&args.listen));
    format!(
        "\
# Weir's configuration. Every key is described in docs/configuration.md; `weir check` says what is wrong.

[weir]
state    = \"weir-state\"  # keys, tokens and evidence; for Weir's user alone
policies = \"policies\"    # *.cedar: who may do and see what

[listen]
postgres = {listen}

[targets.{target}]
kind     = \"postgres\"
address  = {address}
database = {database}
user     = {user}
password = {password}  # where it is kept, never the password itself
env      = {env}
recording = \"full\"  # what callers are shown is kept sealed: weir replay; \"metadata\" keeps no rows, \"off\" nothing
{tls}
# What is sensitive: \"schema.table.column\" = class, where * stands for anything.
[targets.{target}.classes]
\"*.*.*email*\"   = \"pii.email\"
\"*.*.*phone*\"   = \"pii.phone\"
\"*.*.*card*\"    = \"pci.card\"

[groups]
users     = [{member}]
writers   = []
approvers = [{member}]
"
    )
}

fn toml_text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn toml_key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { toml_text(name) }
}

/// A value in a libpq connection string.
pub fn connection_value(value: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "._-@/:+".contains(c);
    if !value.is_empty() && value.chars().all(bare) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// One word for a shell.
pub fn shell_quoted(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "._-@/:+".contains(c);
    if !text.is_empty() && text.chars().all(bare) {
        return text.to_owned();
    }
    if !text.contains(['"', '$', '`', '\\', '!']) {
        return format!("\"{text}\"");
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_pasted() {
        assert_eq!(connection_value("alice@example.com"), "alice@example.com");
        assert_eq!(connection_value("/home/a b/it's"), "'/home/a b/it\\'s'");
        assert_eq!(shell_quoted("host=a port=1"), "\"host=a port=1\"");
        assert_eq!(shell_quoted("a='it\\'s' $HOME"), "'a='\\''it\\'\\''s'\\'' $HOME'");
    }
}
