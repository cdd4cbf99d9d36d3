//! The disks that a power cut can leave.

mod cuts;
pub(crate) mod random_run;
