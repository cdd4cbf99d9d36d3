//! A process that is killed, forked, or out of memory.

mod fork;
mod kill;
mod memory;
