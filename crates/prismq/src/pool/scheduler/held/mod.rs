//! Tasks whose leases the pool holds: ready, running, or ended and waiting for their commit.
//!
//! In the order of a task's life: [`ready`] with [`payloads`], [`running`] with [`timeouts`] and
//! [`handler_time`], [`settling`]. [`heartbeat`] extends the leases of all of them, [`cancel`] ends them early;
//! [`notes`] are what handlers have noted and the leader has yet to write.

pub(super) mod cancel;
pub(super) mod handler_time;
pub(super) mod heartbeat;
pub(super) mod notes;
pub(super) mod payloads;
pub(super) mod ready;
pub(super) mod running;
pub(super) mod settling;
pub(super) mod timeouts;
