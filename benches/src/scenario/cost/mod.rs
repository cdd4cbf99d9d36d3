//! What single operations cost, without a pool: instructions, writes, and a claim next to a large backlog.

pub mod claim;
pub mod instructions;
pub mod writes;
