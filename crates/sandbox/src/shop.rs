//! The shop database: customers with everything that must not leak, their orders, payments and products.
//!
//! `shop.sql` beside this crate's manifest makes it, with plain `psql` too. Every value is computed from its row's
//! number: the same size gives the same rows everywhere.

use crate::error::SandboxError;
use crate::server::PostgresServer;

/// The login role that owns the shop's tables: the account that Weir holds.
pub const ROLE: &str = "weir_shop";

/// The name of the database that [`Shop::new`] fills.
pub const DATABASE: &str = "shop";

/// What the columns hold, as patterns (`schema.object.column`, globs allowed) and classes, for the `classes` of a target.
pub const CLASSES: &[(&str, &str)] = &[
    ("public.customers.name", "pii.name"),
    ("*.*.customer_name", "pii.name"),
    ("*.*.email", "pii.email"),
    ("*.*.card", "pci.card"),
    ("*.*.card_number", "pci.card"),
    ("*.*.ssn", "pii.national_id"),
    ("*.*.phone", "pii.phone"),
    ("*.*.street", "pii.address"),
    ("*.*.shipping_address", "pii.address"),
    ("*.*.birth_date", "pii.birth_date"),
];

/// The statements that make the shop, for `psql`.
pub const SQL: &str = include_str!("../shop.sql");

/// A shop to be.
#[derive(Clone, Debug)]
pub struct Shop {
    /// The database to make and fill.
    pub database: String,
    /// How many customers it has; five times as many orders, ten times as many order lines.
    pub customers: u32,
    /// The password of [`ROLE`].
    pub password: String,
}

impl Shop {
    /// The shop of the demo: 100,000 customers in database `shop`.
    pub fn new(password: impl Into<String>) -> Self {
        Self { database: DATABASE.to_owned(), customers: 100_000, password: password.into() }
    }

    /// Makes the database on this server and fills it.
    pub fn load(&self, server: &PostgresServer) -> Result<(), SandboxError> {
        let name = self.database.replace('"', "\"\"");
        server.psql("postgres", &format!("CREATE DATABASE \"{name}\""))?;
        // Variables by `\set` and not as arguments: other users of the machine can read arguments.
        let variables = format!("\\set customers {}\n\\set password {}\n", self.customers, quoted(&self.password));
        server.psql(&self.database, &(variables + SQL)).map(drop)
    }
}

/// A psql string: in single quotes, with psql's own escapes.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
    format!("'{escaped}'")
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn passwords_reach_psql_whole() {
        assert_eq!(quoted(r"it's \ odd"), r"'it\'s \\ odd'");
    }
}
