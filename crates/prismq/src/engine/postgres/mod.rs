//! The engine in a PostgreSQL database.

#[allow(dead_code, unused_imports, reason = "the engine that calls it follows")]
mod client;
