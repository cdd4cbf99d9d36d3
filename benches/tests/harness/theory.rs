//! Loads on a [`Fake`] whose outcome is known beforehand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use prismq_bench::load::arrivals::Arrivals;
use prismq_bench::load::pool::Work;
use prismq_bench::scenario::open::{Offered, OpenLoop, run};
use prismq_bench::subject::under_test::Subject;
use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution as _, Exp1};

use super::fake::{Fake, Misdeed};
use super::virtual_clock::VirtualClock;

/// A handler that always takes so long.
pub(crate) fn constant(clock: &Arc<VirtualClock>, service: Duration) -> Work {
    let clock = clock.clone();
    Arc::new(move |_| clock.advance(service))
}

/// A handler that takes an exponentially distributed time of this mean.
pub(crate) fn exponential(clock: &Arc<VirtualClock>, mean: Duration, seed: u64) -> Work {
    let (clock, random) = (clock.clone(), Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed)));
    Arc::new(move |_| {
        let share: f64 = random.lock().map_or(1.0, |mut random| Exp1.sample(&mut *random));
        clock.advance(mean.mul_f64(share));
    })
}

/// An open load of one caller on one server.
pub(crate) fn offer(
    clock: &Arc<VirtualClock>,
    misdeed: Misdeed,
    arrivals: Arrivals,
    interval: Duration,
    tasks: usize,
    work: Work,
) -> Offered {
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
    offer_load(clock, misdeed, &load)
}

/// The same of a load that is not the usual one.
pub(crate) fn offer_load(clock: &Arc<VirtualClock>, misdeed: Misdeed, load: &OpenLoop) -> Offered {
    let fake = Fake::new(clock, misdeed);
    let subject = Subject { engine: &fake, clock: clock.clone(), file: None };
    run(&subject, load).unwrap()
}

/// The mean of samples and how far from it the true mean may lie, with a confidence of 99.9 % for 20
/// samples or more: Student's t is 3.88 or less there.
pub(crate) fn mean(samples: &[f64]) -> (f64, f64) {
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
    (mean, 3.88 * (squares / (count - 1.0) / count).sqrt())
}
