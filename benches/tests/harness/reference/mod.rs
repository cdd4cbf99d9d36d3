//! What subjects are compared with.

mod turns;
