//! A caller that waits for its answers, or to become the leader.

use std::mem;
use std::sync::{Condvar, Mutex, PoisonError};

use super::Answers;

/// A waiting caller.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    role: Mutex<Role>,
    changed: Condvar,
}

/// What a waiting caller is to do.
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

impl Waiter {
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
