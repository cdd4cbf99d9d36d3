//! Limits and faults of the kernel's, some through programs and permissions that not every machine has: where one is
//! missing, its tests are ignored with the reason. Some tests start this program again as a process of their own.

mod child;
mod copies;
mod failed_calls;
mod killed_calls;
mod memory;
mod permissions;
mod slow_syncs;
mod small_filesystem;
mod strace;

use std::process::ExitCode;

use prismq_probe::Requirement::{OtherUser, PrivateMount, Strace};
use prismq_probe::{Availability, Requirement, Trial};

/// A test, and what it needs of its machine.
fn test(name: &str, requirement: Option<Requirement>, run: fn()) -> Trial {
    let probe = move || requirement.map_or(Availability::Available, Requirement::probe);
    prismq_probe::trial(name, probe, move || {
        run();
        Ok(())
    })
}

/// The tests of this list, each under the path of its function.
macro_rules! tests {
    ($($requirement:expr => $module:ident::$function:ident),+ $(,)?) => {
        vec![$(test(
            concat!("kernel::", stringify!($module), "::", stringify!($function)),
            $requirement,
            $module::$function,
        )),+]
    };
}

pub(crate) fn main() -> ExitCode {
    if let Some(outcome) = child::run() {
        return outcome;
    }
    prismq_probe::run(tests![
        Some(Strace) => copies::a_backup_or_restore_that_fails_leaves_the_file_and_no_half_copy,
        Some(Strace) => failed_calls::pools_survive_system_calls_that_fail,
        Some(Strace) => killed_calls::a_killed_system_call_leaves_the_old_state_or_the_new,
        None => memory::exhausted_sqlite_memory_refuses_and_loses_nothing,
        None => memory::exhausted_process_memory_loses_nothing_acknowledged,
        Some(OtherUser) => permissions::without_permission_nothing_is_opened_or_changed,
        Some(Strace) => slow_syncs::a_pool_completes_each_task_once_however_long_a_sync_takes,
        Some(PrivateMount) => small_filesystem::a_full_file_system_is_an_error_and_the_queue_goes_on_with_room,
    ])
}
