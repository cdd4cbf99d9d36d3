//! The commands of the example workflow.

use std::path::Path;

use clap::Parser as _;
use prismq_report::cli::Arguments;
use serde_json::Value;

/// The scripts of the steps of the example workflow.
fn scripts() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github/workflows/bench.yml");
    let text = std::fs::read_to_string(path).unwrap();
    let workflow: Value = serde_saphyr::from_str(&text).unwrap();
    let jobs = workflow["jobs"].as_object().unwrap();
    let steps = jobs.values().flat_map(|job| job["steps"].as_array().unwrap());
    let mut scripts = Vec::new();
    for step in steps {
        let (uses, run) = (step["uses"].as_str(), step["run"].as_str());
        assert!(uses.is_some() != run.is_some(), "a step either uses or runs: {step}");
        assert!(step["name"].is_string() || uses.is_some(), "{step}");
        scripts.extend(run.map(str::to_owned));
    }
    scripts
}

/// The commands of a script: one a line, unless a line ends in a backslash.
fn commands(script: &str) -> Vec<Vec<String>> {
    let lines = script.replace("\\\n", " ");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    lines.lines().map(words).filter(|words: &Vec<String>| !words.is_empty()).collect()
}

#[test]
fn every_command_of_the_report_is_accepted() {
    let mut accepted = Vec::new();
    for command in scripts().iter().flat_map(|script| commands(script)) {
        let Some(position) = command.iter().position(|word| word.ends_with("prismq-report")) else {
            continue;
        };
        // `cargo run -p prismq-report -- ARGUMENTS` or `path/prismq-report ARGUMENTS`.
        let arguments = match command.iter().position(|word| word == "--") {
            Some(dashes) => &command[dashes + 1..],
            None if command[0] == "cargo" => continue,
            None => &command[position + 1..],
        };
        let line = [&["prismq-report".to_owned()], arguments].concat();
        if let Err(error) = Arguments::try_parse_from(&line) {
            panic!("{}: {error}", command.join(" "));
        }
        accepted.push(arguments.join(" "));
    }
    // The gates: counts of two starts, and the speed of alternating starts.
    let gates = ["throughput/counts --rounds 2", "--min-effect 10%"];
    assert!(gates.iter().all(|gate| {
        accepted.iter().any(|line| line.starts_with("ab --before") && line.contains(gate))
    }));
    for wanted in ["--format github", "--format junit"] {
        assert!(accepted.iter().any(|line| line.contains(wanted)), "{wanted}: {accepted:?}");
    }
}

#[test]
fn every_command_of_cargo_names_what_exists() {
    let found = scripts();
    let cargo: Vec<Vec<String>> = found
        .iter()
        .flat_map(|script| commands(script))
        .filter(|command| command.iter().any(|word| word == "cargo"))
        .collect();
    assert!(cargo.iter().any(|command| command.iter().any(|word| word == "bench")), "{cargo:?}");
    for command in cargo {
        let of_cargo: Vec<&str> =
            command.iter().map(String::as_str).take_while(|word| *word != "--").collect();
        let after = of_cargo.iter().position(|word| *word == "cargo").unwrap() + 1;
        assert!(["bench", "build", "run"].contains(&of_cargo[after]), "{command:?}");
        let package = of_cargo.iter().position(|word| *word == "-p");
        let package = package.map_or("prismq-bench", |position| of_cargo[position + 1]);
        assert!(["prismq-bench", "prismq-report"].contains(&package), "{command:?}");
    }
}

#[test]
fn the_profile_exists() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github/workflows/bench.yml");
    let workflow: Value = serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let profile = workflow["env"]["PRISMQ_PROFILE"].as_str().unwrap();
    assert!(["smoke", "standard", "full"].contains(&profile), "{profile}");
}
