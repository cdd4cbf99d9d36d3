//! Clients of this process, with a clock in the test's hand.

mod acceptance;
mod clock_jumps;
mod expiry_race;
