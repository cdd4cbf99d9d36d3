//! What a user of the queue relies on. Folders mirror the parts of the library, files are subjects, and each
//! test is named by the sentence it asserts. One program, so that SQLite is linked once.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod asynchronous;
mod attach;
mod backup;
mod claim;
mod damage;
mod enqueue;
mod file;
mod inbox;
mod lease;
mod limit;
mod limits;
mod log;
mod origin;
mod pool;
mod records;
mod schedule;
mod settle;
mod sources;
mod support;
mod tasks;
mod testing;
mod time;
mod typed;
