//! What servers, sessions and disks do to a queue: clients work meanwhile, and the checker says whether a task was lost
//! or done twice.

pub(crate) mod audit;
mod disk;
mod fleet;
mod network;
mod pooler;
mod server;
mod sessions;
mod standby;
mod undone;

use prismq_check::{SeedRunner, TestName};
use prismq_probe::{Availability, Requirement, Trial, trial};

/// The tests of a file, each with what it needs in addition to PostgreSQL.
macro_rules! tests {
    ($($file:ident: $($name:ident)+;)+) => {
        vec![$($(test(concat!(stringify!($file), "::", stringify!($name)), $file::$name)),+),+]
    };
}

fn test(name: &'static str, run: fn(u64)) -> Trial {
    let needed = match name.split("::").next() {
        Some("disk") => [Requirement::Postgres, Requirement::PrivateMount].as_slice(),
        Some("pooler") => &[Requirement::Postgres, Requirement::PgBouncer],
        _ => &[Requirement::Postgres],
    };
    let missing = |availability: &Availability| *availability != Availability::Available;
    trial(
        format!("faults::{name}"),
        move || {
            let unmet = needed.iter().map(|needed| needed.probe()).find(missing);
            unmet.unwrap_or(Availability::Available)
        },
        move || {
            let name = TestName::new(env!("CARGO_PKG_NAME"), module_path!(), name);
            let mut seeds = SeedRunner::random(name);
            while let Some(seed) = seeds.next_round() {
                run(seed);
            }
            Ok(())
        },
    )
}

/// All of them.
pub(crate) fn trials() -> Vec<Trial> {
    tests! {
        disk:
            a_full_disk_is_answered_full_until_there_is_room;
        network:
            connections_that_are_cut_at_any_byte_lose_nothing;
        pooler:
            a_server_that_fails_behind_a_pooler_loses_nothing;
        server:
            restarts_at_once_lose_nothing
            a_server_that_is_killed_loses_nothing
            a_crash_of_one_of_its_processes_loses_nothing;
        sessions:
            sessions_that_are_ended_are_replaced
            a_server_that_takes_no_writes_for_a_while_is_waited_for
            statements_that_run_into_a_timeout_are_done_once_or_not_at_all
            locks_that_are_held_too_long_are_answered_busy
            transactions_that_are_ended_while_they_idle_are_repeated
            deadlocks_and_conflicts_are_repeated
            a_role_without_free_connections_waits_for_one;
        standby:
            a_standby_that_is_promoted_goes_on_where_the_primary_ended
            an_asynchronous_standby_loses_the_end_and_accepts_no_lease_of_it
            commits_wait_for_a_synchronous_standby_that_is_away
            a_commit_that_no_standby_confirms_is_unknown;
    }
}
