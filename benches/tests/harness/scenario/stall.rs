//! A subject that stalls once delays the calls of a harness that waits for its answers. Counted from these
//! calls, one task of thousands was slow; counted from when they were meant, all that the stall delayed.

use std::time::Duration;

use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::subject::Work;

use crate::support::fake::Misdeed;
use crate::support::theory::offer;

const STALL: Duration = Duration::from_millis(200);
const SERVICE: Duration = Duration::from_micros(10);

fn p99(histogram: &hdrhistogram::Histogram<u64>) -> Duration {
    Duration::from_nanos(histogram.value_at_quantile(0.99))
}

#[test]
fn a_stall_of_200_ms_shows_in_the_corrected_figure_alone() {
    let stalls = Misdeed::Stalls { at: 4_000, by: STALL };
    let work = Work::sleep(SERVICE);
    let interval = Duration::from_millis(1);
    let offered = offer(stalls, ArrivalProcess::Constant, interval, 10_000, work);

    // It holds up 200 tasks, 2 % of all, the first of them longest.
    let latencies = &offered.latencies;
    assert!(latencies.end_to_end.max() >= 200_000_000);
    assert!(p99(&latencies.end_to_end) > STALL / 4);
    assert!(p99(&latencies.end_to_end_uncorrected) < STALL / 40);
    assert!(p99(&latencies.schedule_lag) > STALL / 4);
    // The calls were late, but none of it was the generator's doing: the figure can be trusted.
    assert_eq!(latencies.generator_lag.max(), 0);
    assert!(offered.faults.is_empty());
}
