//! Every metric, once: its name, what it means, and how it is read off the figures. A line here and one in `docs/metrics.md` make another one.
//!
//! Labels are names of targets, words, a hash and a version: there are as many values as the configuration has targets, whatever callers do.

use crate::figures::{Disk, Export, Figures, Recordings, Target, Timestamp};
use crate::readiness::readiness;
use crate::text::{Kind, Value, head, sample};

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// What it means, in one sentence.
    pub help: &'static str,
    read: Read,
}

/// How it is read off. Where there is no value there is no line.
#[derive(Clone, Copy, Debug)]
enum Read {
    /// One number.
    One(fn(&Figures) -> Option<Value>),
    /// One for each target.
    Each(fn(&Target) -> Option<Value>),
    /// One for each disk.
    EachDisk(fn(&Disk) -> Option<Value>),
    /// One for each export.
    EachExport(fn(&Export) -> Option<Value>),
    /// One for each of some words: the label's name, and what there is of each.
    EachWord(&'static str, fn(&Figures) -> &[(&'static str, u64)]),
    /// A 1, with a text as the label of this name.
    Info(&'static str, fn(&Figures) -> &str),
}

impl Metric {
    /// The name of its label, if it has one.
    pub fn label(&self) -> Option<&'static str> {
        match self.read {
            Read::One(_) => None,
            Read::Each(_) => Some("target"),
            Read::EachDisk(_) => Some("of"),
            Read::EachExport(_) => Some("export"),
            Read::EachWord(label, _) => Some(label),
            Read::Info(label, _) => Some(label),
        }
    }

    fn write(&self, out: &mut String, figures: &Figures) {
        match self.read {
            Read::One(read) => {
                let value = read(figures);
                value.into_iter().for_each(|value| sample(out, self.name, None, value));
            }
            Read::Each(read) => self.each(out, figures.targets.iter().map(|of| (&*of.name, read(of)))),
            Read::EachDisk(read) => self.each(out, figures.disks.iter().map(|of| (of.of, read(of)))),
            Read::EachExport(read) => self.each(out, figures.exports.iter().map(|of| (&*of.name, read(of)))),
            Read::EachWord(_, read) => self.each(out, read(figures).iter().map(|(word, of)| (*word, count(*of)))),
            Read::Info(label, read) => sample(out, self.name, Some((label, read(figures))), Value::Count(1)),
        }
    }

    fn each<'f>(&self, out: &mut String, values: impl Iterator<Item = (&'f str, Option<Value>)>) {
        for (of, value) in values {
            let label = self.label().map(|label| (label, of));
            value.into_iter().for_each(|value| sample(out, self.name, label, value));
        }
    }
}

/// All of them, in the order in which they are written.
pub const METRICS: &[Metric] = &[
    info("weir_build_info", "Always 1; its label says which version runs.", "version", |of| &of.version),
    gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", |of| {
        Some(Value::Time(of.started))
    }),
    gauge("weir_ready", "Whether /readyz says that callers should be sent here.", |of| is(readiness(of).ready)),
    info("weir_policies_info", "Always 1; its label is the hash of the policies in force.", "hash", |of| {
        &of.policies.hash
    }),
    gauge(
        "weir_policies_last_load_ok",
        "0 if the policies have changed and could not be put in force, so that older ones are.",
        |of| is(!of.policies.refused),
    ),
    counter(
        "weir_policy_errors_total",
        "Times that a rule could not be evaluated, which refuses what was asked.",
        |of| count(of.policies.errors),
    ),
    each_gauge(
        "weir_target_reachable",
        "Whether Weir could log in to the target for the last caller; absent before the first.",
        |of| of.reached.map(Value::Is),
    ),
    each_gauge("weir_sessions_open", "Sessions that are open.", |of| count(of.open)),
    each("weir_sessions_admitted_total", "Callers admitted to the target.", |of| count(of.admitted)),
    each("weir_sessions_rejected_total", "Callers turned away from the target: by a policy, or not known.", |of| {
        count(of.rejected)
    }),
    counter("weir_strangers_rejected_total", "Callers turned away that named no target that there is.", |of| {
        count(of.strangers_rejected)
    }),
    each("weir_operations_permitted_total", "Operations (statements) permitted.", |of| count(of.permitted)),
    each("weir_operations_refused_total", "Operations (statements) refused.", |of| count(of.refused)),
    each("weir_shown_rows_total", "Rows shown to callers, counted when a statement ends and every MiB.", |of| {
        count(of.rows)
    }),
    each("weir_shown_bytes_total", "Bytes of results shown to callers, in the framing of their protocol.", |of| {
        count(of.bytes)
    }),
    each("weir_masked_cells_total", "Cells shown to callers as less than they are.", |of| count(of.masked)),
    counter("weir_log_records_total", "Records written to the decision log, its own included.", |of| {
        count(of.log.records)
    }),
    counter("weir_log_bytes_total", "Bytes written to the decision log.", |of| count(of.log.bytes)),
    counter(
        "weir_log_append_errors_total",
        "Appends to the decision log that failed, and tries to go on after one.",
        |of| count(of.log.errors),
    ),
    gauge(
        "weir_log_down",
        "Whether the decision log can't be written, so that nothing runs and nobody comes in.",
        |of| is(of.log.is_down),
    ),
    gauge(
        "weir_log_places_down",
        "Places of the decision log, where there are two, that lack something of it.",
        |of| count(of.log.places_down),
    ),
    gauge(
        "weir_log_unsigned_records",
        "Records that no checkpoint covers yet; a second later there are none of them.",
        |of| of.log.unsigned.map(Value::Count),
    ),
    gauge(
        "weir_log_checkpoint_age_seconds",
        "Time since the last checkpoint; it grows while nothing is written, so look at unsigned records as well.",
        |of| of.log.checkpoint_at.map(|at| Value::Time(Timestamp(of.now.0.saturating_sub(at.0)))),
    ),
    each_disk("weir_disk_free_bytes", "Bytes that can be written on the disk of the log, and of recordings.", |of| {
        of.free.map(Value::Count)
    }),
    each_disk("weir_disk_reserve_bytes", "Bytes of them that are kept free; 0 if none are.", |of| count(of.reserve)),
    each_disk("weir_disk_low", "Whether less than twice the reserve is free.", |of| is(of.is_low)),
    each_disk("weir_disk_reserved", "Whether less than the reserve is free, so that nothing new begins.", |of| {
        is(of.is_reserved)
    }),
    gauge("weir_recordings_open", "Sessions that are being recorded.", |of| recorded(of, |of| Value::Count(of.open))),
    counter("weir_recordings_raw_bytes_total", "Bytes recorded, before they were compressed.", |of| {
        recorded(of, |of| Value::Count(of.raw_bytes))
    }),
    counter("weir_recordings_written_bytes_total", "Bytes of recordings written to the disk.", |of| {
        recorded(of, |of| Value::Count(of.written_bytes))
    }),
    counter(
        "weir_recordings_failed_total",
        "Recordings that could not be begun or gone on with; their sessions end.",
        |of| recorded(of, |of| Value::Count(of.failed)),
    ),
    gauge("weir_recordings_down", "Whether the last try to write a recording failed.", |of| {
        recorded(of, |of| Value::Is(of.is_down))
    }),
    each_export(
        "weir_export_delivered_total",
        Kind::Counter,
        "Records delivered; those that were delivered twice too.",
        |of| count(of.delivered),
    ),
    each_export(
        "weir_export_last_delivered_timestamp_seconds",
        Kind::Gauge,
        "When records were delivered last, in seconds since 1970; absent before the first.",
        |of| of.delivered_at.map(Value::Time),
    ),
    each_export(
        "weir_export_behind_records",
        Kind::Gauge,
        "Records of the log that are not delivered, as good as the last checkpoint tells; 0 at its end.",
        |of| count(of.behind),
    ),
    each_export("weir_export_failing", Kind::Gauge, "Whether it can't deliver now; Weir's own log says why.", |of| {
        is(of.is_failing)
    }),
    each_export("weir_export_failures_total", Kind::Counter, "Tries to deliver that failed.", |of| count(of.failures)),
    Metric {
        name: "weir_alerts_total",
        kind: Kind::Counter,
        help: "Alerts, as the decision log has them; of what has an end its beginnings.",
        read: Read::EachWord("what", |of| &of.alerts),
    },
    counter("weir_recordings_deleted_total", "Recordings deleted after their target's retention.", |of| {
        count(of.retention.deleted)
    }),
    gauge(
        "weir_recordings_undeletable",
        "Recordings found since the start that are never deleted: unreadable, not as the log says, or of no target.",
        |of| Some(Value::Count(of.retention.never)),
    ),
    counter(
        "weir_retention_failed_total",
        "Looks for recordings to delete that stopped early: the log, the holds or the disk did not let them.",
        |of| count(of.retention.failed),
    ),
];

/// All of them as Prometheus reads them.
pub fn exposition(figures: &Figures) -> String {
    let mut out = String::with_capacity(8 * 1024);
    for metric in METRICS {
        head(&mut out, metric.name, metric.help, metric.kind);
        metric.write(&mut out, figures);
    }
    out
}

const fn gauge(name: &'static str, help: &'static str, read: fn(&Figures) -> Option<Value>) -> Metric {
    Metric { name, kind: Kind::Gauge, help, read: Read::One(read) }
}

const fn counter(name: &'static str, help: &'static str, read: fn(&Figures) -> Option<Value>) -> Metric {
    Metric { name, kind: Kind::Counter, help, read: Read::One(read) }
}

const fn each(name: &'static str, help: &'static str, read: fn(&Target) -> Option<Value>) -> Metric {
    Metric { name, kind: Kind::Counter, help, read: Read::Each(read) }
}

const fn each_gauge(name: &'static str, help: &'static str, read: fn(&Target) -> Option<Value>) -> Metric {
    Metric { name, kind: Kind::Gauge, help, read: Read::Each(read) }
}

const fn each_disk(name: &'static str, help: &'static str, read: fn(&Disk) -> Option<Value>) -> Metric {
    Metric { name, kind: Kind::Gauge, help, read: Read::EachDisk(read) }
}

const fn each_export(name: &'static str, kind: Kind, help: &'static str, read: fn(&Export) -> Option<Value>) -> Metric {
    Metric { name, kind, help, read: Read::EachExport(read) }
}

const fn info(name: &'static str, help: &'static str, label: &'static str, read: fn(&Figures) -> &str) -> Metric {
    Metric { name, kind: Kind::Gauge, help, read: Read::Info(label, read) }
}

fn count(count: u64) -> Option<Value> {
    Some(Value::Count(count))
}

fn is(is: bool) -> Option<Value> {
    Some(Value::Is(is))
}

fn recorded(figures: &Figures, read: fn(&Recordings) -> Value) -> Option<Value> {
    figures.recordings.as_ref().map(read)
}
