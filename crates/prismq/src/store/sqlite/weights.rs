//! Proof that the weighted random order follows its weights while tasks come and go.

use super::cost::{NOW, claim_of, store};
use crate::clock::ManualClock;
use crate::lease::LeaseKey;
use crate::order::Order;
use crate::store::{Answer, Operation, Store};
use crate::task::NewTask;

const CLAIMS: u32 = 100_000;
const PRIORITIES: [i32; 4] = [0, 1, 4, 19];
/// Tasks of each priority that wait at any time: each claimed one is followed by another.
const WAITING: usize = 10;
/// The chi-squared statistic that chance exceeds once in a thousand, for three degrees of freedom.
const CRITICAL: f64 = 16.27;

fn task(priority: i32) -> NewTask {
    NewTask::new("job", []).priority(priority)
}

#[test]
fn shares_follow_weights_over_many_claims_with_mixed_arrivals() {
    fastrand::seed(20_261_124);
    let (_folder, mut store) = store();
    let order = Order::WeightedRandom;
    let first = PRIORITIES.iter().flat_map(|priority| vec![task(*priority); WAITING]).collect();
    let set = Operation::SetOrder { queue: "default".into(), order };
    store.apply(&ManualClock::new(NOW), &[set, Operation::Enqueue(first)]).unwrap();

    let mut counts = [0_u32; PRIORITIES.len()];
    let mut longest_wait = [0_u32; PRIORITIES.len()];
    let mut last_seen = [0_u32; PRIORITIES.len()];
    let mut done: Option<(LeaseKey, i32)> = None;
    for number in 0..CLAIMS {
        let mut batch = vec![claim_of(1)];
        if let Some((key, priority)) = done {
            batch = vec![
                Operation::Complete(key),
                Operation::Enqueue(vec![task(priority)]),
                claim_of(1),
            ];
        }
        let Some(Ok(Answer::Claimed(claimed))) =
            store.apply(&ManualClock::new(NOW), &batch).unwrap().pop()
        else {
            panic!("the last answer is the claim's")
        };
        let lease = &claimed.leases[0];
        let class = PRIORITIES.iter().position(|priority| *priority == lease.priority).unwrap();
        counts[class] += 1;
        longest_wait[class] = longest_wait[class].max(number - last_seen[class]);
        last_seen[class] = number;
        done = Some((lease.key, lease.priority));
    }

    let weights = PRIORITIES.map(|priority| 1.0 / (1.0 + f64::from(priority)));
    let total: f64 = weights.iter().sum();
    let chi_squared: f64 = counts
        .iter()
        .zip(weights)
        .map(|(count, weight)| {
            let expected = f64::from(CLAIMS) * weight / total;
            (f64::from(*count) - expected).powi(2) / expected
        })
        .sum();
    assert!(chi_squared < CRITICAL, "{chi_squared}: {counts:?} for weights {weights:?}");
    // The rarest has one claim in 35; a thousand without one has a chance of one in 10^12.
    assert!(longest_wait.iter().all(|wait| *wait < 1000), "{longest_wait:?}");
}
