//! A runner of the library, which keeps so many jobs running, each as a task of the runtime.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prismq_driver::sdk::{Handler, Pool, Refused};
use sqlx::PgPool;
use sqlxmq::{JobRegistry, JobRunnerHandle};
use tokio::runtime::Runtime;

use crate::job::{Failed, driven};

pub(crate) struct Crew {
    runtime: Arc<Runtime>,
    runner: JobRunnerHandle,
    errors: Arc<Mutex<Vec<String>>>,
}

impl Crew {
    pub(crate) fn start(
        runtime: &Arc<Runtime>,
        pool: &PgPool,
        workers: usize,
        handler: &Handler,
    ) -> Result<Self, Refused> {
        let errors = Arc::new(Mutex::new(Vec::new()));
        let noted = errors.clone();
        let mut registry = JobRegistry::new(&[driven]);
        registry.set_context(handler.clone());
        registry.set_error_handler(move |_, error| {
            if !matches!(error.downcast_ref(), Some(Failed::Planned)) {
                noted.lock().unwrap_or_else(PoisonError::into_inner).push(error.to_string());
            }
        });
        let mut options = registry.runner(pool);
        // As many as workers, and more are claimed as soon as one of them has ended.
        options.set_concurrency(workers, workers);
        let runner = runtime.block_on(options.run())?;
        Ok(Self { runtime: runtime.clone(), runner, errors })
    }
}

impl Pool for Crew {
    fn stop(mut self: Box<Self>, bound: Duration) -> Vec<String> {
        let end = Instant::now() + bound;
        self.runtime.block_on(async {
            self.runner.stop().await;
            self.runner.wait_jobs_finish(end.saturating_duration_since(Instant::now())).await;
        });
        let mut errors =
            std::mem::take(&mut *self.errors.lock().unwrap_or_else(PoisonError::into_inner));
        let running = self.runner.num_running_jobs();
        if running > 0 {
            errors.push(format!("{running} jobs did not end in {} ms", bound.as_millis()));
        }
        errors
    }
}
