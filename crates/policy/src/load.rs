//! From texts to policies that can decide: parsed, checked against the schema and the configuration, and cut to slices.
//!
//! All or nothing. Every file is read to its end and every problem is told, but one error anywhere means that none of
//! the policies are used: half of a rule book is another rule book.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str::FromStr as _;
use std::sync::Arc;

use aws_lc_rs::digest;
use cedar_policy::{
    ActionConstraint, Policy, PolicyId, PolicySet, PrincipalConstraint, ResourceConstraint, ValidationError,
    ValidationMode, ValidationWarning, Validator,
};
use miette::Diagnostic;
use model::{ClassId, Principal, Target, Vocabulary};

use crate::problem::{Problem, Severity, nearest, place};
use crate::scene::Scene;
use crate::words::Words;

mod lints;
mod names;
mod reads;

use reads::Reads;

/// One file of policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The name as errors show it: `policies/team.cedar`.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// What the configuration names. Policies may name nothing else.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The targets; the environments are theirs.
    pub targets: Vec<Target>,
    /// The classes. What these are in is known as well.
    pub classes: Vec<ClassId>,
    /// The groups that someone can be in.
    pub groups: BTreeSet<String>,
    /// The issuers, which are the first half of every principal's id.
    pub issuers: BTreeSet<String>,
}

/// Every policy, checked and ready to decide. Never changes: a reload makes another.
#[derive(Debug)]
pub struct Policies {
    pub(crate) words: Words,
    pub(crate) rules: Vec<Rule>,
    pub(crate) by_id: HashMap<PolicyId, usize>,
    /// For each action, by its index, the rules whose scope lets them speak about it.
    pub(crate) by_action: Vec<Vec<usize>>,
    hash: String,
    reads_now: bool,
}

/// One policy.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The `@id`, or the place.
    pub(crate) id: Arc<str>,
    /// The `@message`.
    pub(crate) message: Option<String>,
    pub(crate) policy: Policy,
    pub(crate) principal: PrincipalConstraint,
    pub(crate) resource: ResourceConstraint,
    pub(crate) reads: Reads,
}

/// The annotations that a policy may carry. They hold words for people and change no decision.
const ANNOTATIONS: [&str; 3] = ["docs", "id", "message"];

/// An id stands in logs and in what callers are told, so it is kept short.
const ID_BYTES_MAX: usize = 128;

/// Context attributes that a later version will count, and that this one must not pretend to.
const LIMITS: [&str; 4] = ["rows", "bytes", "rows_hour", "rows_day"];

impl Policies {
    /// Reads and checks all files. Ok: the policies, and warnings. Err: every problem found, in the order of the files.
    pub fn load(
        vocabularies: &[&'static Vocabulary],
        known: &Known,
        files: &[SourceFile],
    ) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let words = Words::gather(vocabularies)?;
        let mut reading = Reading { problems: names::configuration(known), rules: Vec::new(), places: Vec::new() };
        for file in files {
            reading.file(&words, known, file);
        }
        reading.validate(&words);
        let Reading { mut problems, rules, .. } = reading;
        let order = |problem: &Problem| files.iter().position(|file| file.name == problem.file);
        problems.sort_by_cached_key(|problem| {
            (order(problem), problem.line, problem.column, problem.severity, problem.message.clone())
        });
        problems.dedup();
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }

        let by_id = rules.iter().enumerate().map(|(index, rule)| (rule.policy.id().clone(), index)).collect();
        let by_action = words.actions().iter().map(|action| {
            let speaks = |rule: &Rule| match rule.policy.action_constraint() {
                ActionConstraint::Any => true,
                ActionConstraint::Eq(uid) => uid == action.uid,
                ActionConstraint::In(uids) => {
                    uids.iter().any(|uid| *uid == action.uid || Some(uid) == action.group.as_ref())
                }
            };
            rules.iter().enumerate().filter(|(_, rule)| speaks(rule)).map(|(index, _)| index).collect()
        });
        let policies = Self {
            by_action: by_action.collect(),
            by_id,
            reads_now: rules.iter().any(|rule| rule.reads.reads("now")),
            hash: hash(files),
            rules,
            words,
        };
        Ok((policies, problems))
    }

    /// SHA-256 over the files' names and texts, in hex. The order in which the files were given does not matter.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether any policy reads the time. Then the same question may be answered differently a second later.
    pub fn reads_now(&self) -> bool {
        self.reads_now
    }

    /// Whether any policy reads how long ago the caller showed a second factor, which also changes with time.
    pub fn reads_second_factor(&self) -> bool {
        self.rules.iter().any(|rule| rule.reads.reads("mfa_age"))
    }

    /// The schema in Cedar's own form, with comments.
    pub fn schema_text(&self) -> String {
        self.words.text.clone()
    }

    /// What does not change during a session, made ready once.
    pub fn scene(self: &Arc<Self>, principal: &Principal, target: &Target) -> Scene {
        Scene::new(Arc::clone(self), principal, target)
    }
}

fn hash(files: &[SourceFile]) -> String {
    let mut files: Vec<_> = files.iter().map(|file| (&file.name, &file.text)).collect();
    files.sort();
    let mut sum = digest::Context::new(&digest::SHA256);
    for part in files.iter().flat_map(|(name, text)| [name, text]) {
        // With its length before it, no part can pass for the end of another.
        sum.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        sum.update(part.as_bytes());
    }
    sum.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files as far as they are read.
struct Reading<'a> {
    problems: Vec<Problem>,
    rules: Vec<Rule>,
    /// For each rule, where it is.
    places: Vec<Place<'a>>,
}

/// Where a policy is.
#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a SourceFile,
    /// The byte at which it begins.
    start: usize,
    /// Whether an error in it was told already.
    faulty: bool,
}

impl Place<'_> {
    /// A problem at a byte of the file.
    fn problem(&self, severity: Severity, offset: usize, message: impl Into<String>) -> Problem {
        let (line, column) = place(&self.file.text, offset);
        Problem { severity, file: self.file.name.clone(), line, column, message: message.into(), help: None }
    }

    /// An error at a byte of the file.
    fn error(&self, offset: usize, message: impl Into<String>) -> Problem {
        self.problem(Severity::Error, offset, message)
    }

    /// A warning about the policy as a whole.
    fn warning(&self, message: impl Into<String>) -> Problem {
        self.problem(Severity::Warning, self.start, message)
    }

    /// What Cedar has found, at the place that it names.
    fn found(&self, severity: Severity, found: &dyn Diagnostic) -> Problem {
        let label = found.labels().and_then(|mut labels| labels.next());
        let offset = label.as_ref().map_or(self.start, |label| label.offset());
        let mut message = found.to_string();
        if let Some(("", rest)) = message.split_once("for policy `") {
            // The place says which policy.
            message = rest.split_once("`, ").map_or(message.clone(), |(_, rest)| rest.to_owned());
        }
        if let Some(text) = label.as_ref().and_then(|label| label.label()) {
            message = format!("{message}: {text}");
        }
        let problem = self.problem(severity, offset, message);
        match found.help() {
            Some(help) => problem.help(help.to_string()),
            None => problem,
        }
    }

    /// The piece of the file that Cedar's finding is about.
    fn snippet(&self, found: &dyn Diagnostic) -> &str {
        let label = found.labels().and_then(|mut labels| labels.next());
        label
            .and_then(|label| self.file.text.get(label.offset()..label.offset().saturating_add(label.len())))
            .unwrap_or_default()
    }
}

impl<'a> Reading<'a> {
    fn file(&mut self, words: &Words, known: &Known, file: &'a SourceFile) {
        let top = Place { file, start: 0, faulty: false };
        let parsed = match PolicySet::from_str(&file.text) {
            Ok(parsed) => parsed,
            Err(errors) => {
                self.problems.extend(errors.iter().map(|error| top.found(Severity::Error, error)));
                return;
            }
        };
        for template in parsed.templates() {
            let start = template.as_ref().loc().map_or(0, |loc| loc.start());
            let slot = template.slots().next().map_or("?principal".to_owned(), ToString::to_string);
            let problem = top.error(start, format!("this policy is a template: nothing fills `{slot}` in"));
            self.problems.push(problem.help("write a policy for each principal or group, or leave that scope open"));
        }
        let mut policies: Vec<_> = parsed.policies().collect();
        let start = |policy: &Policy| policy.as_ref().loc().map_or(0, |loc| loc.start());
        policies.sort_by_key(|policy| start(policy));
        for policy in policies {
            self.policy(words, known, Place { file, start: start(policy), faulty: false }, policy);
        }
    }

    fn policy(&mut self, words: &Words, known: &Known, mut at: Place<'a>, policy: &Policy) {
        let told_before = self.problems.len();
        let id = self.id(at, policy);
        for (name, _) in policy.annotations() {
            if !ANNOTATIONS.contains(&name) {
                let near = nearest(name, ANNOTATIONS).map_or(String::new(), |near| format!("did you mean @{near}? "));
                self.problems.push(
                    at.error(at.start, format!("@{name} is no annotation of Weir's"))
                        .help(format!("{near}there are @id, @message and @docs")),
                );
            }
        }
        names::check(words, known, at, policy, &mut self.problems);
        let reads = match reads::of(policy) {
            Ok(reads) => reads,
            Err(why) => {
                self.problems.push(at.error(at.start, why));
                return;
            }
        };
        self.context(words, at, policy, &reads);
        if reads.owners_groups {
            self.problems.push(
                at.error(
                    at.start,
                    "the groups and tags of a workload's owner are not known, so this would always be false",
                )
                .help("compare the owner itself: `principal has owner && principal.owner == User::\"…\"`"),
            );
        }
        lints::check(words, at, policy, &reads, &mut self.problems);
        let mut told = self.problems.iter().skip(told_before);
        at.faulty = told.any(|problem| problem.severity == Severity::Error);
        self.places.push(at);
        self.rules.push(Rule {
            message: policy.annotation("message").filter(|text| !text.is_empty()).map(str::to_owned),
            principal: policy.principal_constraint(),
            resource: policy.resource_constraint(),
            // Without the text that a parsed policy carries: every session holds clones of its rules.
            policy: Policy::from(policy.new_id(PolicyId::new(&id)).as_ref().clone()),
            id,
            reads,
        });
    }

    /// The policy's id. Where it has none, or not one that can be used, its place serves.
    fn id(&mut self, at: Place<'_>, policy: &Policy) -> Arc<str> {
        let (line, column) = place(&at.file.text, at.start);
        let taken = |rules: &[Rule], id: &str| rules.iter().position(|rule| &*rule.id == id);
        if let Some(id) = policy.annotation("id") {
            let odd = id.is_empty() || id.len() > ID_BYTES_MAX || id.chars().any(|c| c.is_control() || c == '"');
            let problem = match taken(&self.rules, id) {
                Some(index) => {
                    let (other, _) = self.places.get(index).map_or((0, 0), |at| place(&at.file.text, at.start));
                    let file = self.places.get(index).map_or("", |at| &at.file.name);
                    at.error(at.start, format!("another policy has @id(\"{id}\") already, at {file}:{other}"))
                }
                None if odd => at
                    .error(at.start, "this @id can't be used")
                    .help(format!("an id has 1 to {ID_BYTES_MAX} bytes, no quotes and no control characters")),
                None => return id.into(),
            };
            self.problems.push(problem);
        }
        let by_line = format!("{}:{line}", at.file.name);
        match taken(&self.rules, &by_line) {
            Some(_) => format!("{by_line}:{column}").into(),
            None => by_line.into(),
        }
    }

    /// Refuses what no context holds. Cedar does so too, but not after `has`, where a misspelt name is merely never
    /// there, and not where it sees that a condition is never reached.
    fn context(&mut self, words: &Words, at: Place<'_>, policy: &Policy, reads: &Reads) {
        for name in reads.names.iter().filter(|name| !words.has_context(name)) {
            let offset = reads::offset(policy, name).unwrap_or(at.start);
            self.problems.push(if LIMITS.contains(&name.as_str()) {
                let message = format!(
                    "this version of Weir does not enforce limits on rows and bytes, so a policy on `context.{name}` would not hold"
                );
                at.error(offset, message).help("take the condition out, or permit less")
            } else {
                let help = match nearest(name, words.contexts()) {
                    Some(near) => format!("did you mean `context.{near}`?"),
                    None => format!("there are: {}", words.contexts().collect::<Vec<_>>().join(", ")),
                };
                at.error(offset, format!("no action has `context.{name}`")).help(help)
            });
        }
    }

    /// Cedar's own checks, all policies at once.
    fn validate(&mut self, words: &Words) {
        let mut set = PolicySet::new();
        let mut index_of = HashMap::new();
        for (index, rule) in self.rules.iter().enumerate() {
            index_of.insert(rule.policy.id().clone(), index);
            if let Err(error) = set.add(rule.policy.clone()) {
                self.problems.push(Problem::elsewhere(&*rule.id, error.to_string()));
            }
        }
        let of = |id: &PolicyId| {
            let index = *index_of.get(id)?;
            Some((*self.places.get(index)?, self.rules.get(index)?))
        };
        let result = Validator::new(words.schema.clone()).validate(&set, ValidationMode::Strict);

        // Cedar tells the same of each action that a policy is about; once for each place is enough.
        let mut told = BTreeMap::new();
        let mut faulty = BTreeSet::new();
        for error in result.validation_errors() {
            let Some((at, rule)) = of(error.policy_id()) else {
                told.insert((error.policy_id().to_string(), 0, 0), Problem::elsewhere("policies", error.to_string()));
                continue;
            };
            faulty.insert(&rule.id);
            let attr = missing_in_context(&at, error);
            if attr.is_some_and(|attr| !words.has_context(attr)) {
                continue; // told already
            }
            let mut problem = at.found(Severity::Error, error);
            if let Some(attr) = attr {
                problem.message = format!("not every action of this policy has `context.{attr}`");
                let have = words.actions().iter().filter(|action| action.context.contains_key(attr));
                let have: Vec<_> = have.map(|action| action.name).collect();
                problem = problem.help(format!("these have it: {}", have.join(", ")));
            }
            // Which action Cedar tells of first changes from run to run.
            let place = told.entry((at.file.name.clone(), problem.line, problem.column)).or_insert(problem.clone());
            if problem.message < place.message {
                *place = problem;
            }
        }
        let mut idle = BTreeSet::new();
        let warnings = result.validation_warnings().filter_map(|warning| {
            let (at, rule) = of(warning.policy_id())?;
            let why = match warning {
                ValidationWarning::InvalidActionApplication(_) => {
                    "none of its actions is asked of such a principal on such a resource"
                }
                ValidationWarning::ImpossiblePolicy(_) => "its condition is always false",
                _ => return Some(at.found(Severity::Warning, warning)),
            };
            // Once is enough, and an error says more.
            if at.faulty || faulty.contains(&rule.id) || !idle.insert(&rule.id) {
                return None;
            }
            let mut problem = at.found(Severity::Warning, warning);
            problem.message = format!("this policy never {}s anything: {why}", rule.policy.effect());
            Some(problem)
        });
        let warnings: Vec<_> = warnings.collect();
        self.problems.extend(told.into_values().chain(warnings));
    }
}

/// The attribute of the context that an error says is missing.
fn missing_in_context<'a>(at: &'a Place<'_>, error: &ValidationError) -> Option<&'a str> {
    let ValidationError::UnsafeAttributeAccess(_) = error else { return None };
    let snippet = at.snippet(error);
    reads::last_word(snippet).filter(|_| snippet.starts_with("context"))
}

#[cfg(test)]
mod tests;
