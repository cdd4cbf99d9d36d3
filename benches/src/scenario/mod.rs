//! Experiments: each does one round on a stage and says what was read. How often, and under which id, is
//! left to the suites.

pub mod foreign_writer;
pub mod kill;
pub mod work;
