//! Which files a results folder holds, and which of them are read.

mod criterion;
mod gather;
mod names;
mod results_folder;
