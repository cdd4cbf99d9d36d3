//! A queue in PostgreSQL: its server fails, and connections to it are lost. Each test has a server of its own, and is
//! ignored with the reason where PostgreSQL is not installed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod client;
mod doctor;
mod faults;
mod inbox;
#[path = "../support/log.rs"]
mod log;
mod moving;
mod names;
mod plans;
mod retention;
mod schedules;
mod settings;
mod slots;
mod support;
mod transactions;

use std::env;
use std::process::ExitCode;

use prismq_probe::{Availability, Requirement, Trial, trial};

use self::client::{connecting, durability, limits, notifications, pooler, round_trips, tls};
use self::faults::{backends, clocks, commit, locks, races, tokens};
use self::moving::{interrupted, limited, migrating, stages};

/// The tests of a file.
macro_rules! tests {
    ($($file:ident: $($name:ident)+;)+) => {
        vec![$($(test(concat!(stringify!($file), "::", stringify!($name)), $file::$name)),+),+]
    };
}

/// Tests that run only where `PRISMQ_SOAK` asks for those that take long.
const SOAK: [&str; 1] = ["interrupted::a_million_tasks_are_moved_once"];

fn test(name: &str, run: fn()) -> Trial {
    let selected = name.to_owned();
    let probe = match name.split("::").next() {
        Some("tls") => [Requirement::Postgres, Requirement::OpenSsl].as_slice(),
        Some("pooler") => &[Requirement::Postgres, Requirement::PgBouncer],
        _ => &[Requirement::Postgres],
    };
    let missing = |availability: &Availability| *availability != Availability::Available;
    trial(
        name,
        move || {
            if SOAK.contains(&selected.as_str()) && env::var_os("PRISMQ_SOAK").is_none() {
                let reason = "it takes minutes: set PRISMQ_SOAK to run it";
                return Availability::NotPermitted(reason.to_owned());
            }
            let unmet = probe.iter().map(|needed| needed.probe()).find(missing);
            unmet.unwrap_or(Availability::Available)
        },
        move || {
            run();
            Ok(())
        },
    )
}

fn main() -> ExitCode {
    if interrupted::move_if_asked() {
        return ExitCode::SUCCESS;
    }
    prismq_probe::run(tests! {
        backends:
            a_session_that_was_ended_is_replaced
            a_crash_is_waited_for_and_loses_nothing
            an_idle_pool_goes_on_after_a_crash;
        clocks:
            a_server_whose_clock_is_wrong_keeps_leases_and_delays
            a_panic_leaves_no_transaction_open;
        commit:
            a_commit_whose_answer_is_lost_is_found_to_be_done
            a_commit_whose_answer_is_made_up_by_a_pooler_is_found_to_be_done
            a_batch_whose_answers_are_made_up_by_a_pooler_is_not_repeated
            a_commit_that_did_not_arrive_is_done_again
            a_transaction_of_which_nothing_is_answered_is_not_repeated
            a_transaction_that_was_not_begun_is_not_repeated
            a_claim_whose_answer_is_lost_is_reported_and_its_task_claimed_again
            a_claim_of_one_statement_whose_answer_is_lost_is_reported_and_its_task_claimed_again
            a_commit_that_nobody_can_be_asked_about_is_reported_and_not_repeated;
        connecting:
            clients_that_come_at_once_make_the_tables_once
            a_database_that_does_not_exist_is_refused_at_once
            a_role_that_may_not_make_the_tables_is_refused_without_its_password
            tables_of_another_version_are_refused
            another_product_is_refused_by_its_name
            a_server_that_is_not_there_is_waited_for
            a_pooler_of_transactions_needs_no_session;
        durability:
            settings_say_what_commits_wait_for
            a_replicated_commit_waits_for_the_standby
            nothing_is_acknowledged_once_no_standby_is_named_any_more
            a_commit_whose_session_ends_before_the_standby_has_it_is_asked_for_there;
        inbox:
            a_row_becomes_the_task_that_it_describes
            a_row_exists_for_claims_with_its_commit_and_wakes_an_idle_pool
            a_row_that_can_be_no_task_is_refused_or_kept_with_the_reason
            a_time_that_cannot_be_counted_is_refused_and_keeps_no_claim_waiting
            rows_of_a_full_queue_wait_and_are_in_nobodys_way
            rows_of_a_limit_start_one_after_the_other_also_by_key
            rows_of_a_key_that_are_held_are_admitted_in_their_order
            more_rows_than_a_transaction_moves_are_all_taken_in
            a_row_without_room_for_its_queue_is_in_nobodys_way;
        interrupted:
            neither_side_can_be_used_while_a_migration_is_interrupted
            a_copy_that_a_crash_has_shortened_is_not_used
            a_migration_that_was_cancelled_begins_anew
            a_copy_that_others_write_to_is_not_used
            clients_that_were_open_before_are_refused_until_it_is_done
            a_queue_that_came_to_be_at_the_target_meanwhile_is_kept
            steps_that_a_crash_of_the_server_undid_are_done_again
            a_migration_that_was_cancelled_meanwhile_does_not_end_another
            a_migration_whose_processes_are_killed_moves_each_task_once
            a_million_tasks_are_moved_once;
        doctor:
            who_keeps_rows_from_being_removed_is_named
            settings_that_were_lost_are_named;
        limits:
            a_lock_is_waited_for_as_long_as_set
            a_timeout_of_the_role_fails_the_call_and_no_other
            a_role_without_free_connections_is_waited_for
            an_order_that_waits_for_a_transaction_keeps_no_enqueue_waiting
            making_room_for_a_name_locks_no_types_while_a_transaction_may_need_them;
        limited:
            limits_and_keys_bound_the_same_tasks
            each_slot_of_a_schedule_has_its_task_once
            what_is_set_at_the_target_is_not_dropped;
        locks:
            tasks_are_cancelled_in_the_order_in_which_others_lock_them
            a_task_without_time_left_that_is_locked_is_ended_later
            a_lease_that_has_expired_while_it_is_settled_keeps_no_claim_waiting
            a_pool_claims_while_its_results_wait_for_a_lock
            a_slot_whose_unique_key_is_locked_waits_alone
            many_slots_that_are_locked_keep_no_claim_waiting
            a_row_of_the_inbox_whose_unique_key_is_locked_waits_alone
            a_locked_task_under_a_limit_is_passed_over
            locked_tasks_of_several_types_are_passed_over
            a_claim_whose_session_the_server_ends_is_made_again
            a_locked_queue_is_claimed_from;
        migrating:
            everything_arrives_with_its_ids
            a_file_that_was_moved_refuses_everyone
            workers_that_hold_tasks_keep_a_file_from_being_moved
            rows_of_the_inbox_become_tasks_before
            rows_of_the_inbox_of_the_server_are_kept
            a_schema_that_holds_a_queue_is_refused;
        names:
            a_queue_that_holds_nothing_makes_room
            a_type_that_holds_nothing_makes_room
            a_limit_that_is_not_set_frees_no_names
            no_task_is_lost_where_its_queue_is_freed
            a_type_that_the_server_has_lost_is_added_again
            a_type_that_a_restored_database_lacks_is_added_again
            a_task_whose_type_was_lost_keeps_no_claim_from_other_tasks;
        notifications:
            a_pool_hears_of_tasks_of_another_client
            a_pool_of_other_tasks_does_not_look
            a_notification_names_the_types_with_new_tasks
            whoever_waits_is_notified_when_a_bounded_queue_has_room
            whoever_waits_is_notified_of_tasks_of_schedules
            many_commits_are_notified_of_at_once
            nobody_is_notified_who_does_not_run_tasks
            a_queue_that_is_closed_at_once_has_notified
            a_notification_that_is_refused_ends_no_session
            a_pool_that_cannot_hear_looks_for_tasks;
        retention:
            ended_tasks_of_a_type_are_kept_for_its_time
            the_retention_of_a_queue_neither_counts_nor_deletes_them
            a_pool_declares_the_time_of_its_type_unless_an_operator_set_another;
        plans:
            statements_planned_for_empty_tables_are_planned_again_when_these_have_filled
            statements_read_no_whole_index_where_deleted_rows_are_kept
            a_claim_after_a_task_came_back_looks_from_where_that_is
            a_unique_task_changed_in_a_transaction_is_claimed_in_its_order_once_committed;
        pooler:
            clients_share_the_sessions_of_a_pooler
            a_pooler_that_the_url_does_not_name_is_refused
            a_claim_through_a_pooler_is_not_undone_by_a_crash
            a_type_that_the_server_behind_a_pooler_has_lost_is_added_again
            a_type_that_a_database_restored_behind_a_pooler_lacks_is_added_again
            a_number_that_a_restored_database_has_for_another_type_is_not_used
            a_client_without_the_pooler_is_heard_by_looking;
        round_trips:
            an_enqueue_waits_once_however_many_tasks_it_adds
            a_completion_waits_once_and_an_extension_twice
            a_claim_waits_once_however_many_types_it_serves_and_whether_or_not_it_finds_enough
            claims_that_go_on_for_longer_than_their_leases_wait_once
            completions_before_a_claim_do_not_wait
            upkeep_waits_a_few_times_however_many_queues_there_are;
        races:
            a_task_is_cancelled_while_it_is_claimed
            two_clients_that_prune_delete_no_more_than_is_beyond
            a_task_that_is_cancelled_while_its_attempt_ends_does_not_run_again
            a_queue_that_is_being_filled_is_not_given_another_order;
        schedules:
            a_slot_has_one_task_however_many_clients_claim
            a_slot_that_is_decided_again_after_the_clock_was_set_back_is_logged
            a_task_is_enqueued_as_it_was_set;
        settings:
            an_enqueue_keeps_to_a_depth_limit_that_was_set_since
            tasks_are_in_the_order_that_was_set_since
            a_completion_is_kept_if_that_was_set_since
            a_completion_is_kept_for_the_time_of_its_type_if_that_was_set_since
            a_claim_finds_what_was_changed_since;
        slots:
            tasks_too_large_for_a_claim_are_put_back
            a_task_that_had_to_start_earlier_is_not_claimed
            no_more_tasks_run_than_a_limit_allows
            no_more_tasks_of_a_key_run_than_its_limit_allows
            ordered_tasks_of_a_key_run_in_order
            no_more_tasks_of_a_queue_run_than_it_is_set_to
            keys_without_tasks_are_forgotten;
        stages:
            one_that_fails_at_each_step_moves_all_of_it;
        tls:
            a_certificate_of_a_named_authority_is_accepted
            a_certificate_of_another_authority_or_host_is_refused;
        tokens:
            a_token_is_not_given_out_again_after_a_crash_that_undid_its_claim;
        transactions:
            a_type_that_the_server_has_lost_is_added_again
            tasks_exist_with_the_commit_and_not_before
            one_that_holds_a_queue_keeps_no_claim_of_another_from_its_tasks
            a_call_that_is_refused_or_dropped_leaves_the_transaction_as_it_was
            a_completion_is_one_with_its_transaction
            a_handler_and_its_transaction_are_done_together_or_not_at_all
            listeners_are_notified_once_the_transaction_is_committed
            listeners_are_notified_of_a_transaction_before_the_queue_is_closed
            a_transaction_or_a_lease_of_another_database_is_refused
            what_an_old_snapshot_cannot_check_is_refused
            a_key_goes_on_once_a_completion_is_committed;
    })
}
