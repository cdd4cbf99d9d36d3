//! A worker of the library that runs so many tasks at a time, each as a task of the runtime.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use apalis::prelude::{BackendExt, ParallelizeExt, WorkerBuilder, WorkerBuilderExt, WorkerError};
use apalis_postgres::PostgresStorage;
use prismq_driver::sdk::{Handler, Pool};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::job::driven;

/// How often a worker looks that is not notified, as the README of apalis-sqlite has it next to its hook. The 5 s of
/// this library's README would be the latency of each task whose notification came while the worker was looking.
const LOOKS: Duration = Duration::from_millis(500);
/// How long after an error, which ends a worker, another is started, as an application's supervisor does.
const RESTART: Duration = Duration::from_millis(100);
const JOIN_POLL: Duration = Duration::from_millis(1);

pub(crate) struct Crew {
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
    errors: Errors,
}

type Errors = Arc<Mutex<Vec<String>>>;

impl Crew {
    pub(crate) fn start(
        runtime: &Arc<Runtime>,
        storage: &PostgresStorage<String>,
        name: String,
        workers: usize,
        handler: &Handler,
    ) -> Self {
        let (stop, stopping) = watch::channel(false);
        let errors = Errors::default();
        let (storage, handler, noted) = (storage.clone(), handler.clone(), errors.clone());
        let runtime = runtime.clone();
        // In a thread of its own: the compiler cannot see that what the worker awaits may move between threads.
        let running = thread::spawn(move || {
            runtime.block_on(work(&storage, &name, workers, &handler, stopping, &noted));
        });
        Self { stop, running, errors }
    }
}

/// Runs a worker, and another after each error, until it is to stop.
async fn work(
    storage: &PostgresStorage<String>,
    name: &str,
    workers: usize,
    handler: &Handler,
    stopping: watch::Receiver<bool>,
    errors: &Errors,
) {
    let mut restarts = 0;
    while !*stopping.borrow() {
        let worker = WorkerBuilder::new(format!("{name}-{restarts}"))
            .backend(storage.clone().with_pubsub().poll_with_interval(LOOKS))
            .concurrency(workers)
            .parallelize(tokio::spawn)
            .data(handler.clone())
            .build(driven);
        let mut asked = stopping.clone();
        let ended = worker
            .run_until(async move {
                let _ = asked.wait_for(|stop| *stop).await;
                Ok::<(), WorkerError>(())
            })
            .await;
        if let Err(error) = ended {
            errors.lock().unwrap_or_else(PoisonError::into_inner).push(error.to_string());
            tokio::time::sleep(RESTART).await;
        }
        restarts += 1;
    }
}

impl Pool for Crew {
    fn stop(self: Box<Self>, bound: Duration) -> Vec<String> {
        self.stop.send_replace(true);
        let end = Instant::now() + bound;
        while !self.running.is_finished() && Instant::now() < end {
            thread::sleep(JOIN_POLL);
        }
        let late = !self.running.is_finished();
        let mut errors =
            std::mem::take(&mut *self.errors.lock().unwrap_or_else(PoisonError::into_inner));
        if late {
            errors.push(format!("the worker did not end in {} ms", bound.as_millis()));
        }
        errors
    }
}
