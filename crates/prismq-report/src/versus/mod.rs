//! Queues side by side: a record of `cargo bench --bench versus`, as tables for people.
//!
//! Queues are grouped by the class of durability that was verified, and ranked only within their class: an answer
//! that waits for the disk and one that does not are not the same answer. All forms show the same [`Section`]s.

mod chart;
mod command;
mod form;
mod groups;
mod html;
mod ranking;
mod sections;

pub(crate) use command::Versus;
pub use form::{markdown, terminal};
pub use html::html;
pub use sections::sections;

/// A heading, a sentence, a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// What the table shows.
    pub note: String,
    /// The head of the table.
    pub header: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}
