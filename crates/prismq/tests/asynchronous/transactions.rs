//! Transactions of the application's own, awaited.

use prismq::{Error, Queue};

use crate::support::{block_on, task};

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
