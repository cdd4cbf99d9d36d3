//! Which queues a pool serves, and how it divides its workers between them.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::limits::{POOL_QUEUES_MAX, QUEUE_SHARE_MAX};
use crate::model::{Error, Result, validate_name};

/// The queues that one pool serves: in strict order, or each by its share; and how many of the pool's workers may be
/// busy with one of them.
///
/// # Examples
/// ```
/// use prismq::{PoolQueues, Queue, WorkerPool};
///
/// # fn main() -> Result<(), prismq::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let queue = Queue::open(folder.path().join("queue.db"))?;
/// // Nothing of `default` starts while `urgent` has tasks, nor of `media` while one of the others has; and of eight
/// // workers, at most two are busy with `media`.
/// let pool = WorkerPool::builder(&queue)
///     .queues(PoolQueues::in_order(["urgent", "default", "media"]).at_most("media", 2))
///     .workers(8)
///     .handle_bytes("resize", |_, _| Ok(()))
///     .start()?;
/// # drop(pool);
///
/// // While both have tasks, three of `default` start for each one of `bulk`.
/// let by_share = PoolQueues::by_share([("default", 3), ("bulk", 1)]);
/// # let pool = WorkerPool::builder(&queue).queues(by_share).handle_bytes("resize", |_, _| Ok(())).start()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "pass it to WorkerPoolBuilder::queues"]
pub struct PoolQueues {
    queues: Vec<ServedQueue>,
    bounds: Vec<(Arc<str>, usize)>,
}

/// How a pool serves one of its queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServedQueue {
    pub(super) name: Arc<str>,
    /// Its share of the tasks that start; `None` in strict order.
    pub(super) share: Option<u32>,
    /// How many workers may be busy with it; `None` if all.
    pub(super) at_most: Option<usize>,
}

impl PoolQueues {
    /// Strict order: a task of a queue starts only if none is ready in those before it. A queue that always has tasks
    /// keeps those after it waiting for ever.
    pub fn in_order<T: Into<Arc<str>>>(names: impl IntoIterator<Item = T>) -> Self {
        Self::of(names.into_iter().map(|name| (name.into(), None)))
    }

    /// By share: of queues that have tasks, as many tasks start as their shares say, at any priorities; a share
    /// that a queue does not use falls to the others. Shares are 1 to
    /// [`QUEUE_SHARE_MAX`](crate::limits::QUEUE_SHARE_MAX); only their ratio matters, counted in tasks, not in time.
    pub fn by_share<T: Into<Arc<str>>>(shares: impl IntoIterator<Item = (T, u32)>) -> Self {
        Self::of(shares.into_iter().map(|(name, share)| (name.into(), Some(share))))
    }

    /// At most this many of the pool's workers are busy with this queue at once. Other pools and processes are not
    /// bounded by that: see [`Queue::set_concurrency`](crate::Queue::set_concurrency) for all together.
    pub fn at_most(mut self, queue: impl Into<Arc<str>>, workers: usize) -> Self {
        self.bounds.push((queue.into(), workers));
        self
    }

    fn of(queues: impl Iterator<Item = (Arc<str>, Option<u32>)>) -> Self {
        let served = |(name, share)| ServedQueue { name, share, at_most: None };
        Self { queues: queues.map(served).collect(), bounds: Vec::new() }
    }

    /// The queues, if all is valid.
    pub(super) fn checked(self) -> Result<Vec<ServedQueue>> {
        let Self { mut queues, bounds } = self;
        if queues.is_empty() || queues.len() > POOL_QUEUES_MAX {
            let reason =
                format!("{} are named, a pool serves 1 to {POOL_QUEUES_MAX}", queues.len());
            return Err(Error::invalid("queues", reason));
        }
        let mut names = HashSet::new();
        for ServedQueue { name, share, .. } in &queues {
            validate_name("queue name", name)?;
            if !names.insert(name.clone()) {
                return Err(Error::invalid("queues", format!("{name:?} is named twice")));
            }
            if let Some(share) = share.filter(|share| !(1..=QUEUE_SHARE_MAX).contains(share)) {
                let reason = format!("{share} for {name:?}, must be 1 to {QUEUE_SHARE_MAX}");
                return Err(Error::invalid("share", reason));
            }
        }
        for (name, workers) in bounds {
            let Some(queue) = queues.iter_mut().find(|queue| queue.name == name) else {
                let reason = format!("workers are bounded for {name:?}, which is not served");
                return Err(Error::invalid("queues", reason));
            };
            if workers == 0 {
                let reason =
                    format!("0 for {name:?}, must be at least 1; to run none, do not serve it");
                return Err(Error::invalid("workers of a queue", reason));
            }
            if queue.at_most.replace(workers).is_some() {
                let reason = format!("workers are bounded twice for {name:?}");
                return Err(Error::invalid("queues", reason));
            }
        }
        Ok(queues)
    }
}
