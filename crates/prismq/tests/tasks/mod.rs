//! What an operator does with tasks: finding, redriving, cancelling, deleting them, and keeping some.

mod cancel;
mod delete;
mod filter;
mod incident;
mod info;
mod inventory;
mod redrive;
mod retention;
mod type_retention;

use prismq::{Claim, NewTask, TaskError, TaskId};

use crate::support::Fixture;

/// A task of this type in the default queue that has died of this error.
fn dead(fixture: &Fixture, task_type: &str, error: &str) -> TaskId {
    dead_in(fixture, "default", task_type, error)
}

fn dead_in(fixture: &Fixture, queue: &str, task_type: &str, error: &str) -> TaskId {
    let task = NewTask::new(task_type, *b"payload").queue(queue);
    let id = fixture.queue.enqueue(&task).unwrap().id();
    let claim = Claim::new([task_type]).queue(queue);
    let lease = fixture.queue.claim(&claim).unwrap().remove(0);
    assert_eq!(lease.id(), id);
    fixture.queue.fail(&lease, TaskError::permanent(error.to_owned())).unwrap();
    id
}

/// Every task that was enqueued is counted once.
#[track_caller]
fn assert_balanced(fixture: &Fixture, queue: &str) {
    let stats = fixture.queue.stats(queue).unwrap();
    let ended = stats.completed + stats.cancelled + stats.deleted;
    let there = stats.ready + stats.scheduled + stats.leased + stats.dead;
    assert_eq!(stats.enqueued, ended + there, "{stats:?}");
}
