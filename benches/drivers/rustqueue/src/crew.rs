//! Workers: tasks of the runtime that pull, run and acknowledge one job after the other, as the library's example of a
//! worker does. They send the heartbeats that its page on production asks of those who pull.

use std::collections::BTreeMap;
use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prismq_driver::clock::now;
use prismq_driver::message::Ending;
use prismq_driver::sdk::{Handler, Pool, Refused, Rest};
use rustqueue::{Job, RustQueue};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::QUEUE;

/// Between two looks at an empty queue, in the library's example of a worker and in its `run_worker`. Each look is a
/// transaction that writes.
const LOOKS: Duration = Duration::from_millis(500);

/// What went wrong, and how often.
type Errors = Arc<Mutex<BTreeMap<String, u64>>>;

pub(crate) struct Crew {
    runtime: Arc<Runtime>,
    workers: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    errors: Errors,
}

struct Worker {
    queue: RustQueue,
    handler: Handler,
    heartbeat: Duration,
    stopping: watch::Receiver<bool>,
    errors: Errors,
}

impl Crew {
    pub(crate) fn start(
        runtime: &Arc<Runtime>,
        queue: &RustQueue,
        workers: usize,
        heartbeat: Duration,
        handler: &Handler,
    ) -> Self {
        let (stop, stopping) = watch::channel(false);
        let errors = Errors::default();
        let workers = (0..workers).map(|_| {
            let worker = Worker {
                queue: queue.clone(),
                handler: handler.clone(),
                heartbeat,
                stopping: stopping.clone(),
                errors: Arc::clone(&errors),
            };
            runtime.spawn(worker.work())
        });
        Self { runtime: Arc::clone(runtime), workers: workers.collect(), stop, errors }
    }
}

impl Worker {
    async fn work(mut self) {
        while !*self.stopping.borrow() {
            match self.next().await {
                Ok(true) => {}
                Ok(false) => self.wait().await,
                Err(refused) => {
                    self.note(refused.reason());
                    self.wait().await;
                }
            }
        }
    }

    /// Runs a job; false if there is none.
    async fn next(&self) -> Result<bool, Refused> {
        let jobs = self.queue.pull(QUEUE, 1).await?;
        for job in &jobs {
            self.run(job).await?;
        }
        Ok(!jobs.is_empty())
    }

    async fn run(&self, job: &Job) -> Result<(), Refused> {
        let payload = job.data.as_str().unwrap_or_default();
        let attempt = u16::try_from(job.attempt.saturating_add(1)).unwrap_or(u16::MAX);
        let run = self.handler.begin(payload.as_bytes(), attempt)?;
        let rest = run.rest();
        let mut rested = pin!(async {
            match rest {
                Rest::None => {}
                Rest::Sleep(time) => tokio::time::sleep(time).await,
                Rest::Forever => pending().await,
            }
        });
        while timeout(self.heartbeat, &mut rested).await.is_err() {
            self.queue.heartbeat(job.id).await?;
        }
        let done = run.end();
        let called = now();
        let ending = if !done.fails() {
            self.queue.ack(job.id, None).await?;
            Ending::Completed
        } else if self.queue.fail(job.id, "the plan lets it fail").await?.will_retry {
            Ending::Retried
        } else {
            Ending::Dead
        };
        done.settled(called, ending);
        Ok(())
    }

    async fn wait(&mut self) {
        // The end of the time and of the crew are both answered by another look.
        let _ = timeout(LOOKS, self.stopping.wait_for(|stop| *stop)).await;
    }

    fn note(&self, reason: &str) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        *errors.entry(reason.to_owned()).or_default() += 1;
    }
}

impl Pool for Crew {
    fn stop(self: Box<Self>, bound: Duration) -> Vec<String> {
        let Self { runtime, workers, stop, errors } = *self;
        stop.send_replace(true);
        let all = async {
            for worker in workers {
                if let Err(error) = worker.await {
                    return Some(error.to_string());
                }
            }
            None
        };
        let ended = runtime.block_on(async { timeout(bound, all).await });
        let late = || Some(format!("the workers did not end in {} ms", bound.as_millis()));
        let failed = ended.unwrap_or_else(|_| late());
        let errors = errors.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = errors.iter().map(|(reason, times)| format!("{reason} ({times} times)"));
        failed.into_iter().chain(noted).collect()
    }
}
