//! Names: of queues, of task types, and of what a task requires and a worker has, such as `gpu`.

use std::sync::Arc;

use crate::model::limits::{CAPABILITIES_MAX, NAME_BYTES_MAX, REQUIREMENTS_MAX};
use crate::model::{Error, Result};

/// Separates names in one text; no name contains it.
const SEPARATOR: &str = "\n";

/// A set of names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Names(Arc<[Arc<str>]>);

impl Names {
    pub(crate) fn new<T: Into<Arc<str>>>(names: impl IntoIterator<Item = T>) -> Self {
        let mut names: Vec<Arc<str>> = names.into_iter().map(Into::into).collect();
        names.sort_unstable();
        names.dedup();
        Self(names.into())
    }

    /// The names as one text, the same for the same set.
    pub(crate) fn to_text(&self) -> String {
        self.0.join(SEPARATOR)
    }

    /// A set from its text.
    pub(crate) fn from_text(text: &str) -> Self {
        Self::new(text.split(SEPARATOR).filter(|name| !name.is_empty()))
    }

    /// Whether every one of them is among `others`.
    pub(crate) fn all_in(&self, others: &Self) -> bool {
        self.0.iter().all(|name| others.0.binary_search(name).is_ok())
    }

    pub(crate) fn to_strings(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    pub(crate) fn validate_requirements(&self) -> Result<()> {
        self.validate("requirements", REQUIREMENTS_MAX)
    }

    pub(crate) fn validate_capabilities(&self) -> Result<()> {
        self.validate("capabilities", CAPABILITIES_MAX)
    }

    fn validate(&self, what: &'static str, max: usize) -> Result<()> {
        if self.0.len() > max {
            let count = self.0.len();
            return Err(Error::invalid(
                what,
                format!("{count} of them, at most {max} are allowed"),
            ));
        }
        self.0.iter().try_for_each(|name| validate_name(what, name))
    }
}

pub(crate) fn validate_name(what: &'static str, name: &str) -> Result<()> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        let bytes = name.len();
        return Err(Error::invalid(
            what,
            format!("{bytes} bytes long, must have 1 to {NAME_BYTES_MAX}"),
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid(what, format!("{name:?} contains a control character")));
    }
    Ok(())
}
