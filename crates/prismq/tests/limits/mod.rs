//! The bounds of every argument and of the names in a file.

mod bounds;
mod names;
