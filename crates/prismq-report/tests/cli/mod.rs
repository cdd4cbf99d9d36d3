//! The command: its arguments, output and exit status.

mod ab;
mod commands;
mod exit_status;
mod workflow;
