//! Files, rows and payloads that are damaged or hostile.

mod files;
mod payloads;
mod rows;
mod schema;
