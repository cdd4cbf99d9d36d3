//! The knee of a latency curve: the load at which throughput is bought with the least latency.
//!
//! Kleinrock (*Power and Deterministic Rules of Thumb for Probabilistic Problems in Computer
//! Communications*, 1979) calls load over latency the power of a system and its largest value the
//! optimal operating point; Jain (*The Art of Computer Systems Performance Analysis*, 1991, section
//! 3.3) calls it the knee. Unlike the angle of a drawn curve it depends neither on the scale of the axes
//! nor on a threshold, and of an M/M/1 queue it is half the capacity.

/// The knee among measured loads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knee {
    /// The load, in the unit that was given.
    pub load: f64,
    /// The latency at it.
    pub latency: f64,
    /// Whether it is the smallest or the largest load measured, so that the true one may lie beyond.
    pub at_the_end: bool,
}

/// The knee of a curve given by (load, latency) points in any order; `None` for fewer than three, or a
/// figure that is not positive.
#[must_use]
pub fn knee(curve: &[(f64, f64)]) -> Option<Knee> {
    let positive = |(load, latency): &(f64, f64)| {
        *load > 0.0 && load.is_finite() && *latency > 0.0 && latency.is_finite()
    };
    if curve.len() < 3 || !curve.iter().all(positive) {
        return None;
    }
    let power = |(load, latency): &&(f64, f64)| load / latency;
    let (load, latency) = *curve.iter().max_by(|one, other| power(one).total_cmp(&power(other)))?;
    let beyond =
        |further: fn(&f64, &f64) -> bool| curve.iter().any(|(other, _)| further(other, &load));
    let at_the_end = !beyond(|other, load| other < load) || !beyond(|other, load| other > load);
    Some(Knee { load, latency, at_the_end })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shares of a capacity of 100 a second, and latencies by `latency` of them.
    fn curve(latency: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (1..20).map(|step| f64::from(step) * 0.05).map(|rho| (100.0 * rho, latency(rho))).collect()
    }

    #[test]
    fn the_knee_of_m_m_1_is_half_the_capacity() {
        let found = knee(&curve(|rho| 10.0 / (1.0 - rho))).unwrap();
        assert!((found.load - 50.0).abs() < 1e-9 && !found.at_the_end, "{found:?}");
        assert!((found.latency - 20.0).abs() < 1e-9, "{found:?}");
    }

    /// Of M/D/1 it is 2 - √2 of the capacity (Kleinrock 1979): 58.6 %.
    #[test]
    fn the_knee_of_m_d_1_is_at_59_percent() {
        let found = knee(&curve(|rho| 10.0 * (1.0 + rho / (2.0 * (1.0 - rho))))).unwrap();
        assert!((found.load - 60.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn a_curve_that_never_bends_has_its_knee_at_the_end() {
        assert!(knee(&curve(|_| 3.0)).unwrap().at_the_end);
        assert!(knee(&curve(|rho| rho * rho)).unwrap().at_the_end);
    }

    #[test]
    fn too_little_of_a_curve_has_no_knee() {
        assert_eq!(knee(&[(1.0, 1.0), (2.0, 1.0)]), None);
        assert_eq!(knee(&[(1.0, 1.0), (2.0, 0.0), (3.0, 1.0)]), None);
    }
}
