//! A process that is killed or forked.

mod fork;
mod kill;
