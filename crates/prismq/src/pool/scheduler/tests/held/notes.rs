//! Who writes what a handler has noted: the leader, or the handler's own transaction that completes the task.

use super::*;
use crate::model::limits::NOTE_DELAY;
use crate::model::{LogLine, Note};

/// A pool whose only handler runs and has logged this line.
fn pool_that_noted(line: &str) -> (Pool, LeaseKey) {
    let mut pool = Pool::new(settings(1));
    pool.scheduler.events_sent(EVENTS_MAX); // no claims
    pool.claimed([lease(1)]);
    let key = pool.begin(0).key;
    pool.scheduler.take_note(key, note(line), pool.now);
    (pool, key)
}

fn note(line: &str) -> Note {
    Note { lines: vec![LogLine::new(CLOCK, 1, line)], ..Note::default() }
}

fn lines(note: &Note) -> Vec<&str> {
    note.lines.iter().map(|line| line.text.as_str()).collect()
}

#[test]
fn an_own_completion_waits_for_the_leaders_write_and_takes_over_what_failed() {
    let (mut pool, key) = pool_that_noted("begun");
    pool.now += NOTE_DELAY;
    let batch = pool.batch();
    assert_eq!(lines(&batch.notes[0].1), ["begun"]);

    pool.scheduler.begin_own_completion(key);
    assert!(!pool.scheduler.notes_are_at_rest(key), "the leader is writing them");
    pool.scheduler.take_note(key, note("ends"), pool.now);
    assert!(pool.scheduler.notes_returned(batch.notes, pool.now), "the handler is woken");
    assert!(pool.scheduler.notes_are_at_rest(key));
    assert_eq!(lines(&pool.scheduler.unwritten(key).unwrap()), ["begun", "ends"]);
}

#[test]
fn an_own_completion_does_not_repeat_what_the_leader_has_written() {
    let (mut pool, key) = pool_that_noted("begun");
    pool.now += NOTE_DELAY;
    drop(pool.batch());
    pool.scheduler.begin_own_completion(key);
    pool.scheduler.notes_returned(Vec::new(), pool.now);
    assert!(pool.scheduler.notes_are_at_rest(key));
    assert_eq!(pool.scheduler.unwritten(key), None);
}

#[test]
fn the_leader_leaves_notes_to_an_own_completion_until_it_was_rolled_back() {
    let (mut pool, key) = pool_that_noted("begun");
    pool.scheduler.begin_own_completion(key);
    pool.now += NOTE_DELAY;
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { .. }));
    pool.scheduler.end_own_completion(key, false, pool.now);
    pool.now += NOTE_DELAY;
    assert_eq!(lines(&pool.batch().notes[0].1), ["begun"]);
}

#[test]
fn what_an_own_completion_has_written_is_forgotten() {
    let (mut pool, key) = pool_that_noted("begun");
    pool.scheduler.begin_own_completion(key);
    pool.scheduler.end_own_completion(key, true, pool.now);
    pool.now += NOTE_DELAY;
    assert!(matches!(pool.leader_action(), LeaderAction::Sleep { .. }));
    assert_eq!(pool.scheduler.unwritten(key), None);
}

#[test]
fn an_attempt_that_is_settled_during_an_own_completion_takes_its_notes_along() {
    let (mut pool, key) = pool_that_noted("begun");
    pool.scheduler.begin_own_completion(key);
    pool.finish(0, lease(1), Settle::Fail(TaskError::new("no")), MS);
    assert_eq!(lines(&pool.batch().notes[0].1), ["begun"]);
    assert!(pool.scheduler.unwritten(key).is_some(), "the lease admits one of the two");
}

#[test]
fn an_own_completion_does_not_wait_for_a_pool_that_has_stopped() {
    let (mut pool, key) = pool_that_noted("begun");
    pool.now += NOTE_DELAY;
    drop(pool.batch());
    pool.scheduler.begin_own_completion(key);
    pool.scheduler.stop();
    assert!(pool.scheduler.notes_are_at_rest(key));
}
