//! Calls of SQLite on its files that fail, read wrong bytes, or wait.

mod claimed_payloads;
mod failed_calls;
mod failed_syncs;
mod long_reader;
mod page_headers;
