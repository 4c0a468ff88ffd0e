//! `weir policy`: checking and explaining policies.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use ::policy::{Circumstances, Decision, Denial, Needs, Reason, Scene};
use gate::{Gate, Keys};
use model::{
    Ask, Certainty, CredentialId, Field, Holds, Lowering, Object, Principal, PrincipalKind, Shape, Sight, UnixMicros,
};
use protocol_postgres::{Explained, explain};
use serde_json::json;
use sql_postgres::Foreseen;

use super::{CliError, Global, load_config, output, refused, target};
use crate::config::{Config, LOCAL_ISSUER, nearest};
use crate::{policies, wiring};

const EXAMPLES: &str = "\
Examples:
  weir policy check
  weir policy schema
  weir policy explain --user alice@example.com --target orders --sql 'DELETE FROM customers'
  weir policy explain --workload acme/nightly --issuer github --group ci --target orders --sql 'SELECT * FROM customers'";

/// Check policies, and explain what they decide.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Say everything that is wrong with the policies
    Check(Check),
    /// Say what would be decided on a statement, by which rule, what it would take, and how each output would be shown
    Explain(Box<Explain>),
    /// Print the schema that policies are checked against
    Schema(Schema),
}

/// Say everything that is wrong with the policies: syntax, names, types, and rules that give more than they seem to.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Check {}

/// Print the schema that policies are checked against, in Cedar's own language.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Schema {}

/// Say what would be decided on a statement, by which rule, and what it would take; of each output, which columns it is made of,
/// how it would be shown and by which rule.
///
/// Reads the target's catalog with Weir's own login. The statement itself goes nowhere.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Explain {
    /// A person's name
    #[arg(long, value_name = "NAME", required_unless_present = "workload", conflicts_with = "workload")]
    user: Option<String>,
    /// A workload's name
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// Who vouches for the name
    #[arg(long, value_name = "ISSUER", default_value = LOCAL_ISSUER)]
    issuer: String,
    /// A group the caller is in, beside those that [groups] gives it. May be repeated
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// The target, or target/database
    #[arg(long, value_name = "TARGET")]
    target: String,
    /// The statement
    #[arg(long, value_name = "TEXT")]
    sql: String,
    /// The caller's address
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(args: Args, global: &Global) -> Result<ExitCode, CliError> {
    match args.what {
        What::Check(_) => check(global),
        What::Schema(_) => schema(global),
        What::Explain(args) => explained(&args, global),
    }
}

fn check(global: &Global) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    let (policies, warnings) = policies::load(&config).map_err(|problems| wrong(&problems))?;
    for warning in &warnings {
        output::line(warning)?;
    }
    let hash = policies.hash().get(..12).unwrap_or_default().to_owned();
    output::line(format_args!("the policies are good ({}, {hash})", super::counted(warnings.len(), "warning")))?;
    Ok(ExitCode::SUCCESS)
}

fn schema(global: &Global) -> Result<ExitCode, CliError> {
    let config = load_config(global)?;
    let (policies, _) = policies::load(&config).map_err(|problems| wrong(&problems))?;
    output::line(policies.schema_text().trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn wrong(problems: &[::policy::Problem]) -> CliError {
    for problem in problems {
        output::note(problem);
    }
    CliError::failed(format!("the policies have {}", super::counted(problems.len(), "problem")), "")
}

fn explained(args: &Explain, global: &Global) -> Result<ExitCode, CliError> {
    let (config, _) = Config::load_and_look(&global.config).map_err(|problems| refused(&problems))?;
    let (name, database) = match args.target.split_once('/') {
        Some((name, database)) => (name, Some(database)),
        None => (args.target.as_str(), None),
    };
    let target = target(&config, name)?;
    let principal = principal(args, &config)?;
    let (policies, _) = policies::load(&config).map_err(|problems| wrong(&problems))?;
    let policies = Arc::new(policies);
    let gate = Gate::new(Arc::clone(&policies), Keys::new([0; 32]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::failed(format!("cannot start: {error}"), ""))?;
    let passwords = wiring::Passwords::of(&config);
    let reading = explain(wiring::postgres_target(target, None), database, &passwords, &gate, &args.sql);
    let explained = runtime.block_on(reading).map_err(|down| {
        CliError::failed(format!("the catalog of \"{name}\" can't be read: {down}"), "the statement was not decided")
    })?;
    let circumstances = Circumstances {
        approvals: 0,
        mfa_age_seconds: None,
        now: UnixMicros::from(SystemTime::now()).seconds(),
        address: args.address,
        application: None,
        run: None,
        recording: target.target.recording.level,
    };
    let scene = policies.scene(&principal, &target.target);
    let answer = Answer::new(explained, &scene, &circumstances);
    match args.json {
        true => output::line(answer.json(&principal, name))?,
        false => answer.tell(&principal, name)?,
    }
    Ok(if answer.permitted() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn principal(args: &Explain, config: &Config) -> Result<Principal, CliError> {
    let known = config.group_names();
    if let Some(group) = args.groups.iter().find(|group| !known.contains(group.as_str())) {
        let help = match nearest(group, known.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "groups are the keys of [groups] and of issuers' groups".to_owned(),
        };
        return Err(CliError::usage(format!("there is no group \"{group}\""), help));
    }
    let (kind, name) = match (&args.user, &args.workload) {
        (_, Some(name)) => (PrincipalKind::Workload, name),
        (Some(name), None) => (PrincipalKind::User, name),
        (None, None) => return Err(CliError::usage("nobody is named", "give --user or --workload")),
    };
    let id = format!("{}:{name}", args.issuer);
    let configured = config.groups.iter().filter(|(_, members)| members.contains(&id)).map(|(group, _)| group.clone());
    Ok(Principal {
        kind,
        issuer: args.issuer.clone(),
        name: name.clone(),
        groups: args.groups.iter().cloned().chain(configured).collect(),
        claims: Default::default(),
        owner: None,
        act: Vec::new(),
        run: None,
        credential: CredentialId("explained".to_owned()),
        expires: None,
    })
}

/// What would be decided.
struct Answer {
    explained: Explained,
    connect: Decision,
    asks: Vec<(Ask, Decision)>,
    sights: Vec<(Field, Sight, Vec<Arc<str>>)>,
    outputs: Vec<Option<Vec<Shown>>>,
}

/// How an output would be shown.
struct Shown {
    output: Foreseen,
    sight: Sight,
    /// By which rules, and of which fields it is made.
    rules: Vec<Arc<str>>,
    /// Of a document, each place in it that holds something classified.
    places: Vec<Shown>,
}

impl Shown {
    fn new(output: Foreseen, sights: &[(Field, Sight, Vec<Arc<str>>)]) -> Self {
        let of = |field: &Field| sights.iter().find(|(known, ..)| known == field);
        let mut places = Vec::new();
        if let Holds::Document(shape) = &output.holds {
            shape.places(&mut |way, place| {
                let holds = match place {
                    Shape::Copy(field, _) => Holds::Copy(field.clone()),
                    Shape::Computed(fields) => Holds::Computed(fields.clone()),
                    _ => return,
                };
                let way = if way.is_empty() { "the whole" } else { way };
                places.push(Self::new(Foreseen { name: Some(way.to_owned()), many: false, holds }, sights));
            });
        }
        // What hides something computed hides all that is in it, whoever may see the rest.
        if places.iter().any(Self::is_hidden_computed) {
            for place in &mut places {
                (place.sight, place.rules) = (Sight::Nothing, Vec::new());
            }
        }
        let (sight, rules) = match &output.holds {
            Holds::Plain => (Sight::Clear, Vec::new()),
            Holds::Unknown => (Sight::Nothing, Vec::new()),
            Holds::Copy(field) => {
                of(field).map_or((Sight::Nothing, Vec::new()), |(_, sight, rules)| (*sight, rules.clone()))
            }
            // Whole to who may see all of it, and else not at all.
            Holds::Computed(fields) => match fields.iter().map(of).collect::<Option<Vec<_>>>() {
                Some(all) if all.iter().all(|(_, sight, _)| *sight == Sight::Clear) => {
                    (Sight::Clear, all.iter().flat_map(|(.., rules)| rules.clone()).collect())
                }
                _ => (Sight::Nothing, Vec::new()),
            },
            Holds::Document(_) => (places.iter().map(|place| place.sight).min().unwrap_or(Sight::Clear), Vec::new()),
        };
        Self { output, sight, rules, places }
    }

    fn is_hidden_computed(&self) -> bool {
        matches!(self.output.holds, Holds::Computed(_)) && self.sight != Sight::Clear
    }

    fn name(&self) -> String {
        match (&self.output.name, self.output.many) {
            (_, true) => "*".to_owned(),
            (Some(name), _) => evidence::printable(name).to_string(),
            (None, _) => "?".to_owned(),
        }
    }

    fn fields(&self) -> Vec<String> {
        let name = |field: &Field| format!("{}.{} ({})", field.part.name, field.name, field.class);
        match &self.output.holds {
            Holds::Plain | Holds::Unknown => Vec::new(),
            Holds::Copy(field) => vec![name(field)],
            Holds::Computed(fields) => fields.iter().map(name).collect(),
            Holds::Document(_) => self.places.iter().flat_map(Self::fields).collect(),
        }
    }

    fn json(&self) -> serde_json::Value {
        let mut json = json!({
            "name": self.output.name,
            "many": self.output.many,
            "made_of": self.fields(),
            "how": match self.output.holds {
                Holds::Plain => "plain",
                Holds::Copy(_) => "copy",
                Holds::Computed(_) => "computed",
                Holds::Document(_) => "document",
                Holds::Unknown => "unknown",
            },
            "sight": self.sight.as_str(),
            "rules": texts(&self.rules),
        });
        if let (Holds::Document(_), Some(json)) = (&self.output.holds, json.as_object_mut()) {
            json.insert("keys".to_owned(), self.places.iter().map(Self::json).collect());
        }
        json
    }

    fn in_words(&self) -> String {
        let made = match &self.output.holds {
            Holds::Plain => return format!("{}: clear, nothing classified is in it", self.name()),
            Holds::Unknown => return format!("{}: nothing, it can't be told what is in it", self.name()),
            Holds::Copy(_) => "a copy of",
            Holds::Computed(_) => "computed of",
            Holds::Document(_) => {
                let places: String = self.places.iter().map(|place| format!("\n    {}", place.in_words())).collect();
                let how = match self.places.iter().any(Self::is_hidden_computed) {
                    true => "redacted whole for what is computed in it",
                    false => "clear but for what is listed here",
                };
                return format!("{}: a document, {how}{places}", self.name());
            }
        };
        let by =
            if self.rules.is_empty() { "no rule shows more".to_owned() } else { format!("rule {}", list(&self.rules)) };
        format!("{}: {}, {made} {} [{by}]", self.name(), self.sight.as_str(), self.fields().join(", "))
    }
}

impl Answer {
    fn new(explained: Explained, scene: &Scene, circumstances: &Circumstances) -> Self {
        let mut asks = explained.operation.asks.clone();
        let opaque = Ask::new(::policy::actions::OPAQUE, Object::Target);
        if matches!(explained.operation.certainty, Certainty::Opaque(_)) && !asks.contains(&opaque) {
            asks.push(opaque);
        }
        let decide = |ask: Ask| {
            let decision = scene.decide(&ask, circumstances);
            // As the gate does it: a field that opts in may be given less.
            if matches!(decision, Decision::Deny(_))
                && let Some((Lowering { unfollowed: None, .. }, less)) = gate::rung(&explained.operation, &ask)
                && let permit @ Decision::Permit { .. } = scene.decide(&less, circumstances)
            {
                return (less, permit);
            }
            (ask, decision)
        };
        let asks = asks.into_iter().map(decide).collect();
        let sight = |field: &Field| {
            let sighting = scene.sight(field, circumstances);
            (field.clone(), sighting.sight, sighting.rules)
        };
        let sights: Vec<_> = explained.operation.touches.iter().map(sight).collect();
        let outputs = explained.outputs.iter().cloned();
        let outputs = outputs.map(|outputs| Some(outputs?.into_iter().map(|one| Shown::new(one, &sights)).collect()));
        Self {
            outputs: outputs.collect(),
            connect: scene.decide(&Ask::new(::policy::actions::CONNECT, Object::Target), circumstances),
            asks,
            sights,
            explained,
        }
    }

    fn permitted(&self) -> bool {
        self.explained.unfit.is_none()
            && std::iter::once(&self.connect)
                .chain(self.asks.iter().map(|(_, decision)| decision))
                .all(|decision| matches!(decision, Decision::Permit { .. }))
    }

    fn tell(&self, principal: &Principal, target: &str) -> Result<(), CliError> {
        let verdict = if self.permitted() { "permitted" } else { "refused" };
        let groups = principal.groups.iter().cloned().collect::<Vec<_>>().join(", ");
        output::line(format_args!("{verdict}: {} (groups: {groups}) on {target}", principal.id()))?;
        if let Some((code, why)) = &self.explained.unfit {
            output::line(format_args!("  not carried: {why} (SQLSTATE {code})"))?;
        }
        if let Certainty::Opaque(why) = &self.explained.operation.certainty {
            output::line(format_args!("  opaque: {why}"))?;
        }
        for name in &self.explained.unknown_names {
            output::line(format_args!("  unknown name: {}", evidence::printable(name)))?;
        }
        let connect = Ask::new(::policy::actions::CONNECT, Object::Target);
        for (ask, decision) in std::iter::once((&connect, &self.connect)).chain(self.asks.iter().map(|(a, d)| (a, d))) {
            output::line(format_args!("  {}", in_words(ask, decision)))?;
        }
        for Lowering { field, to, unfollowed } in &self.explained.operation.lowering {
            if let Some(why) = unfollowed {
                let place = format!("{}.{}", field.part.name, field.name);
                output::line(format_args!(
                    "  column {place} opts in to {}, but what is put there can't be replaced: {why}",
                    to.as_str()
                ))?;
            }
        }
        for (field, sight, rules) in &self.sights {
            let place = format!("{}.{}", field.part.name, field.name);
            let by = if rules.is_empty() { "no rule shows more".to_owned() } else { format!("rule {}", list(rules)) };
            output::line(format_args!("  column {place} ({}) is shown: {} [{by}]", field.class, sight.as_str()))?;
        }
        for outputs in &self.outputs {
            match outputs {
                Some(outputs) => {
                    outputs.iter().try_for_each(|shown| output::line(format_args!("  output {}", shown.in_words())))?;
                }
                None if self.sights.is_empty() && !self.explained.operation.touches_unknown => {}
                None => {
                    output::line("  what is computed in its result is shown only to who may see all that it touches")?
                }
            }
        }
        Ok(())
    }

    fn json(&self, principal: &Principal, target: &str) -> serde_json::Value {
        let decision = |ask: &Ask, decision: &Decision| match decision {
            Decision::Permit { rules } => {
                json!({"action": ask.action.0, "object": object(&ask.object), "ruling": "permit", "rules": texts(rules)})
            }
            Decision::Deny(denial) => json!({
                "action": ask.action.0,
                "object": object(&ask.object),
                "ruling": "deny",
                "rules": texts(&denial.rules),
                "why": why(denial),
                "message": denial.message,
                "needs": denial.needs.as_ref().map(|needs| json!({
                    "approvals": needs.approvals,
                    "second_factor": needs.second_factor,
                })),
            }),
        };
        let connect = Ask::new(::policy::actions::CONNECT, Object::Target);
        let asks: Vec<_> = std::iter::once(decision(&connect, &self.connect))
            .chain(self.asks.iter().map(|(ask, answer)| decision(ask, answer)))
            .collect();
        let sights = self.sights.iter().map(|(field, sight, rules)| {
            json!({
                "field": format!("{}.{}", field.part.name, field.name),
                "class": field.class.as_str(),
                "sight": sight.as_str(),
                "rules": texts(rules),
            })
        });
        json!({
            "permitted": self.permitted(),
            "principal": principal.id(),
            "target": target,
            "unfit": self.explained.unfit.as_ref().map(|(code, why)| json!({"code": code, "why": why})),
            "opaque": match &self.explained.operation.certainty {
                Certainty::Opaque(why) => Some(why),
                Certainty::Exact => None,
            },
            "unknown_names": self.explained.unknown_names,
            "asks": asks,
            "sights": sights.collect::<Vec<_>>(),
            "outputs": self.outputs.iter().map(|outputs| outputs.as_ref().map(|outputs| {
                outputs.iter().map(Shown::json).collect::<Vec<_>>()
            })).collect::<Vec<_>>(),
        })
    }
}

fn in_words(ask: &Ask, decision: &Decision) -> String {
    let asked = format!("{} {}", ask.action, object(&ask.object));
    match decision {
        Decision::Permit { rules } => format!("permit  {asked} [rule {}]", list(rules)),
        Decision::Deny(denial) => {
            let message = denial.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
            let needs = denial.needs.as_ref().map(needed).unwrap_or_default();
            format!("deny    {asked} [{}]{message}{needs}", why(denial))
        }
    }
}

fn why(denial: &Denial) -> String {
    match &denial.reason {
        Reason::Forbidden => format!("rule {}", list(&denial.rules)),
        Reason::NotPermitted => "no rule permits it".to_owned(),
        Reason::Never(why) => format!("never: {why}"),
        Reason::Erred(why) => format!("a policy could not be evaluated: {why}"),
        Reason::UnknownAction(why) => format!("not in the schema: {why}"),
    }
}

fn needed(needs: &Needs) -> String {
    let factor = if needs.second_factor { " and a fresh second factor" } else { "" };
    format!(" (it would take {}{factor})", super::counted(usize::try_from(needs.approvals).unwrap_or(0), "approval"))
}

fn object(object: &Object) -> String {
    match object {
        Object::Target => "on the target".to_owned(),
        Object::Part(part) => format!("{} {}", part.kind, evidence::printable(&part.name)),
        Object::Field(field) => format!("Field {}.{} ({})", field.part.name, field.name, field.class),
    }
}

fn list(rules: &[Arc<str>]) -> String {
    rules.join(", ")
}

fn texts(rules: &[Arc<str>]) -> Vec<&str> {
    rules.iter().map(|rule| &**rule).collect()
}
