//! Clients in processes that are killed, stopped and started again.

mod creation;
mod deposits;
mod kill;
mod limits;
mod operators;
mod restarts;
mod stopped_holder;
mod stopped_writer;
