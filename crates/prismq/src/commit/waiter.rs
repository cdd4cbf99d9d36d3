//! Where a caller waits for its role or its answers.

use std::mem;
use std::sync::{Condvar, Mutex, PoisonError};

use super::Answers;

/// One caller that waits.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    role: Mutex<Role>,
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) enum Role {
    #[default]
    Wait,
    Lead,
    Answered(Answers),
}

impl Waiter {
    pub(super) fn answer(&self, what: Role) {
        *self.role.lock().unwrap_or_else(PoisonError::into_inner) = what;
        self.changed.notify_one();
    }

    /// Waits until there is a role other than to wait.
    pub(super) fn wait(&self) -> Role {
        let role = self.role.lock().unwrap_or_else(PoisonError::into_inner);
        let mut role = self
            .changed
            .wait_while(role, |role| matches!(role, Role::Wait))
            .unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut *role)
    }
}
