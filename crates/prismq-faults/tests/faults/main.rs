//! What becomes of a queue when its disk, its process or its memory fails. One scenario a file.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod common;
mod workload;

mod a_failed_call_is_a_typed_error_and_never_a_false_answer;
mod a_failed_sync_stops_the_queue_for_good;
mod a_flipped_page_header_is_refused_or_harmless;
mod a_fork_can_use_no_queue_of_its_parent;
mod a_full_disk_is_told_and_survived;
mod a_power_cut_loses_nothing_that_was_acknowledged;
mod a_process_killed_at_any_write_leaves_the_old_state_or_the_new;
mod a_reader_that_pins_the_wal_lets_it_shrink_in_the_end;
mod claimed_payloads;
mod pools_on_slow_disks;
mod pools_survive_system_calls_that_fail;
mod system_calls_killed_by_strace_leave_the_old_state_or_the_new;
mod without_permission_nothing_is_opened_or_changed;
