//! Loads on a [`Fake`] whose outcome is known beforehand.

use std::sync::Arc;
use std::time::Duration;

use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::scenario::open::{OpenLoop, OpenRound, run};
use prismq_bench::subject::Work;
use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution as _, Exp1};

use super::fake::{Fake, Misdeed};
use super::virtual_clock::VirtualClock;

/// More tasks than any load here has.
const DRAWN: usize = 10_000;

/// A handler that takes an exponentially distributed time of this mean.
pub(crate) fn exponential(mean: Duration, seed: u64) -> Work {
    let random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let shares = Exp1.sample_iter(random).map(|share: f64| mean.mul_f64(share));
    Work::Sleep(shares.take(DRAWN).collect())
}

/// An open load of one caller on one server.
pub(crate) fn offer(
    misdeed: Misdeed,
    arrivals: ArrivalProcess,
    interval: Duration,
    tasks: usize,
    work: Work,
) -> OpenRound {
    let load = OpenLoop {
        workers: 1,
        generators: 1,
        tasks,
        warm_up: tasks / 10,
        settle: 0,
        interval,
        arrivals,
        work,
    };
    offer_load(misdeed, &load)
}

/// The same of a load that is not the usual one.
pub(crate) fn offer_load(misdeed: Misdeed, load: &OpenLoop) -> OpenRound {
    let clock = Arc::new(VirtualClock::new());
    run(&Fake::subject(&clock, misdeed), load).unwrap()
}

/// The mean of samples and how far from it the true mean may lie, with a confidence of 99.9 % for 20
/// samples or more: Student's t is 3.88 or less there.
pub(crate) fn mean(samples: &[f64]) -> (f64, f64) {
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
    (mean, 3.88 * (squares / (count - 1.0) / count).sqrt())
}
