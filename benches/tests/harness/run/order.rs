//! In which order the rounds of a suite's scenarios are run.

use prismq_bench::run::rounds::order::{Order, Slot, Spread};

const ROUNDS: usize = 10;

fn of(slots: &[Slot], scenario: usize) -> Vec<(usize, bool)> {
    let places = slots.iter().enumerate().filter(|(_, slot)| slot.scenario == scenario);
    places.map(|(place, slot)| (place, slot.discarded)).collect()
}

#[test]
fn each_round_of_all_scenarios_comes_before_the_next_of_any() {
    let slots = Order::from_seed(1).fixed(&[Spread::Run; 5], ROUNDS, true).concat();
    assert_eq!(slots.len(), 5 * (1 + ROUNDS));
    for (round, slots) in slots.chunks(5).enumerate() {
        let mut scenarios: Vec<usize> = slots.iter().map(|slot| slot.scenario).collect();
        scenarios.sort_unstable();
        assert_eq!(scenarios, [0, 1, 2, 3, 4], "round {round}");
        assert!(slots.iter().all(|slot| slot.discarded == (round == 0)));
    }
}

#[test]
fn the_order_is_drawn_anew_for_each_round_and_the_same_for_the_same_seed() {
    let drawn = |seed| Order::from_seed(seed).fixed(&[Spread::Run; 8], ROUNDS, false).concat();
    assert_eq!(drawn(7), drawn(7));
    assert_ne!(drawn(7), drawn(8));
    let slots = drawn(7);
    assert_ne!(slots.get(..8), slots.get(8..16));
}

#[test]
fn what_builds_up_in_the_process_is_measured_in_one_piece_before_the_others() {
    let spreads = [Spread::Run, Spread::OnePiece, Spread::Run];
    let slots = Order::from_seed(3).fixed(&spreads, ROUNDS, true).concat();
    let piece = of(&slots, 1);
    assert_eq!(piece, (0..=ROUNDS).map(|place| (place, place == 0)).collect::<Vec<_>>());
}

#[test]
fn what_has_a_single_round_has_none_that_is_discarded() {
    let slots = Order::from_seed(3).fixed(&[Spread::Run, Spread::Single], ROUNDS, true).concat();
    let single = of(&slots, 1);
    assert_eq!((single.len(), single[0].1), (1, false));
    // With the first measured round of the others.
    assert!((2..=3).contains(&(single[0].0 + 1)), "{single:?}");
}

#[test]
fn rounds_that_warm_up_by_themselves_are_spread_and_none_is_discarded() {
    let spreads = [Spread::Run, Spread::WarmedUp, Spread::Run];
    let slots = Order::from_seed(3).fixed(&spreads, ROUNDS, true).concat();
    let rounds = of(&slots, 1);
    assert_eq!(rounds.len(), ROUNDS);
    assert!(rounds.iter().all(|(_, discarded)| !discarded));
    // Two are discarded, those of the others; then each pass has one round of each.
    let passes: Vec<usize> = rounds.iter().map(|(place, _)| (place - 2) / 3).collect();
    assert_eq!(passes, (0..ROUNDS).collect::<Vec<_>>());
}
