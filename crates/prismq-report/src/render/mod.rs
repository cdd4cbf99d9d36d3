//! Showing a verdict to a person: in a terminal, as Markdown, and as a page for a browser. All draw the
//! same [`View`], in which every figure is already text; the page adds the pictures.

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
pub use terminal::{Look, terminal, terminal_as};
pub use view::View;
