//! A value that a thread sets once and a future waits for, under any executor.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The value, or who waits for it.
#[derive(Debug)]
pub(crate) struct Promise<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
enum State<T> {
    /// Not set yet; the waker of the future, once it was polled.
    Pending(Option<Waker>),
    /// Set and not taken yet.
    Set(T),
    /// Taken, or nobody waits for it.
    Closed,
}

impl<T> Default for Promise<T> {
    fn default() -> Self {
        Self::new(State::Pending(None))
    }
}

impl<T> Promise<T> {
    const fn new(state: State<T>) -> Self {
        Self { state: Mutex::new(state) }
    }

    /// One that nobody waits for.
    pub(crate) const fn abandoned() -> Self {
        Self::new(State::Closed)
    }

    /// Sets the value. The waker is to be woken where no lock is held ([`wake`]).
    ///
    /// # Errors
    /// The value, if nobody waits for it any more.
    pub(crate) fn set(&self, value: T) -> Result<Option<Waker>, T> {
        let mut state = self.lock();
        match mem::replace(&mut *state, State::Closed) {
            State::Pending(waker) => {
                *state = State::Set(value);
                Ok(waker)
            }
            State::Set(_) | State::Closed => Err(value),
        }
    }

    /// Takes the value, or registers the waker to be woken once it is set. Pending for ever once it was taken.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<T> {
        // Cloned before and dropped after the lock is held, as both may run the executor's code.
        let waker = context.waker().clone();
        let mut state = self.lock();
        let replaced = match &mut *state {
            State::Pending(registered) => registered.replace(waker),
            State::Set(_) => {
                if let State::Set(value) = mem::replace(&mut *state, State::Closed) {
                    return Poll::Ready(value);
                }
                None
            }
            State::Closed => None,
        };
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// Nobody waits for it any more: returns the value if it was set and not taken.
    pub(crate) fn abandon(&self) -> Option<T> {
        // Dropped after the lock.
        let state = mem::replace(&mut *self.lock(), State::Closed);
        match state {
            State::Set(value) => Some(value),
            State::Pending(_) | State::Closed => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes futures. Their executor's code must neither hold up nor end the thread that calls this: a panic in it is
/// dropped.
pub(crate) fn wake(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            // Its own drop may panic again.
            mem::forget(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("the waker panics, as this test wants");
        }
    }

    #[test]
    fn the_last_waker_is_woken_and_the_value_taken_once() {
        let promise = Promise::default();
        let wakes: [Arc<Count>; 2] = [Arc::default(), Arc::default()];
        for count in &wakes {
            let waker = Waker::from(count.clone());
            assert!(promise.poll(&Context::from_waker(&waker)).is_pending());
        }
        wake(promise.set(7).unwrap());
        assert_eq!(wakes.each_ref().map(|count| count.0.load(Ordering::SeqCst)), [0, 1]);
        assert_eq!(promise.poll(&Context::from_waker(Waker::noop())), Poll::Ready(7));
        assert!(promise.poll(&Context::from_waker(Waker::noop())).is_pending());
    }

    #[test]
    fn a_value_that_nobody_waits_for_is_returned() {
        let promise = Promise::default();
        assert_eq!(promise.abandon(), None);
        assert!(matches!(promise.set(1), Err(1)));
        let promise = Promise::default();
        assert!(promise.set(2).is_ok());
        assert_eq!(promise.abandon(), Some(2));
    }

    #[test]
    fn a_waker_that_panics_keeps_no_other_from_being_woken() {
        let count = Arc::<Count>::default();
        wake([Waker::from(Arc::new(Panics)), Waker::from(count.clone())]);
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
    }
}
