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
mod fleet;
mod model;
mod mutants;

mod a_clock_that_jumps_breaks_no_promise;
mod a_completion_at_its_expiry_races_a_claim_and_one_wins;
mod a_payload_that_kills_its_process_is_dead_in_the_end;
mod a_process_stopped_beyond_its_lease_harms_nothing;
mod a_queue_does_what_the_model_does;
mod a_sound_queue_is_found_sound;
mod a_writer_stopped_in_its_transaction_makes_others_busy_until_it_dies;
mod an_exercise_is_judged_by_its_history;
mod every_mutant_of_the_store_is_caught;
mod kill_9_at_any_time_loses_nothing;
mod many_processes_die_and_return_on_one_file;
mod many_processes_may_create_the_file_at_once;
mod no_pool_hoards_what_another_could_run;
mod no_task_dies_of_another_that_kills_its_process;
mod pools_keep_every_promise_however_they_end;
mod what_users_of_other_queues_missed_holds;
