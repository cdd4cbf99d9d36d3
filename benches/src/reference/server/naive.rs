//! The queue that most teams start with: one table with a column for the state, an index of the ready tasks, `SKIP LOCKED`,
//! and a transaction for each operation on each single task, on as many connections as there are threads.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use tokio_postgres::Statement;

use crate::base::bench_dir::BenchDir;
use crate::base::error::{Error, Result};
use crate::subject::local::LocalError;
use crate::subject::local::server::{Connection, Schema, as_i64};
use crate::subject::server_time;

const TABLES: &str = "CREATE TABLE task (
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, type text NOT NULL, state smallint NOT NULL DEFAULT 0,
         priority integer NOT NULL DEFAULT 100, attempt integer NOT NULL DEFAULT 0,
         run_at timestamptz NOT NULL DEFAULT now(), lease_expires_at timestamptz, payload bytea NOT NULL);
     CREATE INDEX task_ready ON task (type, priority, id) WHERE state = 0";
const LOAD: &str =
    "INSERT INTO task (type, payload) SELECT 'job', $2::bytea FROM generate_series(1, $1::bigint)";
const ENQUEUE: &str = "INSERT INTO task (type, payload) VALUES ('job', $1::bytea) RETURNING id";
const CLAIM: &str = "UPDATE task SET state = 2, attempt = attempt + 1, lease_expires_at = now() + interval '1 minute'
     WHERE id = (SELECT id FROM task WHERE type = 'job' AND state = 0 ORDER BY priority, id LIMIT 1
                 FOR UPDATE SKIP LOCKED)
     RETURNING id, attempt, payload";
const COMPLETE: &str =
    "DELETE FROM task WHERE id = $1::bigint AND attempt = $2::integer AND state = 2";

/// What the threads took together.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    /// From when all were ready to the last answer.
    pub time: Duration,
    /// The processor time of the server meanwhile, if the run has started it.
    pub server: Option<Duration>,
}

/// What this many callers take to enqueue so many tasks, each one by itself.
///
/// # Errors
/// The server's.
pub fn enqueue(
    bench_dir: &BenchDir,
    callers: usize,
    tasks: usize,
    payload_bytes: usize,
) -> Result<Took> {
    let schema = new(bench_dir)?;
    let payload = vec![0x5a_u8; payload_bytes];
    together(&schema, callers, &[ENQUEUE], |connection, statements, place| {
        let [enqueue] = statements else { return Ok(()) };
        for _ in 0..share(tasks, callers, place) {
            connection.query(enqueue, &[&payload])?;
        }
        Ok(())
    })
}

/// What this many workers take to claim and complete so many tasks of a backlog, each one by itself.
///
/// # Errors
/// The server's.
pub fn drain(
    bench_dir: &BenchDir,
    workers: usize,
    tasks: usize,
    payload_bytes: usize,
) -> Result<Took> {
    let schema = new(bench_dir)?;
    let loader = schema.connect()?;
    let payload = vec![0x5a_u8; payload_bytes];
    let load = || -> Result<(), LocalError> {
        loader.query(&loader.prepare(LOAD)?, &[&as_i64(tasks), &payload])?;
        loader.run("ANALYZE task")
    };
    load().map_err(Error::subject("fill a reference"))?;
    together(&schema, workers, &[CLAIM, COMPLETE], |connection, statements, _| {
        let [claim, complete] = statements else { return Ok(()) };
        loop {
            let rows = connection.query(claim, &[])?;
            let Some(task) = rows.first() else { return Ok(()) };
            let (id, attempt): (i64, i32) = (task.try_get(0)?, task.try_get(1)?);
            connection.query(complete, &[&id, &attempt])?;
        }
    })
}

fn new(bench_dir: &BenchDir) -> Result<Schema> {
    let schema = Schema::fresh(bench_dir)?;
    let made = schema.connect()?.create(TABLES);
    made.map_err(Error::subject("make the table of a reference"))?;
    Ok(schema)
}

/// What threads take, each with a connection, from when all are ready.
fn together(
    schema: &Schema,
    threads: usize,
    statements: &[&str],
    work: impl Fn(&Connection, &[Statement], usize) -> Result<(), LocalError> + Sync,
) -> Result<Took> {
    let ready = Barrier::new(threads + 1);
    let mut connections = Vec::with_capacity(threads);
    for _ in 0..threads {
        let connection = schema.connect()?;
        let prepared: Result<Vec<Statement>, LocalError> =
            statements.iter().map(|sql| connection.prepare(sql)).collect();
        connections.push((connection, prepared.map_err(Error::subject("prepare a reference"))?));
    }
    thread::scope(|scope| {
        let started: Vec<_> = connections
            .into_iter()
            .enumerate()
            .map(|(place, (connection, statements))| {
                let (ready, work) = (&ready, &work);
                scope.spawn(move || {
                    ready.wait();
                    work(&connection, &statements, place).map(|()| connection)
                })
            })
            .collect();
        ready.wait();
        let (began, before) = (Instant::now(), server_time());
        // Kept until the server's time is read, as its processes end with them.
        let mut used = Vec::with_capacity(threads);
        for thread in started {
            let worked = thread.join().map_err(|_| Error::Panicked { what: "a reference" })?;
            used.push(worked.map_err(Error::subject("run a reference"))?);
        }
        let time = began.elapsed();
        let server = server_time().zip(before).map(|(after, before)| after.saturating_sub(before));
        Ok(Took { time, server })
    })
}

/// The tasks of one of the callers.
fn share(tasks: usize, callers: usize, place: usize) -> usize {
    tasks / callers + usize::from(place < tasks % callers)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn callers_share_all_tasks() {
        assert_eq!((0..3).map(|place| share(10, 3, place)).collect::<Vec<_>>(), [4, 3, 3]);
    }
}
