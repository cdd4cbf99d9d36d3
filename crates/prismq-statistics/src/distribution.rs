//! Two-sided tail probabilities of the distributions that the tests rest on. Both are written by the incomplete beta and gamma functions, whose continued fractions are
//! evaluated by the method of Lentz (*Generating Bessel Functions in Mie Scattering Calculations Using
//! Continued Fractions*, 1976).

use std::f64::consts::PI;

/// Steps after which a continued fraction has converged.
const STEPS_MAX: u32 = 10_000;
/// Replaces a divisor of 0.
const TINY: f64 = 1e-300;

/// Of the normal distribution, for a distance in standard deviations.
#[must_use]
pub(crate) fn normal_two_sided(distance: f64) -> f64 {
    if distance.is_nan() {
        return f64::NAN;
    }
    // The chi-squared distribution of one degree of freedom is that of its square.
    upper_gamma(0.5, distance * distance / 2.0)
}

/// Of Student's distribution, for a distance in standard errors and any positive number of degrees of
/// freedom: DLMF 8.17.
#[must_use]
pub(crate) fn student_two_sided(distance: f64, freedom: f64) -> f64 {
    if distance.is_nan() || freedom.is_nan() || freedom <= 0.0 {
        return f64::NAN;
    }
    let square = distance * distance;
    if square.is_infinite() {
        return 0.0;
    }
    beta(freedom / 2.0, 0.5, freedom / (freedom + square), square / (freedom + square))
}

/// The quantile of Student's distribution that is exceeded with probability `tail`, by bisection; `None` unless
/// the probability is above 0 and below one half, and the degrees of freedom are positive.
#[must_use]
pub(crate) fn student_reach(tail: f64, freedom: f64) -> Option<f64> {
    if !(tail > 0.0 && tail < 0.5 && freedom > 0.0) {
        return None;
    }
    let exceeds = |distance: f64| student_two_sided(distance, freedom) > 2.0 * tail;
    let (mut lower, mut upper) = (0.0, 1.0);
    while exceeds(upper) {
        (lower, upper) = (upper, upper * 2.0);
        if !upper.is_finite() {
            return None;
        }
    }
    while upper - lower > upper * 1e-13 {
        let middle = f64::midpoint(lower, upper);
        if exceeds(middle) { lower = middle } else { upper = middle }
    }
    Some(upper)
}

/// The regularised incomplete beta function I_x(a, b), `rest` being 1 - x, which may be too small to be
/// seen in x: DLMF 8.17.22.
fn beta(a: f64, b: f64, x: f64, rest: f64) -> f64 {
    if x <= 0.0 || rest <= 0.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    // The fraction converges fast on this side of the mean only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta(b, a, rest, x);
    }
    let front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * rest.ln();
    let term = |step: u32| {
        let m = f64::from(step / 2);
        if step.is_multiple_of(2) {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        }
    };
    front.exp() / a / fraction(1.0, |step| (term(step), 1.0))
}

/// The regularised upper incomplete gamma function Q(a, x): DLMF 8.7.1 and 8.9.2.
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x.is_infinite() {
        return 0.0;
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut divisor) = (1.0 / a, 1.0 / a, a);
        while term > sum * f64::EPSILON {
            divisor += 1.0;
            term *= x / divisor;
            sum += term;
        }
        return 1.0 - front * sum;
    }
    front
        / fraction(x + 1.0 - a, |step| {
            let n = f64::from(step);
            (n * (a - n), x + 1.0 - a + 2.0 * n)
        })
}

/// `first + n1 / (d1 + n2 / (d2 + ...))`, where `term` gives n and d of each step from 1.
fn fraction(first: f64, term: impl Fn(u32) -> (f64, f64)) -> f64 {
    let apart = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut value = apart(first);
    let (mut upper, mut lower) = (value, 0.0);
    for step in 1..STEPS_MAX {
        let (numerator, denominator) = term(step);
        lower = 1.0 / apart(denominator + numerator * lower);
        upper = apart(denominator + numerator / upper);
        let change = upper * lower;
        value *= change;
        if (change - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    value
}

/// The logarithm of the gamma function of a positive number: Stirling's series (DLMF 5.11.1) where it has
/// sixteen digits, brought there by the function's recurrence.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 15.0 {
        product *= x;
        x += 1.0;
    }
    let square = x * x;
    let series = (1.0 / 12.0
        - (1.0 / 360.0
            - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square) / square)
            / square)
        / x;
    (x - 0.5) * x.ln() - x + (2.0 * PI).ln() / 2.0 + series - f64::ln(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} instead of {expected}");
    }

    /// Values of the complementary error function (DLMF, table of 7.23; erfc(z / sqrt 2)).
    #[test]
    fn the_normal_distribution_is_known_to_twelve_digits() {
        close(normal_two_sided(1.959_963_984_540_054), 0.05);
        close(normal_two_sided(-1.0), 0.317_310_507_862_914_1);
        close(normal_two_sided(3.0), 0.002_699_796_063_260_186_6);
        close(normal_two_sided(6.0), 1.973_175_290_075_396e-9);
        close(normal_two_sided(0.5), 0.617_075_077_451_973_9);
        assert_eq!(normal_two_sided(0.0).to_bits(), 1.0_f64.to_bits());
        assert!(normal_two_sided(f64::INFINITY) < f64::MIN_POSITIVE);
        assert!(normal_two_sided(f64::NAN).is_nan());
    }

    /// With one, two and four degrees of freedom it has a closed form.
    #[test]
    fn students_distribution_has_its_closed_forms() {
        for t in [0.01_f64, 0.3, 1.0, 2.5, 40.0] {
            close(student_two_sided(t, 1.0), 2.0 / PI * (1.0 / t).atan());
            // 1 - t / sqrt(2 + t²), without the difference of equals.
            let root = (2.0 + t * t).sqrt();
            close(student_two_sided(-t, 2.0), 2.0 / (root * (root + t)));
            let s = t / (4.0 + t * t).sqrt();
            let four = 1.0 - s * (1.0 + 2.0 / (4.0 + t * t));
            assert!((student_two_sided(t, 4.0) - four).abs() < 1e-12, "{t}");
        }
    }

    #[test]
    fn students_distribution_becomes_the_normal_one() {
        let (far, normal) = (student_two_sided(2.0, 1e6), normal_two_sided(2.0));
        assert!((far - normal).abs() < 1e-6, "{far} instead of {normal}");
        // Quantiles of printed tables, to their digits.
        for (t, freedom) in [(2.228_138_852, 10.0), (2.042_272_456, 30.0), (12.706_204_74, 1.0)] {
            assert!((student_two_sided(t, freedom) - 0.05).abs() < 1e-9, "{freedom}");
        }
    }

    #[test]
    fn the_reach_of_students_distribution_is_that_of_printed_tables() {
        for (reach, freedom) in [(2.228_138_852, 10.0), (2.042_272_456, 30.0), (12.706_204_74, 1.0)]
        {
            let found = student_reach(0.025, freedom).unwrap();
            assert!((found - reach).abs() < 1e-8, "{freedom}: {found}");
        }
        let far = student_reach(1e-9, 9.0).unwrap();
        close(student_two_sided(far, 9.0), 2e-9);
        for (tail, freedom) in [(0.0, 1.0), (0.5, 1.0), (f64::NAN, 1.0), (0.1, 0.0)] {
            assert_eq!(student_reach(tail, freedom), None);
        }
    }

    #[test]
    fn the_ends_are_exact_and_invalid_arguments_give_nan() {
        assert_eq!(student_two_sided(0.0, 7.0).to_bits(), 1.0_f64.to_bits());
        assert_eq!(student_two_sided(f64::INFINITY, 7.0).to_bits(), 0.0_f64.to_bits());
        assert!(student_two_sided(f64::NAN, 7.0).is_nan());
        assert!(student_two_sided(1.0, 0.0).is_nan());
    }
}
