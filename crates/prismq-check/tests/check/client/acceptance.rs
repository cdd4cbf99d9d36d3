//! The acceptance list with which users turned other embedded queues down.

use std::thread;
use std::time::Duration;

use prismq::{Claim, Clock, Durability, Lease, NewTask, Queue, State, TaskError};
use rusqlite::{Connection, TransactionBehavior};

use crate::support::{Fixture, LEASE};

const JOBS: usize = 16;

fn claim() -> Claim {
    Claim::new(["job"]).lease(LEASE)
}

fn claim_one(queue: &Queue) -> Lease {
    queue.claim(&claim()).unwrap().pop().unwrap()
}

#[test]
fn a_task_joins_the_callers_own_transaction() {
    let fixture = Fixture::new();
    let queue = fixture.open();
    let mut own = Connection::open(fixture.path()).unwrap();
    own.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY)").unwrap();
    for commits in [false, true] {
        let transaction = own.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        transaction.execute("INSERT INTO orders DEFAULT VALUES", []).unwrap();
        prismq::sqlite::enqueue_in(&queue, &transaction, &[NewTask::new("job", [])]).unwrap();
        if commits {
            transaction.commit().unwrap();
        } else {
            transaction.rollback().unwrap();
        }
        assert_eq!(queue.stats("default").unwrap().ready, u64::from(commits));
    }
}

/// Failure mode: lease: lost, and the same worker claims again | the old lease stays refused
#[test]
fn the_same_worker_cannot_complete_an_attempt_it_lost() {
    let fixture = Fixture::new();
    let queue = fixture.open();
    queue.enqueue(NewTask::new("job", [])).unwrap();
    let lost = claim_one(&queue);
    fixture.clock.advance(LEASE);
    let again = claim_one(&queue);
    assert_eq!(again.id(), lost.id());
    assert!(queue.complete(&lost).unwrap_err().is_lease_lost());
    queue.complete(&again).unwrap();
}

#[test]
fn a_retry_survives_closing_the_queue() {
    let fixture = Fixture::new();
    let queue = fixture.open();
    let id = queue.enqueue(NewTask::new("job", [])).unwrap().id();
    let retry = TaskError::new("later").retry_after(Duration::from_secs(1));
    queue.fail(&claim_one(&queue), retry).unwrap();
    assert!(queue.claim(&claim()).unwrap().is_empty());
    drop(queue);
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(claim_one(&fixture.open()).id(), id);
}

/// Failure mode: lease: expired while its worker is alive | late calls count until a claim takes the task back, and are refused from then on
#[test]
fn late_work_counts_unless_another_claim_took_the_task() {
    let fixture = Fixture::new();
    let queue = fixture.open();
    for _ in 0..2 {
        queue.enqueue(NewTask::new("job", [])).unwrap();
    }
    let done = claim_one(&queue);
    let taken = claim_one(&queue);
    fixture.clock.advance(LEASE);
    assert!(done.expires_at() <= fixture.clock.now());
    queue.complete(&done).unwrap();
    let again = claim_one(&queue);
    assert_eq!(again.id(), taken.id());
    assert!(queue.complete(&taken).unwrap_err().is_lease_lost());
    assert!(queue.extend(&taken, LEASE).unwrap_err().is_lease_lost());
    assert!(queue.fail(&taken, "late").unwrap_err().is_lease_lost());
    assert!(queue.release(&taken).unwrap_err().is_lease_lost());
    assert_eq!(queue.task(taken.id()).unwrap().unwrap().state, State::Leased);
}

#[test]
fn claims_next_to_a_writer_answer_no_busy_error() {
    let fixture = Fixture::new();
    let queue = Queue::builder(fixture.path()).durability(Durability::Normal).open().unwrap();
    for _ in 0..JOBS {
        queue.enqueue(NewTask::new("job", [])).unwrap();
    }
    let writer = Connection::open(fixture.path()).unwrap();
    writer.busy_timeout(Duration::from_secs(60)).unwrap();
    writer.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY)").unwrap();
    thread::scope(|scope| {
        let written = scope.spawn(|| {
            for _ in 0..50 {
                let order = "BEGIN IMMEDIATE; INSERT INTO orders DEFAULT VALUES; COMMIT";
                writer.execute_batch(order).unwrap();
            }
            writer
        });
        for _ in 0..JOBS {
            queue.complete(&claim_one(&queue)).unwrap();
        }
        written.join().unwrap()
    });
    assert_eq!(queue.contention().busy_errors, 0);
}

#[test]
fn every_job_runs_once() {
    let fixture = Fixture::new();
    let handles: Vec<Queue> = (0..4).map(|_| fixture.open()).collect();
    for _ in 0..JOBS {
        handles[0].enqueue(NewTask::new("job", [])).unwrap();
    }
    let runs: usize = thread::scope(|scope| {
        let workers = handles.iter().map(|queue| {
            scope.spawn(|| {
                let mut runs = 0;
                while let Some(lease) = queue.claim(&claim()).unwrap().pop() {
                    queue.complete(&lease).unwrap();
                    runs += 1;
                }
                runs
            })
        });
        let workers: Vec<_> = workers.collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(runs, JOBS);
    assert_eq!(handles[0].stats("default").unwrap().completed, JOBS as u64);
}
