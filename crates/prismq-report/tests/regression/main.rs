//! Whether changes are found and only changes: one scenario a file, named as a sentence.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

#[path = "../report/sample.rs"]
#[allow(dead_code, reason = "the samples of another binary, of which some are used here")]
mod sample;

mod recorded;
mod simulated;
#[path = "../report/steady.rs"]
mod steady;

mod a_change_has_its_interval_and_floor;
mod a_count_of_what_must_not_happen_is_compared_exactly;
mod a_slowdown_put_in_on_purpose_is_found;
mod a_summary_says_how_much_on_the_whole;
mod decision;
mod noise_known_from_elsewhere_raises_the_floor;
#[cfg(unix)]
mod programs_are_started_in_turn_and_compared;
mod recorded_starts_are_judged_rightly_in_pairs;
mod runs_of_one_program_flag_nothing;
