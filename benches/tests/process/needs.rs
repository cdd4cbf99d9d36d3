//! Tests that need what a machine may lack: ignored where it does, failed under `PRISMQ_REQUIRE_ALL`.

use std::env;

use libtest_mimic::{Failed, Trial};

/// A test, and what the machine lacks for it.
pub(crate) fn needing(
    name: impl Into<String>,
    lacking: Option<String>,
    check: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let name = name.into();
    match lacking {
        None => Trial::test(name, check),
        Some(lacking) if env::var_os("PRISMQ_REQUIRE_ALL").is_some() => {
            Trial::test(name, move || Err(lacking.into()))
        }
        Some(lacking) => {
            eprintln!("ignored: {name}: {lacking}");
            Trial::test(name, check).with_ignored_flag(true)
        }
    }
}
