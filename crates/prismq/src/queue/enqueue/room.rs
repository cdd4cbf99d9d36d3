//! Waiting for room in a queue whose depth is limited.

use std::time::{Duration, Instant};

use crate::model::{Error, IntoTask, Result};
use crate::queue::{Handle, Queue};

/// How often a caller that waits looks for what other processes completed.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

impl Queue {
    /// Adds a task, and waits for up to `timeout` for room while its queue is full
    /// ([`Queue::set_depth_limit`]). A completion in this process lets it go on at once, one in another process within
    /// 20 ms. Of several callers that wait, any may be first.
    ///
    /// # Errors
    /// [`Error::QueueFull`] if there was no room in time; else as [`Queue::enqueue`].
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use prismq::{Error, NewTask, Queue};
    ///
    /// # fn main() -> Result<(), Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let queue = Queue::open(folder.path().join("queue.db"))?;
    /// queue.set_depth_limit("default", 1)?;
    /// queue.enqueue(&NewTask::new("mail", *b"first"))?;
    /// let second = NewTask::new("mail", *b"second");
    /// let refused = queue.enqueue_within(&second, Duration::from_millis(10));
    /// assert!(matches!(refused, Err(Error::QueueFull { .. })));
    /// # Ok(())
    /// # }
    /// ```
    pub fn enqueue_within<T>(
        &self,
        task: impl IntoTask<T>,
        timeout: Duration,
    ) -> Result<Handle<T>> {
        let started = Instant::now();
        let mut task = task.into_task().untyped();
        loop {
            let seen = self.core.room().count();
            let refused = match self.enqueue(task) {
                Ok(handle) => return Ok(Handle::new(self, handle.enqueued())),
                Err(refused) => refused,
            };
            let Error::QueueFull { queue, tasks, .. } = &refused else { return Err(refused) };
            task = tasks.first().cloned().ok_or_else(Error::unanswered)?;
            // Only a read, so that callers that wait do not keep others from writing.
            loop {
                let left = timeout.saturating_sub(started.elapsed());
                if left.is_zero() {
                    return Err(refused);
                }
                let raised = self.core.room().wait(seen, Some(left.min(LOOK_INTERVAL))) != seen;
                if raised || self.has_room(queue)? {
                    break;
                }
            }
        }
    }

    fn has_room(&self, queue: &str) -> Result<bool> {
        let stats = self.core.engine()?.stats(queue)?;
        let live = stats.ready + stats.scheduled + stats.leased;
        Ok(stats.depth_limit.is_none_or(|limit| live < u64::from(limit)))
    }
}
