//! The example of an operator's incident does what it says.

#[path = "../../examples/incident.rs"]
mod example;

#[test]
fn an_operator_finds_why_tasks_failed_and_puts_back_what_the_outage_killed() {
    example::main().unwrap();
}
