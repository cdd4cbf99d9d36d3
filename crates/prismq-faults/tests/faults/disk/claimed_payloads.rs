//! A claim whose payloads cannot be read for now: what it cannot give it gives back, and no attempt is lost.
//!
//! Failure mode: disk: payload of a claimed task cannot be read | the task is returned for a second and no attempt counts; it is dead only where the payload is missing or damaged

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prismq::limits::READ_RETRY_PAUSE;
use prismq::{Claim, Error, ManualClock, NewTask, Queue, State, TaskId, Timestamp, WorkerPool};
use prismq_faults::{Call, Disk, Effect, Fault, Repeat, Scratch};

use crate::support::wait_until;

/// A page each.
fn large(letter: u8) -> Vec<u8> {
    vec![letter; 3 * 1024]
}

/// A file with four tasks whose payloads are stored out of line.
fn filled(path: &Path) -> Vec<TaskId> {
    let queue = Queue::open(path).unwrap();
    let task = |letter| NewTask::new("job", large(letter)).max_attempts(1);
    (0..4).map(|letter| queue.enqueue(task(letter)).unwrap().id()).collect()
}

/// A queue with some tasks whose payloads are stored out of line, and claims made while the reads of the
/// database fail. Returns how many failed, and what the claim gave.
fn claim_under(
    nth: u64,
    repeat: Repeat,
    effect: Effect,
    max: usize,
) -> (u64, Result<Vec<TaskId>, Error>) {
    let scratch = Scratch::new().unwrap();
    let path = scratch.file("queue.db");
    let ids = filled(&path);
    let disk = Disk::watch(scratch.path()).unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000_000_000_000_000)));
    let queue = Queue::builder(&path).clock(clock.clone()).open().unwrap();
    disk.arm(Fault { calls: &[Call::Read], files: ".db", nth, repeat, effect });
    let claimed = queue.claim(&Claim::new(["job"]).max(max));
    let injected = disk.disarm();
    let given: Vec<TaskId> = claimed.iter().flatten().map(prismq::Lease::id).collect();
    for (letter, id) in ids.iter().enumerate() {
        let lease = claimed.iter().flatten().find(|lease| lease.id() == *id);
        if let Some(lease) = lease {
            assert_eq!(lease.payload(), large(letter.try_into().unwrap()));
        } else {
            let task = queue.task(*id).unwrap().unwrap();
            if claimed.is_err() && repeat == Repeat::Always && task.state == State::Leased {
                // What giving it back needs to read could not be read either: its lease runs out.
                return (injected, claimed.map(|_| given));
            }
            let context = format!("read {nth} {repeat:?}: {claimed:?}");
            assert!(matches!(task.state, State::Ready | State::Scheduled), "{context}: {task:?}");
            assert_eq!((task.attempt, task.error), (0, None), "{context}");
        }
    }
    // What was given back is not claimed in vain over and over.
    clock.advance(READ_RETRY_PAUSE);
    let left = queue.claim(&Claim::new(["job"]).max(9)).unwrap();
    assert_eq!(left.len() + given.len(), ids.len());
    (injected, claimed.map(|_| given))
}

#[test]
fn a_payload_that_cannot_be_read_costs_no_attempt_and_hides_no_other() {
    let (mut some, mut none) = (0, 0);
    for repeat in [Repeat::Once, Repeat::Always] {
        for nth in 1.. {
            let (injected, claimed) = claim_under(nth, repeat, Effect::InputOutput, 4);
            match claimed {
                Ok(given) if given.len() < 4 => some += 1,
                Ok(_) => {}
                Err(error) => {
                    assert!(error.is_transient(), "{error:?}");
                    none += 1;
                }
            }
            if injected == 0 {
                break;
            }
        }
    }
    assert!(some > 0 && none > 0, "{some} claims gave less, {none} nothing");
}

/// SQLite reports a read that the device failed as damage, of which a task would die.
#[test]
fn a_payload_is_not_taken_for_damaged_where_reads_fail() {
    for repeat in [Repeat::Once, Repeat::Always] {
        for max in [1, 4] {
            let (mut given, mut unread) = (0, 0);
            for nth in 1.. {
                let (injected, claimed) = claim_under(nth, repeat, Effect::UnreadableFile, max);
                match claimed {
                    Ok(tasks) => given += tasks.len(),
                    Err(error) => unread += u32::from(matches!(error, Error::Io { .. })),
                }
                if injected == 0 {
                    break;
                }
            }
            // For one read that fails, it is read again.
            let met = if repeat == Repeat::Once { given > 1 } else { given > 0 && unread > 0 };
            assert!(met, "{repeat:?}: {given} tasks were given, {unread} claims read none");
        }
    }
}

#[test]
fn a_pool_runs_each_task_once_after_reads_have_failed_for_long() {
    let mut unread = 0;
    for nth in 1.. {
        let scratch = Scratch::new().unwrap();
        let path = scratch.file("queue.db");
        filled(&path);
        let disk = Disk::watch(scratch.path()).unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_000_000_000_000_000_000)));
        let queue = Queue::builder(&path).clock(clock.clone()).open().unwrap();
        let fault = Fault {
            calls: &[Call::Read],
            files: ".db",
            nth,
            repeat: Repeat::Always,
            effect: Effect::UnreadableFile,
        };
        disk.arm(fault);
        let pool = WorkerPool::builder(&queue)
            .workers(2)
            .handle_bytes("job", |_, _| Ok(()))
            .start()
            .unwrap();
        wait_until("a read fails or all is done", || {
            let stats = pool.stats();
            stats.released > 0 || stats.completed == 4 || pool.error().is_some()
        });
        let injected = disk.disarm();
        unread += pool.stats().released;
        wait_until("all tasks are completed", || {
            // Not while the pool holds a task: its lease would expire, and these tasks have one attempt.
            if queue.stats("default").unwrap().leased == 0 {
                clock.advance(READ_RETRY_PAUSE);
            }
            pool.stats().completed == 4
        });
        let stats = pool.shutdown(Duration::from_secs(60)).stats;
        assert_eq!((stats.dead, stats.retried), (0, 0), "read {nth}");
        if injected == 0 {
            break;
        }
    }
    assert!(unread > 0, "no payload was given back");
}
