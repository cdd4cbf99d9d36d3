//! Queues side by side, each in a process of its own: those of `benches/drivers/` that are built here. Not part of a
//! plain `cargo bench`: `cargo bench --bench versus`.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return prismq_bench::run::versus::main();
    #[cfg(not(target_os = "linux"))]
    {
        eprintln!("versus: queues of other processes are measured on Linux only");
        ExitCode::SUCCESS
    }
}
