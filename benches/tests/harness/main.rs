//! The harness measures engines whose truth is known, and must find it.
//!
//! Time is made by the tests (`virtual_clock`), so that what is measured is exact and costs no time.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod fake;
mod theory;
mod virtual_clock;

mod a_backlog_is_told_apart_from_what_arrives_meanwhile;
mod a_lagging_generator_is_no_measurement;
mod a_lost_or_duplicated_task_makes_a_scenario_invalid;
mod a_percentile_needs_its_samples;
mod a_server_in_real_time_is_measured_too;
mod a_slower_twin_is_found_by_the_comparison;
mod a_stall_shows_in_the_corrected_figure_alone;
mod arrivals_are_as_they_are_called;
mod efficiency;
mod floors_stand_beside_their_figures;
mod intervals_tell_a_round_over_time;
mod passes;
mod queueing_theory_is_found_again;
mod stages;
mod steadiness;
mod the_highest_sustained_rate_is_found;
mod turns;
mod undecided_rounds;
mod what_does_not_stay_as_it_began_is_told;
