//! Where claims begin to look for what may have come, so that they do not pass over rows that were deleted each time, and
//! whether they look first.

pub(crate) mod due;
pub(crate) mod marks;
pub(crate) mod refusals;
pub(crate) mod slots;
pub(crate) mod sweeps;
