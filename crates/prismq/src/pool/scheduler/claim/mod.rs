//! Claiming: when tasks are claimed, how many, and by which transaction, until they are in the pool's hands.
//!
//! [`request`] decides on the leader's claims, with [`prefetch`] (how many ahead, by [`handler_time`]),
//! [`claim_first`] (before results are committed), [`idle`] (not while the queue is empty) and
//! [`suspects`] (tasks that may kill the process). [`reservation`] admits claims made in the transactions of
//! others. [`accept`] takes in what either of them claimed.

pub(super) mod accept;
pub(super) mod claim_first;
pub(super) mod handler_time;
pub(super) mod idle;
pub(super) mod prefetch;
pub(super) mod request;
pub(super) mod reservation;
pub(super) mod suspects;
