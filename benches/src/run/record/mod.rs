//! From the rounds of scenarios to the record of a suite.

pub mod case;
pub mod part;
pub mod recorder;
pub mod run_identity;
