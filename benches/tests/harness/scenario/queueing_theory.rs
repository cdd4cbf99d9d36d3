//! Tasks that arrive at random at one server wait as long as queueing theory says: with a constant
//! service time s and utilisation rho (M/D/1) rho s / (2 (1 - rho)) in the mean, with an exponential one
//! (M/M/1) rho s / (1 - rho). Each run is one sample, since the waits within a run depend on each other.

use std::time::Duration;

use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::scenario::open::OpenRound;
use prismq_bench::subject::Work;

use crate::support::fake::Misdeed;
use crate::support::theory::{exponential, mean, offer};

const SERVICE: Duration = Duration::from_millis(5);
const RUNS: u64 = 20;
const TASKS: usize = 3_000;

/// Runs at a utilisation, each with random choices of its own.
fn runs(rho: f64, work: fn(Duration, u64) -> Work) -> Vec<OpenRound> {
    (0..RUNS)
        .map(|seed| {
            let work = work(SERVICE, 1_000 + seed);
            let arrivals = ArrivalProcess::Poisson { seed };
            offer(Misdeed::None, arrivals, SERVICE.div_f64(rho), TASKS, work)
        })
        .collect()
}

/// The mean over runs of what is read from each, in seconds, and how far off it may be.
fn over(runs: &[OpenRound], read: impl Fn(&OpenRound) -> f64) -> (f64, f64) {
    mean(&runs.iter().map(|run| read(run) / 1e9).collect::<Vec<_>>())
}

fn is_within((found, error): (f64, f64), expected: f64) {
    assert!((found - expected).abs() <= error, "{found} +- {error}, expected {expected}");
    // An interval that holds anything shows nothing.
    assert!(error < 0.25 * expected, "{error} of {expected}");
}

#[test]
fn waits_with_a_constant_service_time() {
    for rho in [0.5, 0.7] {
        let runs = runs(rho, |service, _| Work::sleep(service));
        let service = SERVICE.as_secs_f64();
        let wait = rho * service / (2.0 * (1.0 - rho));
        is_within(over(&runs, |run| run.latencies.wait.mean()), wait);
        is_within(over(&runs, |run| run.latencies.end_to_end.mean()), wait + service);
        assert!(runs.iter().all(|run| run.faults.is_empty() && run.latencies.publish.max() == 0));
    }
}

#[test]
fn waits_with_an_exponential_service_time() {
    for rho in [0.5, 0.7] {
        let runs = runs(rho, exponential);
        let service = SERVICE.as_secs_f64();
        is_within(over(&runs, |run| run.latencies.wait.mean()), rho * service / (1.0 - rho));
        is_within(over(&runs, |run| run.latencies.service.mean()), service);
        // The whole time is exponentially distributed too, so that its percentiles are known.
        let p99 = 100_f64.ln() * service / (1.0 - rho);
        let found = over(&runs, |run| run.latencies.end_to_end.value_at_quantile(0.99) as f64);
        is_within(found, p99);
    }
}
