//! The conformance suite on the model and on each engine, and random operations on both.

mod driver;
mod queue;
mod random_operations;
mod sensitivity;
mod sqlite;

use prismq_check::conformance::{EngineUnderTest, Model, VERBS};

use self::sqlite::Sqlite;

/// A test for each verb of the suite on one engine.
macro_rules! suite {
    ($engine:ident, $fresh:expr) => {
        suite!($engine, $fresh, cancel claim complete delete depth enqueue expiry extend fail history limit list order pause records redrive release requirements retry schedule snooze stats task unique);
    };
    ($engine:ident, $fresh:expr, $($verb:ident)+) => {
        mod $engine {
            use super::*;

            $(
                #[test]
                fn $verb() {
                    super::run(stringify!($verb), || $fresh);
                }
            )+

            #[test]
            fn every_verb_is_run() {
                assert_eq!([$(stringify!($verb)),+], VERBS.map(|verb| verb.name));
            }
        }
    };
}

suite!(model_engine, Model::new(1_800_000_000_000_000));
suite!(sqlite_engine, Sqlite::new());

fn run<E: EngineUnderTest>(verb: &str, fresh: impl Fn() -> E) {
    let verb = VERBS.into_iter().find(|known| known.name == verb).unwrap();
    if let Err(failed) = verb.run(fresh) {
        panic!("{}", failed.join("\n"));
    }
}
