//! Payloads stored out of line: reading them after a claim, and settling tasks whose payload cannot be read.

use std::collections::HashMap;
use std::mem;

use super::{Core, RetryRule};
use crate::engine::Operation;
use crate::model::limits::READ_RETRY_PAUSE;
use crate::model::{Error, Lease, LeaseKey, Payload, Result, TaskError, TaskId};

/// Whether the payload is missing or damaged, so that no later read can succeed.
const fn is_damaged(error: &Error) -> bool {
    matches!(error, Error::Corrupt { .. })
}

/// Logs that the payload of a claimed task was not read. See [`Core::settle_unread`].
pub(crate) fn log_unread(queue: &str, task: TaskId, error: &Error) {
    if is_damaged(error) {
        tracing::error!(%task, queue, %error, "payload missing or damaged: the task is dead");
    } else {
        tracing::warn!(%task, queue, %error, "payload not readable now: the task is released and can be claimed again in a second");
    }
}

impl Core {
    /// The operation that settles a claimed task whose payload was not read. The task is dead if the payload is
    /// missing or damaged; else the read failed, and the task is released for later without counting an attempt, so
    /// that it neither blocks others nor is claimed over and over.
    pub(crate) fn settle_unread(&self, lease: &Lease, error: &Error) -> Operation {
        if is_damaged(error) {
            let error = TaskError::permanent(error.to_string());
            self.failure(lease, error, None, RetryRule::default())
        } else {
            Operation::Defer { key: lease.key, pause: READ_RETRY_PAUSE }
        }
    }

    /// Reads payloads stored out of line, in order, up to `bytes_max` together but at least one. One that cannot be
    /// read does not block the others.
    pub(crate) fn read_payloads(
        &self,
        mut keys: Vec<LeaseKey>,
        bytes_max: usize,
    ) -> Vec<(LeaseKey, Result<Payload>)> {
        let ids: Vec<TaskId> = keys.iter().map(|key| key.id).collect();
        match self.engine().and_then(|engine| engine.payloads(&ids, bytes_max)) {
            Ok(payloads) => keys.into_iter().zip(payloads).collect(),
            Err(_) if keys.len() > 1 => {
                keys.truncate(1);
                self.read_payloads(keys, bytes_max)
            }
            Err(error) => keys.into_iter().map(|key| (key, Err(error.clone()))).collect(),
        }
    }

    /// Adds the payloads stored out of line to a claim's leases. Tasks whose payloads cannot be read are settled
    /// ([`Core::settle_unread`]); it is an error if a read failed and no task is left.
    pub(crate) fn with_payloads(&self, mut leases: Vec<Lease>) -> Result<Vec<Lease>> {
        let unread = leases.iter().filter(|lease| lease.payload.is_unread());
        let mut unread: Vec<LeaseKey> = unread.map(|lease| lease.key).collect();
        let mut payloads = HashMap::with_capacity(unread.len());
        let mut first_error = None;
        while !unread.is_empty() {
            let read = self.read_payloads(unread.clone(), usize::MAX);
            unread.drain(..read.len());
            let errors = read.iter().filter_map(|(_, payload)| payload.as_ref().err());
            let failed = errors.into_iter().find(|error| !is_damaged(error));
            first_error = first_error.or_else(|| failed.cloned());
            payloads.extend(read);
            // One wait for a busy database is enough.
            if first_error.as_ref().is_some_and(Error::is_busy) {
                break;
            }
        }
        let mut settled = Vec::new();
        leases.retain_mut(|lease| {
            if !lease.payload.is_unread() {
                return true;
            }
            let error = match payloads.remove(&lease.key) {
                Some(Ok(payload)) => {
                    lease.payload = payload;
                    return true;
                }
                Some(Err(error)) => error,
                None => first_error.clone().unwrap_or_else(Error::unanswered),
            };
            log_unread(&lease.queue, lease.id(), &error);
            settled.push(self.settle_unread(lease, &error));
            false
        });
        for error in self.submit_all(settled).into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "a task whose payload was not read could not be released: it is held until its lease expires");
        }
        match first_error {
            Some(error) if leases.is_empty() => Err(error),
            _ => Ok(leases),
        }
    }
}

/// Tasks claimed by a future. They are released if it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    core: Core,
    leases: Vec<Lease>,
}

impl Held {
    pub(crate) const fn new(core: Core, leases: Vec<Lease>) -> Self {
        Self { core, leases }
    }

    /// The tasks, which are the caller's from now on.
    pub(crate) fn take(mut self) -> Vec<Lease> {
        mem::take(&mut self.leases)
    }

    /// Adds the payloads that are stored out of line, on a thread that may block: see [`Core::with_payloads`].
    pub(crate) async fn with_payloads(self) -> Result<Self> {
        if !self.leases.iter().any(|lease| lease.payload.is_unread()) {
            return Ok(self);
        }
        let core = self.core.clone();
        let read = core.run_blocking(|core| {
            let leases = core.with_payloads(self.take())?;
            Ok(Self::new(core, leases))
        });
        read?.await?
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let leases = mem::take(&mut self.leases);
        if self.core.check_owner().is_ok() {
            self.core.shared.committer.release(leases);
        }
    }
}
