//! The server and the three ways to it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use sandbox::{PostgresServer, shop};
use testkit::weir::Weir;

use super::bouncer::Bouncer;
use super::client::{self, Client};
use super::process;

const PASSWORD: &str = "bench";

const POLICIES: &str = r#"
@id("use")   permit (principal in Group::"users", action in [Action::"connect", Action::"session", Action::"read"], resource in Env::"dev");
@id("bulk")  permit (principal in Group::"users", action in [Action::"copy_in", Action::"copy_out", Action::"insert"], resource in Env::"dev");
@id("last4") permit (principal in Group::"users", action == Action::"see_partial", resource in Class::"pci.card");
@id("mail")  permit (principal in Group::"users", action == Action::"see_partial", resource in Class::"pii.email");
@id("where") @message("UPDATE and DELETE need a WHERE.")
forbid (principal, action in [Action::"update", Action::"delete"], resource) unless { context.has_where };
"#;

/// What the benchmarks add to the shop: where COPY writes to, and a cell of 500 MB, open and classified.
const MORE: &str = "
SET ROLE weir_shop;
CREATE UNLOGGED TABLE landing (id bigint, customer_id bigint, placed_at timestamptz, status text, total_cents bigint, padding text);
CREATE TABLE giants (id int, secret text);
INSERT INTO giants VALUES (1, repeat('weir', 131072000));
";

/// The same database, as a target in whose values Weir looks for what nobody has classified. In those of the other it does not: what its way costs and
/// what looking costs are two figures.
pub const LOOKED: &str = "looked";
/// The same database, as a target whose sessions are recorded in full.
pub const RECORDED: &str = "recorded";

/// One way to the database.
pub struct Road {
    /// Its name in tables.
    pub name: &'static str,
    pub port: u16,
    pub database: &'static str,
    pub user: &'static str,
    pub password: String,
    /// The TLS settings of a caller, where the road has TLS.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// The process between caller and server.
    pub pid: Option<u32>,
}

impl Road {
    /// A session by this road.
    pub fn connect(&self) -> client::Result<Client> {
        Client::connect(self)
    }

    /// The time that the process between has spent.
    pub fn cpu_seconds(&self) -> f64 {
        self.pid.map_or(0.0, process::cpu_seconds)
    }
}

/// A PostgreSQL with the shop, and the roads to it.
pub struct House {
    pub postgres: PostgresServer,
    pub weir: Weir,
    pub roads: [Road; 3],
    _bouncer: Bouncer,
}

/// The place of PgBouncer among the roads: what the others are compared with.
pub const BOUNCER: usize = 1;

impl House {
    /// With a shop of this size, and room for so many sessions on each road.
    pub fn build(customers: u32, sessions: u32) -> Self {
        let postgres = PostgresServer::builder().setting("max_connections", (sessions + 20).to_string()).start();
        let postgres = postgres.expect("a private PostgreSQL");
        shop::Shop { customers, ..shop::Shop::new(PASSWORD) }.load(&postgres).expect("the shop");
        postgres.psql(shop::DATABASE, MORE).expect("more tables");
        let mut classes = shop::CLASSES.to_vec();
        classes.push(("public.giants.secret", "pii.name"));
        let target = |detect: &str| {
            format!("address = \"127.0.0.1:{}\"\ntls = \"off\"\ndetect = \"{detect}\"\n", postgres.port())
        };
        let weir = Weir::builder(program())
            .target_with("shop", shop::DATABASE, (shop::ROLE, PASSWORD), &target("off"), &classes)
            .target_with(LOOKED, shop::DATABASE, (shop::ROLE, PASSWORD), &target("on"), &classes)
            .target_with(
                RECORDED,
                shop::DATABASE,
                (shop::ROLE, PASSWORD),
                &format!("{}recording = \"full\"\n", target("off")),
                &classes,
            )
            .policies(POLICIES)
            .group("users")
            .start();
        let bouncer = Bouncer::start(&postgres, PASSWORD, &weir, sessions);
        let tls = client::trusting(&weir.state().join("ca.pem"));
        let roads = [
            Road {
                name: "direct",
                port: postgres.port(),
                database: shop::DATABASE,
                user: shop::ROLE,
                password: PASSWORD.to_owned(),
                tls: None,
                pid: None,
            },
            Road {
                name: "PgBouncer",
                port: bouncer.port(),
                database: shop::DATABASE,
                user: shop::ROLE,
                password: PASSWORD.to_owned(),
                tls: Some(Arc::clone(&tls)),
                pid: Some(bouncer.pid()),
            },
            Road {
                name: "Weir",
                port: weir.port(),
                database: "shop",
                user: "bench",
                password: weir.token("bench", &["users"]),
                tls: Some(tls),
                pid: weir.pid(),
            },
        ];
        Self { postgres, weir, roads, _bouncer: bouncer }
    }

    /// The roads with a process of their own between.
    pub fn between(&self) -> impl Iterator<Item = (&Road, u32)> {
        self.roads.iter().filter_map(|road| Some((road, road.pid?)))
    }

    /// Measures each road in turn, as often as there are rounds.
    pub fn in_turn<T>(&self, rounds: u32, mut measure: impl FnMut(&Road) -> T) -> [Vec<T>; 3] {
        let mut found = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for (road, found) in self.roads.iter().zip(&mut found) {
                found.push(measure(road));
            }
        }
        found
    }
}

/// The Weir that was built beside this program.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("this program has a path");
    own.with_file_name("weir")
}

/// `2 of 5 failed: …`, the first failure in one line.
pub fn failures<T>(runs: &[client::Result<T>]) -> Option<String> {
    let mut failed = runs.iter().filter_map(|run| run.as_ref().err());
    let first = failed.next()?;
    let mut text = String::new();
    let _ = write!(text, "{} of {} failed: {first}", failed.count() + 1, runs.len());
    Some(text.replace('\n', " "))
}
