//! The examples, each started as its users would and driven from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod length;
mod nightly_reports;
mod support;
mod web_service;
