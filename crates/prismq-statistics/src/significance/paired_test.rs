//! Whether pairs of starts differ: Student's one sample t test of the logarithms of their ratios
//! (Student, *The Probable Error of a Mean*, 1908).
//!
//! A start's figure is a median of its rounds, hence close to normal, and pairs taken minutes apart are
//! independent. A test of ranks or signs has too little power: its p-value for ten pairs that all agree is 1 in
//! 512, too large for a hundred metrics. An outlier widens the spread and so only raises the p-value.

use crate::distribution::student_two_sided;

/// The two-sided p-value of the ratios under the hypothesis that the pairs do not differ; `None` for
/// fewer than two pairs, or a ratio that is not positive.
#[must_use]
pub fn paired_p(ratios: &[f64]) -> Option<f64> {
    if ratios.len() < 2 || !ratios.iter().all(|ratio| *ratio > 0.0 && ratio.is_finite()) {
        return None;
    }
    let count = ratios.len() as f64;
    let logs: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
    let mean = logs.iter().sum::<f64>() / count;
    let squares: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    if error == 0.0 {
        return Some(if mean == 0.0 { 1.0 } else { 0.0 });
    }
    Some(student_two_sided(mean / error, count - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The additional hours of sleep of Student's ten patients: t = 4.0621, p = 0.002833.
    #[test]
    fn the_p_value_is_that_of_students_own_example() {
        let hours = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
        let p = paired_p(&hours.map(f64::exp)).unwrap_or_default();
        assert!((p - 0.002_833).abs() < 1e-6, "{p}");
    }

    #[test]
    fn pairs_without_spread_have_a_p_value_of_one_or_zero() {
        assert_eq!(paired_p(&[1.0; 5]), Some(1.0));
        assert_eq!(paired_p(&[2.0; 5]), Some(0.0));
        assert_eq!(paired_p(&[2.0]), None);
        assert_eq!(paired_p(&[2.0, 0.0]), None);
    }
}
