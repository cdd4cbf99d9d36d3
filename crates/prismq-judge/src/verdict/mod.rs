//! The verdict on a run: validity first, then targets, then regressions.
//!
//! How a target is held and a change is found is [`crate::targets`]'s and [`crate::comparison`]'s; here
//! it is only decided what they come to.

mod history;
mod record;
mod trust;

use prismq_record::RunRecord;

use crate::comparison::{Change, Comparison};
use crate::targets::{Check, Outcome, Target, TargetError, check};

/// What a run comes to, from best to worst. The worst that applies counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// No target is missed and every figure can be trusted.
    Pass,
    /// The same of what was measured, which is a part of what could be.
    Partial,
    /// The figures do not tell, where that was asked to count.
    Inconclusive,
    /// A metric is worse than the baseline, where that was asked to count.
    Regression,
    /// A target is missed.
    TargetMissed,
    /// Figures are missing or cannot be trusted.
    Invalid,
}

impl Status {
    /// The exit status it stands for.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass | Self::Partial => 0,
            Self::Regression => 3,
            Self::TargetMissed => 4,
            Self::Invalid => 5,
            Self::Inconclusive => 6,
        }
    }

    /// One word for a person.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Partial => "PARTIAL",
            Self::Regression => "REGRESSION",
            Self::TargetMissed => "FAIL",
            Self::Invalid => "INVALID",
            Self::Inconclusive => "INCONCLUSIVE",
        }
    }
}

/// What a comparison must come to for the status to be another than it would be without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// Nothing: the comparison is shown.
    Never,
    /// A regression; and a comparison that could not have seen one is inconclusive.
    Regression,
    /// A regression; and any metric that could not be told or compared is inconclusive.
    Inconclusive,
}

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What it comes to.
    pub status: Status,
    /// Every target, in the order of its file.
    pub checks: Vec<Check>,
    /// Why figures are missing or cannot be trusted.
    pub invalid: Vec<String>,
    /// What could not be told, where that counts.
    pub inconclusive: Vec<String>,
    /// What is not part of the run, one sentence each.
    pub not_measured: Vec<String>,
    /// The run beside a baseline, if there is one.
    pub comparison: Option<Comparison>,
}

/// Judges a run.
///
/// # Errors
/// [`TargetError`] if a target cannot be held against its metric.
pub fn judge(
    run: &RunRecord,
    targets: &[Target],
    comparison: Option<Comparison>,
    fail_on: FailOn,
) -> Result<Verdict, TargetError> {
    let checks = check(targets, run)?;
    let mut invalid = trust::objections(run);
    let count = |is: fn(&Outcome) -> bool| checks.iter().filter(|check| is(&check.outcome)).count();
    let without_data = count(|outcome| matches!(outcome, Outcome::NoData { .. }));
    if without_data > 0 {
        invalid.push(format!("{without_data} of {} targets have no data", checks.len()));
    }
    let mut not_measured: Vec<String> =
        run.missing.iter().map(|suite| format!("suite {suite} was not run")).collect();
    let left_out = count(|outcome| matches!(outcome, Outcome::NotMeasured { .. }));
    if left_out > 0 {
        not_measured.push(format!("{left_out} of {} targets were not measured", checks.len()));
    }
    if fail_on != FailOn::Never {
        not_measured.extend(comparison.as_ref().and_then(Comparison::not_measured));
    }
    let mut inconclusive =
        comparison.as_ref().map(|comparison| untold(comparison, fail_on)).unwrap_or_default();
    let missed: Vec<&Check> =
        checks.iter().filter(|check| matches!(check.outcome, Outcome::Missed { .. })).collect();
    let undecided = trust::undecided(run, &missed);
    let missed = missed.len() > undecided.len();
    inconclusive.extend(undecided);
    let regressed =
        fail_on != FailOn::Never && comparison.as_ref().is_some_and(Comparison::has_regression);
    let status = if !invalid.is_empty() {
        Status::Invalid
    } else if missed {
        Status::TargetMissed
    } else if regressed {
        Status::Regression
    } else if !inconclusive.is_empty() {
        Status::Inconclusive
    } else if !not_measured.is_empty() {
        Status::Partial
    } else {
        Status::Pass
    };
    Ok(Verdict { status, checks, invalid, inconclusive, not_measured, comparison })
}

impl Verdict {
    /// The same, where an undecided target counts: it is inconclusive.
    #[must_use]
    pub fn strict(mut self) -> Self {
        for Check { target, outcome, interval } in &self.checks {
            if let (Outcome::Undecided { value, .. }, Some(interval)) = (outcome, interval) {
                self.inconclusive.push(format!(
                    "{}:{} is {value} {unit}, between {} and {}: that does not tell whether it is {} {} {unit}",
                    target.scenario,
                    target.metric,
                    interval.lower,
                    interval.upper,
                    target.operator,
                    target.bound,
                    unit = target.unit,
                ));
            }
        }
        if !self.inconclusive.is_empty() {
            self.status = self.status.max(Status::Inconclusive);
        }
        self
    }

    /// The same, where a part is not enough: what was not measured makes the run invalid.
    #[must_use]
    pub fn require_all(mut self) -> Self {
        if !self.not_measured.is_empty() {
            self.invalid.append(&mut self.not_measured);
            self.status = Status::Invalid;
        }
        self
    }

    /// How many targets came to this.
    #[must_use]
    pub fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.checks.iter().filter(|check| is(&check.outcome)).count()
    }
}

/// What a comparison leaves open, as far as that counts.
fn untold(comparison: &Comparison, fail_on: FailOn) -> Vec<String> {
    if fail_on == FailOn::Never {
        return Vec::new();
    }
    // Who asks for a comparison to count must not be told that nothing regressed.
    if let Some(reason) = comparison.says_nothing() {
        return vec![format!("not comparable with {}: {reason}", comparison.baseline)];
    }
    // Nor where a slowdown could have gone unseen.
    let blind = comparison.blind_to();
    if fail_on == FailOn::Regression {
        return blind;
    }
    let open = comparison.rows.iter().filter_map(|row| {
        let what = match &row.change {
            Change::Inconclusive => "moved, but what is known does not rule out chance".to_owned(),
            Change::NotComparable { reason } => format!("not comparable: {reason}"),
            Change::Missing => "has no figure in this run".to_owned(),
            Change::Improved | Change::Regressed | Change::Unchanged | Change::New => return None,
        };
        Some(format!("{}:{}: {what}", row.scenario, row.metric))
    });
    blind.into_iter().chain(open).collect()
}
