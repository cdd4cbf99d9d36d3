//! An engine and its reference go first in turns.

use std::cell::RefCell;

use prismq_bench::reference::Turns;

#[test]
fn each_goes_first_every_other_time() {
    let order = RefCell::new(Vec::new());
    let note = |who| {
        order.borrow_mut().push(who);
        Ok(who)
    };
    let mut turns = Turns::default();
    for _ in 0..3 {
        let both = turns.both(|| note("engine"), || note("reference")).unwrap();
        assert_eq!(both, ("engine", "reference"));
    }
    let expected = ["engine", "reference", "reference", "engine", "engine", "reference"];
    assert_eq!(*order.borrow(), expected);
}
