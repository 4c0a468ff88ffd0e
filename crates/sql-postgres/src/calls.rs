//! Function calls by the fast path: a function by its number, and its arguments, past all SQL.
//!
//! Known are the functions of large objects, by the numbers that they have in every server (`pg_proc.dat`): libpq's `lo_*`
//! call them so. Any other is opaque: what it does can't be told.

use model::{Ask, Certainty, Object, Operation};

use crate::catalog::Catalog;
use crate::vocabulary::{FUNCTION_CALL, LARGE_OBJECT, OPAQUE, SERVER_FILE, schema_part};

/// Functions of large objects. Those that read or write files of the server's are among them.
const LARGE_OBJECTS: &[(u32, &str)] = &[
    (715, "lo_create"),
    (764, "lo_import"),
    (765, "lo_export"),
    (767, "lo_import"),
    (952, "lo_open"),
    (953, "lo_close"),
    (954, "loread"),
    (955, "lowrite"),
    (956, "lo_lseek"),
    (957, "lo_creat"),
    (958, "lo_tell"),
    (964, "lo_unlink"),
    (1004, "lo_truncate"),
    (3170, "lo_lseek64"),
    (3171, "lo_tell64"),
    (3172, "lo_truncate64"),
    (3457, "lo_from_bytea"),
    (3458, "lo_get"),
    (3459, "lo_get"),
    (3460, "lo_put"),
];

/// The name of a function, if it is known: `pg_catalog.lo_open`.
pub fn function_of(oid: u32) -> Option<&'static str> {
    LARGE_OBJECTS.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name)
}

/// What a call of the function with this number does.
pub fn function_call(oid: u32, catalog: &Catalog) -> Operation {
    let name = function_of(oid);
    let part = match name {
        Some(name) => schema_part("Function", "pg_catalog", name),
        None => schema_part("Function", "", &format!("#{oid}")),
    };
    let mut asks = vec![Ask::new(FUNCTION_CALL, Object::Target), Ask::new(FUNCTION_CALL, Object::Part(part))];
    asks.push(match name {
        Some("lo_import" | "lo_export") => Ask::new(SERVER_FILE, Object::Target),
        Some(_) => Ask::new(LARGE_OBJECT, Object::Target),
        None => Ask::new(OPAQUE, Object::Target),
    });
    let certainty = match name {
        Some(_) => Certainty::Exact,
        None => Certainty::Opaque(format!("it calls the function with the number {oid}, which Weir does not follow")),
    };
    Operation {
        asks,
        certainty,
        touches: Vec::new(),
        touches_unknown: name.is_none() && catalog.classifies(),
        lowering: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::shop;

    #[test]
    fn large_objects_are_known_and_all_else_is_opaque() {
        let asks = |oid: u32| -> Vec<&'static str> {
            function_call(oid, &shop()).asks.iter().map(|ask| ask.action.0).collect()
        };
        assert_eq!(asks(952), ["function_call", "function_call", "large_object"]);
        assert_eq!(asks(764), ["function_call", "function_call", "server_file"]);
        assert_eq!(asks(2621), ["function_call", "function_call", "opaque"]);
        assert!(!function_call(954, &shop()).is_tainted());
        assert!(function_call(2621, &shop()).touches_unknown && function_call(2621, &shop()).is_tainted());
        assert!(!function_call(2621, &Catalog::default()).touches_unknown);
    }
}
