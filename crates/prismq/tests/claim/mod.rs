//! Which tasks a claim returns, in what order.

mod order;
mod pause;
mod requirements;
mod selection;
