//! The thread that reads and writes the sockets of a client, and how other threads wait for it.
//!
//! The driver is asynchronous. Its sockets are served by a Tokio runtime of the client's own on this thread; the futures
//! of its calls need no runtime and are polled by the thread that makes the call, which may itself be one of an
//! application's runtime.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::Instant;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::model::{Error, Result};

/// The thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct IoThread {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl IoThread {
    pub(super) fn start() -> Result<Self> {
        let failed = |error| Error::Thread { source: Arc::new(error) };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("prismq-postgres".to_owned())
            .spawn(move || {
                // An error means that the sender was dropped, which stops the thread too.
                _ = runtime.block_on(stopped);
                // A name that is being looked up is not waited for.
                runtime.shutdown_background();
            })
            .map_err(failed)?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Where futures that use sockets run.
    pub(super) const fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for IoThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        let thread = self.thread.take();
        // A subscriber of the log may have dropped the last queue on this very thread.
        let is_this = |thread: &JoinHandle<()>| thread.thread().id() == thread::current().id();
        if let Some(thread) = thread.filter(|thread| !is_this(thread)) {
            // It panics only if the driver does, and then its connections are closed all the same.
            _ = thread.join();
        }
    }
}

/// Blocks this thread until the future is ready; `None` if it is not by then.
pub(super) fn wait<F: Future>(future: F, until: Instant) -> Option<F::Output> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::future;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_future_of_the_thread_is_awaited_within_a_runtime_too() {
        let io = IoThread::start().unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        let runtime = Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(async { wait(io.handle().spawn(async { 7 }), until) });
        assert_eq!(answer.unwrap().unwrap(), 7);
    }

    #[test]
    fn the_wait_ends_at_its_time() {
        assert_eq!(wait(future::pending::<()>(), Instant::now()), None);
    }
}
