//! The examples of typed tasks do what they say.

#[path = "../../examples/async.rs"]
mod asynchronous;
#[path = "../../examples/hello.rs"]
mod hello;

#[test]
fn the_smallest_program_runs() {
    hello::main().unwrap();
}

#[test]
fn the_asynchronous_program_runs() {
    asynchronous::main().unwrap();
}
