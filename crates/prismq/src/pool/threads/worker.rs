//! A worker's thread: it runs the handlers of the tasks that the scheduler gives it.

use std::time::{Duration, Instant};

use super::caller;
use crate::engine::READ_BYTES_MAX;
use crate::pool::handler::Attempt;
use crate::pool::scheduler::{LogEntry, ReadyTask, Running, Settle, Settlement, WorkerAction};
use crate::pool::shared::Shared;

/// Works until the pool ends.
pub(super) fn run(shared: &Shared, worker: usize) {
    caller::register_worker(shared, worker);
    let mut ended: Option<(Settlement, Duration)> = None;
    loop {
        let now = Instant::now();
        let mut scheduler = shared.scheduler();
        if let Some((settlement, took)) = ended.take() {
            scheduler.finish(settlement, took, now);
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
                ended = Some(run_handler(shared, worker, task, running));
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
    worker: usize,
    task: ReadyTask,
    running: Running,
) -> (Settlement, Duration) {
    let ReadyTask { lease, type_index, .. } = task;
    // To settle it, the payload is not needed.
    let held = lease.without_payload();
    let begun = Instant::now();
    let action = if lease.expires_at.monotonic <= shared.core.clock().monotonic() {
        // Held too long, say in a suspended process: another may have claimed it.
        Settle::Release
    } else {
        let Running { flags, deadline } = running;
        let queue = shared.claim.queue.clone();
        match shared.registry.run(type_index, Attempt { lease, queue, worker, deadline, flags }) {
            Ok(()) => Settle::Complete,
            Err(error) => Settle::Fail(error),
        }
    };
    let took = begun.elapsed();
    (Settlement { lease: held, worker: Some(worker), action }, took)
}
