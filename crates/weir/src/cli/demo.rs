//! `weir demo`: a private PostgreSQL with a shop in it, Weir before it, and a tour through both.
//!
//! Everything is real: the server, the data, `psql`, and Weir itself, which runs as a process of its own. It all lives
//! in one folder that goes when the demo ends.

mod tour;

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant;

use sandbox::{PostgresServer, SandboxError, shop};

use super::{CliError, Global, output};
use crate::state;

const EXAMPLES: &str = "\
Examples:
  weir demo
  weir demo --tour
  weir demo --customers 1000

Needs PostgreSQL's server and psql (Debian: apt-get install postgresql). scripts/demo installs and builds all of it.";

const POLICIES: &str = include_str!("demo/demo.cedar");

/// Try Weir: starts a private PostgreSQL with a shop database and Weir before it, shows what it does, and stays up.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// End after the tour
    #[arg(long)]
    tour: bool,
    /// How many customers the shop has; it has five times as many orders
    #[arg(long, default_value_t = 100_000, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    customers: u32,
}

/// Runs it.
pub fn run(args: Args, _: &Global) -> Result<ExitCode, CliError> {
    let begun = Instant::now();
    let private = std::fs::Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix("weir-demo-").permissions(private).tempdir();
    let folder = folder.map_err(|error| failed("no folder for the demo can be made", error))?;
    output::line("Starting a private PostgreSQL …")?;
    let postgres = PostgresServer::builder().start().map_err(sandboxed)?;
    output::line(format_args!("Filling the shop: {} customers, {} orders …", args.customers, orders(args.customers)))?;
    let password = secret()?;
    shop::Shop { customers: args.customers, ..shop::Shop::new(password.as_str()) }
        .load(&postgres)
        .map_err(sandboxed)?;
    output::line("Starting Weir before it …")?;
    let house = House::build(folder.path(), &postgres, &password)?;
    let (weir, port) = house.serve()?;
    let psql = postgres.installation().psql().map_err(sandboxed)?;
    let demo = Demo { house, weir, port, psql };
    output::line(format_args!("Ready after {:.0} s.\n", begun.elapsed().as_secs_f64()))?;
    tour::walk(&demo)?;
    demo.say_how_to_go_on()?;
    if !args.tour {
        output::line("It stays up until you press Ctrl-C.")?;
        wait_for_the_end()?;
    }
    drop(demo);
    drop(postgres);
    Ok(ExitCode::SUCCESS)
}

fn orders(customers: u32) -> u64 {
    u64::from(customers).saturating_mul(5)
}

/// The folder of the demo's Weir.
struct House {
    folder: PathBuf,
}

impl House {
    /// Writes configuration, policies and password.
    fn build(folder: &Path, postgres: &PostgresServer, password: &str) -> Result<Self, CliError> {
        let secret = folder.join("shop.password");
        state::write_whole(&secret, password.as_bytes(), 0o600)?;
        std::fs::create_dir(folder.join("policies")).map_err(|error| failed("the policies can't be written", error))?;
        state::write_whole(&folder.join("policies/demo.cedar"), POLICIES.as_bytes(), 0o644)?;
        state::write_whole(&folder.join("weir.toml"), configuration(postgres.port()).as_bytes(), 0o644)?;
        Ok(Self { folder: folder.to_path_buf() })
    }

    fn config(&self) -> PathBuf {
        self.folder.join("weir.toml")
    }

    /// A command of this very program, on the demo's configuration.
    fn weir(&self, args: &[&str]) -> Result<Command, CliError> {
        let program = std::env::current_exe().map_err(|error| failed("Weir can't find itself", error))?;
        let mut command = Command::new(program);
        command.args(args).arg("--config").arg(self.config()).args(["--log-level", "error"]);
        Ok(command)
    }

    /// Starts Weir, and waits until it listens.
    fn serve(&self) -> Result<(Running, u16), CliError> {
        let mut command = self.weir(&["serve"])?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut running = Running(child.map_err(|error| failed("Weir can't be started", error))?);
        let out = running.0.stdout.take().ok_or_else(|| CliError::failed("Weir says nothing", ""))?;
        let mut ready = String::new();
        let read = BufReader::new(out).read_line(&mut ready).map_err(|error| failed("Weir can't be heard", error))?;
        let port = ready.trim_end().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        match port {
            Some(port) if read > 0 => Ok((running, port)),
            _ => Err(CliError::failed("Weir did not start", "the lines above say why")),
        }
    }

    /// A token for a user in these groups.
    fn token(&self, user: &str, groups: &[&str]) -> Result<String, CliError> {
        let mut command = self.weir(&["token", "issue", "--user", user, "--for", "8h"])?;
        for group in groups {
            command.args(["--group", group]);
        }
        let output = command.stderr(Stdio::null()).output().map_err(|error| failed("no token can be issued", error))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(CliError::failed("no token could be issued", "")),
        }
    }
}

/// A Weir that runs, until this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Asked first, so that its log ends in good order.
        let pid = self.0.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().is_ok_and(|status| status.success());
        if !asked {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

/// A demo that runs.
struct Demo {
    house: House,
    #[expect(dead_code, reason = "held so that it runs")]
    weir: Running,
    port: u16,
    psql: PathBuf,
}

impl Demo {
    fn connection(&self, user: &str) -> String {
        let ca = self.house.folder.join("weir-state/ca.pem");
        format!(
            "host=localhost port={} dbname=shop user={user} sslmode=verify-full sslrootcert={}",
            self.port,
            ca.display()
        )
    }

    fn say_how_to_go_on(&self) -> Result<(), CliError> {
        let alice = self.house.token("alice@example.com", &["users", "writers"])?;
        let paula = self.house.token("paula@example.com", &["users", "privacy"])?;
        output::line("Try it yourself. Alice reads and writes, and sees what policy lets her see:")?;
        output::line(format_args!("\n  PGPASSWORD={alice} psql \"{}\"\n", self.connection("alice@example.com")))?;
        output::line("Paula is in the privacy office and sees everything clear:")?;
        output::line(format_args!("\n  PGPASSWORD={paula} psql \"{}\"\n", self.connection("paula@example.com")))?;
        let (config, weir) = (self.house.config(), std::env::current_exe().unwrap_or_else(|_| "weir".into()));
        output::line("Watch the decisions, and change the policies while it runs:")?;
        output::line(format_args!("\n  {} log --follow --config {}", weir.display(), config.display()))?;
        output::line(format_args!("  $EDITOR {}\n", self.house.folder.join("policies/demo.cedar").display()))
    }
}

fn configuration(port: u16) -> String {
    let mut text = format!(
        "# The demo's configuration. docs/configuration.md describes every key.\n\
         [weir]\nstate = \"weir-state\"\npolicies = \"policies\"\n\n\
         [listen]\npostgres = \"127.0.0.1:0\"\n\n\
         [targets.shop]\nkind = \"postgres\"\naddress = \"127.0.0.1:{port}\"\ndatabase = \"{}\"\nuser = \"{}\"\n\
         password = {{ file = \"shop.password\" }}\nenv = \"dev\"\ntls = \"off\"\nrecording = \"full\"\n\n[targets.shop.classes]\n",
        shop::DATABASE,
        shop::ROLE,
    );
    for (pattern, class) in shop::CLASSES {
        let _ = writeln!(text, "\"{pattern}\" = \"{class}\"");
    }
    text.push_str("\n[groups]\nusers = []\nwriters = []\nprivacy = []\napprovers = []\n");
    text
}

fn secret() -> Result<String, CliError> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| CliError::failed("the system gives no randomness", ""))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// Until Ctrl-C, SIGTERM, or the end of a piped standard input.
fn wait_for_the_end() -> Result<(), CliError> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed("cannot wait", error))?;
    runtime
        .block_on(async {
            let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            tokio::select! {
                _ = int.recv() => {}
                _ = term.recv() => {}
            }
            Ok(())
        })
        .map_err(|error: io::Error| failed("cannot wait", error))
}

fn failed(what: &str, error: io::Error) -> CliError {
    CliError::failed(format!("{what}: {error}"), "")
}

fn sandboxed(error: SandboxError) -> CliError {
    CliError::failed(error.to_string(), "scripts/setup --demo installs what the demo needs")
}

/// Everything that a process prints.
fn all_of(mut from: impl io::Read) -> String {
    let mut text = Vec::new();
    let _ = from.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}
