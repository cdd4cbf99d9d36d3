//! The verdict on a run: validity first, then targets, then regressions.
//!
//! How a target is held and a change is found is [`crate::targets`]'s and [`crate::comparison`]'s; here
//! it is only decided what they come to.

use crate::comparison::Comparison;
use crate::record::{RunRecord, SuiteRecord, Validity};
use crate::targets::{Check, Outcome, Target, TargetError, check};

/// What a run comes to, from best to worst. The worst that applies counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Every target is met and every figure can be trusted.
    Pass,
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
            Self::Pass => 0,
            Self::Regression => 3,
            Self::TargetMissed => 4,
            Self::Invalid => 5,
        }
    }

    /// One word for a person.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Regression => "REGRESSION",
            Self::TargetMissed => "FAIL",
            Self::Invalid => "INVALID",
        }
    }
}

/// Whether a regression decides the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRegression {
    /// It is shown.
    Show,
    /// It fails the run, and so does a comparison that says nothing.
    Fail,
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
    on_regression: OnRegression,
) -> Result<Verdict, TargetError> {
    let checks = check(targets, run)?;
    let mut invalid: Vec<String> =
        run.missing.iter().map(|suite| format!("suite {suite} was not run")).collect();
    for suite in &run.suites {
        objections(suite, &mut invalid);
    }
    let no_data = |check: &&Check| matches!(check.outcome, Outcome::NoData { .. });
    let without_data = checks.iter().filter(no_data).count();
    if without_data > 0 {
        invalid.push(format!("{without_data} of {} targets have no data", checks.len()));
    }
    if let (OnRegression::Fail, Some(comparison)) = (on_regression, &comparison)
        && let Some(reason) = comparison.says_nothing()
    {
        // Who asks for a comparison to count must not be told that nothing regressed.
        invalid.push(format!("not comparable with {}: {reason}", comparison.baseline));
    }
    let missed = checks.iter().any(|check| matches!(check.outcome, Outcome::Missed { .. }));
    let regressed = on_regression == OnRegression::Fail
        && comparison.as_ref().is_some_and(Comparison::has_regression);
    let status = if !invalid.is_empty() {
        Status::Invalid
    } else if missed {
        Status::TargetMissed
    } else if regressed {
        Status::Regression
    } else {
        Status::Pass
    };
    Ok(Verdict { status, checks, invalid, comparison })
}

/// Why a suite's figures cannot be trusted.
fn objections(suite: &SuiteRecord, invalid: &mut Vec<String>) {
    let environment = &suite.environment;
    let name = &suite.suite;
    if environment.machine.memory_filesystem {
        invalid.push(format!(
            "{name} ran on a memory filesystem, which keeps nothing in a power cut: \
             set PRISMQ_BENCH_DIR to a folder on a disk"
        ));
    }
    if environment.build.debug_assertions {
        invalid.push(format!("{name} was built with debug assertions: run it by `cargo bench`"));
    }
    let synchronous = environment.sqlite.pragmas.iter().find(|pragma| pragma.name == "synchronous");
    match synchronous.map(|pragma| pragma.value.as_str()) {
        Some("2" | "3") => {}
        Some(other) => invalid.push(format!(
            "{name} ran with synchronous = {other}, which does not wait for the disk; needed is 2"
        )),
        None => invalid.push(format!("{name} did not read back its synchronous setting")),
    }
    for scenario in &suite.scenarios {
        if let Validity::Invalid { reasons } = &scenario.validity {
            invalid.push(format!("{}: {}", scenario.id, reasons.join("; ")));
        }
    }
}
