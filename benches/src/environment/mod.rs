//! Gathers where and with what a suite runs. What cannot be found out is recorded as unknown with
//! the reason, never as 0 or an empty text.
//!
//! Each module knows one source of facts and reads its texts by functions that are given the text, so
//! that they are tested with those of other machines.

mod build;
mod conditions;
mod control_group;
mod files;
mod git;
mod memory;
mod mounts;
mod processor;
mod sqlite;
pub mod sync;
mod virtualisation;

pub use conditions::conditions;
pub use control_group::groups;

use std::path::Path;
use std::thread;

use prismq_record::{Conditions, Environment, Known, Machine, SyncCheck};

use crate::base::bench_dir::BenchDir;
use crate::base::error::Result;
use mounts::Mount;

/// Describes the program, the machine and the database behind the figures of a suite, with the
/// conditions before and after it and what was found out about syncs. `settings` are those that the subject
/// read back; `by_cargo_bench` says whether `cargo bench` started this program.
///
/// # Errors
/// If SQLite does not say how it was compiled.
pub fn gather(
    bench_dir: &BenchDir,
    settings: Vec<(String, String)>,
    by_cargo_bench: bool,
    sync: SyncCheck,
    (before, after): (Conditions, Conditions),
) -> Result<Environment> {
    Ok(Environment {
        git: git::git(),
        build: build::build(by_cargo_bench),
        machine: machine(bench_dir),
        sqlite: sqlite::sqlite(settings)?,
        sync,
        before,
        after,
    })
}

fn machine(bench_dir: &BenchDir) -> Machine {
    let (by_magic, memory_filesystem) = bench_dir.filesystem();
    let mount = mounts::mount_of(bench_dir.existing());
    let of_mount = |part: fn(&Mount) -> &String| mount.as_ref().map(part).cloned().into();
    Machine {
        cpu: processor::model(),
        cores: thread::available_parallelism()
            .map(|cores| u64::try_from(cores.get()).unwrap_or(u64::MAX))
            .into(),
        kernel: kernel(),
        // `statfs` gives ext2, ext3 and ext4 one number.
        filesystem: mount.as_ref().map_or(by_magic, |mount| Known::value(mount.filesystem.clone())),
        memory_filesystem,
        memory_bytes: memory::physical_bytes(),
        physical_cores: processor::physical_cores(),
        quota_cores: control_group::quota_cores(Path::new("/sys/fs/cgroup")),
        governor: processor::governor(),
        turbo: processor::turbo(),
        smt: processor::smt(),
        virtualisation: virtualisation::virtualisation(),
        device: of_mount(|mount| &mount.device),
        mount_options: of_mount(|mount| &mount.options),
        clock_source: files::line(
            "/sys/devices/system/clocksource/clocksource0/current_clocksource",
        )
        .into(),
    }
}

fn kernel() -> Known<String> {
    let name = rustix::system::uname();
    let (system, release) = (name.sysname().to_string_lossy(), name.release().to_string_lossy());
    Known::value(format!("{system} {release}"))
}
