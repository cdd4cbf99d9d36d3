//! A worker's thread: it runs the handlers of the tasks that the scheduler gives it.

use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use super::caller;
use crate::engine::READ_BYTES_MAX;
use crate::pool::handler::{Attempt, Host};
use crate::pool::scheduler::{LogEntry, ReadyTask, Run, Running, Settle, Settlement, WorkerAction};
use crate::pool::shared::Shared;

/// Works until the pool ends.
pub(super) fn run(shared: &Arc<Shared>, worker: usize) {
    caller::register_worker(shared, worker);
    let pool = Arc::downgrade(shared);
    let mut ended: Option<Settlement> = None;
    loop {
        let now = Instant::now();
        let mut scheduler = shared.scheduler();
        if let Some(settlement) = ended.take() {
            scheduler.finish(settlement, now);
        }
        let action = scheduler.next_worker_action(worker, now);
        let woken = scheduler.workers_to_wake();
        if scheduler.must_wake_leader(now) {
            shared.leader_signal.raise();
        }
        match action {
            WorkerAction::Run(task) => {
                let running = scheduler.running_on(worker);
                drop(scheduler);
                shared.wake_workers(woken);
                ended = Some(run_handler(shared, &pool, worker, task, running));
            }
            WorkerAction::ReadPayloads(keys) => {
                drop(scheduler);
                shared.wake_workers(woken);
                let read = shared.core.read_payloads(keys, READ_BYTES_MAX);
                let mut scheduler = shared.scheduler();
                scheduler.end_read(read, Instant::now());
                let log = scheduler.take_log();
                drop(scheduler);
                log.iter().for_each(LogEntry::write);
            }
            WorkerAction::Wait => {
                scheduler.worker_waits();
                drop(shared.wait_for_wakeup(scheduler));
            }
            WorkerAction::Exit => break,
        }
    }
}

fn run_handler(
    shared: &Shared,
    pool: &Weak<Shared>,
    worker: usize,
    task: ReadyTask,
    running: Running,
) -> Settlement {
    let ReadyTask { lease, type_index, .. } = task;
    // To settle it, the payload is not needed.
    let held = lease.without_payload();
    let began_at = Instant::now();
    let clock = shared.core.clock().monotonic();
    let action = if lease.expires_at.monotonic <= clock || lease.is_late(clock) {
        // Held too long, say in a suspended process: another may have claimed it, or it must not start any more.
        Settle::Release
    } else {
        let Running { flags, deadline } = running;
        let host = Host::Pool(pool.clone());
        let (held_flags, result) = (flags.clone(), Mutex::default());
        let attempt = Attempt { lease, worker, deadline, flags: held_flags, host, result };
        let span = attempt.span();
        let returned = span.in_scope(|| shared.registry.run(type_index, attempt));
        Settle::returned(&flags, held.id(), returned)
    };
    let took = began_at.elapsed();
    Settlement { lease: held, run: Some(Run { worker, began_at, took }), action }
}
