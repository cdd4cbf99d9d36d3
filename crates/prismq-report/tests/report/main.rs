//! What a user of records relies on: one scenario a file, named as a sentence.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod sample;
mod steady;

mod a_combined_record_carries_its_verdict;
mod a_combined_record_that_contradicts_itself_is_refused;
mod a_comparison_that_says_nothing_is_no_pass;
mod a_file_that_is_no_record_is_an_error_that_names_it;
mod a_goal_is_not_asked_of_a_smoke_run;
mod a_hostile_record_is_an_error_and_nothing_worse;
mod a_record_comes_back_as_it_was_written;
mod a_regression_counts_only_where_it_is_asked_to;
mod a_report_sets_the_scenarios_of_a_suite_side_by_side;
mod a_report_shows_the_verdict_first;
mod a_run_is_gathered_from_its_suites_records;
mod a_target_that_says_nothing_checkable_is_an_error_that_says_where;
mod a_target_without_data_is_never_a_pass;
mod a_verdict_says_what_could_not_be_told;
mod contradictions;
mod criterions_files_are_read_as_far_as_they_can_be;
mod every_operator_holds_as_it_reads;
mod exports_are_what_others_read;
mod invariants;
mod only_the_same_work_on_the_same_machine_is_compared;
mod records_of_every_version_are_read_as_they_were_meant;
mod results_files_are_named_by_suite_and_time;
mod results_folder;
mod the_command_answers_what_its_help_says;
mod the_command_says_by_its_exit_status_what_it_found;
mod the_example_workflow_runs_commands_that_exist;
mod the_first_valid_run_is_the_baseline_and_stays_it;
mod the_history_outlives_a_crash_and_knows_each_run_once;
mod the_projects_own_targets_can_be_read;
mod the_published_schema_is_that_of_the_types;
mod what_cannot_be_trusted_is_invalid_before_anything_else;
