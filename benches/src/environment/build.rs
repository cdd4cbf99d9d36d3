//! How the running program was built. Compiler and lock file were noted by the build script.

use std::path::Path;

use prismq_record::{Build, Known};

/// `by_cargo_bench`: whether the program was started by `cargo bench`.
pub(super) fn build(by_cargo_bench: bool) -> Build {
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
        let build = build(false);
        assert!(build.rustc.value.unwrap().starts_with("rustc 1."));
        assert_eq!(build.lockfile_hash.value.unwrap().len(), "sha256:".len() + 64);
    }

    /// What the queue, the subject it is compared with and the load itself are made of. Workloads are drawn
    /// before they are measured.
    const MEASURED: [&str; 8] = [
        "prismq",
        "prismq-bench",
        "crossbeam",
        "hdrhistogram",
        "memory-stats",
        "r2d2",
        "r2d2_sqlite",
        "rand",
    ];

    fn read(file: &str) -> toml::Table {
        let path = crate::base::paths::workspace().join(file);
        std::fs::read_to_string(path).unwrap().parse().unwrap()
    }

    #[test]
    fn nothing_on_a_measured_path_is_built_slower() {
        let workspace = read("Cargo.toml");
        let slower = workspace["profile"]["bench"]["package"].as_table().unwrap();
        let lock = read("Cargo.lock");
        let name_of = |package: &toml::Value| package["name"].as_str().unwrap().to_owned();
        let packages = lock["package"].as_array().unwrap();
        let known = |name: &str| packages.iter().any(|package| name_of(package) == name);
        assert!(slower.keys().all(|name| known(name)), "a package that is not built: {slower:?}");

        let own = read("crates/prismq/Cargo.toml");
        let mut left: Vec<String> = MEASURED.map(str::to_owned).to_vec();
        left.extend(own["dependencies"].as_table().unwrap().keys().cloned());
        let mut measured = std::collections::BTreeSet::new();
        while let Some(name) = left.pop() {
            // Those of the workspace's own packages include what only their tests need; a histogram is
            // written to while something is measured, but put into a record afterwards.
            let leaf = name.starts_with("prismq") || name == "hdrhistogram";
            if !measured.insert(name.clone()) || leaf {
                continue;
            }
            for package in packages.iter().filter(|package| name_of(package) == name) {
                let needs = package.get("dependencies").and_then(toml::Value::as_array);
                let needs = needs.into_iter().flatten().filter_map(toml::Value::as_str);
                left.extend(needs.filter_map(|need| need.split(' ').next()).map(str::to_owned));
            }
        }
        let wrong: Vec<&String> = slower.keys().filter(|name| measured.contains(*name)).collect();
        assert!(wrong.is_empty(), "{wrong:?} are measured");
    }
}
