//! Suspects: the tasks that may have killed their process, as the file records them.

use std::thread;
use std::time::Duration;

use prismq::{Queue, State, WorkerPool};
use rusqlite::Connection;

use crate::support::{DEADLINE, Fixture, Gate, LEASE, join, lock, task, wait_until};

/// How many tasks the file records as suspects, and how many of these are ready by its queues' counters.
fn suspects(fixture: &Fixture) -> (i64, i64) {
    let select = "SELECT (SELECT count(*) FROM prismq_task WHERE suspect OR state = 5),
                         (SELECT total(suspects) FROM prismq_queue)";
    let file = Connection::open(fixture.path()).unwrap();
    file.query_row(select, [], |row| Ok((row.get(0)?, row.get::<_, f64>(1)? as i64))).unwrap()
}

#[test]
fn tasks_whose_lease_expired_are_suspects() {
    let fixture = Fixture::new();
    let ids = [fixture.enqueue("first"), fixture.enqueue("second")];
    fixture.claim(2);
    assert_eq!(suspects(&fixture), (0, 0));
    fixture.clock.advance(LEASE);
    let first = fixture.claim_one();
    assert_eq!(suspects(&fixture), (2, 1));
    // To users it is an ordinary ready task.
    assert_eq!(fixture.queue.task(ids[1]).unwrap().unwrap().state, State::Ready);
    let stats = fixture.queue.stats("default").unwrap();
    assert_eq!((stats.ready, stats.leased, stats.reclaimed), (1, 1, 2));

    fixture.queue.fail(&first, "an error").unwrap();
    fixture.queue.complete(&fixture.claim_one()).unwrap();
    assert_eq!(suspects(&fixture), (0, 0));
}

#[test]
fn released_tasks_are_not_suspects() {
    let fixture = Fixture::new();
    fixture.enqueue("");
    for _ in 0..3 {
        let lease = fixture.claim_one();
        fixture.queue.release(&lease).unwrap();
        assert_eq!(suspects(&fixture), (0, 0));
    }
    fixture.queue.fail(&fixture.claim_one(), "an error").unwrap();
    assert_eq!(suspects(&fixture), (0, 0));
}

#[test]
fn tasks_a_pool_releases_at_shutdown_or_drop_are_not_suspects() {
    for dropped in [false, true] {
        let fixture = Fixture::new();
        let queue = &fixture.queue;
        let (open, gate) = Gate::new();
        let pool = WorkerPool::builder(queue)
            .workers(2)
            .handle_bytes("job", move |payload, _| {
                if payload == b"quick" {
                    return Ok(());
                }
                gate.pass();
                Err("stopped".into())
            })
            .start()
            .unwrap();
        // As these are quick, the pool prefetches.
        queue.enqueue_all(vec![task("quick"); 100]).unwrap();
        wait_until!(pool.stats().completed == 100);
        queue.enqueue_all(vec![task("slow"); 9]).unwrap();
        wait_until!(pool.stats().running == 2);
        let stopping = thread::spawn(move || match dropped {
            true => drop(pool),
            false => drop(pool.shutdown(DEADLINE)),
        });
        wait_until!(queue.stats("default").unwrap().leased == 2);
        drop(open);
        join(stopping, "the shutdown");
        let stats = queue.stats("default").unwrap();
        assert_eq!((stats.leased, stats.dead, stats.reclaimed), (0, 0, 0));
        let left = stats.ready.try_into().unwrap();
        assert_eq!(suspects(&fixture), (0, 0));

        // The next to claim them can release them.
        fixture.claim(left).iter().for_each(|lease| queue.release(lease).unwrap());
        assert_eq!(suspects(&fixture), (0, 0));
    }
}

#[test]
fn a_pool_runs_a_suspect_while_the_file_of_another_pool_is_locked() {
    let [locked, fixture] = [Fixture::new(), Fixture::new()];
    let queue = Queue::builder(locked.path())
        .clock(locked.clock.clone())
        .busy_wait(Duration::ZERO)
        .open()
        .unwrap();
    queue.enqueue(task("")).unwrap();
    let lock = lock(&locked.path());
    let pool = |queue| WorkerPool::builder(queue).workers(1).handle_bytes("job", |_, _| Ok(()));
    let blocked = pool(&queue).start().unwrap();
    wait_until!(queue.contention().busy_errors > 0);

    fixture.enqueue("suspect");
    fixture.claim(1);
    fixture.clock.advance(LEASE);
    let other = pool(&fixture.queue).start().unwrap();
    wait_until!(other.stats().completed == 1);
    assert_eq!(blocked.stats().completed, 0);
    lock.execute_batch("COMMIT").unwrap();
}
