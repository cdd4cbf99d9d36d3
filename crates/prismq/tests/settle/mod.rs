//! How an attempt ends: completed, failed and retried, released, dead.

mod completion;
mod history;
mod policy;
mod retry;
mod transactions;
