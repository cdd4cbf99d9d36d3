//! What a user of records relies on: one scenario a file, named as a sentence.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod sample;

mod a_combined_record_that_contradicts_itself_is_refused;
mod a_comparison_that_says_nothing_is_no_pass;
mod a_file_that_is_no_record_is_an_error_that_names_it;
mod a_goal_is_not_asked_of_a_smoke_run;
mod a_record_comes_back_as_it_was_written;
mod a_regression_counts_only_where_it_is_asked_to;
mod a_report_sets_the_scenarios_of_a_suite_side_by_side;
mod a_report_shows_the_verdict_first;
mod a_run_is_gathered_from_its_suites_records;
mod a_target_that_says_nothing_checkable_is_an_error_that_says_where;
mod a_target_without_data_is_never_a_pass;
mod every_operator_holds_as_it_reads;
mod only_the_same_work_on_the_same_machine_is_compared;
mod results_files_are_named_by_suite_and_time;
mod the_command_says_by_its_exit_status_what_it_found;
mod the_first_valid_run_is_the_baseline_and_stays_it;
mod the_projects_own_targets_can_be_read;
mod what_cannot_be_trusted_is_invalid_before_anything_else;
