use std::time::Duration;

use prismq_check::{Exercise, SeedRunner, exercise, this_test};

#[test]
fn an_exercise_of_a_sound_queue_is_found_sound() {
    let seeds = SeedRunner::random(this_test!("an_exercise_of_a_sound_queue_is_found_sound"));
    let folder = crate::support::fast_folder();
    let load = Exercise {
        tasks: 300,
        workers: 3,
        lease: Duration::from_millis(50),
        seed: seeds.rng().u64(..),
    };
    let verdict = exercise(folder.path().join("queue.db"), load).unwrap();
    assert!(verdict.is_sound(), "{verdict}");
    let counts = verdict.counts;
    assert!(
        counts.acked == 300 && counts.completed > 200 && counts.recovery.count > 0,
        "{verdict}"
    );
}
