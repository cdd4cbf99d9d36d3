//! Proof that limits and keys cost claims of other tasks nothing, and claims of their own no more with many keys or a
//! large backlog than with few.

use std::time::Duration;

use rusqlite::StatementStatus;

use super::cost::{STATEMENTS, writer_with_two_lanes};
use super::plans::{assert_no_scan, assert_seeks};
use crate::engine::sqlite::batch::lanes::{self, lines};
use crate::engine::sqlite::batch::limits;
use crate::engine::sqlite::ops::claim::lines::{find, save};
use crate::engine::sqlite::ops::claim::{admission, look};
use crate::engine::sqlite::tests::NOW;
use crate::engine::sqlite::writer::Writer;
use crate::engine::{Answer, Operation};
use crate::model::{Claim, Lease, Limit, NewTask};
use crate::time::{ManualClock, Timestamp};

/// Every statement of a claim of limited tasks and of settling them, beyond those of any.
const OF_LIMITS: [&str; 20] = [
    lanes::BY_ID,
    limits::LIMIT_AND_KEY,
    limits::FREE_KEY,
    limits::FREE_LIMIT,
    limits::UNBLOCK,
    limits::OPEN,
    limits::COUNT_SCHEDULED,
    lines::LINE_OF,
    lines::IDLE_KEYS,
    lines::IN_USE,
    admission::LIMIT,
    admission::TAKE_OF_LIMIT,
    admission::TAKE_OF_KEY,
    find::OPEN_AFTER,
    find::LINES_OF_KEY,
    find::HOLDER,
    save::SET_LINE,
    save::OPEN_DUE,
    save::DUE_NO_MORE,
    look::HAS_OPEN,
];

#[test]
fn no_statement_of_a_limit_scans_or_sorts() {
    let (_folder, writer) = writer_with_two_lanes();
    for sql in OF_LIMITS {
        assert_no_scan(&writer, sql);
    }
    assert_no_scan(&writer, save::FIRST_DUE);
}

#[test]
fn lines_and_keys_are_sought_in_their_indexes() {
    let (_folder, writer) = writer_with_two_lanes();
    let wanted = [
        (find::OPEN_AFTER, "INDEX prismq_line_open (base=? AND turn>?)"),
        (limits::OPEN, "COVERING INDEX prismq_line_open (base=?)"),
        (limits::UNBLOCK, "INDEX sqlite_autoindex_prismq_line_1 (key=?)"),
        (save::OPEN_DUE, "COVERING INDEX prismq_key_due (due_at<?)"),
        (look::HAS_OPEN, "COVERING INDEX prismq_line_open (base=?)"),
        (lines::IDLE_KEYS, "COVERING INDEX prismq_key_idle (idle_at<?)"),
    ];
    for (sql, seek) in wanted {
        assert_seeks(&writer, sql, seek);
    }
}

fn apply(writer: &mut Writer, now: Timestamp, batch: &[Operation]) -> Vec<Answer> {
    let answers = writer.apply(&ManualClock::new(now), batch).unwrap();
    answers.into_iter().map(Result::unwrap).collect()
}

fn claimed(writer: &mut Writer, now: Timestamp, claim: &Claim) -> Vec<Lease> {
    match apply(writer, now, &[Operation::Claim(claim.clone())]).remove(0) {
        Answer::Claimed(claimed) => claimed.leases,
        other => panic!("{other:?}"),
    }
}

/// Adds so many tasks of the type `keyed`, over so many keys, under the limit `each`.
fn enqueue(writer: &mut Writer, tasks: usize, keys: usize) {
    let limit = Limit::concurrency(2).per_key().and(Limit::rate(1000, Duration::from_secs(1)));
    let set = Operation::SetLimit { name: "each".into(), limit: limit.burst(1000) };
    apply(writer, NOW, &[set]);
    let all: Vec<usize> = (0..tasks).collect();
    for some in all.chunks(10_000) {
        let tasks = some.iter().map(|number| {
            let key = format!("key {}", number % keys);
            NewTask::new("keyed", []).limit("each").key(key)
        });
        apply(writer, NOW, &[Operation::Enqueue(tasks.collect())]);
    }
}

/// Steps of a claim of so many tasks, and of completing them, over all statements.
fn steps(writer: &mut Writer, claim: &Claim) -> i32 {
    let count = |writer: &Writer| -> i32 {
        let step = |sql| {
            let statement = writer.connection.prepare_cached(sql).unwrap();
            statement.reset_status(StatementStatus::VmStep)
        };
        STATEMENTS.into_iter().chain(OF_LIMITS).map(step).sum()
    };
    let mut now = NOW;
    let mut steps = 0;
    // The first one prepares the statements.
    for _ in 0..2 {
        now = now.after(Duration::from_secs(1));
        count(writer);
        let leases = claimed(writer, now, claim);
        assert_eq!(leases.len(), claim.max);
        let complete =
            leases.iter().map(|lease| Operation::Complete { key: lease.key, result: None });
        apply(writer, now, &complete.collect::<Vec<_>>());
        steps = count(writer);
    }
    steps
}

#[track_caller]
fn assert_about_the_same(what: &str, few: i32, many: i32) {
    assert!(few > 50, "something was counted: {few}");
    println!("{what}: {few} steps with few, {many} with many");
    assert!(f64::from(many) <= f64::from(few) * 1.05, "{what}: {few} steps with few, {many}");
}

fn add_ready(writer: &mut Writer, task_type: &str) {
    let tasks = vec![NewTask::new(task_type, []); 50];
    apply(writer, NOW, &[Operation::Enqueue(tasks)]);
}

#[test]
fn a_claim_next_to_many_limited_tasks() {
    let steps_among = |tasks, keys| {
        let (_folder, mut writer) = writer_with_two_lanes();
        add_ready(&mut writer, "job");
        enqueue(&mut writer, tasks, keys);
        // Each transaction looks at some keys for those that were added; that is part of the cost of adding them.
        for _ in 0..=keys / 64 {
            apply(&mut writer, NOW, &[Operation::SetPaused { queue: "x".into(), paused: false }]);
        }
        steps(&mut writer, &Claim::new(["job"]).max(10))
    };
    let (_folder, mut writer) = writer_with_two_lanes();
    add_ready(&mut writer, "job");
    let alone = steps(&mut writer, &Claim::new(["job"]).max(10));
    let next_to_many = steps_among(50_000, 10_000);
    println!("tasks under no limit: {alone} steps, {next_to_many} next to limited ones");
    assert_eq!(alone, next_to_many);
}

#[test]
fn a_claim_of_one_of_many_keys() {
    let steps_among = |tasks, keys, max| {
        let (_folder, mut writer) = writer_with_two_lanes();
        enqueue(&mut writer, tasks, keys);
        steps(&mut writer, &Claim::new(["keyed"]).max(max))
    };
    let (one, many) = (steps_among(50, 1, 1), steps_among(50_000, 10_000, 1));
    assert_about_the_same("one task", one, many);
    let (ten, many) = (steps_among(500, 10, 10), steps_among(50_000, 10_000, 10));
    assert_about_the_same("a task of ten keys each", ten, many);
}

#[test]
fn a_claim_next_to_many_keys_that_may_start_no_task() {
    let steps_next_to = |keys: usize| {
        let (_folder, mut writer) = writer_with_two_lanes();
        enqueue(&mut writer, 4 * keys, keys);
        let mut taken = 0;
        let mut now = NOW;
        // Two of each run.
        while taken < 2 * keys {
            now = now.after(Duration::from_secs(1));
            let claim = Claim::new(["keyed"]).max(1000).lease(Duration::from_secs(10_000));
            taken += claimed(&mut writer, now, &claim).len();
        }
        let more = vec![NewTask::new("keyed", []).limit("each").key("free"); 50];
        apply(&mut writer, now, &[Operation::Enqueue(more)]);
        steps(&mut writer, &Claim::new(["keyed"]))
    };
    assert_about_the_same("keys that run", steps_next_to(10), steps_next_to(2000));
}

#[test]
fn a_claim_under_a_limit_among_many_tasks() {
    let steps_among = |tasks| {
        let (_folder, mut writer) = writer_with_two_lanes();
        let limit = Limit::concurrency(10);
        let set = Operation::SetLimit { name: "all".into(), limit };
        let tasks = vec![NewTask::new("limited", []).limit("all"); tasks];
        apply(&mut writer, NOW, &[set]);
        for tasks in tasks.chunks(10_000) {
            apply(&mut writer, NOW, &[Operation::Enqueue(tasks.to_vec())]);
        }
        steps(&mut writer, &Claim::new(["limited"]))
    };
    assert_about_the_same("tasks of a limit", steps_among(50), steps_among(50_000));
}
