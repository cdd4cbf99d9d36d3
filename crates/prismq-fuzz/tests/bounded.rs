//! A bounded run of each target on the stable compiler: its corpus, and mutations of it from seeds that never change.
//! `PRISMQ_SOAK=minutes` goes on from other seeds for so long, for each target; `PRISMQ_SEED=n` tries the mutation of one
//! seed, in this folder.

use std::fs;
use std::path::Path;

use fastrand::Rng;
use prismq_check::{SeedRunner, TestName, this_test};

fn run(test: TestName, name: &str, mutations: u64, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let corpus: Vec<Vec<u8>> = names.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(!corpus.is_empty());
    corpus.iter().for_each(|bytes| target(bytes));
    let mut seeds = SeedRunner::fixed(test).rounds_quick(mutations);
    while let Some(seed) = seeds.next_round() {
        let mut rng = Rng::with_seed(seed);
        let mut bytes = corpus[rng.usize(0..corpus.len())].clone();
        (0..rng.usize(1..6)).for_each(|_| mutate(&mut bytes, &corpus, &mut rng));
        target(&bytes);
    }
    println!("{name}: {} inputs of the corpus, {} mutations", corpus.len(), seeds.rounds());
}

/// Edge values of bytes.
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

/// Failure mode: file: corrupt, or no queue
#[test]
fn database() {
    run(this_test!("database"), "database", 400, prismq_fuzz::database);
}

/// Failure mode: input: sizes, delays, attempts, leases and names out of bounds
/// Failure mode: input: SQL, NUL or invalid UTF-8 in names and payloads
#[test]
fn operations() {
    run(this_test!("operations"), "operations", 150, prismq_fuzz::operations);
}

#[test]
fn record() {
    run(this_test!("record"), "record", 2_000, prismq_fuzz::record);
}

#[test]
fn history() {
    run(this_test!("history"), "history", 2_000, prismq_fuzz::history);
}

#[test]
fn targets() {
    run(this_test!("targets"), "targets", 5_000, prismq_fuzz::targets);
}

#[test]
fn workload() {
    run(this_test!("workload"), "workload", 5_000, prismq_fuzz::workload);
}

#[test]
fn trace() {
    run(this_test!("trace"), "trace", 5_000, prismq_fuzz::trace);
}

/// Files of an older schema would be refused at once, and nothing after the opening would be tried.
#[test]
fn the_seeds_of_the_database_have_the_present_schema() {
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
