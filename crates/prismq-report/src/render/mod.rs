//! Shows a verdict to people: in a terminal, as Markdown, and as an HTML page. All of them show the same [`View`],
//! in which every figure is already text; the page adds charts.

mod error;
pub mod html;
mod humanise;
mod markdown;
mod table;
mod terminal;
mod view;

pub use error::RenderError;
pub use html::html;
pub(crate) use humanise::{mebibytes, number};
pub use markdown::markdown;
pub(crate) use table::Table;
pub(crate) use terminal::wrapped;
pub use terminal::{TerminalOptions, terminal, terminal_as};
pub use view::View;
