//! Deleting tasks.

use prismq::{Keep, NewTask, Retention};

use super::{assert_balanced, dead};
use crate::support::{Fixture, task};

fn payloads_out_of_line(fixture: &Fixture) -> i64 {
    let connection = rusqlite::Connection::open(fixture.path()).unwrap();
    connection.query_row("SELECT count(*) FROM prismq_payload", [], |row| row.get(0)).unwrap()
}

#[test]
fn deleted_tasks_are_gone_with_their_payloads_and_running_ones_stay() {
    let fixture = Fixture::new();
    let keep = Retention { completed: Keep::last(9), cancelled: Keep::last(9), dead: Keep::ALL };
    fixture.queue.set_retention("default", keep).unwrap();
    let large = || NewTask::new("job", vec![7; 5000]);
    fixture.queue.enqueue(&large()).unwrap();
    fixture.queue.complete(&fixture.claim_one()).unwrap();
    let cancelled = fixture.queue.enqueue(&large()).unwrap().id();
    fixture.queue.cancel(cancelled).unwrap();
    let running = fixture.queue.enqueue(&large()).unwrap().id();
    fixture.claim_one();
    dead(&fixture, "other", "no");
    fixture.queue.enqueue(&large()).unwrap();
    fixture.enqueue("small");
    fixture.queue.enqueue(&large().delay(std::time::Duration::from_secs(9))).unwrap();
    assert_eq!(payloads_out_of_line(&fixture), 5);

    assert_eq!(fixture.queue.tasks().queue("elsewhere").delete().unwrap(), 0);
    assert_eq!(fixture.queue.tasks().running().delete().unwrap(), 0);
    assert_eq!(fixture.queue.tasks().delete().unwrap(), 6);
    assert_eq!(payloads_out_of_line(&fixture), 1);
    assert_eq!(fixture.queue.tasks().count().unwrap(), 1);
    assert!(fixture.queue.task(running).unwrap().is_some());
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.deleted, stats.completed, stats.cancelled), (4, 1, 1));
    assert_eq!((stats.kept, stats.cancelled_kept, stats.leased), (0, 0, 1));
    assert_balanced(&fixture, "default");
}

#[test]
fn thousands_are_deleted_in_transactions_between_which_others_go_on() {
    let fixture = Fixture::new();
    fixture.queue.enqueue_all(&vec![task("job"); 2000]).unwrap();
    let before = fixture.queue.contention().write_transactions;
    assert_eq!(fixture.queue.tasks().of_type("job").delete().unwrap(), 2000);
    let transactions = fixture.queue.contention().write_transactions - before;
    assert_eq!(transactions, 4);
    assert_eq!(fixture.queue.stats("default").unwrap().deleted, 2000);
}

#[test]
fn large_payloads_are_deleted_a_few_at_a_time() {
    let fixture = Fixture::new();
    for _ in 0..5 {
        fixture.queue.enqueue(NewTask::new("job", vec![7; 9 << 20])).unwrap();
    }
    let before = fixture.queue.contention().write_transactions;
    assert_eq!(fixture.queue.tasks().delete().unwrap(), 5);
    assert_eq!(fixture.queue.contention().write_transactions - before, 3);
}
