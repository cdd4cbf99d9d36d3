//! The confidence interval of a median, from the order statistics of its samples.
//!
//! It assumes nothing about their distribution: each sample lies below the true median with chance one
//! half, so how many do is binomial (Conover, *Practical Nonparametric Statistics*, 3rd ed., section
//! 3.2). Of 10 samples the second smallest and the second largest enclose it with 97.9 %.

/// The confidence that an interval must reach.
const CONFIDENCE: f64 = 0.95;

/// The narrowest interval between order statistics that holds the median with [`CONFIDENCE`]; `None`
/// for fewer than six samples, which reach it with no interval.
pub(super) fn median_interval(samples: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let outside = outside(sorted.len())?;
    Some((*sorted.get(outside)?, *sorted.get(sorted.len() - 1 - outside)?))
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

    #[test]
    fn intervals_of_the_median_are_those_of_the_tables() {
        for count in 0..6 {
            assert_eq!(median_interval(&one_to(count)), None, "{count}");
        }
        assert_eq!(median_interval(&one_to(6)), Some((1.0, 6.0)));
        assert_eq!(median_interval(&one_to(10)), Some((2.0, 9.0)));
        assert_eq!(median_interval(&one_to(20)), Some((6.0, 15.0)));
        assert_eq!(median_interval(&one_to(100)), Some((40.0, 61.0)));
    }

    #[test]
    fn many_samples_have_the_interval_of_the_normal_distribution() {
        let (low, high) = median_interval(&one_to(10_000)).unwrap_or_default();
        assert!((low - 4_902.0).abs() <= 1.0 && (high - 5_099.0).abs() <= 1.0, "{low} {high}");
    }
}
