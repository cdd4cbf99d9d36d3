//! Transactions of the application's own, awaited.

use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::{Error, Queue};

use crate::support::{DEADLINE, block_on, poll_once, receive, task};

#[test]
fn a_transaction_that_is_awaited_commits_rows_and_tasks_together_or_neither() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::attach(folder.path().join("app.db")).unwrap();
    let added = |name: &'static str, fails: bool| {
        block_on(queue.transaction_async(move |tx| -> Result<i64, Error> {
            tx.execute_batch("CREATE TABLE IF NOT EXISTS user (name TEXT)")?;
            tx.execute("INSERT INTO user VALUES (?1)", [name])?;
            tx.enqueue(&task(name))?;
            if fails {
                Err(Error::InvalidInput { what: "name", reason: name.to_owned() })
            } else {
                Ok(tx.last_insert_rowid())
            }
        }))
    };
    assert_eq!(added("ann", false).unwrap(), 1);
    assert!(added("bob", true).is_err());
    let users = queue.transaction(|tx| -> Result<i64, Error> {
        Ok(tx.query_row("SELECT count(*) FROM user", [], |row| row.get(0))?)
    });
    assert_eq!((users.unwrap(), queue.stats("default").unwrap().ready), (1, 1));
}

/// More than there are threads for them.
const MANY: usize = 9;

fn enqueues(
    queue: &Queue,
    name: &'static str,
) -> impl Future<Output = Result<(), Error>> + Send + use<> {
    queue.transaction_async(move |tx| tx.enqueue(&task(name)).map(drop))
}

#[test]
fn transactions_that_wait_for_the_commit_of_another_follow_it() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::attach(folder.path().join("app.db")).unwrap();
    let waiting = queue
        .transaction(|tx| -> Result<_, Error> {
            let mut waiting: Vec<_> = (0..MANY).map(|_| Box::pin(enqueues(&queue, "w"))).collect();
            for transaction in &mut waiting {
                assert!(poll_once(transaction.as_mut()).is_pending());
            }
            tx.enqueue(&task("first"))?;
            Ok(waiting)
        })
        .unwrap();
    for transaction in waiting {
        block_on(transaction).unwrap();
    }
    assert_eq!(queue.stats("default").unwrap().ready, 1 + MANY as u64);
}

/// The others cannot commit before the first does, so that they give up in time, those included for which there was no
/// thread before; then the first goes on.
#[test]
fn a_transaction_that_waits_for_others_ends_once_they_have_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let busy_wait = Duration::from_millis(50);
    let queue = Queue::builder(path).attach(true).busy_wait(busy_wait).open().unwrap();
    let (begun, begins) = channel();
    let (send, others) = channel();
    let mut first = Box::pin(queue.transaction_async(move |tx| -> Result<_, Error> {
        begun.send(()).unwrap();
        tx.enqueue(&task("first"))?;
        Ok((0..MANY).map(|_| others.recv_timeout(DEADLINE).unwrap()).collect::<Vec<_>>())
    }));
    assert!(poll_once(first.as_mut()).is_pending());
    receive(&begins, "the first transaction");
    let mut waiting: Vec<_> = (0..MANY).map(|_| Box::pin(enqueues(&queue, "w"))).collect();
    for transaction in &mut waiting {
        assert!(poll_once(transaction.as_mut()).is_pending());
    }
    for transaction in waiting {
        send.send(block_on(transaction)).unwrap();
    }
    let others = block_on(first).unwrap();
    assert!(others.iter().all(|end| matches!(end, Err(Error::Busy { .. }))), "{others:?}");
    assert_eq!(queue.stats("default").unwrap().ready, 1);
}
