//! Prometheus' text format, version 0.0.4: <https://prometheus.io/docs/instrumenting/exposition_formats/>.
//!
//! Written by hand. The official crate (`prometheus-client`) owns the numbers and writes OpenMetrics; here they belong to crates that should know
//! nothing of this, and what is left of the format are two lines about a name and one for each value.

use std::fmt::{self, Write as _};

use crate::figures::Timestamp;

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the process starts again.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// One number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Count(u64),
    Is(bool),
    /// In seconds.
    Time(Timestamp),
}

impl Kind {
    /// As the format spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECOND: u64 = 1_000_000;
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Is(is) => f.write_str(if *is { "1" } else { "0" }),
            Self::Time(Timestamp(micros)) => {
                let (whole, part) = (micros.checked_div(SECOND), micros.checked_rem(SECOND));
                write!(f, "{}.{:06}", whole.unwrap_or_default(), part.unwrap_or_default())
            }
        }
    }
}

/// What stands above a metric's values.
pub(crate) fn head(out: &mut String, name: &str, help: &str, kind: Kind) {
    let _ = write!(out, "# HELP {name} ");
    escaped(out, help, false);
    let _ = write!(out, "\n# TYPE {name} {}\n", kind.as_str());
}

/// One value, with its label if it has one.
pub(crate) fn sample(out: &mut String, name: &str, label: Option<(&str, &str)>, value: Value) {
    out.push_str(name);
    if let Some((label, of)) = label {
        let _ = write!(out, "{{{label}=\"");
        escaped(out, of, true);
        out.push_str("\"}");
    }
    let _ = writeln!(out, " {value}");
}

fn escaped(out: &mut String, text: &str, is_quoted: bool) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if is_quoted => out.push_str("\\\""),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds() {
        let said = |micros| Value::Time(Timestamp(micros)).to_string();
        assert_eq!(said(1_795_000_000_000_001), "1795000000.000001");
        assert_eq!(said(0), "0.000000");
        assert_eq!(said(50_000), "0.050000");
    }

    #[test]
    fn what_a_label_holds_ends_no_label() {
        let mut out = String::new();
        sample(&mut out, "m", Some(("l", "a\"} 1\nb\\")), Value::Count(3));
        assert_eq!(out, "m{l=\"a\\\"} 1\\nb\\\\\"} 3\n");
    }
}
