//! Tasks of a load: numbered payloads, and the handler that reads the number back. When they are enqueued is
//! left to [`crate::load::generator`].

use std::sync::Arc;

use crate::observe::ledger::Ledger;
use crate::subject::{DEFAULT_PRIORITY, DEFAULT_QUEUE, Handler, TaskSpec};

/// Attempts a task is given where none is meant to fail.
const ATTEMPTS: u32 = 5;

/// Bytes of the usual payload.
pub const PAYLOAD_BYTES: usize = 100;

/// Tasks of one type with the usual payload, numbered from 0.
#[must_use]
pub fn numbered(task_type: &'static str, count: usize) -> Vec<TaskSpec> {
    sized(task_type, count, PAYLOAD_BYTES)
}

/// Tasks of one type with payloads of so many bytes (at least 8), numbered from 0.
#[must_use]
pub fn sized(task_type: &'static str, count: usize, payload_bytes: usize) -> Vec<TaskSpec> {
    let numbers = 0..u64::try_from(count).unwrap_or(u64::MAX);
    numbers
        .map(|number| {
            let mut payload = number.to_le_bytes().to_vec();
            payload.resize(payload_bytes.max(payload.len()), 0x5a);
            let (queue, priority) = (DEFAULT_QUEUE, DEFAULT_PRIORITY);
            TaskSpec { queue, priority, task_type, payload, max_attempts: ATTEMPTS }
        })
        .collect()
}

/// The number a task of [`sized`] carries.
#[must_use]
pub fn number_of(payload: &[u8]) -> Option<u64> {
    payload.first_chunk().copied().map(u64::from_le_bytes)
}

/// A handler that does what a task of this number asks for, entered in the books.
#[must_use]
pub fn handler(ledger: &Arc<Ledger>, work: impl Fn(u64) + Send + Sync + 'static) -> Handler {
    let ledger = ledger.clone();
    Arc::new(move |attempt| {
        ledger.run(attempt.id, || {
            let number = number_of(attempt.payload).ok_or("the payload is not the one enqueued")?;
            work(number);
            Ok(())
        })
    })
}
