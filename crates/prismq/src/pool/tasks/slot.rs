//! A slot: a task of the application's runtime that does what a worker's thread does, and runs one handler at a time.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::runtime::Handle;

use super::attempt::{self, Begun};
use crate::engine::READ_BYTES_MAX;
use crate::model::{LeaseKey, Payload, Result};
use crate::pool::handler::{Attempt, Host};
use crate::pool::scheduler::{LogEntry, ReadyTask, Running, Settle, Settlement, WorkerAction};
use crate::pool::shared::Shared;
use crate::pool::threads::caller;

/// What a slot does next.
enum Next {
    Run(Box<ReadyTask>, Running),
    ReadPayloads(Vec<LeaseKey>),
    Exit,
}

/// Works until the pool ends.
pub(super) async fn run(shared: &Arc<Shared>, slot: usize, runtime: &Handle) {
    let mut ended = None;
    loop {
        match next(shared, slot, &mut ended).await {
            Next::Run(task, running) => {
                ended = run_handler(shared, slot, *task, running, runtime).await;
            }
            Next::ReadPayloads(keys) => read_payloads(shared, keys).await,
            Next::Exit => break,
        }
    }
}

/// Reports the attempt that ended, if one did, and waits until there is something to do.
async fn next(shared: &Shared, slot: usize, ended: &mut Option<Settlement>) -> Next {
    let mut is_parked = false;
    poll_fn(|context| {
        let now = Instant::now();
        let mut scheduler = shared.scheduler();
        if is_parked {
            if !scheduler.take_wakeup() {
                park(shared, slot, context);
                return Poll::Pending;
            }
            is_parked = false;
            if let Some(parked) = &shared.parked {
                parked.unpark(slot);
            }
        }
        if let Some(settlement) = ended.take() {
            scheduler.finish(settlement, now);
        }
        let action = scheduler.next_worker_action(slot, now);
        let woken = scheduler.workers_to_wake();
        if scheduler.must_wake_leader(now) {
            shared.leader_signal.raise();
        }
        let next = match action {
            WorkerAction::Run(task) => Next::Run(Box::new(task), scheduler.running_on(slot)),
            WorkerAction::ReadPayloads(keys) => Next::ReadPayloads(keys),
            WorkerAction::Exit => Next::Exit,
            WorkerAction::Wait => {
                scheduler.worker_waits();
                // Under the scheduler's lock, so that a wake-up that follows finds it.
                park(shared, slot, context);
                is_parked = true;
                return Poll::Pending;
            }
        };
        drop(scheduler);
        shared.wake_workers(woken);
        Poll::Ready(next)
    })
    .await
}

/// Has the slot woken with the next worker.
fn park(shared: &Shared, slot: usize, context: &Context<'_>) {
    if let Some(parked) = &shared.parked {
        parked.park(slot, context.waker().clone());
    }
}

/// Reads payloads on a thread that may block. It reports them even if the slot is dropped meanwhile.
async fn read_payloads(shared: &Arc<Shared>, keys: Vec<LeaseKey>) {
    let reader = shared.clone();
    let unread = keys.clone();
    let reading = shared.core.run_blocking(move |core| {
        let read = core.read_payloads(keys, READ_BYTES_MAX);
        end_read(&reader, read);
    });
    let failed = match reading {
        Ok(reading) => reading.await.err(),
        Err(error) => Some(error),
    };
    if let Some(error) = failed {
        end_read(shared, unread.into_iter().map(|key| (key, Err(error.clone()))).collect());
    }
}

fn end_read(shared: &Shared, read: Vec<(LeaseKey, Result<Payload>)>) {
    let mut scheduler = shared.scheduler();
    scheduler.end_read(read, Instant::now());
    let log = scheduler.take_log();
    drop(scheduler);
    log.iter().for_each(LogEntry::write);
}

/// Runs a handler to its end. A future runs in the slot; a handler that blocks runs on a thread of the runtime, and
/// reports its result from there.
async fn run_handler(
    shared: &Arc<Shared>,
    slot: usize,
    task: ReadyTask,
    running: Running,
    runtime: &Handle,
) -> Option<Settlement> {
    let ReadyTask { lease, type_index, .. } = task;
    let clock = shared.core.clock().monotonic();
    let is_expired = lease.expires_at.monotonic <= clock || lease.is_late(clock);
    let Running { flags, deadline } = running;
    let begun = Begun::new(shared.clone(), slot, lease.without_payload(), flags.clone());
    if is_expired {
        // Held too long, say in a suspended process: another may have claimed it.
        return begun.end(Settle::Release);
    }
    let host = Host::Pool(Arc::downgrade(shared));
    let (held_flags, result) = (flags.clone(), Mutex::default());
    let attempt = Attempt { lease, worker: slot, deadline, flags: held_flags, host, result };
    let span = attempt.span();
    if !shared.registry.is_future(type_index) {
        let pool = shared.clone();
        let call = move || {
            let _caller = caller::enter(&pool, slot);
            let returned = span.in_scope(|| pool.registry.run(type_index, attempt));
            begun.finish(returned);
        };
        // It fails if the runtime shuts down before the handler has begun.
        _ = runtime.spawn_blocking(call).await;
        return None;
    }
    let start = || shared.registry.start(type_index, attempt);
    let returned = attempt::run(shared, slot, flags, span, start).await;
    begun.end_with(returned)
}
