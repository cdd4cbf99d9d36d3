//! Subjects, clocks and loads of which the truth is known.

pub(crate) mod fake;
pub(crate) mod stage;
pub(crate) mod theory;
pub(crate) mod virtual_clock;
