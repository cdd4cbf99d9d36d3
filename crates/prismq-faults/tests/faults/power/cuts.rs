//! A random run of a queue, and the disks that a power cut at a random moment of it could leave. Each is
//! opened by SQLite's own VFS: it must hold the state after some operation, no earlier than the last
//! durable one that was acknowledged, and no later than the last one begun.

use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use prismq::{Claim, Durability, Error, NewTask, Queue};
use prismq_check::{SeedRunner, Snapshot, TestName, this_test};
use prismq_faults::{PowerCut, Scratch};
use rusqlite::Connection;

use crate::power::random_run::{Ack, RandomRun, is_backfilled, run_randomly, wal};
use crate::support::FILE;

const OPERATIONS: usize = 150;
const RUNS: u64 = 6;
const IMAGES_EACH: usize = 200;

/// The images of a test, and their outcomes.
#[derive(Debug, Default)]
struct Tally {
    images: usize,
    acknowledged: usize,
    /// Operations that were not acknowledged and are stored.
    recovered: usize,
    lost: usize,
    /// The most acknowledged operations, tasks enqueued and time that one cut undid.
    lost_operations_max: usize,
    lost_tasks_max: usize,
    lost_time_max: Duration,
}

/// Failure mode: power: cut at any moment | `Full`: nothing acknowledged is lost; `Normal`: only the latest operations
#[test]
fn a_power_cut_under_full_durability_loses_nothing_acknowledged() {
    let tally = cut_power(
        this_test!("a_power_cut_under_full_durability_loses_nothing_acknowledged"),
        Durability::Full,
        RUNS,
    );
    println!("full: {tally:?}");
    assert_eq!(tally.lost, 0);
}

/// Failure mode: power: cut at any moment
#[test]
fn a_power_cut_under_normal_durability_loses_only_the_latest_operations() {
    let tally = cut_power(
        this_test!("a_power_cut_under_normal_durability_loses_only_the_latest_operations"),
        Durability::Normal,
        2,
    );
    println!("normal: {tally:?}");
    assert!(tally.lost > 0, "the cuts are those that normal durability does not survive");
}

fn cut_power(test: TestName, durability: Durability, runs: u64) -> Tally {
    let mut tally = Tally::default();
    let mut seeds = SeedRunner::fixed(test);
    while let Some(seed) = seeds.next_round() {
        for number in 0..runs {
            let seed = seed.wrapping_mul(1_000).wrapping_add(number);
            let run = run_randomly(durability, OPERATIONS, seed);
            tally.acknowledged += run.acks.len();
            each_image(&run, seed, |cut, path, _| judge(&run, durability, cut, path, &mut tally));
        }
    }
    tally
}

/// Images of random moments of a run, each in a folder of its own.
fn each_image(run: &RandomRun, seed: u64, mut look: impl FnMut(usize, &Path, &mut Rng)) {
    let mut rng = Rng::with_seed(seed);
    let mut cuts: Vec<usize> = (0..IMAGES_EACH).map(|_| rng.usize(0..=run.journal.len())).collect();
    cuts.sort_unstable();
    let mut power = PowerCut::new(&run.journal, seed);
    for cut in cuts {
        power.play_to(cut);
        let folder = KeptOnFailure(Some(Scratch::new().unwrap()));
        let path = folder.0.as_ref().unwrap().file(FILE);
        power.image().write_to(path.parent().unwrap()).unwrap();
        look(cut, &path, &mut rng);
    }
}

/// A folder that stays if the test fails.
struct KeptOnFailure(Option<Scratch>);

impl Drop for KeptOnFailure {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(folder) = self.0.take()
        {
            eprintln!("the disk is kept in {}", folder.keep().display());
        }
    }
}

/// The index of the last operation begun before this moment.
fn last_begun(acks: &[Ack], cut: usize) -> usize {
    acks.iter().rposition(|ack| ack.began <= cut).unwrap()
}

fn judge(run: &RandomRun, durability: Durability, cut: usize, path: &Path, tally: &mut Tally) {
    let acks = &run.acks;
    let queue = Queue::open(path).unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
    let state = Snapshot::read(&Connection::open(path).unwrap()).unwrap();
    assert_eq!(state.problems, [""; 0], "cut at {cut}");
    let begun = last_begun(acks, cut);
    let acked = acks.iter().rposition(|ack| ack.ended <= cut);
    let promised = match durability {
        Durability::Full | Durability::Replicated => {
            acks.iter().rposition(|ack| ack.durable && ack.ended <= cut)
        }
        Durability::Normal => None,
    };
    let from = promised.unwrap_or(0);
    let found = (from..=begun).rev().find(|index| acks[*index].digest == state.digest);
    let Some(found) = found else {
        let earlier = acks.iter().rposition(|ack| ack.digest == state.digest);
        panic!("cut at {cut}: the state after operation {earlier:?}, not after {from} to {begun}");
    };
    let acked = acked.unwrap_or(0);
    tally.images += 1;
    tally.recovered += found.saturating_sub(acked);
    let undone = acks.get(found + 1..=acked).unwrap_or_default();
    let undone: Vec<&Ack> = undone.iter().filter(|ack| ack.durable).collect();
    tally.lost += undone.len();
    tally.lost_operations_max = tally.lost_operations_max.max(undone.len());
    let tasks = undone.iter().map(|ack| ack.enqueued.len()).sum();
    tally.lost_tasks_max = tally.lost_tasks_max.max(tasks);
    if let Some(last) = undone.last() {
        tally.lost_time_max = tally.lost_time_max.max(last.at.saturating_sub(acks[found].at));
    }
    if durability == Durability::Full {
        assert_no_task_lost(acks, cut, &state);
    }
    // It is a queue that works.
    queue.enqueue(NewTask::new("after", [])).unwrap();
    let leases = queue.claim(&Claim::new(["after"])).unwrap();
    queue.complete(&leases[0]).unwrap();
}

/// The promise itself: an acknowledged task is stored, unless its completion was begun or it left a bounded history.
fn assert_no_task_lost(acks: &[Ack], cut: usize, state: &Snapshot) {
    let ended: Vec<i64> = acks
        .iter()
        .filter(|ack| ack.began <= cut)
        .filter_map(|ack| ack.completed.map(prismq::TaskId::as_i64))
        .collect();
    for id in acks.iter().filter(|ack| ack.ended <= cut).flat_map(|ack| &ack.enqueued) {
        let id = id.as_i64();
        assert!(
            state.has_task(id) || ended.contains(&id),
            "cut at {cut}: task {id} was acknowledged and is lost"
        );
    }
}

/// The outcomes of damage to the WAL.
#[derive(Debug, Default)]
struct Damage {
    images: usize,
    recovered_to_a_commit: usize,
    refused: usize,
    /// Where the WAL had been copied in part: damage that the file cannot show at once.
    unsound: usize,
}

/// Torn and flipped WALs: the medium itself failed, so that acknowledged operations may be lost, but what is
/// there is the state after one of them.
///
/// Failure mode: file: WAL torn or a bit of it changed | recovered to a commit, or refused as corrupt
#[test]
fn a_damaged_wal_is_recovered_to_a_commit_or_refused() {
    let mut damage = Damage::default();
    let mut seeds =
        SeedRunner::fixed(this_test!("a_damaged_wal_is_recovered_to_a_commit_or_refused"));
    while let Some(seed) = seeds.next_round() {
        for number in 0..2 {
            let seed = seed.wrapping_mul(2_000).wrapping_add(number);
            let run = run_randomly(Durability::Full, OPERATIONS, seed);
            let backfilled = is_backfilled(&run.journal);
            each_image(&run, seed, |cut, path, rng| {
                if spoil(path, rng) {
                    judge_damage(&run, cut, path, backfilled[cut], &mut damage);
                }
            });
        }
    }
    println!("damaged: {damage:?}");
    assert!(damage.recovered_to_a_commit > 100);
}

/// Truncates the WAL at the edge of a frame or a byte next to it, or flips a bit of it.
fn spoil(path: &Path, rng: &mut Rng) -> bool {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 4096;
    let Ok(mut bytes) = std::fs::read(wal(path)) else { return false };
    if bytes.len() < HEADER + FRAME {
        return false;
    }
    if rng.bool() {
        let place = rng.usize(0..bytes.len());
        bytes[place] ^= 1 << rng.u8(0..8);
    } else {
        let frames = rng.usize(0..(bytes.len() - HEADER) / FRAME);
        bytes.truncate(HEADER + frames * FRAME + rng.usize(0..3) - 1);
    }
    std::fs::write(wal(path), bytes).unwrap();
    true
}

fn judge_damage(run: &RandomRun, cut: usize, path: &Path, backfilled: bool, damage: &mut Damage) {
    damage.images += 1;
    let read = Queue::open(path).and_then(|queue| {
        let state = Snapshot::read(&Connection::open(path).unwrap());
        // It is used without a panic.
        let used = queue.claim(&Claim::new(["job", "other"])).map(drop);
        let state =
            state.map_err(|error| Error::Database { source: std::sync::Arc::new(error) })?;
        used.map(|()| state)
    });
    let state = match read {
        Ok(state) => state,
        Err(error) => {
            assert!(error.is_corrupt() || backfilled, "cut at {cut}: {error}");
            damage.refused += 1;
            return;
        }
    };
    let begun = last_begun(&run.acks, cut);
    let of_a_commit = run.acks[..=begun].iter().any(|ack| ack.digest == state.digest);
    if of_a_commit && state.problems.is_empty() {
        damage.recovered_to_a_commit += 1;
    } else {
        assert!(backfilled, "cut at {cut}: {:?}", state.problems);
        damage.unsound += 1;
    }
}
