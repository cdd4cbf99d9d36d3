//! What a user of the queue relies on: one scenario a file, named as a sentence. One program, so that
//! SQLite is linked once.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod common;

mod a_batch_is_enqueued_whole_or_not_at_all;
mod a_callers_transaction_can_enqueue;
mod a_claim_merges_its_types_in_one_order;
mod a_claim_takes_lower_priorities_first_then_older_tasks;
mod a_delayed_task_is_claimed_when_due_and_not_before;
mod a_delayed_task_never_stands_before_a_ready_one;
mod a_failed_attempt_is_retried_after_its_backoff;
mod a_failure_may_name_its_own_delay;
mod a_file_that_is_not_a_sound_queue_is_refused_and_left_untouched;
mod a_lost_lease_can_change_nothing;
mod a_lost_lease_is_told_to_the_handler_and_its_result_refused;
#[cfg(unix)]
mod a_new_queue_file_is_readable_by_its_owner_only;
mod a_panic_fails_its_own_task_only;
mod a_path_that_cannot_hold_a_queue_is_refused;
mod a_permanent_failure_is_dead_at_once;
mod a_pool_completes_every_task_once;
mod a_pool_retries_when_the_clock_says_so;
mod a_pool_waits_out_a_busy_database;
mod a_pool_with_settings_out_of_bounds_is_not_started;
mod a_queue_gives_its_tasks_in_the_order_it_was_set_to;
mod a_release_does_not_count_an_attempt;
mod a_running_task_keeps_its_lease;
mod a_shutdown_does_not_wait_longer_than_it_is_told;
mod a_shutdown_gives_back_what_no_worker_began;
mod a_task_goes_from_enqueue_to_complete;
mod a_task_is_dead_after_its_last_attempt;
mod a_task_whose_lease_expires_on_its_last_attempt_is_dead;
mod an_empty_claim_writes_nothing;
mod an_event_is_told_after_its_commit;
mod an_expired_lease_is_reclaimed_by_the_next_claim;
mod an_extended_lease_holds_longer;
mod an_idle_pool_writes_nothing;
mod another_writer_is_waited_for_and_then_answered_busy;
mod dropping_a_pool_shuts_it_down;
mod every_bound_is_kept_at_its_edge;
mod ids_are_never_used_again;
mod large_payloads_come_back_whole_and_go_with_their_task;
mod queues_in_one_file_are_apart;
mod tasks_survive_closing_and_reopening;
mod the_queue_is_full_durability_unless_told_otherwise;
mod the_wal_is_cut_once_the_queue_is_idle;
mod the_wal_stays_short_under_sustained_load;
mod two_handles_share_one_file;
mod types_without_a_handler_are_left_alone;
mod what_another_handle_enqueues_wakes_an_idle_pool;
