//! Where things are: the workspace, its target directory, the results and the targets.

use std::env;
use std::path::{Path, PathBuf};

/// The variable that names the directory of records and reports.
pub const RESULTS: &str = "PRISMQ_RESULTS_DIR";
/// The variable that names Criterion's directory.
pub const CRITERION: &str = "CRITERION_HOME";

/// The root of the workspace this harness was built in.
#[must_use]
pub fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

/// The target directory this program was built into: a suite is in `TARGET/PROFILE/deps`.
#[must_use]
pub fn target_dir() -> PathBuf {
    let built_into = env::current_exe().ok().and_then(|exe| {
        let deps = exe.ancestors().find(|dir| dir.ends_with("deps"))?;
        deps.parent()?.parent().map(Path::to_owned)
    });
    built_into.unwrap_or_else(|| workspace().join("target"))
}

/// Where records and reports are written: `PRISMQ_RESULTS_DIR`, else `results` in the workspace.
#[must_use]
pub fn results_dir() -> PathBuf {
    named_by(RESULTS).unwrap_or_else(|| workspace().join("results"))
}

/// Where Criterion keeps its figures and charts: `CRITERION_HOME`, else in the target directory. Criterion
/// is given it: by itself it would take a relative `CARGO_TARGET_DIR` from the directory that cargo starts
/// suites in, which is not the one cargo took it from.
#[must_use]
pub fn criterion_dir() -> PathBuf {
    named_by(CRITERION).unwrap_or_else(|| target_dir().join("criterion"))
}

/// The thresholds the verdict checks.
#[must_use]
pub fn targets_file() -> PathBuf {
    workspace().join("benches").join("targets.toml")
}

/// The folders of the drivers that are shipped.
#[must_use]
pub fn drivers_dir() -> PathBuf {
    workspace().join("benches").join("drivers")
}

/// The directory a variable names. A relative one is taken from the workspace's root: cargo starts
/// suites in another directory than the one the user is in.
#[must_use]
pub fn named_by(variable: &str) -> Option<PathBuf> {
    let named = env::var_os(variable).filter(|dir| !dir.is_empty())?;
    Some(workspace().join(named))
}
