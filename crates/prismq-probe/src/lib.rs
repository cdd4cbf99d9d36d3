#![doc = include_str!("../README.md")]

mod requirement;
mod trial;

pub use requirement::{Availability, Requirement, chromium, postgres_programs};
pub use trial::{Failed, Trial, run, trial};
