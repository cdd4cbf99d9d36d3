//! The pool's threads, a file each.

pub(super) mod caller;
pub(super) mod leader;
pub(super) mod notifier;
pub(super) mod watcher;
pub(super) mod worker;
