//! What a target says about statements that touch classified data: its code, names of what is there, and nothing that could hold
//! a value.

use sql_postgres::Catalog;

use super::notices::known_notice;
use crate::wire::backend::Report;
use crate::wire::build;

/// Whether a report is about the caller's own text: it says where in it. That is said by who reads a text, before anything in the
/// database is looked at but the catalog. Code that runs can set every other field of a report, and never this one; where what code
/// says has a position it is one inside of the code.
pub fn is_about_the_text(report: &Report) -> bool {
    let inside = [b'W', b'p', b'q'].iter().any(|field| report.field(*field).is_some());
    // The bounds of a partition are computed while their text is read.
    let code = report.sqlstate();
    let of_reading =
        (code.starts_with("42") && code != "42P17") || matches!(code, "22P02" | "22007" | "22008" | "22003");
    report.severity() == "ERROR" && position(report).is_some() && !inside && of_reading
}

fn position(report: &Report) -> Option<&str> {
    report.field(b'P').filter(|at| !at.is_empty() && at.len() < 10 && at.bytes().all(|b| b.is_ascii_digit()))
}

/// The names in a report on a constraint, where each is one of something that is there, and what can be said with them.
fn constraint<'a>(report: &'a Report, catalog: &Catalog) -> Option<(String, Vec<(u8, &'a str)>)> {
    let name = |field: u8| report.field(field).filter(|name| !name.is_empty());
    let (schema, table) = (name(b's')?, name(b't')?);
    if !catalog.knows(schema, table) {
        return None;
    }
    let mut names = vec![(b's', schema), (b't', table)];
    let message = match report.sqlstate() {
        "23502" => {
            let column = name(b'c').filter(|column| catalog.knows_column(schema, table, column))?;
            names.push((b'c', column));
            format!("null value in column \"{column}\" of relation \"{table}\" violates not-null constraint")
        }
        // The index has the name of the constraint.
        "23505" => {
            let index = name(b'n').filter(|index| catalog.knows(schema, index))?;
            names.push((b'n', index));
            format!("duplicate key value violates unique constraint \"{index}\"")
        }
        "23503" => format!("a foreign key constraint of relation \"{table}\" is violated"),
        "23514" => format!("a check constraint of relation \"{table}\" is violated"),
        _ => return None,
    };
    Some((message, names))
}

const WITHHELD: &str = "Weir withholds the target's text: the statement touches classified data.";

/// Appends a report without the target's own texts: severity, SQLSTATE, a neutral sentence, the position in the caller's own
/// text, and names of a constraint as far as they are known without it. A notice keeps its text if it is one of the server's own.
pub fn neutral_report(report: &Report, kind: u8, catalog: Option<&Catalog>, out: &mut Vec<u8>) {
    let code = report.sqlstate();
    let severity = match report.severity() {
        known @ ("ERROR" | "FATAL" | "PANIC" | "WARNING" | "NOTICE" | "DEBUG" | "INFO" | "LOG") => known,
        _ if kind == b'N' => "NOTICE",
        _ => "ERROR",
    };
    let position = position(report);
    let constraint = catalog.and_then(|catalog| constraint(report, catalog));
    let known = catalog.filter(|_| kind == b'N').and_then(|catalog| known_notice(report, catalog));
    let withheld = known.is_none().then_some(WITHHELD);
    let message = match (known.as_ref().or(constraint.as_ref().map(|(message, _)| message)), condition(code)) {
        (Some(message), _) => message.clone(),
        (None, Some(condition)) => format!("{condition} (SQLSTATE {code})"),
        (None, None) => format!("the target answered with SQLSTATE {code}"),
    };
    build::frame(out, kind, |out| {
        let fields = [
            (b'S', Some(severity)),
            (b'V', Some(severity)),
            (b'C', Some(code)),
            (b'M', Some(message.as_str())),
            (b'D', withheld),
            (b'P', position),
        ];
        let names = constraint.iter().flat_map(|(_, names)| names).copied();
        for (field, text) in fields.into_iter().filter_map(|(field, text)| Some((field, text?))).chain(names) {
            out.push(field);
            build::cstr(out, text.as_bytes());
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
    use sql_postgres::{CatalogRows, ClassRules};

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
        neutral_report(&report, b'E', None, &mut out);
        let text = String::from_utf8_lossy(&out);
        assert!(text.contains("22P02") && text.contains("invalid text representation") && text.contains("P15\0"));
        assert!(!text.contains("512-44-9821") && !text.contains("ERREUR"), "{text}");
    }

    #[test]
    fn names_of_constraints_are_kept_if_they_are_names() {
        let mut rows = CatalogRows::default();
        for (oid, name, kind) in [("20001", "customers", "r"), ("20002", "customers_email_key", "i")] {
            rows.add("relations", &[Some(oid), Some("public"), Some(name), Some(kind)]).unwrap();
        }
        rows.add("columns", &[Some("20001"), Some("1"), Some("email"), Some("f"), Some("t")]).unwrap();
        let catalog = Catalog::build(rows, &ClassRules::default(), None);
        let told = |code: &str, names: &[(u8, &str)]| {
            let mut fields = vec![
                (b'V', "ERROR".to_owned()),
                (b'C', code.to_owned()),
                (b'M', "512-44-9821".to_owned()),
                (b'D', "Key (ssn)=(512-44-9821) already exists.".to_owned()),
            ];
            fields.extend(names.iter().map(|(field, name)| (*field, (*name).to_owned())));
            let mut out = Vec::new();
            neutral_report(&Report { fields }, b'E', Some(&catalog), &mut out);
            let told = Report::read(&out[5..]).unwrap();
            assert!(!String::from_utf8_lossy(&out).contains("512-44-9821"), "{told:?}");
            let names: String =
                [b's', b't', b'c', b'n'].iter().filter_map(|f| told.field(*f)).collect::<Vec<_>>().join(" ");
            format!("{} [{names}]", told.field(b'M').unwrap())
        };
        let table = [(b's', "public"), (b't', "customers")];
        let with = |more: (u8, &'static str)| [table[0], table[1], more];
        for (code, names, wanted) in [
            (
                "23502",
                &with((b'c', "email"))[..],
                "null value in column \"email\" of relation \"customers\" violates not-null constraint [public customers email]",
            ),
            ("23502", &with((b'c', "512-44-9821")), "not null violation (SQLSTATE 23502) []"),
            (
                "23505",
                &with((b'n', "customers_email_key")),
                "duplicate key value violates unique constraint \"customers_email_key\" [public customers customers_email_key]",
            ),
            ("23505", &with((b'n', "512-44-9821")), "unique violation (SQLSTATE 23505) []"),
            (
                "23503",
                &with((b'n', "512-44-9821")),
                "a foreign key constraint of relation \"customers\" is violated [public customers]",
            ),
            ("23514", &table, "a check constraint of relation \"customers\" is violated [public customers]"),
            ("23514", &[(b's', "public"), (b't', "512-44-9821")], "check violation (SQLSTATE 23514) []"),
            ("22012", &table, "division by zero (SQLSTATE 22012) []"),
        ] {
            assert_eq!(told(code, names), wanted);
        }
    }

    #[test]
    fn what_is_said_of_the_text_has_a_place_in_it() {
        let report = |fields: &[(u8, &str)]| {
            let fields = fields.iter().map(|(field, text)| (*field, (*text).to_owned())).collect();
            is_about_the_text(&Report { fields })
        };
        assert!(report(&[(b'V', "ERROR"), (b'C', "42703"), (b'M', "column \"nam\" does not exist"), (b'P', "8")]));
        for more in [(b'W', "PL/pgSQL function f() line 3 at RAISE"), (b'p', "3"), (b'q', "SELECT x")] {
            assert!(!report(&[(b'V', "ERROR"), (b'C', "42703"), (b'P', "8"), more]));
        }
        for fields in [
            &[(b'V', "ERROR"), (b'C', "42P01")][..],
            &[(b'V', "ERROR"), (b'P', "ssn")],
            &[(b'V', "FATAL"), (b'P', "8")],
        ] {
            assert!(!report(fields));
        }
    }

    #[test]
    fn a_hostile_code_severity_or_position_is_not_passed_on() {
        let report =
            Report { fields: vec![(b'V', "ssn".into()), (b'C', "512-44".into()), (b'P', "512-44-9821".into())] };
        let mut out = Vec::new();
        neutral_report(&report, b'E', None, &mut out);
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
