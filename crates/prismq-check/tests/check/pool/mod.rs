//! Worker pools in processes of their own.

mod hoarding;
mod innocence;
mod lifecycle;
mod poison;
