//! Median, quantiles, and the confidence interval of a median, from sorted samples alone.

use super::Bounds;

/// The confidence that an interval of a median must reach.
pub const CONFIDENCE: f64 = 0.95;

/// The method of an interval of a median, as records name it: the rounds of a run share the state of the machine,
/// so that the interval shows how much they vary, not where the figure of another run lies.
pub const SPREAD_OF_ROUNDS: &str = "spread of the rounds: order statistics of their median";

/// The median; `None` without samples.
#[must_use]
pub fn median(samples: &[f64]) -> Option<f64> {
    quantile(samples, 0.5)
}

/// A quantile between 0 and 1, interpolated between the two samples it falls between: definition 7 of
/// Hyndman and Fan, *Sample Quantiles in Statistical Packages* (1996), the default of R and `NumPy`.
/// `None` without samples.
#[must_use]
pub fn quantile(samples: &[f64], share: f64) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile_of_sorted(&sorted, share)
}

/// The quantile of sorted samples.
pub(crate) fn quantile_of_sorted(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = last as f64 * share.clamp(0.0, 1.0);
    let (low, high) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(low + (high - low) * place.fract())
}

/// The narrowest interval between order statistics that holds the median with 95 % confidence; `None`
/// for fewer than six samples, for which no interval reaches it.
///
/// It assumes nothing about their distribution: each sample lies below the true median with chance one
/// half, so how many do is binomial (Conover, *Practical Nonparametric Statistics*, 3rd ed., section
/// 3.2). Of 10 samples the second smallest and the second largest enclose it with 97.9 %.
#[must_use]
pub fn median_interval(samples: &[f64]) -> Option<Bounds> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let outside = outside(sorted.len())?;
    let (lower, upper) = (*sorted.get(outside)?, *sorted.get(sorted.len() - 1 - outside)?);
    Some(Bounds { lower, upper })
}

/// How many samples may be left out on each side.
fn outside(count: usize) -> Option<usize> {
    // By logarithms, since 2^-count underflows beyond a thousand samples.
    let mut term = -(count as f64) * std::f64::consts::LN_2;
    let mut tail = 0.0;
    for below in 0..=count / 2 {
        tail += term.exp();
        if 1.0 - 2.0 * tail < CONFIDENCE {
            return below.checked_sub(1);
        }
        term += ((count - below) as f64 / (below + 1) as f64).ln();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_to(count: u32) -> Vec<f64> {
        (1..=count).map(f64::from).collect()
    }

    fn interval(count: u32) -> Option<(f64, f64)> {
        median_interval(&one_to(count)).map(|bounds| (bounds.lower, bounds.upper))
    }

    #[test]
    fn quantiles_fall_between_samples() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&one_to(10)), Some(5.5));
        // `quantile(1:10, c(0, .25, .75, .99, 1))` in R.
        let shares = [0.0, 0.25, 0.75, 0.99, 1.0];
        let quantiles = shares.map(|share| quantile(&one_to(10), share));
        assert_eq!(quantiles, [1.0, 3.25, 7.75, 9.91, 10.0].map(Some));
    }

    #[test]
    fn intervals_of_the_median_are_those_of_the_tables() {
        for count in 0..6 {
            assert_eq!(interval(count), None, "{count}");
        }
        assert_eq!(interval(6), Some((1.0, 6.0)));
        assert_eq!(interval(10), Some((2.0, 9.0)));
        assert_eq!(interval(20), Some((6.0, 15.0)));
        assert_eq!(interval(100), Some((40.0, 61.0)));
    }

    #[test]
    fn many_samples_have_the_interval_of_the_normal_distribution() {
        let (low, high) = interval(10_000).unwrap_or_default();
        assert!((low - 4_902.0).abs() <= 1.0 && (high - 5_099.0).abs() <= 1.0, "{low} {high}");
    }
}
