//! The formats that other programs read.

mod formats;
