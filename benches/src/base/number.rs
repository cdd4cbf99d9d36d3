//! Counts as figures.

/// A count as a figure.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "no count here is near 2^53")]
pub fn as_f64(count: u64) -> f64 {
    count as f64
}

/// `part` of `whole` in percent; 0 of nothing is 0.
#[must_use]
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * as_f64(part) / as_f64(whole) }
}

/// Nanoseconds in milliseconds.
#[must_use]
pub fn ms(ns: u64) -> f64 {
    as_f64(ns) / 1e6
}
