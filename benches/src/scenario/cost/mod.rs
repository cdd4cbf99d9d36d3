//! What single operations cost, without a pool: instructions, writes, a claim next to a large backlog, and
//! an operation with a feature and without.

pub mod claim;
pub mod feature;
pub mod instructions;
pub mod writes;
