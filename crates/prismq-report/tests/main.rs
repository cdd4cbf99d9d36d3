//! What a user of records and reports relies on: the record, its judgement and the report together, so the
//! packages below this one are tested here too. Folders mirror their parts, files are subjects, and each test is
//! named by the sentence it asserts. One program, so that it is linked once.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod cli;
mod comparison;
mod export;
mod files;
mod history;
mod record;
mod render;
mod support;
mod targets;
mod verdict;
mod versus;
