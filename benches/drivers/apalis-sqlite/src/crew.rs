//! A worker of the library that runs so many tasks at a time, each as a task of the runtime.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use apalis::prelude::{
    Attempt, BackendExt, BoxDynError, Data, ParallelizeExt, Strategy, WorkerBuilder,
    WorkerBuilderExt, WorkerError,
};
use apalis_sqlite::SqliteStorage;
use apalis_sqlite::callback::HookCallbackListener;
use futures::StreamExt;
use prismq_driver::sdk::{Handler, Pool, Rest};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Of the README's event-driven worker: how many signals wake it once, and how often it looks without any.
const WOKEN_BY: usize = 10;
const LOOKS: Duration = Duration::from_millis(500);
/// How long after an error, which ends a worker, another is started, as an application's supervisor does.
const RESTART: Duration = Duration::from_millis(100);
const JOIN_POLL: Duration = Duration::from_millis(1);

pub(crate) struct Crew {
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
    errors: Arc<Mutex<Vec<String>>>,
}

impl Crew {
    pub(crate) fn start(
        runtime: &Arc<Runtime>,
        storage: &SqliteStorage<String>,
        listener: &HookCallbackListener,
        name: String,
        workers: usize,
        handler: &Handler,
    ) -> Self {
        let (stop, stopping) = watch::channel(false);
        let errors = Arc::new(Mutex::new(Vec::new()));
        let (storage, listener, handler) = (storage.clone(), listener.clone(), handler.clone());
        let noted = Arc::clone(&errors);
        let runtime = Arc::clone(runtime);
        // In a thread of its own: the compiler cannot see that what the worker awaits may move between threads.
        let running = thread::spawn(move || {
            runtime.block_on(async move {
                let mut restarts = 0;
                while !*stopping.borrow() {
                    let strategy = Strategy::new()
                        .stream(listener.clone().ready_chunks(WOKEN_BY))
                        .interval(LOOKS);
                    let worker = WorkerBuilder::new(format!("{name}-{restarts}"))
                        .backend(storage.clone().poll_with_strategy(strategy))
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
                        noted
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(error.to_string());
                        tokio::time::sleep(RESTART).await;
                    }
                    restarts += 1;
                }
            })
        });
        Self { stop, running, errors }
    }
}

async fn driven(
    payload: String,
    attempt: Attempt,
    handler: Data<Handler>,
) -> Result<(), BoxDynError> {
    let attempt = u16::try_from(attempt.current()).unwrap_or(u16::MAX);
    let run = handler
        .begin(payload.as_bytes(), attempt)
        .map_err(|refused| refused.reason().to_owned())?;
    match run.rest() {
        Rest::None => {}
        Rest::Sleep(time) => tokio::time::sleep(time).await,
        Rest::Forever => pending().await,
    }
    if run.end().fails() { Err("the plan lets it fail".into()) } else { Ok(()) }
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
