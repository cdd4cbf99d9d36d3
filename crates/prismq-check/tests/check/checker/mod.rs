//! The checker on a queue that keeps its promises, and on queues that break one each.

mod mutants;
mod sensitivity;
mod soundness;
