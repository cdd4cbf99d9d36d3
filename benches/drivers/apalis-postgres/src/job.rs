//! What a job does.

use std::future::pending;

use apalis::prelude::{Attempt, BoxDynError, Data};
use prismq_driver::sdk::{Handler, Rest};

pub(crate) async fn driven(
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
