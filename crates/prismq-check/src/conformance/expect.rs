//! How a case says that an engine broke a promise.

use std::fmt::{self, Debug};

use super::subject::{Answer, Refusal};

/// The result of a case.
pub(super) type CaseResult = Result<(), Mismatch>;

/// A promise that an engine did not keep: what was expected, and what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    what: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// A case stops at a refusal that it does not expect.
impl From<Refusal> for Mismatch {
    fn from(refusal: Refusal) -> Self {
        Self { what: format!("a request was refused: {refusal}") }
    }
}

/// The engine's value must be this one.
#[expect(clippy::needless_pass_by_value, reason = "cases make the values for the comparison")]
pub(super) fn equal<T: Debug + PartialEq>(what: &str, actual: T, expected: T) -> CaseResult {
    if actual == expected {
        return Ok(());
    }
    Err(Mismatch { what: format!("{what}: expected {expected:?}, got {actual:?}") })
}

/// This must hold of what the engine did.
pub(super) fn holds(what: &str, holds: bool) -> CaseResult {
    if holds { Ok(()) } else { Err(Mismatch { what: format!("does not hold: {what}") }) }
}

/// The engine must refuse, for this reason.
#[expect(clippy::needless_pass_by_value, reason = "cases make the values for the comparison")]
pub(super) fn refused<T: Debug>(what: &str, answer: Answer<T>, expected: Refusal) -> CaseResult {
    match answer {
        Err(refusal) if refusal == expected => Ok(()),
        answer => Err(Mismatch { what: format!("{what}: expected {expected:?}, got {answer:?}") }),
    }
}

/// What must be there.
pub(super) fn present<T>(what: &str, value: Option<T>) -> Result<T, Mismatch> {
    value.ok_or_else(|| Mismatch { what: format!("{what} is missing") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_names_what_was_expected_and_what_came() {
        assert_eq!(equal("attempts", 1, 1), Ok(()));
        let mismatch = equal("attempts", 2, 1).unwrap_err();
        assert_eq!(mismatch.to_string(), "attempts: expected 1, got 2");
        let answer: Answer<()> = Err(Refusal::LeaseLost);
        assert_eq!(refused("completion", answer.clone(), Refusal::LeaseLost), Ok(()));
        assert!(refused("completion", answer, Refusal::Invalid).is_err());
        assert!(refused("completion", Ok(()), Refusal::LeaseLost).is_err());
    }
}
