//! Proof that the cost of claiming and settling does not depend on the size of the queue, by SQLite's own count of the
//! steps of its virtual machine.

use rusqlite::{Connection, StatementStatus};
use tempfile::TempDir;

use crate::engine::Operation;
use crate::engine::sqlite::batch::kept::{history, records, type_retention};
use crate::engine::sqlite::ops::claim::{fit, lease, look, pick};
use crate::engine::sqlite::ops::dead_letters::{damaged_rows, expiry};
use crate::engine::sqlite::ops::enqueue::{depth, unique};
use crate::engine::sqlite::ops::settings::retry;
use crate::engine::sqlite::ops::settle::note;
use crate::engine::sqlite::ops::settle::{self, complete};
use crate::engine::sqlite::ops::{advance, claim, inbox};
use crate::engine::sqlite::reader::payloads;
use crate::engine::sqlite::schema::state;
use crate::engine::sqlite::tests::{NOW, claimed_of, writer};
use crate::engine::sqlite::writer::Writer;
use crate::model::{Claim, Lease, NewTask};
use crate::time::ManualClock;

/// Every statement of a claim and of settling it, and those of features that an enqueue, a claim or a failure may use.
pub(super) const STATEMENTS: [&str; 66] = [
    pick::READY_AFTER,
    pick::SUSPECTS_AFTER,
    look::HAS_READY,
    lease::LEASE,
    claim::NOT_BEGUN,
    fit::SIZES,
    payloads::HAS_PAYLOAD,
    advance::PROMOTE,
    advance::RECLAIM,
    advance::NEXT_RUN_AT,
    advance::NEXT_EXPIRY,
    advance::LAST_EXPIRY,
    complete::HELD,
    complete::COMPLETE,
    complete::DELETE_PAYLOADS,
    settle::FAIL,
    settle::SNOOZE,
    settle::EXTEND,
    settle::BEGIN,
    settle::RELEASE,
    settle::RELEASE_SUSPECT,
    settle::DEFER,
    history::KEEP,
    history::PRUNE,
    type_retention::KEEP_COMPLETED,
    type_retention::KEEP_CANCELLED,
    damaged_rows::DEAD_LETTER,
    damaged_rows::EXHAUSTED,
    damaged_rows::READY_IN_LANE,
    inbox::WAITING,
    inbox::OLDEST,
    inbox::TAKEN,
    inbox::REFUSE,
    inbox::held::NEXT_QUEUE,
    inbox::held::HELD,
    inbox::held::HOLD,
    records::ADD_ATTEMPT,
    records::PRUNE_ATTEMPTS,
    records::ADD_RESULT,
    records::DELETE_ATTEMPTS,
    records::DELETE_RESULTS,
    records::DELETE_NOTES,
    records::DELETE_LOGS,
    note::HOLDS,
    note::SET_PROGRESS,
    note::SET_CHECKPOINT,
    note::ADD_LINE,
    note::PRUNE_LINES,
    unique::HOLDER,
    unique::INSERT,
    unique::DELETE,
    unique::AFTER,
    unique::REPLACE,
    unique::PUSH_BACK,
    unique::PRIORITY,
    unique::SET_DIGEST,
    depth::DEPTH,
    expiry::NEXT_LOOK,
    expiry::DUE,
    expiry::START_BY,
    expiry::INSERT,
    expiry::LOOK_LATER,
    expiry::LOOK_AGAIN,
    expiry::DELETE,
    expiry::EXPIRE,
    retry::POLICY,
];

pub(super) const BACKLOG: u32 = 50_000;

/// A writer with one lane for the type `job` (number 1) and one for the type `other` (number 2).
pub(super) fn writer_with_two_lanes() -> (TempDir, Writer) {
    let (folder, mut writer) = writer();
    let tasks = ["job", "other"].map(|task_type| NewTask::new(task_type, []));
    writer.apply(&ManualClock::new(NOW), &[Operation::Enqueue(tasks.to_vec())]).unwrap();
    (folder, writer)
}

/// Adds tasks without the writer's knowledge: only the cost of finding the others shows them.
pub(super) fn add(writer: &Writer, count: u32, lane: u32, state: u32) {
    let expires_at = if state == 2 { "9000000 + value" } else { "NULL" };
    writer
        .connection
        .execute_batch(&format!(
            "INSERT INTO prismq_task (id, lane, state, order_key, priority, max_attempts, enqueued_at,
                               run_at, lease_expires_at, payload)
             SELECT 1000 + value, {lane}, {state}, 1000 + value, 100, 5, 0, 9000000 + value,
                    {expires_at}, zeroblob(100)
             FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n
                   WHERE value < {count}) SELECT value FROM n)"
        ))
        .unwrap();
}

pub(super) fn claimed(writer: &mut Writer, claim: &Claim) -> Lease {
    claimed_of(writer, &ManualClock::new(NOW), claim).unwrap()
}

/// Steps of a claim of one task and its release, over all statements.
pub(super) fn steps(writer: &mut Writer) -> i32 {
    steps_of(writer, &Claim::new(["job"]))
}

fn steps_of(writer: &mut Writer, claim: &Claim) -> i32 {
    let lease = claimed(writer, claim);
    writer.apply(&ManualClock::new(NOW), &[Operation::Release(lease.key)]).unwrap();
    total(&writer.connection);
    let lease = claimed(writer, claim);
    writer.apply(&ManualClock::new(NOW), &[Operation::Release(lease.key)]).unwrap();
    total(&writer.connection)
}

/// Steps of all statements since the last count.
pub(super) fn total(connection: &Connection) -> i32 {
    let step = |sql| {
        let statement = connection.prepare_cached(sql).unwrap();
        statement.reset_status(StatementStatus::VmStep)
    };
    STATEMENTS.into_iter().map(step).sum()
}

#[track_caller]
pub(super) fn assert_same_cost(what: &str, add: impl FnOnce(&Writer)) {
    assert_same_cost_of(&Claim::new(["job"]), what, add);
}

#[track_caller]
fn assert_same_cost_of(claim: &Claim, what: &str, add: impl FnOnce(&Writer)) {
    let (_folder, mut writer) = writer_with_two_lanes();
    let alone = steps_of(&mut writer, claim);
    assert!(alone > 50, "something was counted: {alone}");
    add(&writer);
    let among_many = steps_of(&mut writer, claim);
    assert!(
        f64::from(among_many) <= f64::from(alone) * 1.05,
        "{alone} steps alone, {among_many} with {BACKLOG} tasks {what}"
    );
}

#[test]
fn a_claim_among_many_ready_tasks() {
    assert_same_cost("in state ready of lane 1", |writer| {
        add(writer, BACKLOG, 1, state::READY as u32);
    });
}

/// Adds to the queue's counter of suspects.
fn count_suspects(writer: &Writer, count: u32) {
    let count =
        format!("UPDATE prismq_queue SET suspects = suspects + {count}, ready = ready + {count}");
    writer.connection.execute_batch(&count).unwrap();
}

/// A claim that can take suspects has to seek those of its own types.
#[test]
fn a_claim_next_to_many_suspects_of_another_type() {
    let (_folder, mut writer) = writer_with_two_lanes();
    add(&writer, 1, 2, state::SUSPECT as u32);
    count_suspects(&writer, 1);
    let next_to_one = steps(&mut writer);
    writer.connection.execute_batch("DELETE FROM prismq_task WHERE id > 1000").unwrap();
    add(&writer, BACKLOG, 2, state::SUSPECT as u32);
    count_suspects(&writer, BACKLOG - 1);
    let among_many = steps(&mut writer);
    assert!(f64::from(among_many) <= f64::from(next_to_one) * 1.05, "{next_to_one}, {among_many}");
}

#[test]
fn a_claim_without_suspects_among_many() {
    assert_same_cost_of(&Claim::new(["job"]).suspects_max(0), "that are suspects", |writer| {
        add(writer, BACKLOG, 1, state::SUSPECT as u32);
        count_suspects(writer, BACKLOG);
    });
}

#[test]
fn a_claim_among_many_suspects() {
    let among = |count| {
        let (_folder, mut writer) = writer_with_two_lanes();
        add(&writer, count, 1, state::SUSPECT as u32);
        count_suspects(&writer, count);
        steps(&mut writer)
    };
    let (few, many) = (among(10), among(BACKLOG));
    assert!(f64::from(many) <= f64::from(few) * 1.05, "{few} steps among 10, {many} among many");
}

#[test]
fn a_claim_seeks_no_suspects_if_there_are_none() {
    let (_folder, mut writer) = writer_with_two_lanes();
    let claim = Operation::Claim(Claim::new(["job", "other"]).max(9));
    for operations in [vec![claim.clone()], vec![claim.clone(), claim]] {
        writer.apply(&ManualClock::new(NOW), &operations).unwrap();
    }
    let looks = writer.connection.prepare_cached(pick::SUSPECTS_AFTER).unwrap();
    assert_eq!(looks.get_status(StatementStatus::Run), 0);
}

#[test]
fn a_claim_next_to_many_scheduled_tasks() {
    assert_same_cost("in state scheduled of lane 1", |writer| {
        add(writer, BACKLOG, 1, state::SCHEDULED as u32);
    });
}

#[test]
fn a_claim_next_to_many_leased_tasks() {
    assert_same_cost("in state leased of lane 1", |writer| {
        add(writer, BACKLOG, 1, state::LEASED as u32);
    });
}

#[test]
fn a_claim_next_to_many_dead_tasks() {
    assert_same_cost("in state dead of lane 1", |writer| {
        add(writer, BACKLOG, 1, state::DEAD as u32);
    });
}

#[test]
fn a_claim_next_to_many_ready_tasks_of_another_type() {
    assert_same_cost("in state ready of lane 2", |writer| {
        add(writer, BACKLOG, 2, state::READY as u32);
    });
}

#[test]
fn a_claim_next_to_many_kept_tasks() {
    assert_same_cost("that are kept", |writer| {
        let keep = format!(
            "UPDATE prismq_queue SET keep = {BACKLOG}, kept = {BACKLOG};
             INSERT INTO prismq_kept (task, queue, lane, priority, attempt, max_attempts, enqueued_at,
                               run_at, completed_at, completion, payload)
             SELECT 1000 + value, 1, 1, 100, 1, 5, 0, 0, value, value, zeroblob(100)
             FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n
                   WHERE value < {BACKLOG}) SELECT value FROM n)"
        );
        writer.connection.execute_batch(&keep).unwrap();
    });
}

#[test]
fn a_claim_next_to_a_paused_queue_with_many_tasks() {
    assert_same_cost("of a paused queue", |writer| {
        let queue = "INSERT INTO prismq_queue (id, name, paused) VALUES (2, 'paused', 1);
                     INSERT INTO prismq_lane (id, queue, type) VALUES (3, 2, 'job')";
        writer.connection.execute_batch(queue).unwrap();
        add(writer, BACKLOG, 3, state::READY as u32);
    });
}

#[test]
fn a_claim_next_to_many_tasks_with_unmet_requirements() {
    assert_same_cost("that require what the claim has not", |writer| {
        let lane =
            "INSERT INTO prismq_lane (id, queue, type, requirements) VALUES (3, 1, 'job', 'gpu')";
        writer.connection.execute_batch(lane).unwrap();
        add(writer, BACKLOG, 3, state::READY as u32);
    });
}
