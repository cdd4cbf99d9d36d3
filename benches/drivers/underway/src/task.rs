//! What the library knows of a task, and what runs it.

use std::future::pending;

use jiff::Span;
use prismq_driver::sdk::{Handler, Rest};
use sqlx::{Postgres, Transaction};
use underway::Task;
use underway::task::{Error, Result, RetryPolicy};

/// More than the harness lets fail, and than a kill adds.
const MAX_ATTEMPTS: i32 = 300;

/// The tasks of this driver. They are stored with the settings of the one that enqueues them.
#[derive(Clone)]
pub(crate) struct Driven {
    /// Only there where tasks are run.
    handler: Option<Handler>,
    priority: i32,
    heartbeat: Span,
    retries: RetryPolicy,
}

impl Driven {
    /// Tasks that are enqueued. A failed one is tried again after `retry_ms`, each time.
    pub(crate) fn new(heartbeat: Span, retry_ms: i32) -> Self {
        let retries = RetryPolicy::builder()
            .max_attempts(MAX_ATTEMPTS)
            .initial_interval_ms(retry_ms)
            .max_interval_ms(retry_ms)
            .backoff_coefficient(1.0)
            .build();
        Self { handler: None, priority: 0, heartbeat, retries }
    }

    /// The same with a priority of the harness, 0 first. The library takes the highest first.
    pub(crate) fn with_priority(&self, priority: u8) -> Self {
        Self { priority: -i32::from(priority), ..self.clone() }
    }

    /// The same, run by a crew.
    pub(crate) fn run_by(&self, handler: &Handler) -> Self {
        Self { handler: Some(handler.clone()), ..self.clone() }
    }
}

impl Task for Driven {
    type Input = String;
    type Output = ();

    async fn execute(&self, _: Transaction<'_, Postgres>, payload: String) -> Result<()> {
        let Some(handler) = &self.handler else {
            return Err(Error::Fatal("this task only enqueues".to_owned()));
        };
        let run = handler
            .begin_counted(payload.as_bytes())
            .map_err(|refused| Error::Fatal(refused.reason().to_owned()))?;
        match run.rest() {
            Rest::None => {}
            Rest::Sleep(time) => tokio::time::sleep(time).await,
            Rest::Forever => pending().await,
        }
        if run.end().fails() {
            return Err(Error::Retryable("the plan lets it fail".to_owned()));
        }
        Ok(())
    }

    fn retry_policy(&self) -> RetryPolicy {
        self.retries
    }

    fn heartbeat(&self) -> Span {
        self.heartbeat
    }

    fn priority(&self) -> i32 {
        self.priority
    }
}
