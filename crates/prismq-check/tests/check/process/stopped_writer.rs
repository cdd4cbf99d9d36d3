//! Failure mode: process: stopped in its transaction | others are answered `Busy`, and go on once it is dead

use std::time::Duration;

use prismq::Queue;
use prismq_check::{ClaimRequest, EnqueueRequest, History, Role, Rules};
use rusqlite::Connection;

use crate::support::fleet::Fleet;
use crate::support::wait_until;

fn is_locked(by_others: &Connection) -> bool {
    by_others.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_err()
}

#[test]
fn a_writer_stopped_in_its_transaction_makes_others_busy_until_it_dies() {
    let mut fleet = Fleet::new();
    let builder = Queue::builder(fleet.path()).busy_wait(Duration::from_millis(50));
    let queue = builder.open().unwrap();
    let (mut client, recorder) = fleet.client(queue.clone());
    client.enqueue(&EnqueueRequest::default()).unwrap();

    let writer = fleet.start(Role::Lock, 1);
    let probe = Connection::open(fleet.path()).unwrap();
    probe.busy_timeout(Duration::ZERO).unwrap();
    wait_until("the other process holds the lock", || is_locked(&probe));
    writer.pause().unwrap();
    let refused = client.enqueue(&EnqueueRequest::default()).unwrap_err();
    assert!(matches!(&refused, prismq_check::Error::Queue(error) if error.is_busy()), "{refused}");
    let refused = client.claim(&ClaimRequest::default()).unwrap_err();
    assert!(matches!(&refused, prismq_check::Error::Queue(error) if error.is_busy()), "{refused}");
    assert_eq!(queue.stats("default").unwrap().ready, 1, "reads do not wait for the lock");

    writer.kill().unwrap();
    client.enqueue(&EnqueueRequest::default()).unwrap();
    fleet.add(History::of(&recorder));
    drop(probe);
    let verdict = fleet.drain(&Rules { complete_history: true, ..Rules::default() });
    assert!(verdict.is_sound() && verdict.counts.completed == 2, "{verdict}");
    assert_eq!(verdict.counts.busy, 2, "{verdict}");
}
