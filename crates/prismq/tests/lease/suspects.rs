//! Which tasks a file notes as perhaps having killed their process.

use std::sync::Mutex;
use std::sync::mpsc::{channel, sync_channel};
use std::time::Duration;

use prismq::{Lease, State, WorkerPool};
use rusqlite::Connection;

use crate::support::{Fixture, LEASE, task, wait_until};

/// How many tasks the file notes as suspects, and how many of these are ready by its queues' counters.
fn suspects(fixture: &Fixture) -> (i64, i64) {
    let select = "SELECT (SELECT count(*) FROM task WHERE suspect OR state = 5),
                         (SELECT total(suspects) FROM queue)";
    let file = Connection::open(fixture.path()).unwrap();
    file.query_row(select, [], |row| Ok((row.get(0)?, row.get::<_, f64>(1)? as i64))).unwrap()
}

#[test]
fn what_was_leased_when_its_lease_expired() {
    let fixture = Fixture::new();
    let ids = [fixture.enqueue("first"), fixture.enqueue("second")];
    fixture.claim(2);
    assert_eq!(suspects(&fixture), (0, 0));
    fixture.clock.advance(LEASE);
    let first = fixture.claim_one();
    assert_eq!(suspects(&fixture), (2, 1));
    // To all others it is ready as any other.
    assert_eq!(fixture.queue.task(ids[1]).unwrap().unwrap().state, State::Ready);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.leased, stats.reclaimed), (1, 1, 2));

    fixture.queue.fail(&first, "in good order").unwrap();
    fixture.queue.complete(&fixture.claim_one()).unwrap();
    assert_eq!(suspects(&fixture), (0, 0));
}

#[test]
fn not_what_is_released_however_often() {
    let fixture = Fixture::new();
    fixture.enqueue("");
    for _ in 0..3 {
        let lease: Lease = fixture.claim_one();
        fixture.queue.release(&lease).unwrap();
        assert_eq!(suspects(&fixture), (0, 0));
    }
    fixture.queue.fail(&fixture.claim_one(), "in good order").unwrap();
    assert_eq!(suspects(&fixture), (0, 0));
}

#[test]
fn not_what_a_pool_gives_back_at_shutdown_or_drop() {
    for dropped in [false, true] {
        let fixture = Fixture::new();
        let queue = &fixture.queue;
        let (begun, begins) = channel();
        let (end, ends) = sync_channel::<()>(0);
        let ends = Mutex::new(ends);
        let pool = WorkerPool::builder(queue)
            .workers(2)
            .handler("job", move |task| {
                if task.payload() == b"quick" {
                    return Ok(());
                }
                begun.send(()).unwrap();
                Ok(ends.lock().unwrap().recv()?)
            })
            .start()
            .unwrap();
        // Of quick tasks, many are claimed ahead.
        queue.enqueue_all(&vec![task("quick"); 100]).unwrap();
        wait_until(|| pool.stats().completed == 100);
        queue.enqueue_all(&vec![task(""); 9]).unwrap();
        begins.recv().unwrap();
        begins.recv().unwrap();
        let stopping = std::thread::spawn(move || match dropped {
            true => drop(pool),
            false => drop(pool.shutdown(Duration::from_secs(60))),
        });
        wait_until(|| queue.stats("default").unwrap().leased == 2);
        drop(end);
        stopping.join().unwrap();
        let stats = queue.stats("default").unwrap();
        assert_eq!((stats.leased, stats.dead, stats.reclaimed), (0, 0, 0));
        let left = stats.ready.try_into().unwrap();
        assert_eq!(suspects(&fixture), (0, 0));

        // Whoever has them next gives them back as they were.
        fixture.claim(left).iter().for_each(|lease| queue.release(lease).unwrap());
        assert_eq!(suspects(&fixture), (0, 0));
    }
}

#[test]
fn run_where_another_pools_file_cannot_be_written() {
    let [locked, fixture] = [Fixture::new(), Fixture::new()];
    let queue = prismq::Queue::builder(locked.path())
        .clock(locked.clock.clone())
        .busy_wait(Duration::ZERO)
        .open()
        .unwrap();
    queue.enqueue(&task("")).unwrap();
    let lock = Connection::open(locked.path()).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let pool = |queue| WorkerPool::builder(queue).workers(1).handler("job", |_| Ok(()));
    let refused = pool(&queue).start().unwrap();
    wait_until(|| queue.contention().busy_errors > 0);

    fixture.enqueue("suspect");
    fixture.claim(1);
    fixture.clock.advance(LEASE);
    let other = pool(&fixture.queue).start().unwrap();
    wait_until(|| other.stats().completed == 1);
    assert_eq!(refused.stats().completed, 0);
    lock.execute_batch("COMMIT").unwrap();
}
