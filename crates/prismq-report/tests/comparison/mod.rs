//! Which changes between two runs are found, and which are not.

mod changes;
mod comparability;
mod counts;
mod detection;
mod false_alarms;
mod forbidden_counts;
mod noise;
mod recorded_starts;
mod shifts;
mod summary;
