//! Workers of the library, as its documents have it under "Scaling task processing": clones of one worker, each run by
//! a task of the runtime. One worker with a limit of eight would begin a backlog with a single handler, and add one
//! with each later notification or look.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{Span, ToSpan};
use prismq_driver::sdk::{Handler, Pool, Refused};
use prismq_driver_server::URL;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use underway::{Queue, Worker};

use crate::QUEUE;
use crate::task::Driven;

/// Workers at most: each holds two connections to listen. More tasks at a time are shared out among them.
const LISTENING: usize = 8;
/// Connections at most: each task that runs holds one, and needs a second one at times, for its heartbeats.
const CONNECTIONS: usize = 72;
/// How often a worker looks that is not woken, which is when it finds what waits for a retry and what has no heartbeat.
const LOOKS_MS: i64 = 500;
/// How long after an error, which ends a worker, another is started, as an application's supervisor does.
const RESTART: Duration = Duration::from_millis(100);
/// How long connections may take to be closed.
const CLOSE_BOUND: Duration = Duration::from_millis(500);

pub(crate) struct Crew {
    runtime: Arc<Runtime>,
    pool: PgPool,
    worker: Worker<Driven>,
    running: JoinSet<()>,
    errors: Errors,
}

type Errors = Arc<Mutex<Vec<String>>>;

impl Crew {
    pub(crate) fn start(
        runtime: &Arc<Runtime>,
        task: &Driven,
        workers: usize,
        handler: &Handler,
    ) -> Result<Self, Refused> {
        let listening = workers.clamp(1, LISTENING);
        let connections = u32::try_from((2 * (listening + workers)).min(CONNECTIONS))?;
        let options = PgPoolOptions::new().max_connections(connections);
        let pool = runtime.block_on(options.connect(URL))?;
        let queue = Queue::builder().name(QUEUE).pool(pool.clone()).build();
        let queue = Arc::new(runtime.block_on(queue)?);
        let worker = Worker::new(queue, task.run_by(handler));
        let errors = Errors::default();
        let mut running = JoinSet::new();
        for number in 0..listening {
            let mut worker = worker.clone();
            worker.set_concurrency_limit(share(workers, listening, number));
            running.spawn_on(run(worker, errors.clone()), runtime.handle());
        }
        Ok(Self { runtime: runtime.clone(), pool, worker, running, errors })
    }
}

/// How many of the tasks at a time are one worker's.
const fn share(tasks: usize, workers: usize, number: usize) -> usize {
    let more = number < tasks % workers;
    tasks / workers + if more { 1 } else { 0 }
}

/// Runs a worker until it is shut down.
async fn run(worker: Worker<Driven>, errors: Errors) {
    let looks: Span = LOOKS_MS.milliseconds();
    while let Err(error) = worker.run_every(looks).await {
        errors.lock().unwrap_or_else(PoisonError::into_inner).push(error.to_string());
        sleep(RESTART).await;
    }
}

impl Pool for Crew {
    fn stop(mut self: Box<Self>, bound: Duration) -> Vec<String> {
        self.worker.shutdown();
        let running = &mut self.running;
        let ended = self.runtime.block_on(async {
            let ended =
                timeout(bound, async { while running.join_next().await.is_some() {} }).await;
            running.shutdown().await;
            ended
        });
        // What hangs may hold a connection; it is closed with the runtime.
        let _ = self.runtime.block_on(async { timeout(CLOSE_BOUND, self.pool.close()).await });
        let mut errors =
            std::mem::take(&mut *self.errors.lock().unwrap_or_else(PoisonError::into_inner));
        if ended.is_err() {
            errors.push(format!("the workers did not end in {} ms", bound.as_millis()));
        }
        errors
    }
}
