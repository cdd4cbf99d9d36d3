//! Proof that the rows of features cost those nothing who use none of them, and do not add to a claim by their number.

use rusqlite::StatementStatus;

use super::NOW;
use super::cost::{BACKLOG, add, assert_same_cost, claimed, steps, total, writer_with_two_lanes};
use crate::engine::sqlite::ops::dead_letters::expiry;
use crate::engine::sqlite::ops::enqueue::{depth, unique};
use crate::engine::sqlite::ops::inbox;
use crate::engine::sqlite::ops::settings::retry;
use crate::engine::sqlite::schema::state;
use crate::engine::sqlite::writer::Writer;
use crate::engine::{AfterFailure, Operation};
use crate::model::{Claim, Failure, NewTask, Unique};
use crate::time::ManualClock;

#[test]
fn a_claim_looks_at_no_inbox_until_it_is_used() {
    let (_folder, mut writer) = writer_with_two_lanes();
    steps(&mut writer);
    for sql in [inbox::WAITING, inbox::OLDEST] {
        let statement = writer.connection.prepare_cached(sql).unwrap();
        assert_eq!(statement.get_status(StatementStatus::Run), 0, "{sql}");
    }
}

#[test]
fn a_claim_next_to_many_refused_rows_of_the_inbox() {
    let among = |count: u32| {
        let (_folder, mut writer) = writer_with_two_lanes();
        let rows = format!(
            "UPDATE prismq_meta SET features = 1;
             INSERT INTO prismq_inbox (type, payload, error)
             SELECT 'job', zeroblob(100), 'refused'
             FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n
                   WHERE value < {count}) SELECT value FROM n)"
        );
        writer.connection.execute_batch(&rows).unwrap();
        steps(&mut writer)
    };
    let (few, many) = (among(1), among(BACKLOG));
    assert!(f64::from(many) <= f64::from(few) * 1.05, "{few} steps next to one, {many} to many");
}

/// Adds tasks that hold keys, and wait far in the future.
fn add_keys(writer: &Writer, count: u32) {
    add(writer, count, 1, state::SCHEDULED as u32);
    let keys = "INSERT INTO prismq_unique (task, type, key, hold, digest)
         SELECT id, 'job', 'key ' || id, 1, zeroblob(32) FROM prismq_task WHERE id > 1000";
    writer.connection.execute_batch(keys).unwrap();
}

#[test]
fn a_claim_next_to_many_unique_tasks() {
    assert_same_cost("that are unique", |writer| add_keys(writer, BACKLOG));
}

#[test]
fn a_unique_enqueue_among_many_keys() {
    let among = |count| {
        let (_folder, mut writer) = writer_with_two_lanes();
        add_keys(&writer, count);
        let clock = ManualClock::new(NOW);
        // Not the lowest ids, which are next to the beginning of the tables.
        writer.connection.execute_batch("UPDATE prismq_meta SET next_id = 900000").unwrap();
        let enqueue = |writer: &mut Writer, key: &str| {
            let task = NewTask::new("job", []).unique(Unique::key(key));
            writer.apply(&clock, &[Operation::Enqueue(vec![task])]).unwrap();
        };
        enqueue(&mut writer, "first");
        total(&writer.connection);
        (0..10).for_each(|number| enqueue(&mut writer, &format!("new {number}")));
        (0..10).for_each(|number| enqueue(&mut writer, &format!("new {number}")));
        total(&writer.connection)
    };
    let (few, many) = (among(10), among(BACKLOG));
    assert!(few > 50, "something was counted: {few}");
    assert!(f64::from(many) <= f64::from(few) * 1.05, "{few} steps among 10, {many} among many");
}

/// With the feature in use: its own cost is counted on both sides.
#[test]
fn a_claim_next_to_many_tasks_that_expire() {
    let next_to = |count: u32| {
        let (_folder, mut writer) = writer_with_two_lanes();
        let mortal = NewTask::new("job", []).expires_after(std::time::Duration::from_secs(3600));
        writer.apply(&ManualClock::new(NOW), &[Operation::Enqueue(vec![mortal])]).unwrap();
        add(&writer, count, 2, state::READY as u32);
        let entries = "INSERT INTO prismq_expiry (task, start_by, look_at)
             SELECT id, 99000000 + id, 99000000 + id FROM prismq_task WHERE id > 1000";
        writer.connection.execute_batch(entries).unwrap();
        steps(&mut writer)
    };
    let (few, many) = (next_to(10), next_to(BACKLOG));
    assert!(f64::from(many) <= f64::from(few) * 1.05, "{few} steps next to 10, {many} to many");
}

/// Those who use none of the features run none of their statements.
#[test]
fn a_claim_and_a_failure_without_features_run_no_statement_of_one() {
    let (_folder, mut writer) = writer_with_two_lanes();
    let clock = ManualClock::new(NOW);
    let lease = claimed(&mut writer, &Claim::new(["job"]));
    let next = AfterFailure::ByPolicy { otherwise: std::time::Duration::ZERO };
    let failure = Failure { error: "no".to_owned(), error_type: None, began_at: NOW, worker: None };
    let fail = Operation::Fail { key: lease.key, failure, next };
    writer.apply(&clock, &[fail]).unwrap();
    let lease = claimed(&mut writer, &Claim::new(["job"]));
    writer.apply(&clock, &[Operation::Complete { key: lease.key, result: None }]).unwrap();
    let of_features = [
        unique::HOLDER,
        unique::AFTER,
        depth::DEPTH,
        expiry::NEXT_LOOK,
        expiry::START_BY,
        retry::POLICY,
    ];
    for sql in of_features {
        let statement = writer.connection.prepare_cached(sql).unwrap();
        assert_eq!(statement.get_status(StatementStatus::Run), 0, "{sql}");
    }
}
