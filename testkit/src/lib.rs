//! What tests share: a private PostgreSQL behind a running Weir, and real clients
