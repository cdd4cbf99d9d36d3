//! What is wrong with a workload file, and where.

use thiserror::Error;

/// What is wrong with a workload file, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}:{column}: {problem}")]
pub struct PlanError {
    /// The file as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what is allowed.
    pub problem: String,
}

/// A text that may have something wrong with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// Something is wrong at this byte of the text.
    pub(super) fn refuse(&self, at: usize, problem: impl Into<String>) -> PlanError {
        let at = (0..=at.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at));
        let before = at.and_then(|at| self.text.get(..at)).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let in_line = before.get(line_start..).unwrap_or_default();
        PlanError {
            file: self.file.to_owned(),
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: in_line.chars().count() + 1,
            problem: problem.into(),
        }
    }
}

impl From<PlanError> for crate::base::error::Error {
    fn from(error: PlanError) -> Self {
        Self::Plan(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let source = Source { file: "f", text: "ab\näö = x\n" };
        let place = |at| {
            let error = source.refuse(at, "wrong");
            (error.line, error.column)
        };
        assert_eq!(place(0), (1, 1));
        assert_eq!(place(3), (2, 1));
        assert_eq!(place(5), (2, 2));
        assert_eq!(place(4), (2, 1), "inside of a character is at its beginning");
        assert_eq!(place(1000), (3, 1), "beyond the end is at the end");
        assert_eq!(source.refuse(3, "wrong").to_string(), "f:2:1: wrong");
    }
}
