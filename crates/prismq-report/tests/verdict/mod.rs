//! The status of a run, and the order of its reasons.

mod comparison;
mod precedence;
mod record;
mod references;
mod validity;
