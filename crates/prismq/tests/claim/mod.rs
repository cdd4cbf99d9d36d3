//! Which tasks a claim returns, in what order.

mod delays;
mod empty;
mod order;
mod pause;
mod priorities;
mod queues;
mod ready_tasks;
mod requirements;
mod selection;
mod types;
