//! Failure mode: process: killed while handlers complete their tasks in transactions of their own | each takes effect once

use std::thread;
use std::time::{Duration, Instant};

use prismq::{NewTask, Queue, WorkerPool};
use prismq_check::{Role, SeedRunner, Snapshot, soak, this_test};
use rusqlite::Connection;

use crate::support::fleet::Fleet;
use crate::support::wait_until;

const QUICK: Duration = Duration::from_secs(8);

/// What the application's tables and the queue's counters say of the deposits made: the sum, the tasks noted, each once,
/// the tasks completed, and the tasks that these have enqueued.
fn made(file: &Connection) -> [i64; 5] {
    let read = "SELECT (SELECT cents FROM account), (SELECT count(*) FROM deposit),
                       (SELECT count(DISTINCT task) FROM deposit),
                       (SELECT coalesce(sum(completed), 0) FROM prismq_queue WHERE name = 'default'),
                       (SELECT coalesce(sum(enqueued), 0) FROM prismq_queue WHERE name = 'receipts')";
    let column = |row: &rusqlite::Row<'_>| {
        Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?])
    };
    file.query_row(read, [], column).unwrap()
}

#[test]
fn a_task_completed_with_its_rows_takes_effect_once_under_kill_9() {
    let seeds = SeedRunner::random(this_test!(
        "a_task_completed_with_its_rows_takes_effect_once_under_kill_9"
    ));
    let mut rng = seeds.rng();
    let until = Instant::now() + soak().unwrap_or(QUICK);
    let mut fleet = Fleet::new();
    drop(Queue::attach(fleet.path()).unwrap());
    let file = Connection::open(fleet.path()).unwrap();
    file.busy_timeout(Duration::from_secs(10)).unwrap();
    file.execute_batch(
        "CREATE TABLE account (cents INTEGER); INSERT INTO account VALUES (0);
         CREATE TABLE deposit (task INTEGER)",
    )
    .unwrap();
    let mut kills = 0;
    while Instant::now() < until {
        let before = made(&file)[0];
        let process = fleet.start(Role::Deposits { workers: 4 }, rng.u64(..));
        wait_until("deposits are made", || made(&file)[0] > before || process.has_ended());
        thread::sleep(Duration::from_millis(rng.u64(0..100)));
        fleet.add(process.kill().unwrap());
        kills += 1;
        let [cents, others @ ..] = made(&file);
        assert!(cents > before && others == [cents; 4], "after kill {kills}: {:?}", made(&file));
        assert_eq!(Snapshot::take(fleet.path()).unwrap().problems, Vec::<String>::new());
    }

    // What the processes left is done as well, once their leases have expired.
    let queue = Queue::open(fleet.path()).unwrap();
    let pool = WorkerPool::builder(&queue)
        .workers(2)
        .handle_bytes("deposit", |_, task| {
            task.complete_in(|tx| {
                tx.execute("UPDATE account SET cents = cents + 1", [])?;
                tx.execute("INSERT INTO deposit VALUES (?1)", [task.id().as_i64()])?;
                tx.enqueue(NewTask::new("receipt", []).queue("receipts"))?;
                Ok(())
            })
        })
        .start()
        .unwrap();
    wait_until("all is done", || {
        let stats = queue.stats("default").unwrap();
        stats.completed == stats.enqueued
    });
    drop(pool);
    let [cents, others @ ..] = made(&file);
    assert_eq!(others, [cents; 4]);
    assert_eq!(queue.stats("default").unwrap().enqueued, cents as u64);
    assert_eq!(Snapshot::take(fleet.path()).unwrap().problems, Vec::<String>::new());
    println!("{kills} kills, {cents} deposits");
    assert!(kills > 2 && cents > 10, "{kills} kills, {cents} deposits");
}
