//! A bounded run of each target on the stable compiler: its corpus, and mutations of it from a seed that
//! never changes. `PRISMQ_SOAK=minutes` goes on from other seeds for so long, for each target.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;

fn run(name: &str, rounds: u32, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let corpus: Vec<Vec<u8>> = names.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(!corpus.is_empty());
    corpus.iter().for_each(|bytes| target(bytes));
    let soak: Option<u64> =
        std::env::var("PRISMQ_SOAK").ok().and_then(|minutes| minutes.parse().ok());
    let until = soak.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let mut seed = until.map_or(1, |_| fastrand::u64(..));
    let mut tried = 0;
    while tried < rounds || until.is_some_and(|until| Instant::now() < until) {
        let told = Told { name, seed };
        let mut rng = Rng::with_seed(seed);
        let mut bytes = corpus[rng.usize(0..corpus.len())].clone();
        (0..rng.usize(1..6)).for_each(|_| mutate(&mut bytes, &corpus, &mut rng));
        target(&bytes);
        drop(told);
        seed = seed.wrapping_add(1);
        tried += 1;
    }
    println!("{name}: {} inputs of the corpus, {tried} mutations", corpus.len());
}

/// Says what failed.
struct Told<'a> {
    name: &'a str,
    seed: u64,
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("target {} failed with the mutation of seed {}", self.name, self.seed);
        }
    }
}

/// Edges of what numbers in a file can be.
const EDGES: [u8; 5] = [0, 1, 0x7F, 0x80, 0xFF];

fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], rng: &mut Rng) {
    let length = bytes.len();
    let place = rng.usize(0..length.max(1));
    match rng.u8(0..7) {
        _ if bytes.is_empty() => bytes.push(rng.u8(..)),
        0 => bytes[place] ^= 1 << rng.u8(0..8),
        1 => bytes[place] = EDGES[rng.usize(0..EDGES.len())],
        2 => bytes.truncate(place),
        3 => bytes.insert(place, rng.u8(..)),
        // The headers of a database's pages decide how the rest is read.
        4 => {
            let page = place / 4096 * 4096 + rng.usize(0..16);
            if let Some(byte) = bytes.get_mut(page) {
                *byte = rng.u8(..);
            }
        }
        5 => {
            let end = length.min(place + rng.usize(1..64));
            let fill = EDGES[rng.usize(0..EDGES.len())];
            bytes[place..end].fill(fill);
        }
        _ => {
            let other = &corpus[rng.usize(0..corpus.len())];
            let from = rng.usize(0..other.len().max(1)).min(other.len());
            let piece = &other[from..other.len().min(from + 64)];
            bytes.splice(place..place, piece.iter().copied());
        }
    }
}

#[test]
fn database() {
    run("database", 400, prismq_fuzz::database);
}

#[test]
fn operations() {
    run("operations", 150, prismq_fuzz::operations);
}

#[test]
fn record() {
    run("record", 2_000, prismq_fuzz::record);
}

#[test]
fn history() {
    run("history", 2_000, prismq_fuzz::history);
}

#[test]
fn targets() {
    run("targets", 5_000, prismq_fuzz::targets);
}

#[test]
fn workload() {
    run("workload", 5_000, prismq_fuzz::workload);
}

#[test]
fn trace() {
    run("trace", 5_000, prismq_fuzz::trace);
}

/// Files of an older schema would be refused at once, and nothing behind the door would be tried.
#[test]
fn the_seeds_of_the_database_are_queues_of_today() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/database");
    for seed in ["empty-queue.db", "some-tasks.db"] {
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join(seed);
        fs::copy(folder.join(seed), &path).unwrap();
        let queue = prismq::Queue::open(&path).unwrap();
        let stats = queue.stats("default").unwrap();
        let states = [stats.ready, stats.scheduled, stats.leased, stats.dead, stats.kept];
        assert_eq!(states, if seed == "some-tasks.db" { [2, 1, 1, 1, 1] } else { [0; 5] });
    }
}
