//! What a job does: it is acknowledged in the handler, so that the time of that call is seen.

use std::future::pending;

use effectum::{JobRunner, RunningJob};
use prismq_driver::clock::now;
use prismq_driver::message::Ending;
use prismq_driver::sdk::{Handler, Refused, Rest};

/// The library's count is wrong once any job has failed.
const ATTEMPT_UNKNOWN: u16 = 0;

pub(crate) fn runner(name: &'static str) -> JobRunner<Handler> {
    JobRunner::builder(name, |job: RunningJob, handler: Handler| async move {
        run(&job, &handler).await.map_err(|refused| refused.reason().to_owned())
    })
    .autoheartbeat(true)
    .build()
}

async fn run(job: &RunningJob, handler: &Handler) -> Result<(), Refused> {
    let run = handler.begin(&job.payload, ATTEMPT_UNKNOWN)?;
    match run.rest() {
        Rest::None => {}
        Rest::Sleep(time) => tokio::time::sleep(time).await,
        Rest::Forever => pending().await,
    }
    let done = run.end();
    let called = now();
    job.complete(()).await?;
    done.settled(called, Ending::Completed);
    Ok(())
}
