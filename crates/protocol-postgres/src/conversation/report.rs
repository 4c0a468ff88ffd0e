//! What a target says about statements that touch classified data: its code, and nothing that could hold a value.

use crate::wire::backend::Report;
use crate::wire::build;

/// Appends a report without the target's own texts: severity, SQLSTATE, a neutral sentence, and the position in the
/// caller's own text.
pub fn neutral_report(report: &Report, kind: u8, out: &mut Vec<u8>) {
    let code = report.sqlstate();
    let severity = match report.severity() {
        known @ ("ERROR" | "FATAL" | "PANIC" | "WARNING" | "NOTICE" | "DEBUG" | "INFO" | "LOG") => known,
        _ if kind == b'N' => "NOTICE",
        _ => "ERROR",
    };
    let position =
        report.field(b'P').filter(|at| !at.is_empty() && at.len() < 10 && at.bytes().all(|b| b.is_ascii_digit()));
    let message = match condition(code) {
        Some(condition) => format!("{condition} (SQLSTATE {code})"),
        None => format!("the target answered with SQLSTATE {code}"),
    };
    build::frame(out, kind, |out| {
        let fields = [
            (b'S', Some(severity)),
            (b'V', Some(severity)),
            (b'C', Some(code)),
            (b'M', Some(message.as_str())),
            (b'D', Some("Weir withholds the target's text: the statement touches classified data.")),
            (b'P', position),
        ];
        for (field, text) in fields {
            if let Some(text) = text {
                out.push(field);
                build::cstr(out, text.as_bytes());
            }
        }
        out.push(0);
    });
}

/// Whether a parameter's value comes from a closed list, so that it can hold nothing else.
pub fn neutral_parameter(name: &[u8], value: &[u8]) -> bool {
    const CLOSED: [&[u8]; 11] = [
        b"client_encoding",
        b"DateStyle",
        b"IntervalStyle",
        b"standard_conforming_strings",
        b"integer_datetimes",
        b"in_hot_standby",
        b"is_superuser",
        b"default_transaction_read_only",
        b"server_encoding",
        b"server_version",
        b"scram_iterations",
    ];
    value.is_empty() || CLOSED.contains(&name)
}

/// What the common codes mean, in the words of the manual's appendix "PostgreSQL Error Codes".
fn condition(code: &str) -> Option<&'static str> {
    const CONDITIONS: [(&str, &str); 48] = [
        ("01000", "warning"),
        ("0A000", "feature not supported"),
        ("21000", "cardinality violation"),
        ("22001", "string data right truncation"),
        ("22003", "numeric value out of range"),
        ("22004", "null value not allowed"),
        ("22007", "invalid datetime format"),
        ("22008", "datetime field overflow"),
        ("2200G", "most specific type mismatch"),
        ("22012", "division by zero"),
        ("22021", "character not in repertoire"),
        ("22023", "invalid parameter value"),
        ("22P02", "invalid text representation"),
        ("22P03", "invalid binary representation"),
        ("23000", "integrity constraint violation"),
        ("23502", "not null violation"),
        ("23503", "foreign key violation"),
        ("23505", "unique violation"),
        ("23514", "check violation"),
        ("23P01", "exclusion violation"),
        ("25001", "active SQL transaction"),
        ("25006", "read only SQL transaction"),
        ("25P02", "current transaction is aborted, commands ignored until end of transaction block"),
        ("26000", "invalid SQL statement name"),
        ("34000", "invalid cursor name"),
        ("40001", "serialization failure"),
        ("40P01", "deadlock detected"),
        ("42501", "insufficient privilege"),
        ("42601", "syntax error"),
        ("42602", "invalid name"),
        ("42701", "duplicate column"),
        ("42702", "ambiguous column"),
        ("42703", "undefined column"),
        ("42704", "undefined object"),
        ("42712", "duplicate alias"),
        ("42803", "grouping error"),
        ("42804", "datatype mismatch"),
        ("42809", "wrong object type"),
        ("42883", "undefined function"),
        ("42P01", "undefined table"),
        ("42P07", "duplicate table"),
        ("42P08", "ambiguous parameter"),
        ("42P18", "indeterminate datatype"),
        ("53100", "disk full"),
        ("53200", "out of memory"),
        ("55P03", "lock not available"),
        ("57014", "query canceled"),
        ("57P01", "admin shutdown"),
    ];
    CONDITIONS.iter().find(|(known, _)| *known == code).map(|(_, condition)| *condition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neutral_report_keeps_the_code_and_no_text_of_the_targets() {
        let report = Report {
            fields: vec![
                (b'S', "ERREUR".into()),
                (b'V', "ERROR".into()),
                (b'C', "22P02".into()),
                (b'M', "invalid input syntax for type integer: \"512-44-9821\"".into()),
                (b'D', "Failing row contains (512-44-9821)".into()),
                (b'W', "PL/pgSQL function 512-44-9821".into()),
                (b'q', "512-44-9821".into()),
                (b'P', "15".into()),
            ],
        };
        let mut out = Vec::new();
        neutral_report(&report, b'E', &mut out);
        let text = String::from_utf8_lossy(&out);
        assert!(text.contains("22P02") && text.contains("invalid text representation") && text.contains("P15\0"));
        assert!(!text.contains("512-44-9821") && !text.contains("ERREUR"), "{text}");
    }

    #[test]
    fn a_hostile_code_severity_or_position_is_not_passed_on() {
        let report =
            Report { fields: vec![(b'V', "ssn".into()), (b'C', "512-44".into()), (b'P', "512-44-9821".into())] };
        let mut out = Vec::new();
        neutral_report(&report, b'E', &mut out);
        let text = String::from_utf8_lossy(&out);
        assert!(text.contains("XX000") && !text.contains("512") && !text.contains("ssn"), "{text}");
    }

    #[test]
    fn only_parameters_with_closed_values_are_neutral() {
        assert!(neutral_parameter(b"client_encoding", b"UTF8"));
        assert!(!neutral_parameter(b"application_name", b"512-44-9821"));
        assert!(!neutral_parameter(b"TimeZone", b"<512>5"));
    }
}
