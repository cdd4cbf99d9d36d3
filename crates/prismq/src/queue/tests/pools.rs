//! Pools that claim in the transactions of others: what they are given, and when they are woken.

use std::slice;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::commit::Claimer;
use crate::commit::tests::IdlePool;
use crate::engine::Operation;
use crate::model::{Claim, Error, Lease, NewTask, TaskError, TaskId, Unique};
use crate::queue::Queue;
use crate::time::ManualClock;

/// An idle pool of this queue that reserves this many tasks in each transaction.
fn idle(queue: &Queue, reserves: usize) -> Arc<IdlePool> {
    let idle = IdlePool::new(reserves);
    let claimer: Arc<dyn Claimer> = idle.clone();
    queue.core.add_claimer(Arc::downgrade(&claimer));
    idle
}

fn queue() -> (tempfile::TempDir, Queue) {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path().join("queue.db")).unwrap();
    (folder, queue)
}

#[test]
fn the_transaction_that_enqueues_claims_for_an_idle_pool() {
    let (_folder, queue) = queue();
    let pool = idle(&queue, 2);
    queue.enqueue_all(["t", "t", "t"].map(|name| NewTask::new(name, []))).unwrap();
    assert_eq!(pool.delivered(), 2);
    assert_eq!(queue.contention().write_transactions, 1);
    assert_eq!(queue.stats("default").unwrap().leased, 2);
}

#[test]
fn an_idle_pool_is_given_no_other_tasks() {
    let (_folder, queue) = queue();
    let pool = idle(&queue, 1);
    queue.enqueue(NewTask::new("other", [])).unwrap();
    queue.enqueue(NewTask::new("t", []).queue("other")).unwrap();
    queue.enqueue(NewTask::new("t", []).delay(Duration::from_secs(9))).unwrap();
    assert_eq!(pool.delivered(), 0);
}

#[test]
fn a_full_pool_and_a_dropped_one_are_given_nothing() {
    let (_folder, queue) = queue();
    let busy = idle(&queue, 0);
    drop(idle(&queue, 1));
    queue.enqueue(NewTask::new("t", [])).unwrap();
    assert_eq!(busy.delivered(), 0);
    assert_eq!(queue.stats("default").unwrap().ready, 1);
}

/// A queue with one task, of type `bad`, whose file was changed behind its back.
fn damaged(sql: &str) -> (tempfile::TempDir, Queue) {
    let (folder, queue) = queue();
    queue.enqueue(NewTask::new("bad", [])).unwrap();
    let other = rusqlite::Connection::open(folder.path().join("queue.db")).unwrap();
    other.execute_batch(sql).unwrap();
    (folder, queue)
}

#[test]
fn a_damaged_row_fails_nothing_of_its_group() {
    let (_folder, queue) = damaged("UPDATE prismq_task SET attempt = -5");
    let answers = queue.core.submit_all(vec![
        Operation::Enqueue(vec![NewTask::new("good", [])]),
        Operation::Claim(Claim::new(["bad"])),
    ]);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(queue.stats("default").unwrap().dead, 1);
}

#[test]
fn an_operation_that_meets_damage_fails_alone() {
    let (_folder, queue) = damaged("DELETE FROM prismq_meta");
    let claim = || Operation::Claim(Claim::new(["bad"]));
    let answers = queue.core.submit_all(vec![
        claim(),
        Operation::Enqueue(vec![NewTask::new("good", [])]),
        claim(),
    ]);
    assert!(
        matches!(answers.as_slice(), [Ok(_), Err(Error::Corrupt { .. }), Ok(_)]),
        "{answers:?}"
    );
    assert_eq!(queue.stats("default").unwrap().leased, 1);
}

#[test]
fn an_idle_pool_is_given_no_suspect_by_an_enqueue() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let path = folder.path().join("queue.db");
    let queue = Queue::builder(path).clock(clock.clone()).open().unwrap();
    queue.enqueue(NewTask::new("t", [])).unwrap();
    let lease = queue.claim(&Claim::new(["t"])).unwrap().pop().unwrap();
    clock.set(lease.expires_at());
    let pool = idle(&queue, 2);
    let id = queue.enqueue(NewTask::new("t", [])).unwrap().id();
    let given = pool.delivered.lock().unwrap();
    assert_eq!(given.iter().map(Lease::id).collect::<Vec<_>>(), [id]);
}

#[test]
fn a_pool_is_woken_by_operations_that_bring_work_for_it() {
    let (_folder, queue) = queue();
    let pool = idle(&queue, 0);
    let woken = || pool.take_arrivals() > 0;
    let claim = || queue.claim(&Claim::new(["t"])).unwrap().pop().unwrap();
    queue.enqueue(NewTask::new("t", [])).unwrap();
    assert!(woken());
    queue.enqueue(NewTask::new("t", []).delay(Duration::from_secs(1))).unwrap();
    assert!(woken(), "it has to know when the task is due");
    for other in [
        NewTask::new("other", []),
        NewTask::new("t", []).queue("other"),
        NewTask::new("t", []).requires(["gpu"]),
    ] {
        queue.enqueue(other).unwrap();
        assert!(!woken(), "it runs no such task");
    }
    let other = || NewTask::new("other", []);
    queue.enqueue(other().expires_after(Duration::from_secs(1))).unwrap();
    assert!(woken(), "its claims end what expires");
    queue.enqueue(other().delay(Duration::from_secs(1))).unwrap();
    assert!(woken(), "its claims make ready what is due, and state and counters show it");
    queue.enqueue_all([other(), NewTask::new("t", [])]).unwrap();
    assert!(woken(), "for the second task");
    queue.claim(&Claim::new(["t"])).unwrap();
    let lease = claim();
    assert!(!woken(), "a claim takes work");
    queue.release(&lease).unwrap();
    assert!(woken());
    queue.fail(&claim(), TaskError::new("again").retry_after(Duration::ZERO)).unwrap();
    assert!(woken());
    queue.pause("default").unwrap();
    assert!(!woken());
    queue.resume("default").unwrap();
    assert!(woken());
    queue.fail(&claim(), TaskError::permanent("never")).unwrap();
    assert!(!woken(), "a dead task cannot be claimed");
}

#[test]
fn a_pool_is_woken_by_a_unique_task_that_is_changed_but_not_by_one_that_is_kept() {
    let (_folder, queue) = queue();
    let pool = idle(&queue, 0);
    let task = |unique| NewTask::new("t", []).unique(unique);
    queue.enqueue(task(Unique::key("k"))).unwrap();
    assert_eq!(pool.take_arrivals(), 1);
    queue.enqueue(task(Unique::key("k"))).unwrap();
    assert_eq!(pool.take_arrivals(), 0);
    queue.enqueue(task(Unique::key("k").replace())).unwrap();
    assert_eq!(pool.take_arrivals(), 1);
}

/// A pool that goes away during a commit, and whose handlers use the queue as they are dropped.
#[derive(Debug)]
struct Leaving {
    claim: Claim,
    queue: Queue,
    own: Mutex<Option<Arc<dyn Claimer>>>,
}

impl Claimer for Leaving {
    fn claims(&self) -> &[Claim] {
        slice::from_ref(&self.claim)
    }

    fn reserve(&self, _: usize, _: i32) -> usize {
        self.own.lock().unwrap().take();
        0
    }

    fn deliver(&self, _: usize, _: Vec<Lease>) {}

    fn work_arrived(&self) {}

    fn cancel_requested(&self, _: &[(TaskId, i64)]) {}

    fn paused(&self, _: &str) {}
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.queue.enqueue(NewTask::new("farewell", [])).unwrap();
    }
}

#[test]
fn a_pool_dropped_during_a_commit_can_use_the_queue() {
    let (_folder, queue) = queue();
    let leaving = Leaving { claim: Claim::new(["t"]), queue: queue.clone(), own: Mutex::default() };
    let leaving = Arc::new(leaving);
    let claimer: Arc<dyn Claimer> = leaving.clone();
    queue.core.add_claimer(Arc::downgrade(&claimer));
    *leaving.own.lock().unwrap() = Some(claimer);
    drop(leaving);
    let (done, answered) = channel();
    let caller = queue.clone();
    thread::spawn(move || done.send(caller.enqueue(NewTask::new("t", []))));
    let answer = answered.recv_timeout(Duration::from_secs(30)).expect("the enqueue returns");
    assert!(answer.is_ok());
    assert_eq!(queue.stats("default").unwrap().ready, 2);
}
