//! Failure mode: file: created by many processes at once | one creates it, the others wait

use prismq_check::{Role, Rules, SeedRunner, soak, this_test};

use crate::support::fleet::Fleet;

const PROCESSES: usize = 8;
const TASKS: u32 = 3;

#[test]
fn many_processes_may_create_the_file_at_once() {
    let seeds = SeedRunner::random(this_test!("many_processes_may_create_the_file_at_once"));
    let mut rng = seeds.rng();
    let rounds = if soak().is_some() { 100 } else { 4 };
    for _ in 0..rounds {
        let mut fleet = Fleet::new();
        let role = Role::Enqueue { tasks: TASKS };
        let all: Vec<_> = (0..PROCESSES).map(|_| fleet.start(role, rng.u64(..))).collect();
        for process in all {
            fleet.add(process.finish().unwrap());
        }
        let verdict = fleet.drain(&Rules { complete_history: true, ..Rules::default() });
        assert!(verdict.is_sound(), "{verdict}");
        assert_eq!(verdict.counts.completed, PROCESSES as u64 * u64::from(TASKS), "{verdict}");
    }
}
