//! Claiming: when tasks are claimed, how many, and by which transaction, until they are in the pool's hands.
//!
//! [`request`] decides on the leader's claims, with [`prefetch`] (how many ahead), [`claim_first`] (before results are
//! committed), [`parallel`] (while they are), [`idle`] (not while the queue is empty) and [`suspects`] (tasks that may kill
//! the process). [`reservation`] admits claims made in the transactions of others. [`accept`] receives the tasks of both.

pub(super) mod accept;
pub(super) mod claim_first;
pub(super) mod idle;
pub(super) mod parallel;
pub(super) mod prefetch;
pub(super) mod quota;
pub(super) mod request;
pub(super) mod reservation;
pub(super) mod suspects;
