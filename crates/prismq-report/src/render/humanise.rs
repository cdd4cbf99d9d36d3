//! Formats figures for people, rounded. Records keep the exact ones.

/// Four significant digits at most, thousands set apart.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        _ if value.fract() == 0.0 => 0,
        1000.0.. => 0,
        100.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        0.01.. => 4,
        0.001.. => 5,
        _ => return format!("{value:.2e}"),
    };
    let text = format!("{size:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{fraction}")
}

/// A figure with its unit.
pub(super) fn quantity(value: f64, unit: &str) -> String {
    let space = if unit == "%" { "" } else { " " };
    format!("{}{space}{unit}", number(value))
}

/// A share as a signed percentage.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent.abs() >= 1000.0 {
        format!("{}{}×", if percent < 0.0 { "-" } else { "" }, number((1.0 + share).abs().round()))
    } else {
        format!("{percent:+.1}%")
    }
}

/// A margin in words: how far on the good side of a bound, or how far short of it.
pub(super) fn spare(margin: f64) -> String {
    let percent = margin.abs() * 100.0;
    let size = if percent >= 1000.0 {
        format!("{}×", number(margin.abs().round()))
    } else if percent >= 10.0 {
        // Rounded down: 99.6 % to spare is not 100 %.
        format!("{:.0} %", percent.floor())
    } else {
        format!("{percent:.1} %")
    };
    if margin < 0.0 { format!("{size} short") } else { format!("{size} to spare") }
}

/// A size in bytes.
pub(super) fn bytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// The size of files.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_exact_enough() {
        let shown = [0.0, 7.0, 1234567.0, 1234.5, 123.456, 1.2345, 0.12345, -0.5, 0.000012];
        let expected =
            ["0", "7", "1 234 567", "1 234", "123.5", "1.23", "0.123", "-0.500", "1.20e-5"];
        assert_eq!(shown.map(number), expected);
        assert_eq!(quantity(0.25, "%"), "0.250%");
        assert_eq!(percent(-0.123), "-12.3%");
        assert_eq!(percent(41.0), "42×");
        let margins = [0.997, 0.042, -0.245, 403.0].map(spare);
        assert_eq!(margins, ["99 % to spare", "4.2 % to spare", "24 % short", "403× to spare"]);
    }
}
