//! Records, runs and comparisons to test with.

pub(crate) mod command;
pub(crate) mod full_run;
pub(crate) mod page;
pub(crate) mod recorded;
pub(crate) mod sample;
pub(crate) mod simulated;
pub(crate) mod steady;
