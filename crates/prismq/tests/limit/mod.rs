//! Limits on how many tasks run at once and how often they start, and keys whose tasks take turns.

mod concurrency;
mod example;
mod keys;
mod operators;
mod order;
mod pools;
mod rate;
mod removal;
mod settings;

use prismq::{Lease, NewTask};

use crate::support::{Fixture, claim, task, text};

/// A task of a key, under no limit.
fn keyed(key: &str, payload: &str) -> NewTask {
    task(payload).key(key)
}

/// Claims one task at a time, completing each before the next, and returns the payloads in order.
fn drained(fixture: &Fixture) -> Vec<String> {
    let mut payloads = Vec::new();
    while let Some(lease) = fixture.claim(1).pop() {
        payloads.push(text(&lease));
        fixture.queue.complete(&lease).unwrap();
    }
    payloads
}

fn payloads(leases: &[Lease]) -> Vec<String> {
    leases.iter().map(text).collect()
}

/// Claims up to so many tasks.
fn leases(fixture: &Fixture, max: usize) -> Vec<Lease> {
    fixture.queue.claim(&claim().max(max)).unwrap()
}
