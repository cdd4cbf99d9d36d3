//! The threads of this process that wait for notifications, each for those of the lanes that it serves.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::NewWork;
use crate::time::Signal;

/// Whether a thread may have work in a lane.
pub(crate) type Serves = Box<dyn Fn(i32) -> bool + Send + Sync>;

/// What one thread waits for.
pub(in crate::engine::postgres::client) struct Listener {
    /// Raised when there may be work for it.
    pub(in crate::engine::postgres::client) heard: Signal,
    serves: Serves,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("heard", &self.heard).finish_non_exhaustive()
    }
}

/// Those that there are.
#[derive(Debug, Default)]
pub(super) struct Listeners(Mutex<Vec<Weak<Listener>>>);

impl Listeners {
    /// One more, until it is dropped.
    pub(super) fn add(&self, serves: Serves) -> Arc<Listener> {
        let listener = Arc::new(Listener { heard: Signal::default(), serves });
        let mut listeners = self.lock();
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(Arc::downgrade(&listener));
        listener
    }

    /// Wakes those for whom there may be work.
    pub(super) fn wake(&self, work: &NewWork) {
        let listeners: Vec<_> = self.lock().iter().filter_map(Weak::upgrade).collect();
        for listener in listeners {
            if work.is_in(&listener.serves) {
                listener.heard.raise();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Listener>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_are_woken_that_may_have_work() {
        let listeners = Listeners::default();
        let (one, all) =
            (listeners.add(Box::new(|lane| lane == 1)), listeners.add(Box::new(|_| true)));
        let woken = |work| {
            let before = (one.heard.count(), all.heard.count());
            listeners.wake(&work);
            (one.heard.count() > before.0, all.heard.count() > before.1)
        };
        assert_eq!(woken(NewWork::lane(1)), (true, true));
        assert_eq!(woken(NewWork::lane(2)), (false, true));
        assert_eq!(woken(NewWork::Anywhere), (true, true));
        assert_eq!(woken(NewWork::None), (false, false));
    }
}
