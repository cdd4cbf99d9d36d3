//! A suite as a process among others: it refuses wrong settings at once, keeps what it has when it is
//! stopped, removes what others left, and waits for its turn.

use std::env;
use std::fs;
use std::process::{Command, ExitCode};
use std::time::Duration;

use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::load::tasks::{fill, numbered};
use prismq_bench::observe::round::Round;
use prismq_bench::run::record::case::Case;
use prismq_bench::run::suite;
use prismq_bench::subject::{Census, DEFAULT_QUEUE};
use prismq_probe::{Availability, Failed, Requirement, Trial, trial};
use prismq_record::files::{Selection, gather};
use prismq_record::{Scenario, SyncCheck, SyncFinding, Validity};
use rustix::process::Signal;

use crate::running::{Place, Running, ensure};
use crate::{Check, SUITE};

/// Makes this program the suite of [`held_suite`].
pub(crate) const HELD: &str = "held";
/// Makes this program the suite of [`recounted_suite`].
pub(crate) const RECOUNTED: &str = "recounted";

pub(crate) fn trials() -> Vec<Trial> {
    let trials: [(&str, Check); 7] = [
        (
            "a_file_that_differs_from_the_expected_counts_is_found",
            a_file_that_differs_from_the_expected_counts_is_found,
        ),
        ("a_wrong_setting_is_refused_first", a_wrong_setting_is_refused_first),
        ("ctrl_c_keeps_the_rounds_of_all_scenarios", ctrl_c_keeps_the_rounds_of_all_scenarios),
        ("a_killed_suites_database_is_swept", a_killed_suites_database_is_swept),
        ("two_measurements_take_turns", two_measurements_take_turns),
        ("a_relative_target_directory_is_cargos", a_relative_target_directory_is_cargos),
        ("a_filter_without_a_match_is_named", a_filter_without_a_match_is_named),
    ];
    let mut trials: Vec<Trial> =
        trials.into_iter().map(|(name, trial)| Trial::test(name, trial)).collect();
    trials.push(trial(
        "a_library_that_leaves_out_syncs_is_found",
        probe_shims,
        a_library_that_leaves_out_syncs_is_found,
    ));
    trials
}

/// Which call of the held scenario waits: that of its second round.
const WAITING: u64 = 2;

/// A scenario that ends, and one that in its second round has a database open and waits for a line of input.
pub(crate) fn held_suite() -> ExitCode {
    suite::main("latency", |suite| {
        let mut call = 0;
        suite.measure(Case::new("tiny", "workers", 1), move |_| {
            eprintln!("called");
            call += 1;
            Ok((took(call), Round::default()))
        })?;
        suite.measure(Case::new("held", "workers", 1), move |stage| {
            let database = stage.database(1)?;
            call += 1;
            if call == WAITING {
                eprintln!("holds {}", database.path().display());
                // An end of the input lets it go on as well.
                let _ = std::io::stdin().read_line(&mut String::new());
            }
            Ok((took(call), Round::default()))
        })
    })
}

/// No two rounds take the same time.
fn took(call: u64) -> Duration {
    Duration::from_micros(100 + call)
}

/// Two scenarios that leave three tasks, of which the second expects two.
pub(crate) fn recounted_suite() -> ExitCode {
    suite::main("latency", |suite| {
        for known in [3, 2] {
            let mut calls = 0;
            suite.measure(Case::new("recounted", "known", known), move |stage| {
                let database = stage.database(1)?;
                fill(database.subject(), &numbered("left", 3), 3)?;
                let expected = Census { ready: known as u64, ..Census::default() };
                let faults = database.recount(&[DEFAULT_QUEUE], expected)?.into_iter().collect();
                calls += 1;
                Ok((Duration::from_micros(100 + calls), Round { faults, ..Round::default() }))
            })?;
        }
        Ok(())
    })
}

/// A library that makes syncs do nothing.
const SHIM: &str = "int fsync(int file) { (void)file; return 0; }\n\
                    int fdatasync(int file) { (void)file; return 0; }\n";

/// Whether a shim can be made here and would change anything.
fn probe_shims() -> Availability {
    if BenchDir::at(env!("CARGO_TARGET_TMPDIR")).filesystem().1 {
        let reason = "the target directory lies in memory, where syncs do nothing anyway";
        return Availability::NotPermitted(reason.to_owned());
    }
    Requirement::CCompiler.probe()
}

fn a_wrong_setting_is_refused_first() -> Result<(), Failed> {
    let variables = [
        ("PRISMQ_PROFILE", "fast"),
        ("PRISMQ_ENGINE", "postgres"),
        ("PRISMQ_TRUST_SYNC", "no"),
        ("PRISMQ_SOAK_MINUTES", "5"),
        ("PRISMQ_BUDGET", "3601"),
        ("PRISMQ_WORKLOAD", "/no/such/file.toml"),
        ("PRISMQ_RESULTS_DIR", "/proc/prismq"),
        ("PRISMQ_BENCH_DIR", "/proc/prismq"),
        ("CRITERION_HOME", "/proc/prismq"),
    ];
    let place = Place::new()?;
    let program = env::current_exe()?;
    for (variable, value) in variables {
        let (code, said) =
            Running::start(place.command(&program, "--bench").env(variable, value))?.end()?;
        ensure(code == Some(2), &format!("{variable}: {code:?}\n{said}"))?;
        ensure(!said.contains("called") && said.contains(value), &said)?;
    }
    for option in ["--save-baseline feature/login", "-sfeature/login", "--baseline=a/b"] {
        let (code, said) = place.start(&format!("--bench {option}"))?.end()?;
        ensure(code == Some(2), &format!("{option}: {code:?}\n{said}"))?;
        ensure(!said.contains("called") && said.contains("cannot name a baseline"), &said)?;
    }
    let (code, said) = place.start("--bench tiny(")?.end()?;
    ensure(code == Some(2), &format!("a filter: {code:?}\n{said}"))?;
    ensure(!said.contains("called") && said.contains("tiny("), &said)
}

fn ctrl_c_keeps_the_rounds_of_all_scenarios() -> Result<(), Failed> {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let place = Place::new()?;
        let suite = place.start("--bench")?;
        suite.wait_for("holds ")?;
        suite.send(signal)?;
        let said = suite.wait_for("stopped")?;
        ensure(said.contains("2 scenarios are kept, with the rounds they had, in"), &said)?;
        // The input stays open: the round would have lasted for ever.
        let mut suite = suite;
        let status = suite.child.wait()?;
        ensure(status.code() == Some(code), &format!("{signal:?}: {status}"))?;
        let rounds = place.rounds()?;
        let one_of_each =
            [("latency/tiny/workers=1".into(), 1), ("latency/held/workers=1".into(), 1)];
        ensure(rounds == one_of_each, &format!("the record holds {rounds:?}"))?;
        ensure(place.databases() == 0, "a database was left behind")?;
    }
    Ok(())
}

fn a_file_that_differs_from_the_expected_counts_is_found() -> Result<(), Failed> {
    let place = Place::new()?;
    let mut command = place.command(&env::current_exe()?, "--bench");
    let (code, said) = Running::start(command.env(SUITE, RECOUNTED))?.end()?;
    ensure(code == Some(0), &said)?;
    let run = gather(&place.path("results"), &Selection::Latest)?;
    let scenarios: Vec<Scenario> =
        run.suites.into_iter().flat_map(|suite| suite.scenarios).collect();
    let [known, unknown] = scenarios.as_slice() else {
        return Err(format!("{} scenarios", scenarios.len()).into());
    };
    ensure(known.validity == Validity::Valid, &format!("{:?}", known.validity))?;
    let Validity::Invalid { reasons } = &unknown.validity else { return Err("it is valid".into()) };
    let reasons = reasons.join("; ");
    ensure(reasons.contains("another process finds Census { ready: 3"), &reasons)
}

fn a_killed_suites_database_is_swept() -> Result<(), Failed> {
    let place = Place::new()?;
    let mut killed = place.start("--bench")?;
    killed.wait_for("holds ")?;
    killed.send(Signal::KILL)?;
    killed.child.wait()?;
    ensure(place.databases() == 1, "it was to leave its database")?;
    let next = place.start("--bench")?;
    next.wait_for("removed 1 databases that a killed run left in")?;
    let (code, said) = next.end()?;
    ensure(code == Some(0) && place.databases() == 0, &said)
}

fn two_measurements_take_turns() -> Result<(), Failed> {
    let place = Place::new()?;
    let mut first = place.start("--bench")?;
    first.wait_for("holds ")?;
    let second = place.start("--bench")?;
    let said = second.wait_for("waiting for another measurement on this machine")?;
    let holder = format!("process {} (suite latency) since ", first.child.id());
    ensure(said.contains(&holder), &said)?;
    first.go_on()?;
    let (code, said) = first.end()?;
    ensure(code == Some(0), &said)?;
    second.wait_for("called")?;
    let (code, said) = second.end()?;
    ensure(code == Some(0), &said)
}

/// Cargo takes a relative `CARGO_TARGET_DIR` from where the user is, and starts suites elsewhere.
fn a_relative_target_directory_is_cargos() -> Result<(), Failed> {
    let place = Place::new()?;
    let (target, package) = (place.path("target_foo"), place.path("package"));
    let deps = target.join("release").join("deps");
    fs::create_dir_all(&deps)?;
    fs::create_dir(&package)?;
    let program = deps.join("latency");
    fs::copy(env::current_exe()?, &program)?;
    let mut command = place.command(&program, "--bench");
    command.env_remove("CRITERION_HOME").env("CARGO_TARGET_DIR", "target_foo");
    let (code, said) = Running::start(command.current_dir(&package))?.end()?;
    ensure(code == Some(0), &said)?;
    ensure(target.join("criterion/latency_tiny").is_dir(), "Criterion wrote elsewhere")?;
    ensure(fs::read_dir(&package)?.count() == 0, "something was written to the package's folder")
}

fn a_filter_without_a_match_is_named() -> Result<(), Failed> {
    let place = Place::new()?;
    let (code, said) = place.start("--bench no_such_thing")?.end()?;
    ensure(code == Some(0), &said)?;
    ensure(said.contains("no benchmark matches \"no_such_thing\""), &said)
}

fn a_library_that_leaves_out_syncs_is_found() -> Result<(), Failed> {
    let place = Place::on_disk()?;
    let (source, shim) = (place.path("shim.c"), place.path("shim.so"));
    fs::write(&source, SHIM)?;
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&shim).arg(&source).status()?;
    ensure(compiled.success(), "the shim was not compiled")?;
    let check = |trusted: bool| -> Result<SyncCheck, Failed> {
        let place = Place::on_disk()?;
        let mut command = place.command(&env::current_exe()?, "--bench tiny");
        command.env("LD_PRELOAD", &shim);
        if trusted {
            command.env("PRISMQ_TRUST_SYNC", "yes");
        }
        let (code, said) = Running::start(&mut command)?.end()?;
        ensure(code == Some(0) && said.contains("syncs "), &said)?;
        let run = gather(&place.path("results"), &Selection::Latest)?;
        let suite = run.suites.into_iter().next().ok_or("there is no suite")?;
        Ok(suite.environment.sync)
    };
    let found = check(false)?;
    ensure(found.finding == SyncFinding::DoesNotWait, &format!("{found:?}"))?;
    let reasons = found.reasons.join("; ");
    ensure(reasons.contains("no disk can do") && reasons.contains("shim.so"), &reasons)?;
    ensure(found.invalid_reason().is_some(), "the run is not marked invalid")?;
    let trusted = check(true)?;
    ensure(trusted.trusted && trusted.invalid_reason().is_none(), &format!("{trusted:?}"))
}
