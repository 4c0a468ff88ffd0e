//! Direct, PgBouncer and Weir, in turn.

mod bouncer;
mod catalog;
mod client;
mod copy;
mod fairness;
mod memory;
mod pgbench;
mod points;
mod process;
mod recorded;
mod roads;
mod sessions;
mod setups;
mod streams;

use roads::House;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// How often each is measured.
    pub rounds: u32,
    /// How long a measurement by pgbench runs.
    pub seconds: u32,
    /// The size of the large result.
    pub gigabytes: u32,
    /// How many sessions are idle.
    pub sessions: u32,
}

impl Default for Extent {
    fn default() -> Self {
        Self { rounds: 5, seconds: 3, gigabytes: 10, sessions: 2000 }
    }
}

/// One table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Points,
    Masked,
    Streams,
    Copy,
    Memory,
    Sessions,
    Setups,
    Fairness,
    Catalog,
    Recorded,
}

impl Part {
    /// All of them, in the order in which they run.
    pub const ALL: [Self; 10] = [
        Self::Points,
        Self::Masked,
        Self::Streams,
        Self::Copy,
        Self::Memory,
        Self::Sessions,
        Self::Setups,
        Self::Fairness,
        Self::Catalog,
        Self::Recorded,
    ];

    /// The part of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Masked => "masked",
            Self::Streams => "streams",
            Self::Copy => "copy",
            Self::Memory => "memory",
            Self::Sessions => "sessions",
            Self::Setups => "setups",
            Self::Fairness => "fairness",
            Self::Catalog => "catalog",
            Self::Recorded => "recorded",
        }
    }

    fn run(self, house: &House, extent: Extent) {
        match self {
            Self::Points => points::run("point select", pgbench::POINT, house, extent),
            Self::Masked => points::run("point select, three columns masked", pgbench::MASKED, house, extent),
            Self::Streams => streams::run(house, extent),
            Self::Copy => copy::run(house, extent),
            Self::Memory => memory::run(house, extent),
            Self::Sessions => sessions::run(extent),
            Self::Setups => setups::run(house, extent),
            Self::Fairness => fairness::run(house, extent),
            Self::Catalog => catalog::run(house, extent),
            Self::Recorded => recorded::run(house, extent),
        }
    }
}

/// Prints the tables.
pub fn run(parts: &[Part], extent: Extent) {
    eprintln!("starting PostgreSQL and filling the shop …");
    // The sessions bring a house of their own, with room for all of them.
    let only_sessions = parts.iter().all(|part| *part == Part::Sessions);
    let house = House::build(if only_sessions { 100 } else { 100_000 }, 200);
    println!("{} (load before: {})", process::machine(), process::load());
    println!("callers' side: direct without TLS, PgBouncer and Weir with TLS 1.3; targets' side without TLS");
    for part in Part::ALL {
        if parts.contains(&part) {
            println!();
            part.run(&house, extent);
        }
    }
    println!("\nload after: {}", process::load());
}

/// The middle of some measurements.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
