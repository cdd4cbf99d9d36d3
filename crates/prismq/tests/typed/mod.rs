//! Typed tasks: what is stored of them, their handlers, and the errors these return.

mod derived;
mod errors;
mod examples;
mod handlers;
mod payloads;
mod until_empty;
