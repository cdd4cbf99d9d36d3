//! The subjects under test.

mod local;
