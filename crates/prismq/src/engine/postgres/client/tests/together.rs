//! Statements that are sent together.

use std::cell::RefCell;
use std::future;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::engine::postgres::client::io::wait;
use crate::engine::postgres::client::session::{Driver, Pending, Together};

/// An error of the driver.
fn failed() -> Driver<u8> {
    Err("postgres://localhost?port=x".parse::<tokio_postgres::Config>().unwrap_err())
}

/// A statement that notes when it is sent, and is answered the second time it is looked at.
fn statement<'a>(sent: &'a RefCell<Vec<u8>>, number: u8, fails: bool) -> Pending<'a, u8> {
    let mut is_sent = false;
    Box::pin(future::poll_fn(move |context| {
        if is_sent {
            return Poll::Ready(if fails { failed() } else { Ok(number) });
        }
        is_sent = true;
        sent.borrow_mut().push(number);
        context.waker().wake_by_ref();
        Poll::Pending
    }))
}

fn answers(pending: Vec<Pending<'_, u8>>) -> Vec<Option<u8>> {
    let until = Instant::now() + Duration::from_secs(60);
    wait(Together::new(pending), until).unwrap().into_iter().map(Result::ok).collect()
}

#[test]
fn all_are_sent_in_order_before_the_first_is_answered() {
    let sent = RefCell::default();
    let pending = (1..=3).map(|number| statement(&sent, number, number == 2)).collect();
    assert_eq!(answers(pending), [Some(1), None, Some(3)]);
    assert_eq!(*sent.borrow(), [1, 2, 3]);
}

#[test]
fn nothing_is_sent_after_a_statement_that_could_not_be_sent() {
    let sent = RefCell::default();
    let unsent = || Box::pin(future::ready(failed())) as Pending<'_, u8>;
    let commit = statement(&sent, 3, false);
    let pending = vec![statement(&sent, 1, false), unsent(), commit];
    assert_eq!(answers(pending), [Some(1), None]);
    assert_eq!(*sent.borrow(), [1], "no commit follows");
    assert_eq!(answers(vec![unsent(), statement(&sent, 2, false)]), [None]);
    assert_eq!(*sent.borrow(), [1]);
}
