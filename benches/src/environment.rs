//! Gathers where and with what a suite runs. What cannot be found out is recorded as unknown with
//! the reason, never as 0 or an empty text.

use std::fs;
use std::process::Command;
use std::thread;

use prismq_report::record::{Build, Environment, Git, Known, Machine, Pragma, Sqlite};

use crate::bench_dir::BenchDir;
use crate::error::{Error, Result};
use crate::places;
use crate::stage::Stage;

/// Describes the program, the machine and the database behind the figures of a suite.
///
/// # Errors
/// If the engine cannot open a database to read its settings back from.
pub fn gather(stage: &Stage) -> Result<Environment> {
    Ok(Environment {
        git: git(),
        build: Build {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            debug_assertions: cfg!(debug_assertions),
            target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            ..Build::default()
        },
        machine: machine(stage.bench_dir()),
        sqlite: sqlite(stage)?,
        ..Environment::default()
    })
}

fn git() -> Known<Git> {
    let git = |args: &[&str]| -> std::result::Result<String, String> {
        let output = Command::new("git")
            .arg("-C")
            .arg(places::workspace())
            .args(args)
            .output()
            .map_err(|error| format!("git cannot be run: {error}"))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(format!("git: {}", String::from_utf8_lossy(&output.stderr).trim()))
        }
    };
    let state = || {
        let commit = git(&["rev-parse", "HEAD"])?;
        let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
        Ok::<_, String>(Git { commit, dirty: !changes.is_empty(), ..Git::default() })
    };
    state().into()
}

fn machine(bench_dir: &BenchDir) -> Machine {
    let (filesystem, memory_filesystem) = bench_dir.filesystem();
    Machine {
        cpu: field("/proc/cpuinfo", "model name"),
        cores: thread::available_parallelism()
            .map(|cores| u64::try_from(cores.get()).unwrap_or(u64::MAX))
            .into(),
        kernel: kernel(),
        filesystem,
        memory_filesystem,
        memory_bytes: memory_bytes(),
        ..Machine::default()
    }
}

fn kernel() -> Known<String> {
    let name = rustix::system::uname();
    let (system, release) = (name.sysname().to_string_lossy(), name.release().to_string_lossy());
    Known::value(format!("{system} {release}"))
}

fn memory_bytes() -> Known<u64> {
    let total: Known<String> = field("/proc/meminfo", "MemTotal");
    let Some(text) = total.value else { return Known { value: None, reason: total.reason } };
    match text.strip_suffix("kB").and_then(|kib| kib.trim().parse::<u64>().ok()) {
        Some(kib) => Known::value(kib.saturating_mul(1024)),
        None => Known::unknown(format!("MemTotal is {text:?} in /proc/meminfo")),
    }
}

/// The first value of `key` in a file of lines `key : value`.
fn field(path: &str, key: &str) -> Known<String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Known::unknown(format!("{path}: {error}")),
    };
    let value = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    });
    value.map_or_else(|| Known::unknown(format!("{path} has no line {key:?}")), Known::value)
}

/// Opens a database as the rounds do and asks it.
fn sqlite(stage: &Stage) -> Result<Sqlite> {
    let database = stage.database(1)?;
    let settings = database.engine().settings().map_err(Error::engine("read its settings back"))?;
    let mut version = String::new();
    let mut pragmas = Vec::with_capacity(settings.len());
    for (name, value) in settings {
        if name == "sqlite_version" {
            version = value;
        } else {
            pragmas.push(Pragma { name, value });
        }
    }
    if version.is_empty() {
        rusqlite::version().clone_into(&mut version);
    }
    Ok(Sqlite { version, pragmas, compile_options: Vec::new() })
}
