#![doc = include_str!("../README.md")]

mod requirement;
mod trial;

pub use requirement::{Availability, Requirement, chromium};
pub use trial::{Failed, Trial, run, trial};
