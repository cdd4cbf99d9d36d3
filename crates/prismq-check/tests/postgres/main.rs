//! The engine in a PostgreSQL database: the conformance suite, the costs of claims, and faults of servers. Ignored with
//! the reason where there is no server.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]
#![allow(dead_code, reason = "the cases of the queue in a file use the rest of what is shared")]

mod conformance;
#[path = "../check/conformance/driver.rs"]
mod driver;
mod faults;
mod plans;
#[path = "../check/conformance/queue.rs"]
mod queue;
#[path = "../check/conformance/random_operations.rs"]
mod random_operations;

use std::process::ExitCode;

use prismq_check::conformance::VERBS;
use prismq_probe::{Requirement, Trial, trial};

fn main() -> ExitCode {
    let verb = |verb: prismq_check::conformance::Verb| -> Trial {
        trial(
            &format!("conformance::{}", verb.name),
            || Requirement::Postgres.probe(),
            move || {
                conformance::check(verb);
                Ok(())
            },
        )
    };
    let mut trials: Vec<Trial> = VERBS.into_iter().map(verb).collect();
    let plans: [(&str, fn()); 13] = [
        (
            "a_claim_of_a_nearly_empty_queue_does_not_pass_over_deleted_rows_each_time",
            plans::a_claim_of_a_nearly_empty_queue_does_not_pass_over_deleted_rows_each_time,
        ),
        (
            "a_claim_by_key_costs_the_same_however_many_others_have_come",
            plans::a_claim_by_key_costs_the_same_however_many_others_have_come,
        ),
        (
            "a_claim_costs_the_same_however_many_tasks_are_ready",
            plans::a_claim_costs_the_same_however_many_tasks_are_ready,
        ),
        (
            "a_claim_costs_the_same_however_many_tasks_wait_for_limits",
            plans::a_claim_costs_the_same_however_many_tasks_wait_for_limits,
        ),
        (
            "a_claim_does_not_pass_over_deleted_rows_each_time",
            plans::a_claim_does_not_pass_over_deleted_rows_each_time,
        ),
        (
            "a_claim_does_not_pass_over_what_was_due_each_time",
            plans::a_claim_does_not_pass_over_what_was_due_each_time,
        ),
        (
            "a_claim_does_not_pass_over_what_expired_before_each_time",
            plans::a_claim_does_not_pass_over_what_expired_before_each_time,
        ),
        (
            "a_claim_does_not_pass_over_rows_of_the_inbox_that_are_gone_each_time",
            plans::a_claim_does_not_pass_over_rows_of_the_inbox_that_are_gone_each_time,
        ),
        (
            "a_claim_in_random_order_does_not_pass_over_what_others_have_noted",
            plans::a_claim_in_random_order_does_not_pass_over_what_others_have_noted,
        ),
        (
            "a_pool_that_finds_nothing_does_not_pass_over_deleted_rows_each_time",
            plans::a_pool_that_finds_nothing_does_not_pass_over_deleted_rows_each_time,
        ),
        (
            "a_task_is_found_by_its_id_after_a_vacuum_that_removed_nothing",
            plans::a_task_is_found_by_its_id_after_a_vacuum_that_removed_nothing,
        ),
        (
            "a_task_under_a_limit_does_not_pass_over_deleted_rows_each_time",
            plans::a_task_under_a_limit_does_not_pass_over_deleted_rows_each_time,
        ),
        (
            "a_task_with_a_key_does_not_pass_over_what_asked_for_keys_each_time",
            plans::a_task_with_a_key_does_not_pass_over_what_asked_for_keys_each_time,
        ),
    ];
    trials.extend(plans.map(|(name, run)| {
        trial(
            &format!("plans::{name}"),
            || Requirement::Postgres.probe(),
            move || {
                run();
                Ok(())
            },
        )
    }));
    trials.push(trial(
        "conformance::a_queue_answers_as_the_model_does",
        || Requirement::Postgres.probe(),
        || {
            conformance::compare_with_model();
            Ok(())
        },
    ));
    trials.extend(faults::trials());
    prismq_probe::run(trials)
}
