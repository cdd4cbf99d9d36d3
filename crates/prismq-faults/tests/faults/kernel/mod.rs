//! Faults made by the kernel, through programs that not every machine has.

mod failed_calls;
mod killed_calls;
mod permissions;
mod slow_syncs;
