//! Connections a second: pgbench logs in anew for each transaction.

use std::fs;
use std::sync::Arc;

use sandbox::{PostgresServer, shop};

use super::pgbench::{self, Run};
use super::roads::{House, Road};
use super::{Extent, client, median};

/// Prints the table.
pub fn run(house: &House, extent: Extent) {
    println!(
        "connections a second, pgbench -C, `SELECT 1` in each; median of {} runs of {} s",
        extent.rounds, extent.seconds
    );
    println!("{:<38} {:>7} {:>9} {:>12} {:>11}", "road", "clients", "each s", "latency ms", "CPU ms each");
    let (_encrypted, direct) = encrypted(house);
    let of = |road: &Road, name| Road { name, tls: road.tls.clone(), password: road.password.clone(), ..*road };
    let [plain, bouncer, weir] = &house.roads;
    let proven = Road { user: "proven", password: scram_token(house), ..of(weir, "Weir, TLS, SCRAM, bound to TLS") };
    let roads = [
        of(plain, "direct, no TLS, SCRAM"),
        direct,
        of(bouncer, "PgBouncer, TLS, SCRAM"),
        of(weir, "Weir, TLS, token as password"),
        proven,
    ];
    let seconds = extent.seconds.to_string();
    for clients in ["1", "8"] {
        let arguments = ["-C", "-c", clients, "-j", "2", "-T", &seconds];
        let mut runs: Vec<Vec<Run>> = roads.iter().map(|_| Vec::new()).collect();
        for _ in 0..extent.rounds {
            for (road, runs) in roads.iter().zip(&mut runs) {
                runs.push(pgbench::run(house, road, "SELECT 1;\n", &arguments));
            }
        }
        for (road, runs) in roads.iter().zip(&runs) {
            let of = |part: fn(&Run) -> f64| median(runs.iter().map(part).collect());
            println!(
                "{:<38} {clients:>7} {:>9.0} {:>12.2} {:>11.2}",
                road.name,
                of(|run| run.tps),
                of(|run| run.latency_us) / 1000.0,
                of(|run| run.cpu_us) / 1000.0
            );
        }
    }
}

/// A token that its user proves and does not show.
fn scram_token(house: &House) -> String {
    let issued = house.weir.run(&["token", "issue", "--user", "proven", "--group", "users", "--for", "1h", "--scram"]);
    assert!(issued.status.success(), "no token: {}", String::from_utf8_lossy(&issued.stderr));
    String::from_utf8_lossy(&issued.stdout).trim().to_owned()
}

/// A PostgreSQL of its own that speaks TLS, with Weir's certificate: what TLS costs without anything between.
fn encrypted(house: &House) -> (PostgresServer, Road) {
    let read = |name: &str| fs::read_to_string(house.weir.state().join("tls").join(name)).expect("Weir's certificate");
    let password = "bench";
    let server = PostgresServer::builder().tls(read("server.pem"), read("server.key")).start();
    let server = server.expect("a private PostgreSQL with TLS");
    shop::Shop { customers: 10, ..shop::Shop::new(password) }.load(&server).expect("a small shop");
    let road = Road {
        name: "direct, TLS, SCRAM",
        port: server.port(),
        database: shop::DATABASE,
        user: shop::ROLE,
        password: password.to_owned(),
        tls: Some(Arc::clone(&client::trusting(&house.weir.state().join("ca.pem")))),
        pid: None,
    };
    (server, road)
}
