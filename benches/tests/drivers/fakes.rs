//! Fakes: each breaks one rule, and is named by it.

use std::env;
use std::time::Duration;

use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::conformance::{Candidate, Outcome, Phase, check};
use prismq_bench::subject::remote::{Bounds, Launch};
use prismq_probe::{Failed, Requirement, Trial, trial};

use crate::between::Alteration;
use crate::toy::Fault;
use crate::{DRIVER, raw};

pub(crate) fn trials() -> Vec<Trial> {
    let fails = |name: &'static str, fault: Fault, phase: Phase, rule: u8| {
        Trial::test(name, move || fails_by(&fault.name(), phase, rule))
    };
    let alters = |name: &'static str, alteration: Alteration, phase: Phase, rule: u8| {
        Trial::test(name, move || fails_by(&alteration.name(), phase, rule))
    };
    vec![
        Trial::test("a_toy_that_keeps_its_word_passes_all_rules", || keeps_its_word(Fault::None)),
        Trial::test("so_does_one_with_a_process_of_its_store", || keeps_its_word(Fault::Serves)),
        Trial::test("so_does_one_that_retries", || keeps_its_word(Fault::Retries)),
        fails("a_driver_that_drops_tasks_is_caught", Fault::Drops, Phase::Work, 7),
        fails("a_driver_that_doubles_tasks_is_caught", Fault::Doubles, Phase::Work, 7),
        fails("a_driver_that_alters_payloads_is_caught", Fault::Alters, Phase::Work, 8),
        fails("a_driver_that_stamps_wrongly_is_caught", Fault::StampsWrongly, Phase::Work, 9),
        fails("a_driver_that_miscounts_is_caught", Fault::Miscounts, Phase::Work, 20),
        fails("a_driver_that_answers_early_is_caught", Fault::AnswersEarly, Phase::Kill, 15),
        fails("a_driver_that_repeats_what_was_done_is_caught", Fault::Forgets, Phase::Kill, 15),
        fails("a_driver_that_outlives_its_store_is_caught", Fault::OutlivesStore, Phase::Kill, 15),
        fails("a_driver_that_gives_up_tasks_is_caught", Fault::GivesUp, Phase::Kill, 16),
        fails("a_driver_that_hangs_is_caught", Fault::Hangs, Phase::Talk, 5),
        fails("a_driver_that_floods_is_caught", Fault::Floods, Phase::Work, 2),
        fails("a_driver_that_chatters_is_caught", Fault::Chatters, Phase::Work, 2),
        fails("a_driver_that_leaves_a_process_is_caught", Fault::LeavesChild, Phase::Talk, 13),
        fails("a_driver_that_outlives_its_input_is_caught", Fault::LeavesChild, Phase::Ends, 19),
        fails("a_driver_that_is_never_idle_is_caught", Fault::Spins, Phase::Pace, 14),
        fails(
            "a_driver_that_completes_failures_is_caught",
            Fault::CompletesFailures,
            Phase::Work,
            21,
        ),
        fails("a_driver_that_goes_on_after_a_stop_is_caught", Fault::GoesOn, Phase::Ends, 13),
        trial(
            "a_driver_that_claims_syncs_it_does_not_make_is_caught",
            || Requirement::Strace.probe(),
            || fails_by(&Fault::Unsynced.name(), Phase::Durability, 17),
        ),
        trial(
            "a_driver_that_syncs_only_now_and_then_is_caught",
            || Requirement::Strace.probe(),
            || fails_by(&Fault::Pretends.name(), Phase::Durability, 17),
        ),
        alters("a_greeting_that_lacks_a_field_is_caught", Alteration::Greeting, Phase::Talk, 1),
        alters("a_driver_that_calls_too_early_is_caught", Alteration::Early, Phase::Pace, 10),
        alters("a_driver_that_calls_too_late_is_caught", Alteration::Late, Phase::Pace, 10),
        alters(
            "a_driver_that_counts_a_task_too_many_is_caught",
            Alteration::Count,
            Phase::Work,
            11,
        ),
        alters(
            "a_driver_whose_records_arrive_late_is_caught",
            Alteration::Records,
            Phase::Pace,
            12,
        ),
        alters("a_driver_that_overfills_a_lane_is_caught", Alteration::Room, Phase::Ends, 18),
        alters("a_driver_that_splits_batches_is_caught", Alteration::Batch, Phase::Work, 22),
        Trial::test("a_driver_that_is_deaf_is_caught", deaf),
    ]
}

/// This program as the driver of that name.
pub(crate) fn candidate(name: &str, directory: &BenchDir) -> Candidate {
    let own = env::current_exe().unwrap();
    let launch = Launch::program(own, [""; 0]).with(DRIVER, name);
    Candidate::new(launch, None, directory.clone())
}

fn keeps_its_word(toy: Fault) -> Result<(), Failed> {
    let root = tempfile::tempdir()?;
    let findings = check(&candidate(&toy.name(), &BenchDir::at(root.path())), &Phase::ALL);
    assert!(findings.failed().is_empty(), "{findings}");
    Ok(())
}

fn fails_by(name: &str, phase: Phase, rule: u8) -> Result<(), Failed> {
    let root = tempfile::tempdir()?;
    let mut candidate = candidate(name, &BenchDir::at(root.path()));
    // Longer than one of the fakes holds records back.
    candidate.patience = Duration::from_secs(4);
    if name == Fault::Hangs.name() {
        let long = Duration::from_secs(2);
        candidate.bounds = Bounds { long, ..Bounds::default() };
    }
    let findings = check(&candidate, &[phase]);
    assert!(matches!(findings.outcome(rule), Outcome::Failed(_)), "{findings}");
    Ok(())
}

fn deaf() -> Result<(), Failed> {
    let root = tempfile::tempdir()?;
    let findings = check(&candidate(raw::DEAF, &BenchDir::at(root.path())), &[Phase::Talk]);
    assert_eq!(findings.failed(), [3, 4, 6, 13], "{findings}");
    Ok(())
}
