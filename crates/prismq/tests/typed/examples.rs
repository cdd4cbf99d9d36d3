//! The examples of typed tasks do what they say.

#[path = "../../examples/hello.rs"]
mod hello;

#[test]
fn the_smallest_program_runs() {
    hello::main().unwrap();
}
