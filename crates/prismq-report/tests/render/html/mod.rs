//! The HTML page and its figures.

mod browser;
mod escaping;
mod figures;
mod layout;
mod policy;
mod tooltips;
