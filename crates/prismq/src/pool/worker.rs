//! A worker's life: run what the scheduler gives it, and never wait for the disk.

use std::time::{Duration, Instant};

use super::scheduler::{End, Finished, Held, Remark, Step};
use super::{Shared, TaskContext, caller};
use crate::model::Payload;
use crate::model::limits::READ_BYTES_MAX;

/// Works until the pool ends.
pub(super) fn work(shared: &Shared, worker: usize) {
    caller::register_worker(shared, worker);
    let flags = shared.scheduler().flags(worker);
    let mut done: Option<(Finished, Duration)> = None;
    loop {
        let now = Instant::now();
        let mut scheduler = shared.scheduler();
        if let Some((finished, took)) = done.take() {
            scheduler.finish(finished, took, now);
        }
        let step = scheduler.next(worker, now);
        let woken = scheduler.wake();
        let calls_leader = scheduler.calls_leader(now);
        if calls_leader {
            shared.signal.raise();
        }
        match step {
            Step::Run(held) => {
                drop(scheduler);
                shared.wake(woken);
                done = Some(run(shared, worker, held, &flags));
            }
            Step::Read(keys) => {
                drop(scheduler);
                shared.wake(woken);
                let read = shared.core.read_payloads(keys, READ_BYTES_MAX);
                let mut scheduler = shared.scheduler();
                scheduler.end_read(read, Instant::now());
                let remarks = scheduler.take_remarks();
                drop(scheduler);
                remarks.iter().for_each(Remark::log);
            }
            Step::Wait => {
                scheduler.begin_wait();
                drop(shared.wait_to_be_woken(scheduler));
            }
            Step::Exit => break,
        }
    }
}

fn run(
    shared: &Shared,
    worker: usize,
    held: Held,
    flags: &super::scheduler::Flags,
) -> (Finished, Duration) {
    let Held { mut lease, task_type, .. } = held;
    let began = Instant::now();
    let end = if lease.expires_at.monotonic <= shared.core.clock().monotonic() {
        // Held too long in a stopped process: the task is or will be another's.
        End::Release
    } else {
        match shared.registry.run(task_type, &TaskContext { lease: &lease, worker, flags }) {
            Ok(()) => End::Complete,
            Err(error) => End::Fail(error),
        }
    };
    let took = began.elapsed();
    // What waits to be settled needs no memory for it.
    lease.payload = Payload::unread();
    (Finished { lease, worker: Some(worker), end }, took)
}
