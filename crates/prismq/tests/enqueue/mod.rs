//! Adding tasks: batches, ids, payloads, a caller's own transaction.

mod batches;
mod ids;
mod injection;
mod payload_writes;
mod payloads;
mod transaction_errors;
mod transactions;
