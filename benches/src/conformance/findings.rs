//! What a check found, by rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The rules: their numbers and what they are about. `benches/DRIVERS.md` has them in full.
pub const RULES: [(u8, &str); 22] = [
    (1, "hello"),
    (2, "only the protocol on stdout"),
    (3, "unknown requests"),
    (4, "clock"),
    (5, "every request is answered in its bound"),
    (6, "open reads settings back, paths lie in dir"),
    (7, "every task runs and is settled once"),
    (8, "payloads arrive unchanged"),
    (9, "stamps are in order"),
    (10, "an open load is on time"),
    (11, "answers agree with records"),
    (12, "records are written in time"),
    (13, "nothing after stop, nothing left after bye"),
    (14, "an idle crew is idle"),
    (15, "kill -9: nothing lost, nothing done twice"),
    (16, "redelivery as declared"),
    (17, "class S waits for its sync"),
    (18, "a full lane is an error"),
    (19, "it ends with its input"),
    (20, "census"),
    (21, "retry"),
    (22, "batch"),
];

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not, for these reasons.
    Failed(Vec<String>),
    /// It could not be checked.
    NotChecked(String),
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    held: BTreeSet<u8>,
    failed: BTreeMap<u8, Vec<String>>,
    skipped: BTreeMap<u8, String>,
}

impl Findings {
    /// A rule holds or does not, for a reason.
    pub fn hold(&mut self, rule: u8, result: Result<(), String>) {
        match result {
            Ok(()) => {
                self.held.insert(rule);
            }
            Err(reason) => self.fail(rule, reason),
        }
    }

    /// A rule holds if this is so.
    pub fn require(&mut self, rule: u8, holds: bool, reason: impl FnOnce() -> String) {
        self.hold(rule, if holds { Ok(()) } else { Err(reason()) });
    }

    /// A rule does not hold.
    pub fn fail(&mut self, rule: u8, reason: String) {
        let reasons = self.failed.entry(rule).or_default();
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }

    /// A rule cannot be checked.
    pub fn skip(&mut self, rule: u8, reason: impl Into<String>) {
        self.skipped.entry(rule).or_insert_with(|| reason.into());
    }

    /// What became of a rule.
    #[must_use]
    pub fn outcome(&self, rule: u8) -> Outcome {
        if let Some(reasons) = self.failed.get(&rule) {
            Outcome::Failed(reasons.clone())
        } else if self.held.contains(&rule) {
            Outcome::Passed
        } else {
            let unreached = || "an earlier failure ended the check".to_owned();
            Outcome::NotChecked(self.skipped.get(&rule).cloned().unwrap_or_else(unreached))
        }
    }

    /// The rules that do not hold.
    #[must_use]
    pub fn failed(&self) -> Vec<u8> {
        self.failed.keys().copied().collect()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts = [0; 3];
        let [passed, failed, unchecked] = &mut counts;
        for (number, rule) in RULES {
            match self.outcome(number) {
                Outcome::Passed => {
                    *passed += 1;
                    writeln!(formatter, "passed       {number:>2}  {rule}")?;
                }
                Outcome::Failed(reasons) => {
                    *failed += 1;
                    writeln!(formatter, "FAILED       {number:>2}  {rule}")?;
                    for reason in reasons {
                        writeln!(formatter, "                 {reason}")?;
                    }
                }
                Outcome::NotChecked(reason) => {
                    *unchecked += 1;
                    writeln!(formatter, "not checked  {number:>2}  {rule}: {reason}")?;
                }
            }
        }
        let [passed, failed, unchecked] = counts;
        write!(formatter, "{passed} passed, {failed} failed, {unchecked} not checked")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_failed_once_has_failed() {
        let mut findings = Findings::default();
        findings.require(7, true, String::new);
        findings.require(7, false, || "one was lost".to_owned());
        findings.require(7, true, String::new);
        findings.skip(17, "strace is missing");
        assert_eq!(findings.outcome(7), Outcome::Failed(vec!["one was lost".to_owned()]));
        assert_eq!(findings.outcome(17), Outcome::NotChecked("strace is missing".to_owned()));
        let text = findings.to_string();
        assert!(text.contains("FAILED        7  every task runs and is settled once\n"), "{text}");
        assert!(text.ends_with("0 passed, 1 failed, 21 not checked"), "{text}");
    }
}
