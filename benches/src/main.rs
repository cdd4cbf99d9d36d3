//! `prismq-bench driver`: builds, lists and checks the drivers of queues in other processes.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

#[cfg(target_os = "linux")]
mod driver {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};
    use std::process::ExitCode;

    use prismq_bench::base::bench_dir::BenchDir;
    use prismq_bench::base::paths::drivers_dir;
    use prismq_bench::conformance::{Candidate, Phase, check};
    use prismq_bench::run::versus::Overhead;
    use prismq_bench::subject::remote::{Launch, Manifest, ManifestError};

    /// Rounds of prismq in this process and by its driver.
    const ROUNDS: usize = 41;

    /// Does what the arguments say; `None` if they say nothing that exists.
    pub(crate) fn run(arguments: &[OsString]) -> Option<Result<ExitCode, ManifestError>> {
        let (command, rest) = arguments.split_first()?;
        match (command.to_str()?, rest) {
            ("check", [named, arguments @ ..]) => Some(checked(Path::new(named), arguments)),
            ("build", names @ [_, ..]) => Some(build(names)),
            ("list", []) => Some(list()),
            ("overhead", []) => Some(overhead()),
            _ => None,
        }
    }

    /// A name of a shipped driver stands for its folder.
    fn folder(named: &Path) -> PathBuf {
        let shipped = drivers_dir().join(named);
        if !named.exists() && shipped.is_dir() { shipped } else { named.to_owned() }
    }

    fn checked(named: &Path, arguments: &[OsString]) -> Result<ExitCode, ManifestError> {
        let named = folder(named);
        let manifest = named.is_dir().then(|| Manifest::read(&named)).transpose()?;
        if let Some(manifest) = &manifest {
            manifest.ready()?;
        }
        let launch = Launch::named(&named, arguments)?;
        let candidate = Candidate::new(launch, manifest, BenchDir::from_env());
        let findings = check(&candidate, &Phase::ALL);
        println!("{findings}");
        Ok(if findings.failed().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn build(names: &[OsString]) -> Result<ExitCode, ManifestError> {
        for name in names {
            let manifest = Manifest::read(&folder(Path::new(name)))?;
            manifest.build()?;
            println!("{} is built", manifest.name());
        }
        Ok(ExitCode::SUCCESS)
    }

    fn overhead() -> Result<ExitCode, ManifestError> {
        let manifest = Manifest::read(&drivers_dir().join("prismq"))?;
        manifest.ready()?;
        let directory = BenchDir::from_env();
        let launch = Launch::shipped(&manifest);
        let candidate = Candidate::new(launch, Some(manifest), directory.clone());
        match Overhead::measure(&candidate, &directory, ROUNDS) {
            Ok(overhead) => {
                println!("{overhead}");
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                eprintln!("error: {error}");
                Ok(ExitCode::FAILURE)
            }
        }
    }

    fn list() -> Result<ExitCode, ManifestError> {
        for manifest in Manifest::all(&drivers_dir())? {
            match manifest.ready() {
                Ok(()) => println!("{:<20} ready", manifest.name()),
                Err(reason) => println!("{:<20} {reason}", manifest.name()),
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

const USAGE: &str = "\
usage: prismq-bench driver check PROGRAM [ARGUMENT...]   checks a driver by the rules of benches/DRIVERS.md
       prismq-bench driver check NAME                    the same, one of benches/drivers/, or a folder with a driver.toml
       prismq-bench driver build NAME...                 builds drivers of benches/drivers/
       prismq-bench driver list                          which of them can be used here
       prismq-bench driver overhead                      what the protocol costs prismq";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    match arguments.split_first() {
        Some((first, rest)) if first == "driver" => driver_command(rest),
        Some((first, [])) if first == "--help" || first == "-h" => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

#[cfg(target_os = "linux")]
fn driver_command(arguments: &[OsString]) -> ExitCode {
    match driver::run(arguments) {
        None => usage(),
        Some(Ok(code)) => code,
        Some(Err(error)) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn driver_command(_: &[OsString]) -> ExitCode {
    eprintln!("error: drivers are measured on Linux only");
    ExitCode::from(2)
}
