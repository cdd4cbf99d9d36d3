//! The system that this library re-implements, and what was wrong with it.

mod defects;
