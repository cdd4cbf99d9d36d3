//! The worker pool, as the program that owns it sees it.

mod clock;
mod events;
mod faults;
mod leases;
mod listeners;
mod prefetch;
mod queues;
mod running;
mod settings;
mod shutdown;
mod timeouts;
mod uncommitted;
mod wake;
