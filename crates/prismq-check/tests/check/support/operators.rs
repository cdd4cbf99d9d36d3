//! A round of work with unique tasks, times to live, a schedule, and an operator who cancels, redrives and deletes.

use std::collections::HashMap;
use std::time::Duration;

use prismq::TaskId;
use prismq_check::conformance::Hold;
use prismq_check::{ClaimRequest, Client, EnqueueRequest, Subject};

use super::{Fixture, LEASE, settle};

const SCRAP: &str = "scrap";
const TICK: &str = "tick";
const INTERVAL: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

/// All of it, recorded; then all that is left is drained.
pub(crate) fn work_under_operators<S: Subject>(fixture: &Fixture, open: impl Fn() -> S, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut producer = fixture.client(open(), 1);
    let mut worker = fixture.client(open(), 2);
    let mut operator = fixture.client(open(), 3);
    operator.set_schedule(TICK, INTERVAL).unwrap();
    let mut added: Vec<(u64, TaskId)> = Vec::new();
    let mut keys: HashMap<TaskId, u64> = HashMap::new();
    for number in 0..700_u32 {
        // A mutant may refuse; the call and its answer are recorded either way.
        if let Ok((key, task)) = producer.enqueue(&request(number, &mut rng))
            && task.is_new()
        {
            added.push((key, task.id()));
            keys.insert(task.id(), key);
        }
        if number % 20 >= 6 {
            for lease in worker.claim(&claim(rng.usize(1..4))).unwrap() {
                settle(&mut worker, &lease, &mut rng);
            }
        }
        fixture.clock.advance(Duration::from_millis(rng.u64(0..800)));
        match number % 40 {
            // What runs is cancelled in the middle of it.
            10 | 30 => {
                let held = worker.claim(&claim(3)).unwrap();
                for key in
                    held.iter().filter_map(|lease| Some((*keys.get(&lease.id())?, lease.id())))
                {
                    drop(operator.cancel(key.0, key.1));
                }
                held.iter().for_each(|lease| settle(&mut worker, lease, &mut rng));
            }
            20 => drop(operator.redrive("job")),
            // Some wait.
            5 => drop(operator.delete(SCRAP)),
            _ if rng.u8(..4) == 0 => {
                let recent = &added[added.len().saturating_sub(20)..];
                if let Some((key, id)) = rng.choice(recent) {
                    drop(operator.cancel(*key, *id));
                }
            }
            _ => {}
        }
    }
    drain(fixture, &mut worker);
}

fn request(number: u32, rng: &mut fastrand::Rng) -> EnqueueRequest {
    let plain = EnqueueRequest { max_attempts: 3, ..EnqueueRequest::default() };
    match number % 5 {
        0 | 1 => {
            let key = rng.u8(..6);
            let hold = match key % 3 {
                0 => Hold::WhileWaiting,
                1 => Hold::UntilDone,
                _ => Hold::Period(20 * SECOND),
            };
            EnqueueRequest { unique: Some((format!("key {key}"), hold)), ..plain }
        }
        2 => EnqueueRequest { lives: Some(Duration::from_millis(rng.u64(200..4000))), ..plain },
        3 => EnqueueRequest { task_type: SCRAP.to_owned(), ..plain },
        _ => plain,
    }
}

fn claim(max: usize) -> ClaimRequest {
    let types = ["job", SCRAP, TICK].map(str::to_owned).into();
    ClaimRequest { types, max, lease: LEASE, ..ClaimRequest::default() }
}

/// Claims and completes all tasks; the schedule goes on.
fn drain<S: Subject>(fixture: &Fixture, client: &mut Client<S>) {
    for _ in 0..20 {
        fixture.clock.advance(10 * SECOND);
        for lease in client.claim(&claim(500)).unwrap() {
            drop(client.complete(&lease));
        }
    }
}
