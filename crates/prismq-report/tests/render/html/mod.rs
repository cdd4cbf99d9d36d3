//! The HTML page and its figures.

mod browser;
mod damaged_histograms;
mod escaping;
mod figures;
mod layout;
mod missing_data;
mod policy;
mod tooltips;
