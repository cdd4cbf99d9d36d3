//! The harness measures subjects whose truth is known, and must find it.
//!
//! Folders mirror the library. Time is mostly made by the tests (`support::virtual_clock`), so that what is
//! measured is exact and costs no time.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod base;
mod floors;
mod load;
mod observe;
mod reference;
mod run;
mod scenario;
mod subject;
mod support;
