//! How an attempt ends: completed, failed and retried, released, dead.

mod attempts;
mod completion;
mod history;
mod permanent_failure;
mod release;
mod retry;
mod retry_delay;
