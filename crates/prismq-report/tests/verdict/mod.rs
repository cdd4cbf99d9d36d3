//! The status of a run, and the order of its reasons.

mod comparability;
mod inconclusive;
mod record;
mod regression;
mod validity;
