//! Which changes between two runs are found, and which are not.

mod changes;
mod comparability;
mod counts;
mod detection;
mod error_counts;
mod false_alarms;
mod noise;
mod recorded_starts;
mod shifts;
mod summary;
