//! An actor in a process of its own.

fn main() {}
