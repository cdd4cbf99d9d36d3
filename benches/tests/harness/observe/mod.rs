//! What is recorded of a load, and whether it may be used.

mod audit;
mod drift;
mod generator_lag;
mod samples;
mod steadiness;
mod task_times;
mod timeline;
