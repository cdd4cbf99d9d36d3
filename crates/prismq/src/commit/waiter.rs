//! Who waits for the answers to a submission: a caller's thread, which can also be handed the lead, or a future.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Waker;

use super::Answers;
use crate::time::Promise;

/// Who waits for answers.
#[derive(Debug, Clone)]
pub(super) enum Waiter {
    /// A caller that blocks.
    Caller(Arc<Caller>),
    /// A future, which cannot lead: that would block the thread that polls it.
    Future(Arc<Promise<Answers>>),
}

/// What an answered waiter leaves to do once the lead is handed over.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// Futures to wake.
    pub(super) wakers: Vec<Waker>,
    /// Answers that nobody waits for any more.
    pub(super) unclaimed: Answers,
}

impl Waiter {
    /// Gives it its answers. A caller is woken at once.
    pub(super) fn answer(&self, answers: Answers, answered: &mut Answered) {
        match self {
            Self::Caller(caller) => caller.assign(Role::Answered(answers)),
            Self::Future(promise) => match promise.set(answers) {
                Ok(waker) => answered.wakers.extend(waker),
                Err(answers) => answered.unclaimed.extend(answers),
            },
        }
    }
}

/// A caller that blocks.
#[derive(Debug, Default)]
pub(super) struct Caller {
    role: Mutex<Role>,
    changed: Condvar,
}

/// What a blocked caller is to do.
#[derive(Debug, Default)]
pub(super) enum Role {
    /// Wait on.
    #[default]
    Wait,
    /// Lead the next group, of which its operations are the first.
    Lead,
    /// Return these answers.
    Answered(Answers),
}

impl Caller {
    /// Gives the caller its role and wakes it.
    pub(super) fn assign(&self, role: Role) {
        *self.role.lock().unwrap_or_else(PoisonError::into_inner) = role;
        self.changed.notify_one();
    }

    /// Blocks until the caller has a role other than [`Role::Wait`].
    pub(super) fn wait(&self) -> Role {
        let role = self.role.lock().unwrap_or_else(PoisonError::into_inner);
        let mut role = self
            .changed
            .wait_while(role, |role| matches!(role, Role::Wait))
            .unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut *role)
    }
}
