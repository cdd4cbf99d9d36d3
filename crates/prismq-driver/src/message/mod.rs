//! The messages: what the harness asks, and what a driver says. A JSON object a line; unknown fields are ignored.

mod answer;
mod ask;

pub use answer::{
    About, Can, Census, Class, Closed, Durability, Enqueued, Fault, Library, Loaded, Log, Now,
    Opened, Process, Redelivery, RedeliveryKind, Said, Settle, Started, Stopped, Store,
};
pub use ask::{
    Ask, Asked, Choice, Enqueue, Hello, Load, Model, Open, Records, Start, Stop, UnreadableAsk,
    Work,
};

use serde::{Deserialize, Serialize};

/// Longest line, in bytes with its end.
pub const LONGEST_LINE: usize = 1 << 20;

/// How an attempt was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The task is done.
    Completed,
    /// It failed and is retried.
    Retried,
    /// It failed for good.
    Dead,
}
