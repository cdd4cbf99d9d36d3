//! A process that does one step on a queue and is killed in the middle of it:
//! `prismq-victim STEP FILE [NTH FILES]`, before its NTH change to files whose names end in FILES. Without a
//! number, others may kill it.
//!
//! It prints `ready` before the step and `done` once it was acknowledged, and then ends without closing the queue.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::process;

use prismq_faults::{Call, Disk, Effect, Fault, Repeat, Step};

fn print(what: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what}")?;
    out.flush()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let step = arguments.next().and_then(|name| Step::named(name.to_str()?));
    let step = step.ok_or("the first argument does not name a step")?;
    let path = PathBuf::from(arguments.next().ok_or("the second argument, a file, is missing")?);
    let nth: Option<u64> = arguments.next().map(|nth| nth.to_string_lossy().parse()).transpose()?;
    let files = match arguments.next() {
        Some(files) if files == *".db" => ".db",
        _ => "",
    };
    let disk = Disk::watch(path.parent().ok_or("the file has no folder")?)?;
    let mut stage = step.prepare(&path)?;
    print("ready")?;
    if let Some(nth) = nth {
        disk.arm(Fault {
            calls: Call::CHANGES,
            files,
            nth,
            repeat: Repeat::Once,
            effect: Effect::Kill,
        });
    }
    step.run(&path, &mut stage)?;
    disk.disarm();
    print("done")?;
    process::exit(0)
}
