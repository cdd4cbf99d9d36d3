//! What operators do to tasks that changed after they were found, each step made to come between the search and the act.

use rusqlite::OptionalExtension;
use tempfile::TempDir;

use super::{NOW, claimed_by, writer};
use crate::engine::sqlite::reader::find;
use crate::engine::sqlite::writer::Writer;
use crate::engine::{
    AfterFailure, Answer, Detail, Hit, Operation, Revival, Search, Target, Targets,
};
use crate::model::{Failure, NewTask, State, TaskFilter, TaskId};
use crate::time::{ManualClock, Moment};

const WAITING: [State; 2] = [State::Ready, State::Scheduled];
const LIVE: [State; 3] = [State::Ready, State::Scheduled, State::Leased];
const NOT_RUNNING: [State; 5] =
    [State::Ready, State::Scheduled, State::Dead, State::Completed, State::Cancelled];

fn apply(writer: &mut Writer, operation: Operation) -> Answer {
    writer.apply(&ManualClock::new(NOW), &[operation]).unwrap().remove(0).unwrap()
}

/// A queue that keeps a completed task, with one task.
fn with_a_task() -> (TempDir, Writer) {
    let (folder, mut writer) = writer();
    apply(&mut writer, Operation::SetHistory { queue: "default".into(), keep: 9 });
    apply(&mut writer, Operation::Enqueue(vec![NewTask::new("job", [])]));
    (folder, writer)
}

/// What an operator finds who means tasks in these states.
fn found(writer: &Writer, states: &[State]) -> Vec<Target> {
    let search = Search {
        filter: TaskFilter { states: states.to_vec(), ..TaskFilter::default() },
        now: Moment { wall: NOW, monotonic: NOW },
        died_by_now: false,
        last_id: TaskId::from_i64(i64::MAX),
        detail: Detail::Row,
        tasks_max: 9,
        bytes_max: u64::MAX,
    };
    let found = find::step(&writer.connection, &search, None).unwrap();
    found.hits.iter().map(Hit::target).collect()
}

fn begin(writer: &mut Writer) -> crate::model::LeaseKey {
    claimed_by(writer, &ManualClock::new(NOW)).unwrap().key
}

fn die(writer: &mut Writer) {
    let key = begin(writer);
    let failure = Failure { error: "no".to_owned(), error_type: None, began_at: NOW, worker: None };
    apply(writer, Operation::Fail { key, failure, next: AfterFailure::Dead });
}

fn redrive(writer: &mut Writer, tasks: Vec<Target>) -> u64 {
    let revival = Revival { keep_attempts: false, due: NOW, interval: 0 };
    match apply(writer, Operation::Redrive { tasks, revival }) {
        Answer::Redriven(count) => count,
        other => panic!("{other:?}"),
    }
}

fn delete(writer: &mut Writer, tasks: Vec<Target>, states: &[State]) -> u64 {
    match apply(writer, Operation::Delete(Targets { tasks, states: states.to_vec() })) {
        Answer::Deleted(count) => count,
        other => panic!("{other:?}"),
    }
}

/// How many ended, and of how many it was requested.
fn cancel(writer: &mut Writer, tasks: Vec<Target>, states: &[State]) -> (u64, usize) {
    match apply(writer, Operation::Cancel(Targets { tasks, states: states.to_vec() })) {
        Answer::Cancelled(cancelled) => (cancelled.ended, cancelled.requested.len()),
        other => panic!("{other:?}"),
    }
}

fn state(writer: &Writer) -> Option<i64> {
    let select = "SELECT state FROM prismq_task UNION ALL SELECT state FROM prismq_kept";
    writer.connection.query_row(select, [], |row| row.get(0)).optional().unwrap()
}

#[test]
fn a_dead_task_that_was_redriven_is_not_deleted() {
    let (_folder, mut writer) = with_a_task();
    die(&mut writer);
    let dead = found(&writer, &NOT_RUNNING);
    assert_eq!(redrive(&mut writer, dead.clone()), 1);
    assert_eq!(delete(&mut writer, dead.clone(), &NOT_RUNNING), 0);
    // Dead again, of another attempt.
    die(&mut writer);
    assert_eq!(delete(&mut writer, dead, &NOT_RUNNING), 0);
    assert_eq!(state(&writer), Some(3));
}

#[test]
fn a_dead_task_is_redriven_by_one_of_two_operators() {
    let (_folder, mut writer) = with_a_task();
    die(&mut writer);
    let dead = found(&writer, &[State::Dead]);
    assert_eq!(redrive(&mut writer, dead.clone()), 1);
    assert_eq!(redrive(&mut writer, dead), 0);
}

#[test]
fn a_dead_task_that_was_redriven_and_completed_is_not_deleted_from_the_history() {
    let (_folder, mut writer) = with_a_task();
    die(&mut writer);
    let dead = found(&writer, &NOT_RUNNING);
    redrive(&mut writer, dead.clone());
    let key = begin(&mut writer);
    apply(&mut writer, Operation::complete(key));
    assert_eq!(delete(&mut writer, dead, &NOT_RUNNING), 0);
    let kept = found(&writer, &NOT_RUNNING);
    assert_eq!(delete(&mut writer, kept, &NOT_RUNNING), 1);
    assert_eq!(state(&writer), None);
}

#[test]
fn a_waiting_task_that_died_and_was_redriven_is_not_cancelled() {
    let (_folder, mut writer) = with_a_task();
    let waiting = found(&writer, &LIVE);
    die(&mut writer);
    let dead = found(&writer, &[State::Dead]);
    redrive(&mut writer, dead);
    assert_eq!(cancel(&mut writer, waiting.clone(), &LIVE), (0, 0));
    begin(&mut writer);
    assert_eq!(cancel(&mut writer, waiting, &LIVE), (0, 0));
}

#[test]
fn a_waiting_task_that_began_is_cancelled_if_running_ones_are_meant() {
    let (_folder, mut writer) = with_a_task();
    let waiting = found(&writer, &LIVE);
    begin(&mut writer);
    assert_eq!(cancel(&mut writer, waiting.clone(), &WAITING), (0, 0));
    assert_eq!(cancel(&mut writer, waiting, &LIVE), (0, 1));
}

#[test]
fn a_task_that_is_not_in_a_state_that_is_meant_any_more_stays() {
    let (_folder, mut writer) = with_a_task();
    let key = begin(&mut writer);
    let running = found(&writer, &[State::Leased]);
    apply(&mut writer, Operation::Release(key));
    assert_eq!(cancel(&mut writer, running, &[State::Leased]), (0, 0));
    assert_eq!(state(&writer), Some(0));
}
