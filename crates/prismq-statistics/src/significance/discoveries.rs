//! Which of many tests are significant at a false discovery rate.
//!
//! Benjamini and Hochberg, *Controlling the False Discovery Rate* (1995): of the discoveries, at most the share
//! `rate` is false on average. If every null hypothesis is true, `rate` is the probability of any discovery,
//! however many tests there are. This also holds for tests that depend on each other as metrics of one run do
//! (Benjamini and Yekutieli, 2001).

/// For each p-value in turn whether its test is a discovery.
#[must_use]
pub fn discoveries(p_values: &[f64], rate: f64) -> Vec<bool> {
    let mut sorted = p_values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let passes = |(rank, p): &(usize, &f64)| **p <= rate * (rank + 1) as f64 / count;
    let largest = sorted.iter().enumerate().rev().find(passes).map(|(_, p)| *p);
    p_values.iter().map(|p| largest.is_some_and(|largest| *p <= largest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fifteen p-values of section 3.2 of the article: the first four at a rate of 5 %.
    #[test]
    fn the_articles_own_example_has_four() {
        let p_values = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
            0.5719, 0.6528, 0.7590, 1.0000,
        ];
        let found = discoveries(&p_values, 0.05);
        let expected: Vec<bool> = (0..15).map(|index| index < 4).collect();
        assert_eq!(found, expected);
        assert!(discoveries(&[], 0.05).is_empty());
    }

    #[test]
    fn a_p_value_above_its_own_bound_is_a_discovery_among_enough_others() {
        assert_eq!(discoveries(&[0.04, 0.001, 0.03, 0.02], 0.05), [true; 4]);
        assert_eq!(discoveries(&[0.04, 0.9, 0.9, 0.9], 0.05), [false; 4]);
    }
}
