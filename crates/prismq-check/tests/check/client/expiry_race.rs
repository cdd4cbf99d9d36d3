//! Failure mode: lease: completion at its expiry, together with a claim | one of the two wins

use std::sync::Barrier;
use std::thread;

use prismq::Clock;
use prismq_check::{ClaimRequest, EnqueueRequest, Rules, SeedRunner, soak, this_test};

use crate::support::{Fixture, LEASE};

#[test]
fn a_completion_at_its_expiry_races_a_claim_and_one_wins() {
    let seeds =
        SeedRunner::random(this_test!("a_completion_at_its_expiry_races_a_claim_and_one_wins"));
    let mut rng = seeds.rng();
    let tries = if soak().is_some() { 10_000 } else { 300 };
    let fixture = Fixture::new();
    let mut holder = fixture.client(fixture.open(), 1);
    let mut taker = fixture.client(fixture.open(), 2);
    let take = ClaimRequest { lease: LEASE, ..ClaimRequest::default() };
    let mut completed = 0;
    for _ in 0..tries {
        holder.enqueue(&EnqueueRequest { max_attempts: 9, ..EnqueueRequest::default() }).unwrap();
        let lease = holder.claim(&take).unwrap().pop().unwrap();
        let start = Barrier::new(2);
        let head_start = rng.u32(..200);
        let (kept, taken) = thread::scope(|scope| {
            let kept = scope.spawn(|| {
                start.wait();
                holder.complete(&lease).is_ok()
            });
            start.wait();
            (0..head_start).for_each(|_| std::hint::spin_loop());
            fixture.clock.set(fixture.clock.now().after(LEASE));
            let taken = taker.claim(&take).unwrap().pop();
            (kept.join().unwrap(), taken)
        });
        match (kept, taken) {
            (true, None) => completed += 1,
            (false, Some(lease)) => taker.complete(&lease).unwrap(),
            (false, None) => panic!("neither has the task"),
            (true, Some(lease)) => panic!("both have task {}", lease.id()),
        }
    }
    let verdict =
        fixture.verdict(&Rules { drained: true, complete_history: true, ..Rules::default() });
    assert!(verdict.is_sound(), "{verdict}");
    println!("{tries} tries: {completed} completed first\n{}", verdict.counts);
}
