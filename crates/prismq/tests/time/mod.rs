//! What happens when the clock is set or fails.

mod clock_panics;
mod clock_steps;
