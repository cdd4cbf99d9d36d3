//! Values in attributes, and their bounds, which are those of `prismq::limits`: a test of prismq holds them together.

use std::fmt::Display;

use syn::{Error, LitInt, LitStr, Result};

/// `prismq::limits::NAME_BYTES_MAX`.
const NAME_BYTES_MAX: usize = 128;
/// `prismq::limits::PRIORITY_MIN`.
const PRIORITY_MIN: i32 = -32_768;
/// `prismq::limits::PRIORITY_MAX`.
const PRIORITY_MAX: i32 = 32_767;
/// `prismq::limits::ATTEMPTS_MAX`.
const ATTEMPTS_MAX: u32 = 1_000_000;
/// `prismq::limits::REQUIREMENTS_MAX`.
pub(crate) const REQUIREMENTS_MAX: usize = 16;
/// `prismq::limits::TIMEOUT_MAX`, in milliseconds.
const TIMEOUT_MAX: u64 = 7 * DAY;
/// `prismq::limits::DELAY_MAX`, in milliseconds.
const DELAY_MAX: u64 = 10 * 365 * DAY;

const DAY: u64 = 24 * 60 * 60 * 1000;
/// Units of a duration, in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1000), ("m", 60 * 1000), ("h", 60 * 60 * 1000), ("d", DAY)];

/// When failed attempts are retried, in milliseconds.
pub(crate) enum Backoff {
    /// Always after the same delay.
    Fixed(u64),
    /// After delays that double from the first to the second.
    Growing(u64, u64),
}

/// How long a task holds its payload as a unique key.
pub(crate) enum Hold {
    UntilDone,
    WhileWaiting,
    /// For so many milliseconds.
    Period(u64),
}

/// Checks the name of a task type, a queue or a requirement.
pub(crate) fn check_name(name: &LitStr) -> Result<()> {
    let text = name.value();
    if text.is_empty() || text.len() > NAME_BYTES_MAX {
        let bytes = text.len();
        return Err(at(name, format!("{bytes} bytes long, must have 1 to {NAME_BYTES_MAX}")));
    }
    if text.chars().any(char::is_control) {
        return Err(at(name, "contains a control character"));
    }
    Ok(())
}

pub(crate) fn priority(number: &LitInt, negative: bool) -> Result<i32> {
    let sign = if negative { -1 } else { 1 };
    let priority = number.base10_parse::<i32>().ok().map(|number| sign * number);
    priority.filter(|priority| (PRIORITY_MIN..=PRIORITY_MAX).contains(priority)).ok_or_else(|| {
        Error::new(number.span(), format!("must be {PRIORITY_MIN} to {PRIORITY_MAX}"))
    })
}

pub(crate) fn attempts(number: &LitInt) -> Result<u32> {
    let attempts = number.base10_parse::<u32>().ok();
    attempts
        .filter(|attempts| (1..=ATTEMPTS_MAX).contains(attempts))
        .ok_or_else(|| Error::new(number.span(), format!("must be 1 to {ATTEMPTS_MAX}")))
}

/// The time limit of a handler, in milliseconds.
pub(crate) fn timeout(text: &LitStr) -> Result<u64> {
    let limit = duration(text, &text.value())?;
    if limit == 0 || limit > TIMEOUT_MAX {
        return Err(at(text, "must be above zero and at most 7d"));
    }
    Ok(limit)
}

/// A duration above zero that a delay can have, in milliseconds.
pub(crate) fn time(text: &LitStr) -> Result<u64> {
    in_range(text, duration(text, &text.value())?)
}

fn in_range(text: &LitStr, time: u64) -> Result<u64> {
    if time == 0 || time > DELAY_MAX {
        return Err(at(text, "must be above zero and at most 3650d (ten years)"));
    }
    Ok(time)
}

pub(crate) fn unique(text: &LitStr) -> Result<Hold> {
    let value = text.value();
    match value.as_str() {
        "until done" => Ok(Hold::UntilDone),
        "while waiting" => Ok(Hold::WhileWaiting),
        value => match value.strip_prefix("for ") {
            Some(period) => in_range(text, duration(text, period)?).map(Hold::Period),
            None => Err(at(text, "must be `until done`, `while waiting` or a time as in `for 1h`")),
        },
    }
}

pub(crate) fn backoff(text: &LitStr) -> Result<Backoff> {
    let value = text.value();
    let delay = |part: &str| match duration(text, part)? {
        delay if delay > DELAY_MAX => Err(at(text, "at most 3650d (ten years) is allowed")),
        delay => Ok(delay),
    };
    let Some((first, last)) = value.split_once("..") else {
        return delay(&value).map(Backoff::Fixed);
    };
    let (first, last) = (delay(first)?, delay(last)?);
    if first > last {
        return Err(at(text, "the first delay is longer than the last"));
    }
    Ok(Backoff::Growing(first, last))
}

/// A duration in milliseconds: numbers with units, added up.
fn duration(literal: &LitStr, text: &str) -> Result<u64> {
    let refused = || {
        let message = format!(
            "`{text}` is not a duration: write a number and a unit, ms, s, m, h or d, as in `30s` or `1h30m`"
        );
        at(literal, message)
    };
    let mut rest = text.trim();
    let mut sum: u64 = 0;
    if rest.is_empty() {
        return Err(refused());
    }
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(refused)?;
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|letter: char| letter.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let millis = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(refused)?.1;
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(millis));
        sum = part.and_then(|part| sum.checked_add(part)).ok_or_else(refused)?;
        rest = after;
    }
    Ok(sum)
}

fn at(literal: &LitStr, message: impl Display) -> Error {
    Error::new(literal.span(), message)
}
