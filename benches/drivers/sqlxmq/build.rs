//! Puts together the schema of the library, which has applications copy it from its package: the files of its folder
//! `migrations`, in their order.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

const LIBRARY: &str = "sqlxmq";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=Cargo.lock");
    let folder = package()?.join("migrations");
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".up.sql") {
            files.push(path);
        }
    }
    files.sort();
    let steps = files.iter().map(fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    let schema = Path::new(&env::var("OUT_DIR")?).join("schema.sql");
    Ok(fs::write(schema, steps.join("\n"))?)
}

/// The folder of the library's package.
fn package() -> Result<PathBuf, Box<dyn Error>> {
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo.args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    cargo.args(["--filter-platform", &env::var("TARGET")?]);
    let output = cargo.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let library = packages.find(|package| package["name"] == LIBRARY);
    let manifest = library.and_then(|package| package["manifest_path"].as_str());
    let folder = manifest.and_then(|path| Path::new(path).parent());
    Ok(folder.ok_or("the package is not among the dependencies")?.to_owned())
}
