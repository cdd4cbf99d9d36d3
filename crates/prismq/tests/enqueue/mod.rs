//! Adding tasks: batches, ids, payloads, a caller's own transaction.

mod batches;
mod depth;
mod ids;
mod injection;
mod own_transactions;
mod payloads;
mod replacement;
mod run_at;
mod time_to_live;
mod transactions;
mod unique;
