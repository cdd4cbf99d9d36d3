//! Worker pools in processes of their own.

mod crash_isolation;
mod hoarding;
mod lifecycle;
mod poison;
