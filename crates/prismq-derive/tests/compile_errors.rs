//! What the compiler says of wrong tasks, handlers and enqueues: each file of `ui/` does not compile, and the message next
//! to it names what is wrong.
//!
//! After a change of messages, or of the compiler: `TRYBUILD=overwrite cargo test -p prismq-derive`, and read the
//! difference.

#[test]
fn the_compiler_names_what_is_wrong() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
