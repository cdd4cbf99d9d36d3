//! Experiments on subjects whose truth is known, and on real ones.

mod asynchronous;
mod completeness;
mod long_reader;
mod lost_tasks;
mod queueing_theory;
mod real_time;
mod saturation;
mod stall;
mod surge;
mod wake;
