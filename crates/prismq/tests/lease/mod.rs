//! How long a lease holds its task, and who may settle it.

mod duration;
mod expiry;
mod loss;
mod suspects;
