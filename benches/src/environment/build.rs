//! How the running program was built. Compiler and lock file were noted by the build script.

use std::path::Path;

use prismq_report::record::{Build, Known};

use crate::invocation::{Invocation, Mode};

pub(super) fn build() -> Build {
    let by_cargo_bench = Invocation::from_args().mode == Mode::Measure;
    let program = std::env::current_exe().map_err(|error| error.to_string());
    Build {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        debug_assertions: cfg!(debug_assertions),
        target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        rustc: Known::value(env!("PRISMQ_BENCH_RUSTC").to_owned()),
        profile: program.and_then(|program| profile(&program, by_cargo_bench)).into(),
        lockfile_hash: Known::value(format!("sha256:{}", env!("PRISMQ_BENCH_LOCKFILE_SHA256"))),
    }
}

/// Cargo builds into a folder named like the profile, except that `bench` shares that of `release`
/// and `dev` and `test` that of `debug`.
fn profile(program: &Path, by_cargo_bench: bool) -> Result<String, String> {
    let folder = program
        .ancestors()
        .find(|folder| folder.ends_with("deps"))
        .and_then(Path::parent)
        .and_then(Path::file_name)
        .ok_or_else(|| format!("{} is not where cargo builds", program.display()))?;
    Ok(match (folder.to_string_lossy().as_ref(), by_cargo_bench) {
        ("release", true) => "bench".to_owned(),
        ("debug", _) => "dev".to_owned(),
        (folder, _) => folder.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_that_of_the_folder_built_into() {
        let profile = |program: &str, by_cargo_bench| profile(Path::new(program), by_cargo_bench);
        assert_eq!(profile("/w/target/release/deps/latency-1", true), Ok("bench".to_owned()));
        assert_eq!(profile("/w/target/release/deps/latency-1", false), Ok("release".to_owned()));
        assert_eq!(profile("/w/target/debug/deps/latency-1", true), Ok("dev".to_owned()));
        assert_eq!(profile("/w/target/lto/deps/latency-1", true), Ok("lto".to_owned()));
        assert!(profile("/usr/local/bin/latency", true).is_err());
    }

    #[test]
    fn the_build_script_noted_compiler_and_lock_file() {
        let build = build();
        assert!(build.rustc.value.unwrap().starts_with("rustc 1."));
        assert_eq!(build.lockfile_hash.value.unwrap().len(), "sha256:".len() + 64);
    }
}
