//! Running a future on the thread of the test.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::run::fail;

/// How long a future may wait to be woken: longer than anything in a test takes.
const WAKE_MAX: Duration = Duration::from_secs(60);

struct Unpark {
    thread: Thread,
    is_woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Polls the future of a handler of this type until it resolves, and sleeps between wake-ups.
#[track_caller]
pub(super) fn block_on<T>(task_type: &str, future: impl Future<Output = T>) -> T {
    let unpark = Arc::new(Unpark { thread: thread::current(), is_woken: AtomicBool::new(false) });
    let waker = Waker::from(unpark.clone());
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        let since = Instant::now();
        while !unpark.is_woken.swap(false, Ordering::Acquire) {
            let Some(left) = WAKE_MAX.checked_sub(since.elapsed()) else {
                let reason = "its future was not woken for a minute: what it awaits must be driven by another \
                              thread, say by a runtime with several";
                fail(&format!("the handler of {task_type:?}"), reason);
            };
            thread::park_timeout(left);
        }
    }
}
