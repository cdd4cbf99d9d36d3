//! The harness with the queue in PostgreSQL, on a server that it starts and removes. Ignored with the reason where
//! PostgreSQL is not installed. This program is its own child, as a suite is.

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::Failed;
use prismq_bench::base::bench_dir::BenchDir;
use prismq_bench::base::profile::Scale;
use prismq_bench::load::tasks::PAYLOAD_BYTES;
use prismq_bench::process;
use prismq_bench::reference::bound;
use prismq_bench::reference::server::naive;
use prismq_bench::scenario::cost::claim::{BacklogKind, fill, fill_with_keys};
use prismq_bench::scenario::drain::processes::{Processes, drain_by_processes};
use prismq_bench::scenario::drain::{Drain, drain};
use prismq_bench::scenario::enqueue::{Enqueue, Enqueuer};
use prismq_bench::scenario::idle_pools::enqueue_with_idle_pools;
use prismq_bench::scenario::stage::Stage;
use prismq_bench::subject::{Capability, DEFAULT_QUEUE, Durability, SubjectKind, Work};
use prismq_probe::{Availability, Requirement, Trial, trial};

type Test = fn(&Stage) -> Result<(), Failed>;

fn main() -> ExitCode {
    if let Some(role) = process::Role::from_env() {
        return process::run(&role);
    }
    let tests: [(&str, Test); 7] = [
        ("a_backlog_is_drained", a_backlog_is_drained),
        ("processes_share_a_database", processes_share_a_database),
        (
            "idle_pools_of_other_processes_listen_to_callers",
            idle_pools_of_other_processes_listen_to_callers,
        ),
        ("turns_add_up_in_one_database", turns_add_up_in_one_database),
        ("references_do_the_same_work", references_do_the_same_work),
        ("claims_are_timed_next_to_each_backlog", claims_are_timed_next_to_each_backlog),
        ("records_name_the_server_and_its_settings", records_name_the_server_and_its_settings),
    ];
    let available = Requirement::Postgres.probe();
    // One server for all of them, started by the thread with which it ends.
    let stage = match available {
        Availability::Available => Some(stage()),
        _ => None,
    };
    let with_stage = |(name, test): (&'static str, Test)| -> Trial {
        let (available, stage) =
            (available.clone(), stage.as_ref().map(|(_, stage)| stage.clone()));
        trial(name, move || available, move || stage.as_ref().map_or(Ok(()), test))
    };
    let code = prismq_probe::run(tests.into_iter().map(with_stage).collect());
    drop(stage);
    code
}

/// With a server, on a disk that is removed after it.
fn stage() -> (tempfile::TempDir, Stage) {
    let start = || -> Result<_, Failed> {
        let directory = tempfile::tempdir()?;
        // The server runs as another user.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(directory.path(), open)?;
        let stage = Stage::new(SubjectKind::Postgres, BenchDir::at(directory.path()), Scale::Trial);
        Ok((directory, stage.with_server()?))
    };
    match start() {
        Ok(started) => started,
        Err(error) => {
            eprintln!("error: {error:?}");
            std::process::exit(1);
        }
    }
}

/// Fails with a text unless this holds.
fn check(holds: bool, text: impl Into<String>) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(text.into().into()) }
}

fn a_backlog_is_drained(stage: &Stage) -> Result<(), Failed> {
    for durability in [Durability::Full, Durability::Normal] {
        let load = Drain { workers: 3, tasks: 250, payload_bytes: PAYLOAD_BYTES, work: Work::None };
        let drained = drain(&stage.with_durability(durability), &load)?;
        check(drained.faults.is_empty(), format!("{:?}", drained.faults))?;
        check(
            (drained.audit.completed, drained.errors()) == (250, 0),
            format!("{:?}", drained.audit),
        )?;
        check(drained.written.is_none(), "it is the server that writes")?;
    }
    Ok(())
}

fn processes_share_a_database(stage: &Stage) -> Result<(), Failed> {
    let load = Processes { processes: 2, workers: 2, tasks: 200, service_time: None };
    let shared = drain_by_processes(stage, load)?;
    check(shared.faults.is_empty(), format!("{:?}", shared.faults))?;
    check(shared.audit.completed == 200, format!("{:?}", shared.audit))
}

fn idle_pools_of_other_processes_listen_to_callers(stage: &Stage) -> Result<(), Failed> {
    let load = Enqueue { callers: 2, tasks: 40 };
    let enqueued = enqueue_with_idle_pools(stage, load, 2, Duration::ZERO)?;
    check(enqueued.faults.is_empty(), format!("{:?}", enqueued.faults))?;
    check(enqueued.tasks == 40, format!("{enqueued:?}"))
}

fn turns_add_up_in_one_database(stage: &Stage) -> Result<(), Failed> {
    let mut enqueuer = Enqueuer::open(stage, 4)?;
    for _ in 0..2 {
        let turn = enqueuer.turn(40)?;
        check(turn.faults.is_empty(), format!("{:?}", turn.faults))?;
    }
    check(enqueuer.close()?.is_none(), "its tasks are there")?;
    // Each database is another.
    let again = stage.database(1)?;
    check(again.subject().census(DEFAULT_QUEUE)?.ready == 0, "a new database is empty")
}

fn references_do_the_same_work(stage: &Stage) -> Result<(), Failed> {
    let (kind, dir) = (stage.kind(), stage.bench_dir());
    check(bound::name(kind) == "statements", bound::name(kind))?;
    bound::enqueue(kind, dir, 1_200, PAYLOAD_BYTES)?;
    bound::claim_and_complete(kind, dir, 1_200, PAYLOAD_BYTES)?;
    bound::life(kind, dir, 1_200, PAYLOAD_BYTES)?;
    let enqueued = naive::enqueue(dir, 4, 42, PAYLOAD_BYTES)?;
    check(enqueued.server.is_some(), "the server's processes are found")?;
    naive::drain(dir, 4, 42, PAYLOAD_BYTES)?;
    Ok(())
}

fn claims_are_timed_next_to_each_backlog(stage: &Stage) -> Result<(), Failed> {
    for kind in BacklogKind::ALL {
        let filled = fill(stage, kind, 100)?;
        // What is claimed is given back.
        filled.claim()?;
        filled.claim()?;
    }
    fill_with_keys(stage, 1)?.claim()?;
    Ok(())
}

fn records_name_the_server_and_its_settings(stage: &Stage) -> Result<(), Failed> {
    let settings = stage.settings()?;
    for name in ["server_version", "fsync", "synchronous_commit", "shared_buffers"] {
        check(settings.iter().any(|(found, _)| found == name), format!("{name}: {settings:?}"))?;
    }
    let on = ("fsync".to_owned(), "on".to_owned());
    check(settings.contains(&on), format!("{settings:?}"))?;
    check(stage.kind().name() == "prismq-postgres", stage.kind().name())?;
    check(!stage.can(Capability::File), "it is no file")?;
    let load = Enqueue { callers: 1, tasks: 3 };
    check(prismq_bench::scenario::enqueue::enqueue(stage, load)?.tasks == 3, "it can be used")
}
