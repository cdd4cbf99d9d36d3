//! Whether a run was in a steady state: the rates of its last third against those of its first.
//!
//! That a warm-up was left out does not make a run steady (Barrett et al., *Virtual Machine Warmup
//! Blows Hot and Cold*, 2017). The thirds are compared by [`rank_test`]; with enough intervals it
//! finds the slightest drift, so the drift must also be large enough to matter.

use super::order::median;
use super::significance::rank_test;

/// The significance level.
const ERROR: f64 = 0.01;

/// The smallest drift that matters.
const EFFECT_MIN: f64 = 0.05;

/// The least intervals of a third: with four on each side even disjoint ones have a p-value above [`ERROR`],
/// with five it is 2 in 252.
const THIRD_MIN: usize = 5;

/// The last third of a run compared with its first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// The relative change of the median rate.
    pub change: f64,
    /// The p-value: the probability of a shift at least this clear in a steady run.
    pub p: f64,
    /// Cliff's delta, from -1 (every rate of the last third is below every one of the first) to 1.
    pub delta: f64,
}

impl Drift {
    /// Whether the run was not in a steady state: the drift is beyond chance and large enough.
    #[must_use]
    pub fn is_unsteady(&self) -> bool {
        self.p < ERROR && self.change.abs() >= EFFECT_MIN
    }
}

/// The drift of rates, in the order of their intervals, which are of equal length; `None` for fewer
/// than fifteen, or if the median rate of the first third is 0.
#[must_use]
pub fn drift(rates: &[f64]) -> Option<Drift> {
    let third = rates.len() / 3;
    if third < THIRD_MIN {
        return None;
    }
    let (first, last) = (rates.get(..third)?, rates.get(rates.len() - third..)?);
    let before = median(first).filter(|rate| *rate > 0.0)?;
    let change = median(last)? / before - 1.0;
    let test = rank_test(first, last)?;
    Some(Drift { change, p: test.p, delta: test.delta })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` intervals around 1000 a second, which fall by `fall` of it towards the end.
    fn rates(count: u32, fall: f64) -> Vec<f64> {
        let mut rng = fastrand::Rng::with_seed(5);
        let share = |index: u32| f64::from(index) / f64::from(count - 1);
        (0..count).map(|index| (1000.0 - 1000.0 * fall * share(index)) + 20.0 * rng.f64()).collect()
    }

    #[test]
    fn a_steady_run_is_steady() {
        assert!(!drift(&rates(60, 0.0)).unwrap().is_unsteady());
        assert!(!drift(&[7.0; 15]).unwrap().is_unsteady());
    }

    #[test]
    fn a_run_that_slows_down_is_found_with_its_drift() {
        let found = drift(&rates(60, 0.3)).unwrap();
        assert!(found.is_unsteady(), "{found:?}");
        assert_eq!(found.delta, -1.0);
        // Means of the thirds lie two thirds of the fall apart.
        assert!((found.change + 0.2).abs() < 0.03, "{found:?}");
    }

    #[test]
    fn a_slight_drift_does_not_matter_however_certain_it_is() {
        let found = drift(&rates(600, 0.04)).unwrap();
        assert!(found.p < 1e-6 && !found.is_unsteady(), "{found:?}");
    }

    #[test]
    fn too_few_intervals_have_no_drift() {
        assert_eq!(drift(&[1.0; 14]), None);
        assert_eq!(drift(&[0.0; 30]), None);
    }
}
