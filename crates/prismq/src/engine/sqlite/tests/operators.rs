//! Proof that what an operator finds and does costs what it concerns, and does not depend on the size of the file.

use rusqlite::StatementStatus;

use crate::engine::sqlite::batch::kept::retention;
use crate::engine::sqlite::ops::manage::{self, cancel, delete, redrive};
use crate::engine::sqlite::reader::find::{self, range};
use crate::engine::sqlite::tests::NOW;
use crate::engine::sqlite::tests::cost::writer_with_two_lanes;
use crate::engine::sqlite::writer::Writer;
use crate::engine::{Answer, Detail, Hit, Operation, Revival, Search, Seen, Target, Targets};
use crate::model::{State, TaskFilter, TaskId};
use crate::time::{ManualClock, Moment};

/// Ready and dead tasks each that are of no concern.
const OTHERS: u32 = 500_000;

fn statements() -> impl Iterator<Item = &'static str> {
    let of_acts = [
        manage::FIND,
        manage::REMOVE,
        manage::REMOVE_PAYLOAD,
        delete::REMOVE_KEPT,
        redrive::ATTEMPTS,
        redrive::REVIVE,
        cancel::KEEPS,
        cancel::KEEP,
        find::LANES,
        find::ALL_LANES,
        retention::OLDEST_DEAD,
    ];
    of_acts.into_iter().chain(range::statements())
}

/// Tasks of a lane and state.
const ADD: &str =
    "INSERT INTO prismq_task (id, lane, state, order_key, priority, max_attempts, enqueued_at, run_at, error)
     SELECT ?1 + value, ?3, ?4, ?1 + value, 100, 5, 0, value, 'refused'
     FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?2)
           SELECT value FROM n)";

/// Adds tasks of the lane and state without the writer's knowledge, with ids from `first` on.
fn add(writer: &Writer, first: u32, count: u32, lane: u32, state: u32) {
    writer.connection.execute(ADD, [first, count, lane, state]).unwrap();
}

/// Steps of SQLite's virtual machine since the last call.
fn steps(writer: &Writer) -> i32 {
    let count = |sql| {
        let statement = writer.connection.prepare_cached(sql).unwrap();
        statement.reset_status(StatementStatus::VmStep)
    };
    statements().map(count).sum()
}

fn dead_jobs() -> Search {
    let filter = TaskFilter {
        queue: Some("default".into()),
        types: vec!["job".into()],
        states: vec![State::Dead],
        error_contains: Some("refused".to_owned()),
        ..TaskFilter::default()
    };
    Search {
        filter,
        now: Moment { wall: NOW, monotonic: NOW },
        died_by_now: true,
        last_id: TaskId::from_i64(i64::MAX),
        detail: Detail::Row,
        tasks_max: 512,
        bytes_max: u64::MAX,
    }
}

/// Finds ten dead tasks, puts them back and deletes them; returns the steps of each.
fn steps_of_ten(writer: &mut Writer) -> [i32; 3] {
    add(writer, 10, 10, 1, 3);
    steps(writer);
    let found = find::step(&writer.connection, &dead_jobs(), None).unwrap();
    assert_eq!((found.hits.len(), found.next), (10, None));
    let finding = steps(writer);
    let targets: Vec<Target> = found.hits.iter().map(Hit::target).collect();
    let revival = Revival { keep_attempts: false, due: NOW, interval: 0 };
    let mut act = |operation: Operation| {
        let answer = writer.apply(&ManualClock::new(NOW), &[operation]).unwrap().remove(0);
        assert!(matches!(answer, Ok(Answer::Redriven(10) | Answer::Deleted(10))), "{answer:?}");
        steps(writer)
    };
    let redriving = act(Operation::Redrive { tasks: targets.clone(), revival });
    // The redrive gave them another token.
    let targets = targets.into_iter().map(|target| Target { seen: Seen::Nothing, ..target });
    let targets = Targets { tasks: targets.collect(), states: Vec::new() };
    [finding, redriving, act(Operation::Delete(targets))]
}

#[test]
fn finding_redriving_and_deleting_ten_tasks_among_a_million_others() {
    let (_folder, mut writer) = writer_with_two_lanes();
    // The statements are prepared.
    steps_of_ten(&mut writer);
    let alone = steps_of_ten(&mut writer);
    assert!(alone.iter().all(|steps| *steps > 100), "something was counted: {alone:?}");
    add(&writer, 1_000, OTHERS, 2, 0);
    add(&writer, 1_000 + OTHERS, OTHERS, 2, 3);
    let among_many = steps_of_ten(&mut writer);
    for (alone, among_many) in alone.into_iter().zip(among_many) {
        assert!(
            f64::from(among_many) <= f64::from(alone) * 1.02,
            "{alone} steps alone, {among_many} among a million"
        );
    }
}

/// However many there are, a step reads no more than its bound, and goes on where it stopped.
#[test]
fn a_step_through_many_tasks_is_bounded() {
    let (_folder, writer) = writer_with_two_lanes();
    add(&writer, 1_000, 50_000, 1, 3);
    let mut search = dead_jobs();
    search.filter.error_contains = Some("of none of them".to_owned());
    let mut after = None;
    let mut most = 0;
    let mut count = 0;
    loop {
        steps(&writer);
        let found = find::step(&writer.connection, &search, after).unwrap();
        assert!(found.hits.is_empty());
        most = most.max(steps(&writer));
        count += 1;
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(count, 50_000 / crate::engine::SEARCH_STEP_TASKS + 1);
    assert!(most < 200_000, "{most} steps");
}
