//! Tests with a probe, and the program that runs them.

use std::env;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};

use libtest_mimic::{Arguments, Completion};

pub use libtest_mimic::{Failed, Trial};

use crate::requirement::Availability;

/// Set to `1`, a missing program fails the tests that need it.
const REQUIRE_ALL: &str = "PRISMQ_REQUIRE_ALL";
/// What the reason of an ignored test begins with; `.ci/run` looks for it.
const NOT_CHECKED: &str = "not checked: ";

/// The tests of this program that were ignored, with their reasons.
static NOT_MADE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A test that runs where the probe finds what it needs, and is counted as ignored elsewhere. It fails by an error or
/// by a panic. The probe is made only if the test is selected.
pub fn trial(
    name: impl Into<String>,
    probe: impl FnOnce() -> Availability + Send + 'static,
    test: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let name = name.into();
    let reported = name.clone();
    Trial::ignorable_test(name, move || match decide(probe(), requires_all()) {
        Decision::Run => test().map(|()| Completion::Completed),
        Decision::Ignore(reason) => {
            let reason = format!("{NOT_CHECKED}{reason}");
            lock().push(format!("{reported}: {reason}"));
            Ok(Completion::ignored_with(reason))
        }
        Decision::Fail(reason) => Err(format!("{reason} ({REQUIRE_ALL} is set)").into()),
    })
}

/// Runs the tests that the command line asks for, as libtest would, and lists after its summary which were not
/// checked and why.
#[must_use]
pub fn run(trials: Vec<Trial>) -> ExitCode {
    let exit_code = libtest_mimic::run(&Arguments::from_args(), trials).exit_code();
    for line in lock().iter() {
        println!("{line}");
    }
    exit_code
}

/// What is done with a test.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Run,
    Ignore(String),
    Fail(String),
}

fn decide(availability: Availability, requires_all: bool) -> Decision {
    match availability {
        Availability::Available => Decision::Run,
        Availability::NotInstalled(reason) if requires_all => Decision::Fail(reason),
        Availability::NotInstalled(reason) | Availability::NotPermitted(reason) => {
            Decision::Ignore(reason)
        }
    }
}

fn requires_all() -> bool {
    env::var_os(REQUIRE_ALL).is_some_and(|value| value == "1")
}

fn lock() -> MutexGuard<'static, Vec<String>> {
    NOT_MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_ignored_unless_all_are_required() {
        let missing = || Availability::NotInstalled("no strace".to_owned());
        assert_eq!(decide(missing(), false), Decision::Ignore("no strace".to_owned()));
        assert_eq!(decide(missing(), true), Decision::Fail("no strace".to_owned()));
    }

    #[test]
    fn a_refused_permission_is_ignored_even_if_all_are_required() {
        let refused = || Availability::NotPermitted("no ptrace".to_owned());
        for requires_all in [false, true] {
            assert_eq!(decide(refused(), requires_all), Decision::Ignore("no ptrace".to_owned()));
        }
        assert_eq!(decide(Availability::Available, true), Decision::Run);
    }
}
