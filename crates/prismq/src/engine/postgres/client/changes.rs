//! How an idle pool learns of what other processes commit: by their notifications, and by looking now and then.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::notifications::{Listener, Shared};
use crate::engine::Changes;

/// How often to look for work while notifications are heard, which one process may not have sent; less up to a quarter,
/// so that idle processes do not look at once.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How often to look while they are not heard.
pub(super) const DEAF_INTERVAL: Duration = Duration::from_millis(250);

/// The notifications that one thread waits for.
#[derive(Debug)]
pub(super) struct Notified {
    shared: Arc<Shared>,
    listener: Arc<Listener>,
    /// Those it has seen.
    seen: AtomicU64,
    interrupted: AtomicBool,
}

impl Notified {
    pub(super) fn new((shared, listener): (Arc<Shared>, Arc<Listener>)) -> Self {
        let seen = AtomicU64::new(listener.heard.count());
        Self { shared, listener, seen, interrupted: AtomicBool::new(false) }
    }
}

impl Changes for Notified {
    fn wait(
        &self,
        _version: &mut Option<i64>,
        timeout: Option<Duration>,
        wanted: &dyn Fn() -> bool,
    ) -> io::Result<bool> {
        let began = Instant::now();
        let jitter = fastrand::f64().mul_add(-0.25, 1.0);
        let mut seen = self.seen.load(Ordering::Acquire);
        loop {
            if self.interrupted.swap(false, Ordering::AcqRel) {
                return Ok(false);
            }
            let interval = match self.shared.is_listening.load(Ordering::Acquire) {
                true => LOOK_INTERVAL,
                false => DEAF_INTERVAL,
            };
            let interval = timeout.map_or(interval, |timeout| timeout.min(interval));
            let left = interval.mul_f64(jitter).saturating_sub(began.elapsed());
            let count = self.listener.heard.count();
            if count != seen || left.is_zero() {
                // A claim that is under way may not see the new task: the notification is kept until the pool is idle.
                let wanted = wanted();
                if wanted {
                    self.seen.store(count, Ordering::Release);
                }
                return Ok(wanted);
            }
            seen = count;
            self.listener.heard.wait(count, Some(left));
        }
    }

    fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Release);
        self.listener.heard.raise();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notified() -> (Arc<Shared>, Notified) {
        let shared = Arc::new(Shared::default());
        shared.is_listening.store(true, Ordering::Release);
        let listener = shared.listen(Box::new(|_| true));
        (shared.clone(), Notified::new((shared, listener)))
    }

    #[test]
    fn a_notification_that_came_before_the_wait_is_not_missed() {
        let (_shared, notified) = notified();
        notified.listener.heard.raise();
        assert!(notified.wait(&mut None, None, &|| true).unwrap());
    }

    #[test]
    fn a_notification_that_came_while_nobody_waited_is_heard_later() {
        let (_shared, notified) = notified();
        notified.listener.heard.raise();
        assert!(!notified.wait(&mut None, None, &|| false).unwrap(), "nobody wants it");
        assert!(notified.seen.load(Ordering::Acquire) < notified.listener.heard.count());
        assert!(notified.wait(&mut None, None, &|| true).unwrap());
        assert_eq!(notified.seen.load(Ordering::Acquire), notified.listener.heard.count());
    }

    #[test]
    fn an_interrupted_wait_ends_now_or_the_next_time() {
        let (_shared, notified) = notified();
        notified.interrupt();
        assert!(!notified.wait(&mut None, None, &|| true).unwrap());
    }

    #[test]
    fn without_notifications_the_wait_ends_to_look_for_work() {
        let (shared, notified) = notified();
        assert!(notified.wait(&mut None, None, &|| true).unwrap());
        shared.is_listening.store(false, Ordering::Release);
        assert!(notified.wait(&mut None, None, &|| true).unwrap());
    }
}
