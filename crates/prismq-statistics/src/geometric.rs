//! The mean of ratios. The arithmetic mean depends on which side is called the baseline; the geometric
//! does not (Fleming and Wallace, *How Not to Lie with Statistics*, 1986).

/// The geometric mean; `None` without figures, or if one is not positive.
#[must_use]
pub fn geometric_mean(figures: impl IntoIterator<Item = f64>) -> Option<f64> {
    let logs: Option<Vec<f64>> =
        figures.into_iter().map(|figure| (figure > 0.0).then(|| figure.ln())).collect();
    let logs = logs.filter(|logs| !logs.is_empty())?;
    Some((logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_and_half_cancel() {
        assert_eq!(geometric_mean([2.0, 0.5]), Some(1.0));
        assert!((geometric_mean([1.0, 3.0, 9.0]).unwrap_or_default() - 3.0).abs() < 1e-12);
        assert_eq!(geometric_mean([]), None);
        assert_eq!(geometric_mean([1.0, 0.0]), None);
    }
}
