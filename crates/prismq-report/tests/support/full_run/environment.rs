//! The machine and the program of the run.

use prismq_record::*;

use super::at;

pub(super) fn environment() -> Environment {
    let conditions = |load, sync| Conditions {
        load_average: Known::value(load),
        busy_percent: Known::value(1.2),
        steal_percent: Known::value(0.4),
        sync_p50_us: Known::value(sync),
        sync_p99_us: Known::value(sync * 3.1),
    };
    Environment {
        git: Known::value(Git {
            commit: "c0ffee".repeat(6) + "c0ff",
            dirty: false,
            branch: Known::value("main".to_owned()),
            committed_at: Known::value(at(-3600)),
        }),
        build: Build {
            version: "0.1.0".to_owned(),
            debug_assertions: false,
            target: "x86_64-linux".to_owned(),
            rustc: Known::value("rustc 1.95.0".to_owned()),
            profile: Known::value("bench".to_owned()),
            lockfile_hash: Known::value("5e1f0c77".to_owned()),
        },
        machine: Machine {
            cpu: Known::value("Example 9000 @ 3.2 GHz".to_owned()),
            cores: Known::value(4),
            kernel: Known::value("Linux 6.18".to_owned()),
            filesystem: Known::value("ext4".to_owned()),
            memory_filesystem: false,
            memory_bytes: Known::value(24 << 30),
            physical_cores: Known::value(2),
            quota_cores: Known::unknown("no control group limits it"),
            governor: Known::value("powersave".to_owned()),
            turbo: Known::value(true),
            smt: Known::value(true),
            virtualisation: Known::value("none".to_owned()),
            device: Known::value("nvme0n1p2".to_owned()),
            mount_options: Known::value("rw,relatime".to_owned()),
            clock_source: Known::value("tsc".to_owned()),
        },
        sqlite: Sqlite {
            version: "3.53.2".to_owned(),
            pragmas: ["journal_mode=wal", "synchronous=2", "busy_timeout=5000", "page_size=4096"]
                .map(|pragma| {
                    let (name, value) = pragma.split_once('=').unwrap();
                    Pragma { name: name.to_owned(), value: value.to_owned() }
                })
                .to_vec(),
            compile_options: vec![
                "THREADSAFE=1".to_owned(),
                "DEFAULT_WAL_SYNCHRONOUS=2".to_owned(),
            ],
        },
        before: conditions(0.31, 212.0),
        after: conditions(1.9, 231.0),
        ..Environment::default()
    }
}
