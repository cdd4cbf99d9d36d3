//! Keeps what only the build knows for the record: which compiler it is and which versions of the
//! dependencies it was given.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest as _, Sha256};

fn main() -> Result<(), Box<dyn Error>> {
    let compiler = env::var_os("RUSTC").ok_or("cargo names no compiler")?;
    let answer = Command::new(compiler).arg("--version").output()?;
    println!("cargo::rustc-env=PRISMQ_BENCH_RUSTC={}", String::from_utf8(answer.stdout)?.trim());

    let lockfile = Path::new("..").join("Cargo.lock");
    println!("cargo::rerun-if-changed={}", lockfile.display());
    let hash = Sha256::digest(fs::read(lockfile)?);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env=PRISMQ_BENCH_LOCKFILE_SHA256={hash}");
    Ok(())
}
