//! A suite from its settings to its record.

mod comparison;
mod filter;
mod floors;
mod invocation;
mod order;
mod passes;
mod recorder;
mod replay;
mod run_identity;
mod settings;
mod undecided_rounds;
