//! What becomes of a queue when its disk, its process or its memory fails. Folders mirror `src`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod support;

mod disk;
mod power;
mod process;
