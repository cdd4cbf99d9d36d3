//! What becomes of a queue when its disk, its process or its memory fails. One scenario a file.

mod common;
mod workload;

mod a_failed_call_is_a_typed_error_and_never_a_false_answer;
mod a_power_cut_loses_nothing_that_was_acknowledged;
mod a_process_killed_at_any_write_leaves_the_old_state_or_the_new;
