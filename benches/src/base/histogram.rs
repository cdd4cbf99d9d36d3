//! Distributions of times, in nanoseconds.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::base::error::{Error, Result};

/// Longest time a histogram holds; longer ones count as this.
const LONGEST_NS: u64 = 600 * 1_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

/// An empty distribution of times.
///
/// # Errors
/// [`Error::Histogram`] if there can be none.
pub fn empty(name: &'static str) -> Result<Histogram<u64>> {
    with_digits(name, SIGNIFICANT_DIGITS)
}

/// An empty distribution of times that keeps this many significant digits.
///
/// # Errors
/// [`Error::Histogram`] if there can be none.
pub fn with_digits(name: &'static str, digits: u8) -> Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, LONGEST_NS, digits)
        .map_err(|error| Error::Histogram { name, reason: error.to_string() })
}

/// Adds a time.
pub fn add(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(LONGEST_NS));
}
