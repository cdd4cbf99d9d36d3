//! Which ended tasks a queue keeps.

use std::time::Duration;

use prismq::limits::HISTORY_MAX;
use prismq::{Claim, Error, Keep, NewTask, Retention, TaskError, TaskId};

use super::{assert_balanced, dead_in};
use crate::support::{Fixture, wait_until};

const HOUR: Duration = Duration::from_secs(3600);

/// Three tasks of each kind, an hour apart: completed, cancelled and dead ones.
fn ended(fixture: &Fixture) -> [Vec<TaskId>; 3] {
    let keep = Retention { completed: Keep::ALL, cancelled: Keep::ALL, dead: Keep::ALL };
    fixture.queue.set_retention("default", keep).unwrap();
    let mut ended = [const { Vec::new() }; 3];
    for round in 0..3 {
        fixture.clock.advance(if round == 0 { Duration::ZERO } else { HOUR });
        ended[0].push(fixture.enqueue("completed"));
        fixture.queue.complete(&fixture.claim_one()).unwrap();
        ended[1].push(fixture.enqueue("cancelled"));
        fixture.queue.cancel(ended[1][round]).unwrap();
        // Of several types, which are in ranges of their own.
        ended[2].push(dead_in(fixture, "default", ["a", "b", "a"][round], "no"));
    }
    ended
}

fn stored(fixture: &Fixture, ids: &[TaskId]) -> Vec<bool> {
    ids.iter().map(|id| fixture.queue.task(*id).unwrap().is_some()).collect()
}

#[test]
fn setting_a_number_deletes_those_that_ended_first() {
    let fixture = Fixture::new();
    let ended = ended(&fixture);
    let keep =
        Retention { completed: Keep::last(2), cancelled: Keep::last(1), dead: Keep::last(2) };
    fixture.queue.set_retention("default", keep).unwrap();
    let left = ended.map(|ids| stored(&fixture, &ids));
    assert_eq!(left, [vec![false, true, true], vec![false, false, true], vec![false, true, true]]);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.kept, stats.cancelled_kept, stats.dead, stats.deleted), (2, 1, 2, 1));
    assert_balanced(&fixture, "default");
    fixture.queue.set_retention("default", Retention::default()).unwrap();
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.kept, stats.cancelled_kept, stats.dead), (0, 0, 2));
}

/// Each type has a range of its own in the index of dead tasks, and one of them has nearly all of the excess.
#[test]
fn setting_a_number_deletes_the_whole_excess_of_many_types() {
    let fixture = Fixture::new();
    let types: Vec<String> = (0..100).map(|number| format!("type {number}")).collect();
    let first = vec![NewTask::new(types[0].as_str(), []); 40];
    let others = types.iter().map(|task_type| NewTask::new(task_type.as_str(), []));
    for tasks in [first, others.collect()] {
        fixture.clock.advance(HOUR);
        fixture.queue.enqueue_all(tasks).unwrap();
        let claim = Claim::new(types.iter().map(String::as_str)).max(200);
        for lease in fixture.queue.claim(&claim).unwrap() {
            fixture.queue.fail(&lease, TaskError::permanent("no")).unwrap();
        }
    }
    assert_eq!(fixture.queue.stats("default").unwrap().dead, 140);
    let keep = Retention { dead: Keep::last(5), ..Retention::default() };
    fixture.queue.set_retention("default", keep).unwrap();
    assert_eq!(fixture.queue.stats("default").unwrap().dead, 5);
    assert_balanced(&fixture, "default");
}

#[test]
fn setting_an_age_deletes_those_that_ended_too_long_ago() {
    let fixture = Fixture::new();
    let ended = ended(&fixture);
    let keep = Keep::ALL.for_at_most(HOUR);
    let keep = Retention { completed: keep, cancelled: keep, dead: keep };
    fixture.queue.set_retention("default", keep).unwrap();
    assert_eq!(ended.map(|ids| stored(&fixture, &ids)), [const { [false, false, true] }; 3]);
    assert_balanced(&fixture, "default");
}

#[test]
fn an_idle_queue_deletes_what_becomes_too_old() {
    let fixture = Fixture::new();
    let ended = ended(&fixture);
    let keep = Keep::ALL.for_at_most(5 * HOUR);
    let keep = Retention { completed: keep, cancelled: keep, dead: keep };
    fixture.queue.set_retention("default", keep).unwrap();
    assert_eq!(fixture.queue.tasks().count().unwrap(), 9);
    fixture.clock.advance(4 * HOUR);
    wait_until!(fixture.queue.tasks().count().unwrap() == 3);
    assert_eq!(ended.map(|ids| stored(&fixture, &ids)), [const { [false, false, true] }; 3]);
    assert_balanced(&fixture, "default");
}

#[test]
fn dead_and_cancelled_tasks_beyond_the_number_are_deleted_as_others_come() {
    let fixture = Fixture::new();
    let keep = Retention { cancelled: Keep::last(2), dead: Keep::last(3), ..Retention::default() };
    fixture.queue.set_retention("mail", keep).unwrap();
    let mut last = None;
    for number in 0..10 {
        let task_type = ["a", "b", "c"][number % 3];
        last = Some(dead_in(&fixture, "mail", task_type, "no"));
        let task = crate::support::task("cancelled").queue("mail");
        let id = fixture.queue.enqueue(&task).unwrap().id();
        fixture.queue.cancel(id).unwrap();
    }
    wait_until!(fixture.queue.stats("mail").unwrap().dead == 3);
    wait_until!(fixture.queue.stats("mail").unwrap().cancelled_kept == 2);
    assert!(fixture.queue.task(last.unwrap()).unwrap().is_some());
    assert_balanced(&fixture, "mail");
}

#[test]
fn a_history_is_the_number_of_completed_tasks_and_changes_nothing_else() {
    let fixture = Fixture::new();
    let keep = Retention {
        completed: Keep::last(2).for_at_most(HOUR),
        cancelled: Keep::last(3),
        dead: Keep::last(4),
    };
    fixture.queue.set_retention("default", keep).unwrap();
    fixture.queue.set_history("default", 7).unwrap();
    let queues = fixture.queue.queues().unwrap();
    let expected = Retention { completed: Keep::last(7).for_at_most(HOUR), ..keep };
    assert_eq!(queues[0].retention, expected);
}

#[test]
fn a_retention_that_cannot_be_is_refused() {
    let fixture = Fixture::new();
    let keeps = [
        Keep::last(HISTORY_MAX + 1),
        Keep::ALL.for_at_most(Duration::ZERO),
        Keep::ALL.for_at_most(Duration::MAX),
    ];
    for dead in keeps {
        let keep = Retention { dead, ..Retention::default() };
        let refused = fixture.queue.set_retention("default", keep).unwrap_err();
        assert!(matches!(refused, Error::InvalidInput { .. }), "{refused:?}");
        assert!(refused.to_string().contains("retention of dead tasks"), "{refused}");
    }
    assert_eq!(fixture.queue.queues().unwrap(), []);
}
