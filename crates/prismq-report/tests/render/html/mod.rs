//! The HTML page and its figures.

mod escaping;
mod figures;
mod layout;
mod policy;
mod tooltips;
