//! Mirrors `scheduler/claim`.

mod accept;
mod claim_first;
mod idle;
mod parallel;
mod prefetch;
mod request;
mod reservation;
mod suspects;

use super::*;
