//! Showing a verdict to a person: in a terminal, and as a Markdown report. Both draw the same
//! [`View`], in which every figure is already text.

mod humanise;
mod markdown;
mod terminal;
mod view;

pub(crate) use humanise::number;
pub use markdown::{RenderError, markdown};
pub use terminal::terminal;
pub use view::View;
