//! Each target and invariant of the project can be missed: there is a subject that misses it. A target that
//! nothing misses says nothing. This program is its own child, as a suite is.

mod faulty;
mod misses;
mod rounds;

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::base::profile::Scale;
use prismq_bench::process;
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::SubjectKind;
use prismq_judge::targets::{Target, parse, read, read_of};

fn main() -> ExitCode {
    if let Some(order) = process::Role::from_env() {
        return process::run(&order);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets.toml");
    let of_server = SubjectKind::Postgres.name();
    let all = read(&path).and_then(|targets| Ok([targets, read_of(&path, of_server)?].concat()));
    let targets = match all {
        Ok(targets) => targets,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut trials: Vec<Trial> = targets
        .into_iter()
        .map(|target| {
            let file = Path::new(target.place.split(':').next().unwrap_or_default());
            let file = file.file_stem().unwrap_or_default().display();
            let name = format!("{file}:{}:{}_can_be_missed", target.scenario, target.metric);
            Trial::test(name, move || can_be_missed(&target))
        })
        .collect();
    trials.push(Trial::test("metrics_without_a_target_can_be_missed_too", further));
    trials.push(Trial::test("a_target_that_no_engine_misses_is_found", unknown));
    // Memory and processor time are those of the whole process.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn can_be_missed(target: &Target) -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let stage = Stage::new(SubjectKind::Prismq, BenchDir::at(directory.path()), Scale::Trial);
    let Some(reading) = misses::reading(target, &stage)? else {
        return Err(Failed::from("no subject misses it: add one to tests/targets/misses.rs"));
    };
    if (reading.spec.name, reading.spec.unit) != (target.metric.as_str(), target.unit.as_str()) {
        return Err(Failed::from(format!("{reading:?} is not what the target is about")));
    }
    if target.holds(reading.value) {
        return Err(Failed::from(format!("{} {} meets it", reading.value, target.unit)));
    }
    Ok(())
}

/// Metrics that machines may be asked for by targets of their own.
fn further() -> Result<(), Failed> {
    let text = "[targets]\n\
        \"concurrency/work/sleeping,handler=1ms,workers=10:efficiency_percent\" = \">= 90 %\"\n\
        \"latency/open/load=50:p99_ratio_to_sync\" = \"<= 6 x\"\n\
        \"latency/wake/in_process:p50_ratio_to_switch\" = \"<= 2 x\"";
    parse(text, "t.toml")?.iter().try_for_each(can_be_missed)
}

fn unknown() -> Result<(), Failed> {
    let text = "[targets]\n\"latency/open/load=50:beauty\" = \">= 1 x\"";
    match parse(text, "t.toml")?.iter().all(|target| can_be_missed(target).is_err()) {
        true => Ok(()),
        false => Err(Failed::from("a metric that does not exist was missed")),
    }
}
