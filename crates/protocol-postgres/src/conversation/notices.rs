//! What a target says by the way about statements that touch classified data: the server's own common notices, with the names of
//! what is there and nothing else.
//!
//! Only notices of the server itself: what code raises comes with the context that it ran in, and is not passed on. Errors are
//! [`super::report`]'s.

use sql_postgres::Catalog;

use crate::wire::backend::Report;

/// Notices in the server's own words, with `"…"` for each name.
const KNOWN: &[&str] = &[
    "there is already a transaction in progress",
    "there is no transaction in progress",
    "SET TRANSACTION can only be used in transaction blocks",
    "SET LOCAL can only be used in transaction blocks",
    "SET CONSTRAINTS can only be used in transaction blocks",
    "relation \"…\" already exists, skipping",
    "schema \"…\" already exists, skipping",
    "column \"…\" of relation \"…\" already exists, skipping",
    "column \"…\" of relation \"…\" does not exist, skipping",
    "constraint \"…\" of relation \"…\" does not exist, skipping",
    "column \"…\" of relation \"…\" is not an identity column, skipping",
    "column \"…\" of relation \"…\" is not a generated column, skipping",
    "column \"…\" of relation \"…\" is not a stored generated column, skipping",
    "merging column \"…\" with inherited definition",
    "merging multiple inherited definitions of column \"…\"",
    "merging definition of column \"…\" for child \"…\"",
    "table \"…\" does not exist, skipping",
    "view \"…\" does not exist, skipping",
    "materialized view \"…\" does not exist, skipping",
    "index \"…\" does not exist, skipping",
    "sequence \"…\" does not exist, skipping",
    "foreign table \"…\" does not exist, skipping",
    "relation \"…\" does not exist, skipping",
    "schema \"…\" does not exist, skipping",
    "type \"…\" does not exist, skipping",
    "trigger \"…\" for relation \"…\" does not exist, skipping",
    "policy \"…\" for relation \"…\" does not exist, skipping",
    "rule \"…\" for relation \"…\" does not exist, skipping",
    "truncate cascades to table \"…\"",
    "drop cascades to view …",
    "drop cascades to materialized view …",
    "drop cascades to constraint … on table …",
];

/// A notice as it may be said: in the server's words, with the names that are in the catalog and `…` for any other.
pub fn known_notice(report: &Report, catalog: &Catalog) -> Option<String> {
    let from_code = [b'W', b'p', b'q'].iter().any(|field| report.field(*field).is_some());
    let of_a_notice = matches!(report.severity(), "NOTICE" | "WARNING" | "INFO");
    let message = report.field(b'M').filter(|_| of_a_notice && !from_code)?;
    KNOWN.iter().find_map(|known| said(message, known, catalog))
}

fn said(message: &str, known: &str, catalog: &Catalog) -> Option<String> {
    let mut pieces = known.split('…');
    let first = pieces.next()?;
    let (mut left, mut said) = (message.strip_prefix(first)?, first.to_owned());
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let end = match pieces.peek() {
            // Nothing comes after it, so it is all that is left.
            None => left.len().checked_sub(piece.len()).filter(|_| left.ends_with(piece))?,
            Some(_) => left.find(piece)?,
        };
        let (name, rest) = left.split_at(end);
        said.push_str(if is_known(name, catalog) { name } else { "…" });
        said.push_str(piece);
        left = rest.strip_prefix(piece)?;
    }
    left.is_empty().then_some(said)
}

/// Whether it is a name of something that is there, with its schema or without.
fn is_known(name: &str, catalog: &Catalog) -> bool {
    let (schema, relation) = name.split_once('.').unwrap_or(("", name));
    catalog.has_name(schema, relation)
}

#[cfg(test)]
mod tests {
    use sql_postgres::{CatalogRows, ClassRules};

    use super::*;

    fn catalog() -> Catalog {
        let mut rows = CatalogRows::default();
        rows.add("relations", &[Some("20001"), Some("public"), Some("customers"), Some("r")]).unwrap();
        rows.add("columns", &[Some("20001"), Some("1"), Some("email"), Some("f"), Some("t")]).unwrap();
        Catalog::build(rows, &ClassRules::default(), None)
    }

    fn told(message: &str, more: &[(u8, &str)]) -> Option<String> {
        let mut fields = vec![(b'V', "NOTICE".to_owned()), (b'C', "00000".to_owned()), (b'M', message.to_owned())];
        fields.extend(more.iter().map(|(field, text)| (*field, (*text).to_owned())));
        known_notice(&Report { fields }, &catalog())
    }

    #[test]
    fn the_servers_own_words_are_said_with_the_names_that_are_there() {
        for (message, wanted) in [
            ("there is no transaction in progress", "there is no transaction in progress"),
            ("relation \"customers\" already exists, skipping", "relation \"customers\" already exists, skipping"),
            (
                "column \"email\" of relation \"customers\" already exists, skipping",
                "column \"email\" of relation \"customers\" already exists, skipping",
            ),
            (
                "column \"512-44-9821\" of relation \"customers\" does not exist, skipping",
                "column \"…\" of relation \"customers\" does not exist, skipping",
            ),
            ("drop cascades to view public.customers", "drop cascades to view public.customers"),
            ("drop cascades to view v512", "drop cascades to view …"),
            (
                "drop cascades to constraint k on table public.customers",
                "drop cascades to constraint … on table public.customers",
            ),
            ("table \"a\" or \"b\" does not exist, skipping", "table \"…\" does not exist, skipping"),
        ] {
            assert_eq!(told(message, &[]).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn what_code_says_and_other_words_are_not() {
        let known = "relation \"customers\" already exists, skipping";
        assert_eq!(told(known, &[(b'W', "PL/pgSQL function f() line 3 at RAISE")]), None);
        assert_eq!(told(known, &[(b'q', "SELECT 1")]), None);
        for other in [
            "",
            "512-44-9821",
            "relation \"customers\" already exists",
            "relation \"customers\" already exists, skipping!",
        ] {
            assert_eq!(told(other, &[]), None, "{other}");
        }
        let error = vec![(b'V', "ERROR".to_owned()), (b'M', known.to_owned())];
        assert_eq!(known_notice(&Report { fields: error }, &catalog()), None);
    }
}
