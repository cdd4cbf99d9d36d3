//! The record of a benchmark run, and what is made of it: targets, comparison, rendering.
//!
//! Nothing here runs a benchmark or knows how a figure was made; everything works on written
//! records alone, so a verdict can be reached again on another machine.

pub mod record;
