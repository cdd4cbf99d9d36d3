//! Judges the record of a benchmark run: [`targets`] holds its figures against what they must reach,
//! [`comparison`] against another run's, and [`verdict`] says what follows.
//!
//! Pure functions of records and rules, but for the file of targets. The methods are `prismq-statistics`',
//! the records `prismq-record`'s; showing an answer is left to `prismq-report`.

pub mod comparison;
pub mod targets;
pub mod verdict;
