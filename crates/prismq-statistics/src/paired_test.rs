//! Whether pairs of starts differ: Student's one sample t test of the logarithms of their ratios
//! (Student, *The Probable Error of a Mean*, 1908).
//!
//! A start's figure is a median of its rounds, hence near to normal, and pairs taken minutes apart are
//! independent. A test of ranks or signs could not tell enough: of ten pairs that all agree its chance
//! is 1 in 512, too much where a hundred metrics are looked at. An outlier widens the spread and makes
//! the test say less, never more.

use super::distribution::student_two_sided;

/// The chance of ratios at least so far from 1, either way, where the pairs do not differ; `None` for
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
    fn the_chance_is_that_of_students_own_example() {
        let hours = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
        let p = paired_p(&hours.map(f64::exp)).unwrap_or_default();
        assert!((p - 0.002_833).abs() < 1e-6, "{p}");
    }

    #[test]
    fn pairs_without_spread_agree_or_differ_beyond_doubt() {
        assert_eq!(paired_p(&[1.0; 5]), Some(1.0));
        assert_eq!(paired_p(&[2.0; 5]), Some(0.0));
        assert_eq!(paired_p(&[2.0]), None);
        assert_eq!(paired_p(&[2.0, 0.0]), None);
    }
}
