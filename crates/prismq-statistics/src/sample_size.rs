//! How many samples a percentile needs before it means anything.

/// The fewest samples of which, with this confidence, at least one lies beyond the quantile `share`:
/// the smallest n with `share`ⁿ ≤ 1 - confidence (Wilks, *Determination of Sample Sizes for Setting
/// Tolerance Limits*, 1941). With fewer, the largest sample may well lie below the percentile that is
/// claimed. `None` unless both lie between 0 and 1.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and finite")]
pub fn samples_needed(share: f64, confidence: f64) -> Option<u64> {
    let sound = |share: f64| share > 0.0 && share < 1.0;
    if !sound(share) || !sound(confidence) {
        return None;
    }
    Some(((1.0 - confidence).ln() / share.ln()).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_tables() {
        let needed = [0.5, 0.9, 0.95, 0.99, 0.999].map(|share| samples_needed(share, 0.95));
        assert_eq!(needed, [5, 29, 59, 299, 2995].map(Some));
        assert_eq!(samples_needed(0.95, 0.99), Some(90));
        assert_eq!(samples_needed(1.0, 0.95), None);
        assert_eq!(samples_needed(0.99, 0.0), None);
    }
}
