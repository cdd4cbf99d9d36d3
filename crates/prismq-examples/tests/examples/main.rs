//! The examples, each started as its users would and driven from outside.

mod nightly_reports;
mod support;
mod web_service;
