//! Targets: how they are read, checked and decided.

mod checks;
mod coverage;
mod decision;
mod invariants;
mod parse;
mod power;
