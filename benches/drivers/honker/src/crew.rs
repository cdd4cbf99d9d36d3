//! Workers: threads that claim, run and acknowledge, and wait for honker's signal that the file has changed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use honker::{Database, Job, Queue};
use prismq_driver::clock::now;
use prismq_driver::message::Ending;
use prismq_driver::sdk::{Handler, Pool, Refused};

use crate::refused;

/// How long a worker waits for a change: leases and retries fall due without one, at whole seconds.
const WAIT: Duration = Duration::from_millis(200);
const BUSY_WAIT: Duration = Duration::from_millis(1);
const JOIN_POLL: Duration = Duration::from_millis(1);

/// What went wrong, and how often.
type Errors = Arc<Mutex<BTreeMap<String, u64>>>;

pub(crate) struct Crew {
    threads: Vec<JoinHandle<()>>,
    stopping: Arc<AtomicBool>,
    errors: Errors,
}

struct Worker {
    name: String,
    database: Database,
    queue: Queue,
    handler: Handler,
    retry_s: i64,
    stopping: Arc<AtomicBool>,
    errors: Errors,
}

impl Crew {
    pub(crate) fn start(
        database: &Database,
        queue: &Queue,
        workers: usize,
        handler: &Handler,
        retry_s: i64,
    ) -> Self {
        let (stopping, errors) = (Arc::default(), Errors::default());
        let threads = (0..workers).map(|number| {
            let worker = Worker {
                name: format!("{}-{number}", std::process::id()),
                database: database.clone(),
                queue: queue.clone(),
                handler: handler.clone(),
                retry_s,
                stopping: Arc::clone(&stopping),
                errors: errors.clone(),
            };
            thread::spawn(move || worker.work())
        });
        Self { threads: threads.collect(), stopping, errors }
    }
}

impl Worker {
    fn work(&self) {
        let changes = self.database.update_events();
        while !self.stopping.load(Ordering::Relaxed) {
            match insist(|| self.queue.claim_one(&self.name)) {
                Ok(Some(job)) => {
                    if let Err(refused) = self.run(&job) {
                        self.note(refused.reason());
                    }
                }
                Ok(None) => {
                    if let Err(error) = changes.recv_timeout(WAIT) {
                        self.note(&error.to_string());
                        thread::sleep(WAIT);
                    }
                }
                Err(refused) => {
                    self.note(refused.reason());
                    thread::sleep(WAIT);
                }
            }
        }
    }

    fn run(&self, job: &Job) -> Result<(), Refused> {
        let payload: String = job.payload_as()?;
        let attempt = u16::try_from(job.attempts).unwrap_or(u16::MAX);
        let done = self.handler.handle(payload.as_bytes(), attempt)?;
        let called = now();
        let (held, ending) = if done.fails() {
            (insist(|| job.retry(self.retry_s, "the plan lets it fail"))?, Ending::Retried)
        } else {
            (insist(|| job.ack())?, Ending::Completed)
        };
        if !held {
            return Err(Refused::failed("a job was not acknowledged: its claim had expired"));
        }
        done.settled(called, ending);
        Ok(())
    }

    fn note(&self, reason: &str) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        *errors.entry(reason.to_owned()).or_default() += 1;
    }
}

/// Makes a call again as long as SQLite is busy.
fn insist<T>(call: impl Fn() -> honker::Result<T>) -> Result<T, Refused> {
    loop {
        match call().map_err(refused) {
            Err(Refused::Busy(_)) => thread::sleep(BUSY_WAIT),
            answer => return answer,
        }
    }
}

impl Pool for Crew {
    fn stop(self: Box<Self>, bound: Duration) -> Vec<String> {
        self.stopping.store(true, Ordering::Relaxed);
        let end = Instant::now() + bound.max(WAIT * 2);
        while self.threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < end {
            thread::sleep(JOIN_POLL);
        }
        let left = self.threads.iter().filter(|thread| !thread.is_finished()).count();
        let late =
            (left > 0).then(|| format!("{left} workers did not end in {} ms", bound.as_millis()));
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        late.into_iter()
            .chain(errors.iter().map(|(reason, times)| format!("{reason} ({times} times)")))
            .collect()
    }
}
