//! What a job does: it is completed in the handler, so that the time of that call is seen.

use std::error::Error;
use std::fmt;
use std::future::pending;

use prismq_driver::clock::now;
use prismq_driver::message::Ending;
use prismq_driver::sdk::{Handler, Refused, Rest};
use sqlxmq::{CurrentJob, job};

/// Why an attempt did not complete its job.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The plan lets this attempt fail.
    Planned,
    /// The handler refused it.
    Refused(Refused),
    /// The queue did not complete it.
    Queue(sqlx::Error),
}

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Planned => formatter.write_str("the plan lets it fail"),
            Self::Refused(refused) => formatter.write_str(refused.reason()),
            Self::Queue(error) => error.fmt(formatter),
        }
    }
}

impl Error for Failed {}

#[job]
pub(crate) async fn driven(mut job: CurrentJob, handler: Handler) -> Result<(), Failed> {
    let run =
        handler.begin_counted(job.raw_bytes().unwrap_or_default()).map_err(Failed::Refused)?;
    match run.rest() {
        Rest::None => {}
        Rest::Sleep(time) => tokio::time::sleep(time).await,
        Rest::Forever => pending().await,
    }
    let done = run.end();
    if done.fails() {
        // It was stored with the claim when it is tried again, unless it is completed before.
        done.settled(done.ended(), Ending::Retried);
        return Err(Failed::Planned);
    }
    let called = now();
    job.complete().await.map_err(Failed::Queue)?;
    done.settled(called, Ending::Completed);
    Ok(())
}
