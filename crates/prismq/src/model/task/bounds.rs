//! Whether a task that is to be enqueued is within the bounds of [`limits`](crate::model::limits).

use std::time::Duration;

use super::NewTask;
use crate::model::limits::{
    ATTEMPTS_MAX, DELAY_MAX, ENQUEUE_BATCH_MAX, PAYLOAD_BYTES_MAX, PRIORITY_MAX, PRIORITY_MIN,
    RESULT_BYTES_MAX,
};
use crate::model::{Error, Result, Unique, validate_name};
use crate::time::{Moment, Timestamp};

impl NewTask {
    /// Whether the tasks of one call are within their bounds.
    pub(crate) fn validate_batch(tasks: &[Self]) -> Result<()> {
        if tasks.len() > ENQUEUE_BATCH_MAX {
            return Err(Error::invalid(
                "batch",
                format!(
                    "more than {ENQUEUE_BATCH_MAX} tasks, which is the most allowed in one call"
                ),
            ));
        }
        tasks.iter().try_for_each(Self::validate)
    }
}

impl<T> NewTask<T> {
    /// Whether the tasks of one call are due within [`DELAY_MAX`] of this moment.
    pub(crate) fn validate_due(tasks: &[Self], now: Moment) -> Result<()> {
        let late = |time: &Timestamp| time.since(now.wall) > DELAY_MAX;
        match tasks.iter().filter_map(|task| task.run_at).find(late) {
            Some(time) => Err(Error::invalid(
                "run_at",
                format!("{time}, at most {DELAY_MAX:?} (ten years) from now is allowed"),
            )),
            None => Ok(()),
        }
    }

    pub(crate) fn validate(&self) -> Result<()> {
        validate_name("queue name", &self.queue)?;
        validate_name("task type", &self.task_type)?;
        if let Some(reason) = &self.unencodable {
            return Err(Error::invalid(
                "payload",
                format!("a task of type {:?} cannot be encoded: {reason}", self.task_type),
            ));
        }
        if self.payload.len() > PAYLOAD_BYTES_MAX {
            let bytes = self.payload.len();
            return Err(Error::invalid(
                "payload",
                format!("{bytes} bytes, at most {PAYLOAD_BYTES_MAX} are allowed"),
            ));
        }
        if !(PRIORITY_MIN..=PRIORITY_MAX).contains(&self.priority) {
            let priority = self.priority;
            return Err(Error::invalid(
                "priority",
                format!("{priority}, must be {PRIORITY_MIN} to {PRIORITY_MAX}"),
            ));
        }
        if self.max_attempts == 0 || self.max_attempts > ATTEMPTS_MAX {
            let attempts = self.max_attempts;
            return Err(Error::invalid(
                "max_attempts",
                format!("{attempts}, must be 1 to {ATTEMPTS_MAX}"),
            ));
        }
        self.requirements.validate_requirements()?;
        self.limit.validate()?;
        self.unique.as_ref().map_or(Ok(()), Unique::validate)?;
        if let Some(time) = self.expires_after {
            validate_delay("time to live", time)?;
            if time <= self.delay {
                let delay = self.delay;
                let reason = format!("{time:?}, must be longer than the delay, {delay:?}");
                return Err(Error::invalid("time to live", reason));
            }
        }
        validate_delay("delay", self.delay)
    }
}

pub(crate) fn validate_delay(what: &'static str, delay: Duration) -> Result<()> {
    if delay > DELAY_MAX {
        return Err(Error::invalid(
            what,
            format!("{delay:?}, at most {DELAY_MAX:?} (ten years) is allowed"),
        ));
    }
    Ok(())
}

pub(crate) fn validate_result(result: &[u8]) -> Result<()> {
    if result.len() > RESULT_BYTES_MAX {
        let bytes = result.len();
        return Err(Error::invalid(
            "result",
            format!("{bytes} bytes, at most {RESULT_BYTES_MAX} are allowed"),
        ));
    }
    Ok(())
}
