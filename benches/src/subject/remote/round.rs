//! What is enqueued in one request, and plans.

use std::time::Duration;

use prismq_driver::message::{Model, Records};
use prismq_driver::plan::{Entry, Plan};

/// Tasks that are enqueued at a pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// First token.
    pub from: u64,
    /// The token after the last.
    pub to: u64,
    /// Length of each payload.
    pub payload_bytes: u32,
    /// When callers call.
    pub model: Model,
    /// When an open load begins, in nanoseconds.
    pub t0_ns: u64,
    /// How many callers.
    pub callers: u32,
    /// Tasks in a call.
    pub batch: u32,
    /// How soon records are written.
    pub records: Records,
}

impl Round {
    /// These tokens, enqueued one by one by so many callers as soon as they are free.
    #[must_use]
    pub const fn closed(from: u64, to: u64, callers: u32) -> Self {
        Self {
            from,
            to,
            payload_bytes: 64,
            model: Model::Closed,
            t0_ns: 0,
            callers,
            batch: 1,
            records: Records::Buffered,
        }
    }
}

/// A plan of so many tasks that each take so long, due at this interval.
#[must_use]
pub fn uniform(tasks: u64, service: Duration, interval: Duration) -> Plan {
    let interval = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    let service_us = u32::try_from(service.as_micros()).unwrap_or(u32::MAX);
    let entry = |token: u64| Entry {
        offset_ns: token.saturating_mul(interval),
        service_us,
        ..Entry::default()
    };
    Plan::new((0..tasks).map(entry).collect())
}
