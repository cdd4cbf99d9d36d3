use std::sync::Barrier;
use std::thread;

use prismq::Clock;
use prismq_check::{Job, Replay, Rules, Take, soak};

use crate::support::{Bench, LEASE};

#[test]
fn a_completion_at_its_expiry_races_a_claim_and_one_wins() {
    let replay = Replay::of(
        "prismq-check",
        "check",
        "client::expiry_race::a_completion_at_its_expiry_races_a_claim_and_one_wins",
    );
    let mut chance = replay.chance();
    let tries = if soak().is_some() { 10_000 } else { 300 };
    let bench = Bench::new();
    let mut holder = bench.actor(bench.open(), 1);
    let mut taker = bench.actor(bench.open(), 2);
    let take = Take { lease: LEASE, ..Take::default() };
    let mut completed = 0;
    for _ in 0..tries {
        holder.enqueue(&Job { max_attempts: 9, ..Job::default() }).unwrap();
        let lease = holder.claim(&take).unwrap().pop().unwrap();
        let start = Barrier::new(2);
        let head_start = chance.u32(..200);
        let (kept, taken) = thread::scope(|scope| {
            let kept = scope.spawn(|| {
                start.wait();
                holder.complete(&lease).is_ok()
            });
            start.wait();
            (0..head_start).for_each(|_| std::hint::spin_loop());
            bench.clock.set(bench.clock.now().after(LEASE));
            let taken = taker.claim(&take).unwrap().pop();
            (kept.join().unwrap(), taken)
        });
        match (kept, taken) {
            (true, None) => completed += 1,
            (false, Some(lease)) => taker.complete(&lease).unwrap(),
            (false, None) => panic!("nobody has the task"),
            (true, Some(lease)) => panic!("both have task {}", lease.id()),
        }
    }
    let verdict = bench.verdict(&Rules { drained: true, all_told: true, ..Rules::default() });
    assert!(verdict.is_sound(), "{verdict}");
    println!("{tries} tries: {completed} completed first\n{}", verdict.counts);
}
