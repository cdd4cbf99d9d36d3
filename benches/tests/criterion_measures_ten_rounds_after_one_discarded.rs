//! The whole method rests on Criterion calling each benchmark exactly 1 + 10 times with one
//! iteration; another version of Criterion could plan otherwise.

use std::time::Duration;

use criterion::Criterion;
use prismq_bench::driver::{Call, Driver, ROUNDS};
use prismq_bench::error::Error;
use prismq_bench::invocation::Invocation;
use tempfile::TempDir;

fn criterion() -> std::io::Result<(TempDir, Criterion)> {
    let directory = tempfile::tempdir()?;
    let criterion = Criterion::default()
        .sample_size(ROUNDS)
        .nresamples(2_000)
        .without_plots()
        .output_directory(directory.path());
    Ok((directory, criterion))
}

fn measuring() -> Invocation {
    Invocation::parse(["--bench".to_owned()])
}

#[test]
fn slow_and_instant_rounds_alike() {
    let (directory, mut criterion) = criterion().unwrap();
    let mut driver = Driver::new(&mut criterion, "suite", measuring());
    for pause in [Duration::from_millis(2), Duration::ZERO] {
        let mut calls: Vec<Call> = Vec::new();
        let parameter = format!("pause={pause:?}");
        driver
            .bench("scenario", &parameter, |call| {
                calls.push(call);
                std::thread::sleep(pause);
                Ok(Duration::from_secs(3))
            })
            .unwrap();
        assert_eq!(calls.len(), 1 + ROUNDS);
        assert!(calls.iter().enumerate().all(|(index, call)| call.index == index));
        assert!(calls.iter().all(|call| call.discarded == (call.index == 0)));
        let kept = directory.path().join("suite/scenario").join(parameter);
        assert!(kept.join("new/estimates.json").exists());
    }
}

#[test]
fn a_failed_round_ends_the_benchmark_without_a_trace() {
    let (directory, mut criterion) = criterion().unwrap();
    let mut driver = Driver::new(&mut criterion, "suite", measuring());
    let mut calls = 0;
    let result = driver.bench("scenario", "fails", |call| {
        calls += 1;
        match call.index {
            3 => Err(Error::Child { reason: "on purpose".to_owned() }),
            _ => Ok(Duration::from_secs(1)),
        }
    });
    assert!(matches!(result, Err(Error::Child { .. })));
    assert_eq!(calls, 4);
    assert!(!directory.path().join("suite/scenario/fails/new").exists());
}
