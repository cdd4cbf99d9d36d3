//! The settings of a pool.

use std::time::Duration;

use prismq::limits::{LEASE_MAX, POOL_LEASE_MIN, PREFETCH_MAX, TIMEOUT_MAX, WORKERS_MAX};
use prismq::{Error, WorkerPool, WorkerPoolBuilder};

use crate::support::Fixture;

#[test]
fn settings_out_of_bounds_are_refused() {
    let fixture = Fixture::new();
    let builder = || WorkerPool::builder(&fixture.queue).handle_bytes("job", |_, _| Ok(()));
    let refused = |builder: WorkerPoolBuilder| {
        let error = builder.start().unwrap_err();
        assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
    };
    refused(builder().workers(0));
    refused(builder().workers(WORKERS_MAX + 1));
    refused(builder().prefetch(PREFETCH_MAX + 1));
    refused(builder().lease(LEASE_MAX + Duration::from_micros(1)));
    refused(builder().lease(POOL_LEASE_MIN - Duration::from_micros(1)));
    refused(builder().timeout(Duration::ZERO));
    refused(builder().timeout(TIMEOUT_MAX + Duration::from_micros(1)));
    refused(builder().timeout_of("another", Duration::from_secs(1)));
    refused(builder().queue(""));
    refused(builder().handle_bytes("job", |_, _| Ok(())));
    refused(WorkerPool::builder(&fixture.queue));
    drop(builder().workers(1).prefetch(PREFETCH_MAX).start().unwrap());
    drop(builder().workers(1).prefetch(0).lease(POOL_LEASE_MIN).start().unwrap());
}
