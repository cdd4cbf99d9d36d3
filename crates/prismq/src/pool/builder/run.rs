//! Running a pool in asynchronous code, until a signal of the application's or until its queue is empty.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::WorkerPoolBuilder;
use crate::model::Result;
use crate::pool::ShutdownReport;
use crate::pool::scheduler::Scheduler;

impl<S> WorkerPoolBuilder<S> {
    /// Starts the pool, and shuts it down once `signal` resolves, or the pool has stopped for good
    /// ([`WorkerPool::error`](crate::WorkerPool::error)). Running handlers then have
    /// [`shutdown_timeout`](WorkerPoolBuilder::shutdown_timeout) to return, 30 seconds unless set, as after
    /// [`WorkerPool::shutdown_async`](crate::WorkerPool::shutdown_async).
    ///
    /// If the future is dropped, the pool is dropped with it.
    ///
    /// # Errors
    /// See [`WorkerPoolBuilder::start`]. The fault of a pool that stopped for good is in the report.
    ///
    /// # Examples
    /// ```
    /// # async fn run(queue: prismq::Queue, stop_signal: impl Future) -> prismq::Result<()> {
    /// let report = prismq::WorkerPool::builder(&queue)
    ///     .handle_bytes("mail", |payload, _cx| Ok(println!("sending {} bytes", payload.len())))
    ///     .run(stop_signal) // say `tokio::signal::ctrl_c()`
    ///     .await?;
    /// println!("{} sent", report.stats.completed);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run(self, signal: impl Future) -> Result<ShutdownReport> {
        let pool = self.start()?;
        let mut signal = pin!(signal);
        poll_fn(|context| match pool.shared.poll_until(context, Scheduler::is_stopped) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => signal.as_mut().poll(context).map(drop),
        })
        .await;
        let timeout = pool.shutdown_timeout;
        Ok(pool.shutdown_async(timeout).await)
    }

    /// [`WorkerPoolBuilder::run_until_empty`] as a future.
    ///
    /// # Errors
    /// See [`WorkerPoolBuilder::run_until_empty`].
    pub async fn run_until_empty_async(self) -> Result<ShutdownReport> {
        let pool = self.start()?;
        poll_fn(|context| {
            let work_signal = pool.shared.work.count();
            let has_ended = |scheduler: &Scheduler| {
                scheduler.fault().is_some() || scheduler.is_empty(work_signal)
            };
            pool.shared.poll_until(context, has_ended)
        })
        .await;
        let fault = pool.error();
        let timeout = pool.shutdown_timeout;
        let report = pool.shutdown_async(timeout).await;
        fault.map_or(Ok(report), Err)
    }
}
