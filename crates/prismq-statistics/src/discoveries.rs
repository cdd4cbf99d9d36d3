//! Which of many tests found something, when each of them may err.
//!
//! Benjamini and Hochberg, *Controlling the False Discovery Rate* (1995): of what is called found, at
//! most the share `rate` is chance on average. Where nothing is there at all, `rate` is the chance that
//! anything is called found, however many tests there are. That also holds where they depend on each
//! other as metrics of one run do (Benjamini and Yekutieli, 2001).

/// For each chance in turn whether its test found something.
#[must_use]
pub fn discoveries(chances: &[f64], rate: f64) -> Vec<bool> {
    let mut sorted = chances.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let passes = |(rank, chance): &(usize, &f64)| **chance <= rate * (rank + 1) as f64 / count;
    let largest = sorted.iter().enumerate().rev().find(passes).map(|(_, chance)| *chance);
    chances.iter().map(|chance| largest.is_some_and(|largest| *chance <= largest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fifteen chances of section 3.2 of the article: the first four at a rate of 5 %.
    #[test]
    fn the_articles_own_example_has_four() {
        let chances = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262,
            0.5719, 0.6528, 0.7590, 1.0000,
        ];
        let found = discoveries(&chances, 0.05);
        let expected: Vec<bool> = (0..15).map(|index| index < 4).collect();
        assert_eq!(found, expected);
        assert!(discoveries(&[], 0.05).is_empty());
    }

    #[test]
    fn a_chance_beyond_its_own_bound_is_found_beside_enough_others() {
        assert_eq!(discoveries(&[0.04, 0.001, 0.03, 0.02], 0.05), [true; 4]);
        assert_eq!(discoveries(&[0.04, 0.9, 0.9, 0.9], 0.05), [false; 4]);
    }
}
