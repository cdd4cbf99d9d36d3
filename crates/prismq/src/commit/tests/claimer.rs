//! Claims of pools in the transactions of others, where one of the two fails.

use std::path::PathBuf;

use super::*;

#[test]
fn an_enqueue_does_not_fail_with_the_claim_in_its_transaction() {
    let fixture = fixture(Duration::ZERO);
    for error in [
        Error::Corrupt { path: PathBuf::new(), reason: "a row".to_owned() },
        Error::Full { reason: "disk".to_owned() },
        Error::InvalidInput { what: "any", reason: "error".to_owned() },
    ] {
        let pool = idle_pool(&fixture, 1);
        fixture.answer(Err(error));
        fixture.answer(Ok(()));
        let answers = fixture.submit(1);
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(fixture.groups(), [2, 1]);
        assert_eq!(pool.delivered(), 0);
    }
}

#[test]
fn a_group_is_applied_again_without_the_claim_that_failed() {
    let fixture = fixture(Duration::ZERO);
    let pool = idle_pool(&fixture, 1);
    for answer in [Err(Error::Full { reason: "disk".to_owned() }), Ok(())] {
        fixture.answer(answer);
    }
    let answers = fixture.submit(1);
    assert_eq!(fixture.groups(), [2, 1], "again without the claim");
    assert!(matches!(answers.as_slice(), [Ok(_)]), "{answers:?}");
    assert_eq!(*pool.deliveries.lock().unwrap(), 1);
}

#[test]
fn a_reservation_ends_when_its_transaction_fails() {
    let fixture = fixture(Duration::ZERO);
    let pool = idle_pool(&fixture, 1);
    fixture.answer(Err(Error::Busy { waited: Duration::ZERO }));
    let answers = fixture.submit(1);
    assert!(matches!(answers.as_slice(), [Err(Error::Busy { .. })]), "{answers:?}");
    assert_eq!((*pool.deliveries.lock().unwrap(), pool.delivered()), (1, 0));
}
