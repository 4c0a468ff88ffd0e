//! Direct, PgBouncer and Weir, in turn.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::{PostgresServer, shop};
use testkit::weir::Weir;

use crate::{Extent, median};

const POLICIES: &str = r#"
@id("use")   permit (principal in Group::"users", action in [Action::"connect", Action::"session", Action::"read"], resource in Env::"dev");
@id("last4") permit (principal in Group::"users", action == Action::"see_partial", resource in Class::"pci.card");
@id("mail")  permit (principal in Group::"users", action == Action::"see_partial", resource in Class::"pii.email");
@id("where") @message("UPDATE and DELETE need a WHERE.")
forbid (principal, action in [Action::"update", Action::"delete"], resource) unless { context.has_where };
"#;

/// One way to the database.
struct Road {
    name: &'static str,
    port: u16,
    database: &'static str,
    user: &'static str,
    password: String,
    tls: bool,
    pid: Option<u32>,
}

/// What one run took.
#[derive(Clone, Copy)]
struct Run {
    tps: f64,
    latency_us: f64,
    cpu_us: f64,
}

/// Prints the tables.
pub fn run(extent: Extent) {
    let password = "bench";
    eprintln!("starting PostgreSQL and filling the shop …");
    let postgres = PostgresServer::builder().setting("max_connections", "200").start().expect("a private PostgreSQL");
    shop::Shop::new(password).load(&postgres).expect("the shop");
    let weir = Weir::builder(program())
        .target("shop", &postgres, shop::DATABASE, (shop::ROLE, password), shop::CLASSES)
        .policies(POLICIES)
        .group("users")
        .start();
    let bouncer = Bouncer::start(&postgres, password, &weir);
    let roads = [
        Road {
            name: "direct",
            port: postgres.port(),
            database: shop::DATABASE,
            user: shop::ROLE,
            password: password.to_owned(),
            tls: false,
            pid: None,
        },
        Road {
            name: "PgBouncer",
            port: bouncer.port,
            database: shop::DATABASE,
            user: shop::ROLE,
            password: password.to_owned(),
            tls: true,
            pid: Some(bouncer.child.id()),
        },
        Road {
            name: "Weir",
            port: weir.port(),
            database: "shop",
            user: "bench",
            password: weir.token("bench", &["users"]),
            tls: true,
            pid: weir.pid(),
        },
    ];
    println!("{} (load before: {})", machine(), load());
    println!("callers' side: direct without TLS, PgBouncer and Weir with TLS 1.3; targets' side without TLS\n");
    points(&roads, &postgres, extent);
    streams(&roads, &postgres, extent);
    println!("load after: {}", load());
}

fn points(roads: &[Road], postgres: &PostgresServer, extent: Extent) {
    let script = script(
        postgres,
        "point",
        "\\set id random(1, 500000)\nSELECT id, status, total_cents FROM orders WHERE id = :id;\n",
    );
    println!("point select, pgbench, median of {} runs of {} s", extent.rounds, extent.seconds);
    println!(
        "{:<10} {:>7}  {:<10} {:>9} {:>11} {:>13} {:>9}",
        "protocol", "clients", "road", "tps", "latency µs", "CPU µs/query", "× bouncer"
    );
    let mut ratios = Vec::new();
    for protocol in ["simple", "extended", "prepared"] {
        for clients in [1, 8, 32] {
            let mut runs: Vec<Vec<Run>> = roads.iter().map(|_| Vec::new()).collect();
            for _ in 0..extent.rounds {
                for (road, runs) in roads.iter().zip(&mut runs) {
                    runs.push(pgbench(postgres, road, &script, protocol, clients, extent.seconds));
                }
            }
            let of = |runs: &[Run], part: fn(&Run) -> f64| median(runs.iter().map(part).collect());
            let bouncer = of(&runs[1], |run| run.tps);
            for (road, runs) in roads.iter().zip(&runs) {
                let tps = of(runs, |run| run.tps);
                if road.name == "Weir" {
                    ratios.push(tps / bouncer);
                }
                println!(
                    "{protocol:<10} {clients:>7}  {:<10} {tps:>9.0} {:>11.0} {:>13.1} {:>9.2}",
                    road.name,
                    of(runs, |run| run.latency_us),
                    of(runs, |run| run.cpu_us),
                    tps / bouncer,
                );
            }
        }
    }
    let mean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
    println!("Weir / PgBouncer, geometric mean of {} cells: {mean:.2}\n", ratios.len());
}

fn streams(roads: &[Road], postgres: &PostgresServer, extent: Extent) {
    println!("300,000 wide rows in one simple query, median of {} runs", extent.rounds);
    println!("{:<34} {:<10} {:>8} {:>9}", "rows", "road", "seconds", "× bouncer");
    let wide = "o.id, o.customer_id, o.placed_at, o.status, o.total_cents, repeat(o.status, 20) AS padding";
    for (what, sql) in [
        ("nothing classified", format!("SELECT {wide} FROM orders o LIMIT 300000;")),
        (
            "ten columns of customers, classified",
            "SELECT c.id, c.name, c.email, c.card, c.ssn, c.phone, c.city, c.country, c.created_at, c.birth_date \
             FROM customers c CROSS JOIN generate_series(1, 3) LIMIT 300000;"
                .to_owned(),
        ),
    ] {
        let script = script(postgres, "stream", &sql);
        let mut runs: Vec<Vec<f64>> = roads.iter().map(|_| Vec::new()).collect();
        for _ in 0..extent.rounds {
            for (road, runs) in roads.iter().zip(&mut runs) {
                let mut command = command(postgres, road, &script, "simple");
                command.args(["-c", "1", "-t", "1"]);
                let begun = Instant::now();
                finish(command, road);
                runs.push(begun.elapsed().as_secs_f64());
            }
        }
        let bouncer = median(runs[1].clone());
        for (road, runs) in roads.iter().zip(runs) {
            let seconds = median(runs);
            println!("{what:<34} {:<10} {seconds:>8.2} {:>9.2}", road.name, seconds / bouncer);
        }
    }
    println!();
}

fn command(postgres: &PostgresServer, road: &Road, script: &Path, protocol: &str) -> Command {
    let mut command = Command::new(postgres.installation().program("pgbench"));
    command.args(["-n", "-M", protocol, "-f"]).arg(script);
    command.args(["-h", "127.0.0.1", "-p", &road.port.to_string(), "-U", road.user]).arg(road.database);
    command.env("PGPASSWORD", &road.password).env("PGSSLMODE", if road.tls { "require" } else { "disable" });
    command
}

fn finish(mut command: Command, road: &Road) -> String {
    let output = command.stdin(Stdio::null()).output().expect("pgbench can be run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}: {text}{}", road.name, String::from_utf8_lossy(&output.stderr));
    text
}

fn pgbench(postgres: &PostgresServer, road: &Road, script: &Path, protocol: &str, clients: u32, seconds: u32) -> Run {
    let mut command = command(postgres, road, script, protocol);
    command.args(["-c", &clients.to_string(), "-j", "1", "-T", &seconds.to_string()]);
    let before = road.pid.map_or(0.0, cpu_seconds);
    let text = finish(command, road);
    let spent = road.pid.map_or(0.0, cpu_seconds) - before;
    let number = |line: &str| -> f64 {
        let found = text.lines().find_map(|at| at.trim().strip_prefix(line));
        let found = found.unwrap_or_else(|| panic!("pgbench did not say {line:?}:\n{text}"));
        found.split_whitespace().next().and_then(|word| word.split('/').next()?.parse().ok()).unwrap_or(f64::NAN)
    };
    let transactions = number("number of transactions actually processed:");
    Run {
        tps: number("tps ="),
        latency_us: number("latency average =") * 1000.0,
        cpu_us: spent / transactions * 1_000_000.0,
    }
}

/// User and system time of a process.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // utime and stime, the 14th and 15th fields of proc(5), in hundredths of a second.
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn script(postgres: &PostgresServer, name: &str, text: &str) -> PathBuf {
    let file = std::env::temp_dir().join(format!("weir-bench-{}-{name}.sql", postgres.port()));
    fs::write(&file, text).expect("a script file");
    file
}

fn program() -> PathBuf {
    let own = std::env::current_exe().expect("this program has a path");
    own.with_file_name("weir")
}

fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores, {}", model.trim_start_matches([' ', '\t', ':']))
}

fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// A PgBouncer before the server, with Weir's certificate.
struct Bouncer {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Bouncer {
    fn start(postgres: &PostgresServer, password: &str, weir: &Weir) -> Self {
        let folder = tempfile::Builder::new().prefix("weir-bench-").tempdir().expect("a temporary folder");
        let port = testkit::free_port().expect("a free port");
        let at = |name: &str| folder.path().join(name);
        for name in ["server.pem", "server.key"] {
            fs::copy(weir.state().join("tls").join(name), at(name)).expect("Weir's certificate");
        }
        fs::write(at("users.txt"), format!("\"{}\" \"{password}\"\n", shop::ROLE)).expect("users");
        let mut config =
            format!("[databases]\n{0} = host=127.0.0.1 port={1} dbname={0}\n", shop::DATABASE, postgres.port());
        let _ = write!(
            config,
            "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\n\
             auth_file = {users}\npool_mode = session\nmax_client_conn = 200\ndefault_pool_size = 100\n\
             client_tls_sslmode = require\nclient_tls_cert_file = {cert}\nclient_tls_key_file = {key}\n\
             ignore_startup_parameters = extra_float_digits\nlogfile = {log}\n",
            users = at("users.txt").display(),
            cert = at("server.pem").display(),
            key = at("server.key").display(),
            log = at("log").display(),
        );
        fs::write(at("pgbouncer.ini"), config).expect("pgbouncer.ini");
        // It refuses to run as root.
        let as_root = Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n");
        let mut command = if as_root {
            let owned = Command::new("chown").args(["-R", "postgres"]).arg(folder.path()).status();
            assert!(owned.is_ok_and(|status| status.success()), "the folder can be given to PgBouncer's user");
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "pgbouncer"]);
            command
        } else {
            Command::new("pgbouncer")
        };
        let child = command.arg("-q").arg(at("pgbouncer.ini")).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let child = child.expect("pgbouncer can be run (scripts/setup installs it)");
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "pgbouncer does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, port, _folder: folder }
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
