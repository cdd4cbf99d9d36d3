//! A subject and its reference go first in turns.

use std::cell::RefCell;

use prismq_bench::reference::Turns;

#[test]
fn subject_and_reference_go_first_every_other_time() {
    let order = RefCell::new(Vec::new());
    let note = |who| {
        order.borrow_mut().push(who);
        Ok(who)
    };
    let mut turns = Turns::default();
    for _ in 0..3 {
        let both = turns.both(|| note("subject"), || note("reference")).unwrap();
        assert_eq!(both, ("subject", "reference"));
    }
    let expected = ["subject", "reference", "reference", "subject", "subject", "reference"];
    assert_eq!(*order.borrow(), expected);
}
