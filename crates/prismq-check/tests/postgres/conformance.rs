//! A verb of the suite on the PostgreSQL engine: each case passes, or is listed as one of what the engine does not offer
//! yet, and refused so.

use std::sync::Arc;

use prismq::{Durability, ManualClock, Queue};
use prismq_check::conformance::{Case, Verb};
use prismq_cluster::Cluster;

use crate::queue::{Place, UnderTest};

/// Cases that need what this engine does not offer yet, by verb.
const NOT_OFFERED: [(&str, &[&str]); 2] = [
    (
        "limit",
        &[
            "no_more_tasks_of_a_limit_run_at_once_than_it_allows",
            "no_more_tasks_of_a_key_run_at_once_than_its_limit_allows",
            "no_more_tasks_of_a_queue_run_at_once_than_it_is_set_to",
            "a_slot_comes_back_when_the_lease_expires",
            "tasks_start_at_the_rate_of_their_limit",
            "a_limit_is_kept_and_can_be_changed",
            "a_limit_that_is_not_set_is_refused",
            "keys_take_turns",
            "ordered_tasks_of_a_key_run_one_at_a_time_in_order",
            "a_retry_keeps_its_ordered_key",
        ],
    ),
    (
        "schedule",
        &[
            "a_schedule_enqueues_its_task_once_for_each_slot",
            "missed_slots_run_by_the_schedules_policy",
            "a_schedule_without_overlap_drops_slots_until_its_last_task_is_done",
            "a_schedule_that_is_set_again_keeps_its_next_slot",
            "a_schedule_survives_a_restart",
            "a_paused_schedule_fires_nothing_and_resumes_with_its_next_slot",
            "a_removed_schedule_fires_no_more",
            "a_schedule_can_be_run_now_between_its_slots",
            "no_slot_fires_twice_when_the_clock_is_set_back",
            "a_schedule_out_of_bounds_is_refused",
            "an_unknown_schedule_is_refused",
        ],
    ),
];

/// What a refusal says that the engine does not offer something.
const REFUSED: &str = "not offered";

/// A schema of its own for each queue.
#[derive(Debug)]
struct InDatabase<'a> {
    cluster: &'a Cluster,
    schema: String,
}

impl Place for InDatabase<'_> {
    fn open(&self, clock: &Arc<ManualClock>) -> Queue {
        let url = format!("{}&schema={}", self.cluster.url("postgres"), self.schema);
        let builder = prismq::postgres::builder(&url).unwrap().clock(clock.clone());
        builder.durability(Durability::Normal).open().unwrap()
    }
}

/// Runs every case of a verb, each on an empty queue.
pub(crate) fn check(verb: Verb) {
    let cluster = Cluster::start(&["fsync=off"]).unwrap();
    let failed: Vec<String> = (0..)
        .zip(verb.cases)
        .filter_map(|(number, case)| {
            let place = InDatabase { cluster: &cluster, schema: format!("case_{number}") };
            let mut engine = UnderTest::at(place, 1_800_000_000_000_000, 1);
            let outcome = case.run(&mut engine);
            let is_listed = is_listed(verb, case);
            match outcome {
                Ok(()) if is_listed => {
                    Some(format!("{}::{} is offered: list it no more", verb.name, case.name))
                }
                Ok(()) => None,
                Err(mismatch) if is_listed && mismatch.to_string().contains(REFUSED) => None,
                Err(mismatch) => Some(format!("{}::{}: {mismatch}", verb.name, case.name)),
            }
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn is_listed(verb: Verb, case: &Case) -> bool {
    NOT_OFFERED.iter().any(|(of, cases)| *of == verb.name && cases.contains(&case.name))
}
