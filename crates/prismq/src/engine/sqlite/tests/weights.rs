//! Proof that the weighted random order follows its weights while tasks come and go.

use crate::engine::sqlite::tests::{NOW, claim_of, writer};
use crate::engine::sqlite::writer::Writer;
use crate::engine::{Answer, Operation};
use crate::model::{Claim, Lease, LeaseKey, NewTask, Order};
use crate::time::ManualClock;

const CLAIMS: u32 = 100_000;
const PRIORITIES: [i32; 4] = [0, 1, 4, 19];
/// Tasks of each priority that are ready at any time: each claimed one is replaced.
const WAITING: usize = 10;
/// The chi-squared statistic that chance exceeds once in a thousand, for three degrees of freedom.
const CRITICAL: f64 = 16.27;

fn task(priority: i32) -> NewTask {
    NewTask::new("job", []).priority(priority)
}

#[test]
fn shares_follow_weights_over_many_claims_with_mixed_arrivals() {
    let (_folder, mut writer) = writer();
    assert_shares(&mut writer, 0, CLAIMS);
}

#[test]
fn shares_follow_weights_where_virtual_time_wraps_around() {
    for end in [i64::MAX, 1 << 62, -(1 << 62)] {
        let (_folder, mut writer) = writer();
        let start = end - 120_000_000;
        let passed = assert_shares(&mut writer, start, CLAIMS / 20).wrapping_sub(start);
        assert!(passed > 200_000_000, "{passed}: it came past {end}");
    }
}

#[test]
fn older_tasks_stay_first_when_virtual_time_wraps_around() {
    let (_folder, mut writer) = writer();
    let clock = ManualClock::new(NOW);
    let set = Operation::SetOrder { queue: "default".into(), order: Order::WeightedRandom };
    let enqueue = |name: &str| Operation::Enqueue(vec![NewTask::new(name, []); 40]);
    writer.apply(&clock, &[set]).unwrap();
    let mut claim = |time: i64, types: &[&str], max| {
        let sql = "UPDATE prismq_queue SET virtual_time = ?1";
        writer.connection.execute(sql, [time]).unwrap();
        let tasks: Vec<Operation> = types.iter().map(|name| enqueue(name)).collect();
        writer.apply(&clock, &tasks).unwrap();
        let claim = Operation::Claim(Claim::new(["left", "job"]).max(max));
        match writer.apply(&clock, &[claim]).unwrap().remove(0) {
            Ok(Answer::Claimed(claimed)) => claimed.leases,
            other => panic!("{other:?}"),
        }
    };
    claim(i64::MAX - (1 << 43), &["left"], 1);
    let leases = claim(i64::MIN + (1 << 43), &["job"], 4096);
    let types: Vec<&str> = leases.iter().map(Lease::task_type).collect();
    assert_eq!(types, [["left"; 39].as_slice(), ["job"; 40].as_slice()].concat());
}

/// Claims and checks the shares; returns the virtual time at the end.
#[track_caller]
fn assert_shares(writer: &mut Writer, start: i64, claims: u32) -> i64 {
    fastrand::seed(20_261_124);
    let order = Order::WeightedRandom;
    let first = PRIORITIES.iter().flat_map(|priority| vec![task(*priority); WAITING]).collect();
    let set = Operation::SetOrder { queue: "default".into(), order };
    writer.apply(&ManualClock::new(NOW), &[set]).unwrap();
    writer.connection.execute("UPDATE prismq_queue SET virtual_time = ?1", [start]).unwrap();
    writer.apply(&ManualClock::new(NOW), &[Operation::Enqueue(first)]).unwrap();

    let mut counts = [0_u32; PRIORITIES.len()];
    let mut longest_wait = [0_u32; PRIORITIES.len()];
    let mut last_seen = [0_u32; PRIORITIES.len()];
    let mut done: Option<(LeaseKey, i32)> = None;
    for number in 0..claims {
        let mut batch = vec![claim_of(1)];
        if let Some((key, priority)) = done {
            batch = vec![
                Operation::complete(key),
                Operation::Enqueue(vec![task(priority)]),
                claim_of(1),
            ];
        }
        let Some(Ok(Answer::Claimed(claimed))) =
            writer.apply(&ManualClock::new(NOW), &batch).unwrap().pop()
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
            let expected = f64::from(claims) * weight / total;
            (f64::from(*count) - expected).powi(2) / expected
        })
        .sum();
    assert!(chi_squared < CRITICAL, "{chi_squared}: {counts:?} for weights {weights:?}");
    // The rarest has one claim in 35; a thousand without one has a chance of one in 10^12.
    assert!(longest_wait.iter().all(|wait| *wait < 1000), "{longest_wait:?}");
    let time = "SELECT virtual_time FROM prismq_queue";
    writer.connection.query_row(time, [], |row| row.get(0)).unwrap()
}
