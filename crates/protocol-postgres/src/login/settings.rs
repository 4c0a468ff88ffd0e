//! The settings that a caller starts with: which pass, which are asked for, which are refused.

use gate::{Gate, Released, Session, ShapeKey, Step};
use model::{Ask, LogText, Object, Operation, Part, Wording};
use sql_postgres::{ReplicationOf, startup_setting};

use super::unwritten;
use crate::relay::now;
use crate::wire::Malformed;
use crate::wire::build::{OwnReport, Severity};
use crate::wire::startup::{Startup, options};

/// The longest text about a program that names itself.
const APPLICATION_CHARS_MAX: usize = 128;

/// Settings that a caller may start with without asking: how values are written, not what they mean.
const PRESENTATION: [&str; 7] = [
    "application_name",
    "client_encoding",
    "client_min_messages",
    "datestyle",
    "extra_float_digits",
    "intervalstyle",
    "timezone",
];

/// The settings that a caller starts with.
#[derive(Debug)]
pub struct Settings {
    /// Names and values, to pass on.
    pub pairs: Vec<(String, String)>,
    /// Whether the caller wants to be told that something is masked.
    pub notices: bool,
    /// Where it goes, if it says so here instead of in the name of a database.
    pub target: Option<String>,
}

/// Reads startup parameters and `options`. What would change the meaning of texts is refused.
pub fn settings(startup: &Startup) -> Result<Settings, Box<OwnReport>> {
    let own = |name: &str| matches!(name, "user" | "database" | "replication" | "options") || name.starts_with("_pq_.");
    let mut pairs: Vec<(String, String)> = startup.parameters.iter().filter(|(name, _)| !own(name)).cloned().collect();
    if let Some(text) = startup.parameter("options") {
        let wrong = |wrong: Malformed| Box::new(OwnReport::fatal("42601", format!("startup options: {wrong}")));
        let options = options(text).map_err(wrong)?;
        // The target would take them for startup parameters, the last of which counts: another database, another user.
        if let Some((name, _)) = options.iter().find(|(name, _)| own(&name.to_ascii_lowercase())) {
            let report =
                OwnReport::fatal("22023", format!("startup options: \"{}\" is no setting", name.escape_debug()));
            return Err(Box::new(report.hint("Give it as a parameter of the connection, not in its options.")));
        }
        pairs.extend(options);
    }
    let (mut notices, mut target) = (true, None);
    pairs.retain(|(name, value)| match name.to_ascii_lowercase().as_str() {
        "weir.notices" => {
            notices &= is_on(Some(value));
            false
        }
        "weir.target" => {
            target = Some(value.clone());
            false
        }
        _ => true,
    });
    for (name, value) in &pairs {
        startup_setting(name, value).map_err(|why| Box::new(OwnReport::fatal("22023", why)))?;
    }
    Ok(Settings { pairs, notices, target })
}

impl Settings {
    /// How the program names itself, as far as it can be printed.
    pub fn application(&self) -> Option<String> {
        let name = self.pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case("application_name"));
        name.map(|(_, value)| value.chars().filter(|c| !c.is_control()).take(APPLICATION_CHARS_MAX).collect())
    }

    /// Settings beyond presentation are asked for, as SET would ask; and so is a replication connection.
    pub fn decide(
        &self,
        session: &Session,
        gate: &Gate,
        replication: Option<ReplicationOf>,
    ) -> Result<(), Box<OwnReport>> {
        let asked: Vec<&(String, String)> =
            self.pairs.iter().filter(|(name, _)| !PRESENTATION.contains(&name.to_ascii_lowercase().as_str())).collect();
        let set = model::ActionId("set");
        let mut asks: Vec<Ask> = replication.iter().map(|of| Ask::new(of.action(), Object::Target)).collect();
        asks.extend((!asked.is_empty()).then(|| Ask::new(set, Object::Target)));
        if asks.is_empty() {
            return Ok(());
        }
        let replication = replication.map(|of| format!("replication={} ", startup_value(of)));
        let text: String =
            replication.into_iter().chain(asked.iter().map(|(name, value)| format!("{name}={value} "))).collect();
        asks.extend(asked.iter().map(|(name, _)| {
            let name = name.to_ascii_lowercase().into();
            Ask::new(set, Object::Part(Part { kind: "Setting", name, attrs: Vec::new() }))
        }));
        let operation = Operation::exactly(asks);
        let wording = Wording {
            digest: gate.digest([text.as_bytes()]),
            text: LogText(text.trim_end().chars().take(1024).collect::<String>().into()),
            bound: None,
        };
        let key = ShapeKey::of([b"startup".as_slice(), text.as_bytes()]);
        let verdict = session.decide(Step("startup"), key, wording, now(), (), || operation);
        let released = session.commit(now(), vec![verdict]).map_err(|down| {
            tracing::error!("{down}");
            Box::new(unwritten())
        })?;
        for release in released {
            if let Released::Refuse(refusal, ()) = release {
                return Err(Box::new(OwnReport::refusal(Severity::Fatal, "42501", &refusal)));
            }
        }
        Ok(())
    }
}

/// How a startup packet asks for a replication connection.
pub fn startup_value(of: ReplicationOf) -> &'static str {
    match of {
        ReplicationOf::Database => "database",
        ReplicationOf::Server => "true",
    }
}

fn is_on(value: Option<&str>) -> bool {
    value.is_some_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "" | "false" | "off" | "no" | "0"))
}
