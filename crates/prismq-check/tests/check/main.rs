//! What a queue promises, held against histories of real actors; and the checker itself, held against
//! queues that break each promise. One scenario a file, named as a sentence.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod common;
mod mutants;

mod a_sound_queue_is_found_sound;
mod every_mutant_of_the_store_is_caught;
