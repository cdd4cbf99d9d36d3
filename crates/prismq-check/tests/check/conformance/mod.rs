//! The queue held against the model.

mod model;
mod random_operations;
