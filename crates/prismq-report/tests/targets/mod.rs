//! Targets: how they are read, checked and decided.

mod coverage;
mod decision;
mod goals;
mod invariants;
mod missing_data;
mod operators;
mod own;
mod parse;
mod power;
