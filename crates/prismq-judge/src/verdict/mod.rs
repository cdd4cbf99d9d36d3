//! The verdict on a run: validity first, then targets, then regressions.
//!
//! Whether a target is met and whether a metric changed is decided by [`crate::targets`] and
//! [`crate::comparison`]; here the status of the run follows from their answers.

mod history;
mod record;
mod references;
mod validity;

use prismq_record::RunRecord;

use crate::comparison::{Change, Comparison};
use crate::targets::{Check, Outcome, Target, TargetError, check};

/// The status of a run, from best to worst. The worst that applies counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// No target is missed and the run is valid.
    Pass,
    /// The same, but only a part was measured.
    Partial,
    /// The figures do not decide it, where that was asked to count.
    Inconclusive,
    /// A metric is worse than the baseline, where that was asked to count.
    Regression,
    /// A target is missed.
    TargetMissed,
    /// The run is invalid: figures are missing or must not be used.
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

/// Which results of a comparison change the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// None: the comparison is only shown.
    Never,
    /// A regression; a comparison that could not have detected one is inconclusive.
    Regression,
    /// A regression; any metric that is inconclusive or not comparable makes the run inconclusive.
    Inconclusive,
}

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The status.
    pub status: Status,
    /// Every target, in the order of its file.
    pub checks: Vec<Check>,
    /// Why the run is invalid.
    pub invalid: Vec<String>,
    /// What is inconclusive, where that counts.
    pub inconclusive: Vec<String>,
    /// What is wrong with the measurement itself, one sentence each: some figures must not be used, or others on the
    /// machine may have caused them. It does not change the status, as it says nothing about the program.
    pub faults: Vec<String>,
    /// What was not measured, one sentence each.
    pub not_measured: Vec<String>,
    /// The comparison with a baseline, if there is one.
    pub comparison: Option<Comparison>,
}

/// Judges a run.
///
/// # Errors
/// [`TargetError`] if a target cannot be checked against its metric.
pub fn judge(
    run: &RunRecord,
    targets: &[Target],
    comparison: Option<Comparison>,
    fail_on: FailOn,
) -> Result<Verdict, TargetError> {
    let mut checks = check(targets, run)?;
    let mut faults = validity::excuse(run, &mut checks);
    faults.extend(references::beaten(run));
    let mut invalid = validity::reasons(run);
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
    let inconclusive = comparison
        .as_ref()
        .map(|comparison| inconclusive_parts(comparison, fail_on))
        .unwrap_or_default();
    let missed = count(|outcome| matches!(outcome, Outcome::Missed { .. })) > 0;
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
    Ok(Verdict { status, checks, invalid, inconclusive, faults, not_measured, comparison })
}

impl Verdict {
    /// The verdict with undecided targets and faults of the measurement counted as inconclusive.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.inconclusive.append(&mut self.faults);
        for Check { target, outcome, interval } in &self.checks {
            if let (Outcome::Undecided { value, .. }, Some(interval)) = (outcome, interval) {
                self.inconclusive.push(format!(
                    "{}:{} is {value} {unit}, between {} and {}: undecided whether it is {} {} {unit}",
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

    /// The verdict with everything required: what was not measured makes the run invalid.
    #[must_use]
    pub fn require_all(mut self) -> Self {
        if !self.not_measured.is_empty() {
            self.invalid.append(&mut self.not_measured);
            self.status = Status::Invalid;
        }
        self
    }

    /// How many targets have this outcome.
    #[must_use]
    pub fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        self.checks.iter().filter(|check| is(&check.outcome)).count()
    }
}

/// What a comparison leaves undecided, as far as that counts.
fn inconclusive_parts(comparison: &Comparison, fail_on: FailOn) -> Vec<String> {
    if fail_on == FailOn::Never {
        return Vec::new();
    }
    // Without a single compared metric, "no regression" would be wrong.
    if let Some(reason) = comparison.compares_nothing() {
        return vec![format!("not comparable with {}: {reason}", comparison.baseline)];
    }
    // So it would be where a slowdown could have gone undetected.
    let undetectable = comparison.blind_spots();
    if fail_on == FailOn::Regression {
        return undetectable;
    }
    let open = comparison.rows.iter().filter_map(|row| {
        let what = match &row.change {
            Change::Inconclusive => "changed, but chance is not ruled out".to_owned(),
            Change::NotComparable { reason } => format!("not comparable: {reason}"),
            Change::Missing => "has no figure in this run".to_owned(),
            Change::Improved | Change::Regressed | Change::Unchanged | Change::New => return None,
        };
        Some(format!("{}:{}: {what}", row.scenario, row.metric))
    });
    undetectable.into_iter().chain(open).collect()
}
