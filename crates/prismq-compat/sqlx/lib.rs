//! A program whose database driver is sqlx: both link the same SQLite, and tasks are enqueued in sqlx's own
//! transactions.
#![cfg(test)]

use std::error::Error;
use std::sync::mpsc::channel;
use std::time::Duration;

use prismq::{Queue, WorkerPool};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

/// Longer than a passing test waits, on a busy machine too.
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_row_of_the_inbox_becomes_a_task_when_sqlx_commits() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("app.db");
    let queue = Queue::attach(&path)?;
    let (send, payloads) = channel();
    let _pool = WorkerPool::builder(&queue)
        .handle_bytes("welcome", move |payload, _| Ok(_ = send.send(payload.to_vec())))
        .start()?;

    let options = SqliteConnectOptions::new().filename(&path).busy_timeout(Duration::from_secs(5));
    let app = SqlitePoolOptions::new().max_connections(2).connect_with(options).await?;
    sqlx::query("CREATE TABLE user (name TEXT)").execute(&app).await?;
    for (name, commits) in [("ann", false), ("bob", true)] {
        let mut transaction = app.begin_with("BEGIN IMMEDIATE").await?;
        let user = sqlx::query("INSERT INTO user VALUES (?)").bind(name).execute(&mut *transaction);
        user.await?;
        let task = sqlx::query("INSERT INTO prismq_inbox (type, payload) VALUES ('welcome', ?)");
        task.bind(format!("{{\"user\":\"{name}\"}}")).execute(&mut *transaction).await?;
        if commits {
            transaction.commit().await?;
        }
    }
    assert_eq!(payloads.recv_timeout(DEADLINE)?, b"{\"user\":\"bob\"}");
    app.close().await;
    assert_eq!(queue.stats("default")?.enqueued, 1);
    Ok(())
}

#[test]
fn the_sqlite_that_sqlx_bundles_is_new_enough() {
    let version = prismq::rusqlite::version_number();
    assert!(version >= 3_051_003, "{}", prismq::rusqlite::version());
}
