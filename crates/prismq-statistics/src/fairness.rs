//! How evenly something is shared: by workers, by types of task, by queues. Where shares are meant to
//! differ, each is divided by its weight first.

/// The index of Jain, Chiu and Hawe (*A Quantitative Measure of Fairness*, 1984): 1 where all have the
/// same, k/n where k of n share everything. `None` without shares, for negative shares, and if all are
/// zero.
#[must_use]
pub fn jain(shares: &[f64]) -> Option<f64> {
    let sum = total(shares)?;
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    Some(sum * sum / (shares.len() as f64 * squares))
}

/// The coefficient of Gini (*Variabilità e mutabilità*, 1912): the mean difference of two shares over
/// twice the mean share. 0 where all have the same, 1 - 1/n where one has everything. `None` as for
/// [`jain`].
#[must_use]
pub fn gini(shares: &[f64]) -> Option<f64> {
    let sum = total(shares)?;
    let mut sorted = shares.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let weighted: f64 =
        sorted.iter().enumerate().map(|(index, share)| (index + 1) as f64 * share).sum();
    Some(2.0 * weighted / (count * sum) - (count + 1.0) / count)
}

fn total(shares: &[f64]) -> Option<f64> {
    if shares.iter().any(|share| *share < 0.0) {
        return None;
    }
    Some(shares.iter().sum::<f64>()).filter(|sum| *sum > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
    }

    #[test]
    fn the_index_is_the_share_of_those_who_share() {
        close(jain(&[3.0; 7]), 1.0);
        close(jain(&[0.0, 5.0, 0.0, 5.0]), 0.5);
        close(jain(&[1.0, 2.0, 3.0]), 36.0 / (3.0 * 14.0));
    }

    #[test]
    fn the_coefficient_is_the_mean_difference_over_twice_the_mean() {
        close(gini(&[3.0; 7]), 0.0);
        close(gini(&[0.0, 0.0, 0.0, 9.0]), 0.75);
        // Differences of 1, 2 and 3: four of 1 and two of 2 among nine pairs, 8/9; twice the mean is 4.
        close(gini(&[3.0, 1.0, 2.0]), 8.0 / 9.0 / 4.0);
    }

    #[test]
    fn nothing_to_share_has_no_fairness() {
        for shares in [&[][..], &[0.0, 0.0], &[1.0, -1.0]] {
            assert_eq!((jain(shares), gini(shares)), (None, None), "{shares:?}");
        }
    }
}
