//! The search ends near the true capacity, wherever it begins.

use std::cell::Cell;
use std::time::Duration;

use prismq_bench::load::arrivals::ArrivalProcess;
use prismq_bench::scenario::open::saturation::{back_off, is_sustained, search, settle_on};
use prismq_bench::subject::Work;

use crate::support::fake::Misdeed;
use crate::support::theory::offer;

#[test]
fn the_search_finds_the_rate_from_below_and_from_above() {
    for guess in [300.0, 900.0, 1_000.0, 1_300.0, 3_000.0] {
        let tries = Cell::new(0);
        let found = search(guess, |rate| {
            tries.set(tries.get() + 1);
            Ok(rate <= 1_000.0)
        });
        let found = found.unwrap().unwrap();
        assert!((950.0..=1_000.0).contains(&found), "{found} from {guess}");
        assert!(tries.get() <= 10);
    }
}

#[test]
fn the_search_finds_nothing_where_nothing_is_sustained() {
    assert_eq!(search(1_000.0, |_| Ok(false)).unwrap(), None);
}

/// What a short try sustains and a long one does not is lowered until it holds.
#[test]
fn a_rate_is_lowered_until_it_holds() {
    let tried = Cell::new(0);
    let held = back_off(1_000.0, |rate| {
        tried.set(tried.get() + 1);
        Ok(rate <= 900.0)
    });
    let held = held.unwrap().unwrap();
    assert!((854.0..=856.0).contains(&held) && tried.get() == 3, "{held} after {}", tried.get());
    assert_eq!(back_off(1_000.0, |_| Ok(true)).unwrap(), Some(1_000.0));
    assert_eq!(back_off(1_000.0, |_| Ok(false)).unwrap(), None);
}

/// A machine that others use wholly must not end the suite.
#[test]
fn where_no_rate_is_sustained_loads_are_shares_of_a_low_one() {
    let low = 100.0;
    assert_eq!(settle_on(1_000.0, |_| Ok(false), |_| Ok(true)).unwrap(), low);
    assert_eq!(settle_on(1_000.0, |_| Ok(true), |_| Ok(false)).unwrap(), low);
    let held = settle_on(1_000.0, |rate| Ok(rate <= 1_000.0), |rate| Ok(rate <= 900.0)).unwrap();
    assert!((800.0..=900.0).contains(&held), "{held}");
}

#[test]
fn the_capacity_of_a_known_server_is_found() {
    let service = Duration::from_micros(500);
    let found = search(1_000.0, |rate| {
        let work = Work::sleep(service);
        let interval = Duration::from_secs_f64(1.0 / rate);
        let tasks = (2.0 * rate) as usize;
        let offered = offer(Misdeed::None, ArrivalProcess::Constant, interval, tasks, work);
        Ok(is_sustained(&offered, rate))
    });
    let found = found.unwrap().unwrap();
    assert!((1_850.0..=2_100.0).contains(&found), "{found}");
}
