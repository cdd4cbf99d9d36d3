//! Tasks that are added and completed in transactions of the application's own.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use prismq::postgres::{complete_and_commit, complete_in, enqueue_in};
use prismq::{Claim, Error, Limit, NewTask, Queue, State, TaskError, Unique, WorkerPool};
use tokio_postgres::{Client, IsolationLevel, NoTls};

use crate::names::lose_types;
use crate::support::{DEADLINE, claimed, cluster, listener, queue, task, url, wait_for};

/// A connection that the runtime drives.
async fn connected(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// An application with a connection of its own, which a thread drives that must not be blocked.
pub(crate) struct Application {
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) client: Client,
}

impl Application {
    pub(crate) fn connect(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(connected(url));
        Self { runtime, client }
    }

    fn run(&mut self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).unwrap();
    }

    fn count(&mut self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.runtime.block_on(self.client.query_one(&sql, &[])).unwrap().get(0)
    }
}

pub(crate) fn tasks_exist_with_the_commit_and_not_before() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    let _pool =
        WorkerPool::builder(&queue).workers(1).handle_bytes("job", |_, _| Ok(())).start().unwrap();
    let mut own = Application::connect(&url(&cluster));
    own.run("CREATE TABLE account (owner text)");
    let Application { runtime, client } = &mut own;
    let (rolled_back, committed) = runtime.block_on(async {
        let mut transaction = client.transaction().await.unwrap();
        let first = enqueue_in(&queue, &mut transaction, [task()]).await.unwrap().remove(0);
        transaction.rollback().await.unwrap();
        let mut transaction = client.transaction().await.unwrap();
        transaction.execute("INSERT INTO account VALUES ('ann')", &[]).await.unwrap();
        let large = NewTask::new("job", vec![7; 100_000]);
        let both = enqueue_in(&queue, &mut transaction, [task(), large]).await.unwrap();
        assert_eq!(queue.stats("default").unwrap().enqueued, 0, "not before the commit");
        transaction.commit().await.unwrap();
        (first, both)
    });
    assert!(rolled_back.id() < committed[0].id() && committed[0].id() < committed[1].id());
    wait_for("both tasks are done", || queue.stats("default").unwrap().completed == 2);
    assert_eq!(queue.stats("default").unwrap().enqueued, 2);
    assert_eq!(own.count("account"), 1);
}

/// The queue itself has no transaction that would notice.
pub(crate) fn a_type_that_the_server_has_lost_is_added_again() {
    let mut cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    queue.enqueue(task()).unwrap();
    queue.tasks().delete().unwrap();
    lose_types(&mut cluster);
    let Application { runtime, mut client } = Application::connect(&url(&cluster));
    let id = runtime.block_on(async {
        let mut transaction = client.transaction().await.unwrap();
        let added = enqueue_in(&queue, &mut transaction, [task()]).await.unwrap().remove(0);
        transaction.commit().await.unwrap();
        added.id()
    });
    let other = crate::support::queue(&url(&cluster));
    assert_eq!(other.claim(&Claim::new(["job"])).unwrap()[0].id(), id);
}

/// A row of the inbox needs the queue that it holds.
pub(crate) fn one_that_holds_a_queue_keeps_no_claim_of_another_from_its_tasks() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    queue.set_depth_limit("held", 10).unwrap();
    queue.enqueue_all([task().queue("held"), task().queue("other")]).unwrap();
    let mut own = Application::connect(&url(&cluster));
    own.run("BEGIN; SELECT FROM prismq.queue WHERE name = 'held' FOR NO KEY UPDATE");
    let row =
        "INSERT INTO prismq.prismq_inbox (type, payload, queue) VALUES ('job', 'row', 'held')";
    cluster.sql("postgres", &[row]).unwrap();
    let claim = |name: &str| queue.claim(&Claim::new(["job"]).queue(name).max(9)).unwrap();
    assert_eq!(claim("other").len(), 1);
    own.run("ROLLBACK");
    // The row was put off for a second, so that claims do not wait for the lock again and again.
    let mut given = 0;
    wait_for("the row to be a task", || {
        given += claim("held").len();
        given == 2
    });
}

pub(crate) fn a_call_that_is_refused_or_dropped_leaves_the_transaction_as_it_was() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    queue.set_depth_limit("default", 1).unwrap();
    let mut own = Application::connect(&url(&cluster));
    own.run("CREATE TABLE account (owner text)");
    let Application { runtime, client } = &mut own;
    runtime.block_on(async {
        let mut transaction = client.transaction().await.unwrap();
        transaction.execute("INSERT INTO account VALUES ('ann')", &[]).await.unwrap();
        let error = enqueue_in(&queue, &mut transaction, [task(), task()]).await.unwrap_err();
        assert!(matches!(error, Error::QueueFull { limit: 1, .. }), "{error:?}");
        let error = enqueue_in(&queue, &mut transaction, [NewTask::new("", [])]).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
        {
            let mut dropped = pin!(enqueue_in(&queue, &mut transaction, [task()]));
            let poll = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(poll, Poll::Pending));
        }
        assert_eq!(enqueue_in(&queue, &mut transaction, [task()]).await.unwrap().len(), 1);
        transaction.commit().await.unwrap();
    });
    assert_eq!(own.count("account"), 1);
    assert_eq!(own.count("prismq.task"), 1);
    assert_eq!(queue.stats("default").unwrap().ready, 1);
}

pub(crate) fn a_completion_is_one_with_its_transaction() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    queue.set_history("default", 9).unwrap();
    let handle = queue.enqueue(task()).unwrap();
    let lease = claimed(&queue);
    let Application { runtime, mut client } = Application::connect(&url(&cluster));
    runtime.block_on(async {
        let mut transaction = client.transaction().await.unwrap();
        complete_in(&queue, &mut transaction, &lease).await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(handle.info().unwrap().unwrap().state, State::Leased);
        let mut transaction = client.transaction().await.unwrap();
        complete_in(&queue, &mut transaction, &lease).await.unwrap();
        enqueue_in(&queue, &mut transaction, [task()]).await.unwrap();
        transaction.commit().await.unwrap();
        let mut transaction = client.transaction().await.unwrap();
        let error = complete_in(&queue, &mut transaction, &lease).await.unwrap_err();
        assert!(matches!(error, Error::LeaseLost { .. }), "{error:?}");
    });
    assert_eq!(handle.info().unwrap().unwrap().state, State::Completed);
    let stats = queue.stats("default").unwrap();
    assert_eq!((stats.completed, stats.kept, stats.leased, stats.ready), (1, 1, 0, 1));
}

/// What a handler does in a transaction of its own, and what became of that.
fn deposit(url: &str, payload: &[u8], context: &prismq::Context) -> Result<(), TaskError> {
    context.progress(0.5, "half");
    context.set_result(*b"fine")?;
    let Application { runtime, mut client } = Application::connect(url);
    let done = runtime.block_on(async {
        let transaction = client.transaction().await?;
        transaction.execute("INSERT INTO account VALUES ('ann')", &[]).await?;
        if payload == b"taken" {
            let take = "UPDATE prismq.task SET token = token + 1 WHERE state = 2";
            connected(url).await.batch_execute(take).await?;
        }
        complete_and_commit(context, transaction, ()).await
    });
    done?;
    Err(TaskError::new("not heard of"))
}

pub(crate) fn a_handler_and_its_transaction_are_done_together_or_not_at_all() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    queue.set_history("default", 9).unwrap();
    let mut own = Application::connect(&url(&cluster));
    own.run("CREATE TABLE account (owner text)");
    let (address, failed) = (url(&cluster), Arc::new(Mutex::new(Vec::new())));
    let heard = failed.clone();
    let pool = WorkerPool::builder(&queue)
        .workers(1)
        .handle_bytes("job", move |payload, context| {
            let done = deposit(&address, &payload, &context);
            heard.lock().unwrap().push(done.as_ref().err().map(|error| error.text().to_owned()));
            done
        })
        .start()
        .unwrap();
    let handle = queue.enqueue(NewTask::new("job", *b"done")).unwrap();
    wait_for("the first has ended", || failed.lock().unwrap().len() == 1);
    wait_for("it is kept", || handle.info().unwrap().unwrap().state == State::Completed);
    let info = handle.info().unwrap().unwrap();
    assert_eq!(info.progress.unwrap().text, "half");
    assert_eq!(info.result.as_deref(), Some(b"fine".as_slice()));
    assert!(info.attempts.is_empty(), "{:?}", info.attempts);
    assert_eq!(own.count("account"), 1);

    queue.enqueue(NewTask::new("job", *b"taken")).unwrap();
    wait_for("the second has ended", || failed.lock().unwrap().len() == 2);
    let report = pool.shutdown(DEADLINE);
    assert_eq!((report.stats.completed, report.stats.retried), (1, 0));
    let failed = failed.lock().unwrap();
    assert_eq!(failed[0].as_deref(), Some("not heard of"));
    assert!(failed[1].as_ref().unwrap().contains("lease"), "{failed:?}");
    assert_eq!(own.count("account"), 1, "its transaction was rolled back");
}

pub(crate) fn a_transaction_or_a_lease_of_another_database_is_refused() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    queue.enqueue(task()).unwrap();
    cluster.sql("postgres", &["CREATE DATABASE empty", "CREATE DATABASE other"]).unwrap();
    let other: Queue = crate::support::queue(&cluster.url("other"));
    other.enqueue(task()).unwrap();
    for (database, reason) in [("empty", "without the tables"), ("other", "another database")] {
        let Application { runtime, mut client } = Application::connect(&cluster.url(database));
        runtime.block_on(async {
            let mut transaction = client.transaction().await.unwrap();
            let error = enqueue_in(&queue, &mut transaction, [task()]).await.unwrap_err();
            assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
            assert!(error.to_string().contains(reason), "{error}");
            transaction.query("SELECT", &[]).await.unwrap();
        });
    }
    let foreign = claimed(&other);
    let Application { runtime, mut client } = Application::connect(&url(&cluster));
    runtime.block_on(async {
        let mut transaction = client.transaction().await.unwrap();
        let error = complete_in(&queue, &mut transaction, &foreign).await.unwrap_err();
        assert!(matches!(error, Error::ForeignLease { .. }), "{error:?}");
    });
}

pub(crate) fn what_an_old_snapshot_cannot_check_is_refused() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    let unique = || NewTask::new("job", []).unique(Unique::key("k"));
    let held = queue.enqueue(unique()).unwrap();
    queue.set_depth_limit("bounded", 9).unwrap();
    let Application { runtime, mut client } = Application::connect(&url(&cluster));
    runtime.block_on(async {
        let level = IsolationLevel::RepeatableRead;
        let old = client.build_transaction().isolation_level(level).start().await;
        let mut transaction = old.unwrap();
        transaction.query("SELECT", &[]).await.unwrap();
        let refused = [
            (unique(), "unique tasks need READ COMMITTED"),
            (task().queue("bounded"), "a depth limit need READ COMMITTED"),
            (task().queue("new"), "before the queue of the task was added"),
        ];
        for (task, reason) in refused {
            let error = enqueue_in(&queue, &mut transaction, [task]).await.unwrap_err();
            assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
            assert!(error.to_string().contains(reason), "{error}");
        }
        enqueue_in(&queue, &mut transaction, [task()]).await.unwrap();
        transaction.commit().await.unwrap();
        let mut transaction = client.transaction().await.unwrap();
        let again = enqueue_in(&queue, &mut transaction, [unique()]).await.unwrap().remove(0);
        assert_eq!(again.id(), held.id());
        enqueue_in(&queue, &mut transaction, [task().queue("bounded")]).await.unwrap();
        transaction.commit().await.unwrap();
    });
    assert_eq!(queue.stats("default").unwrap().ready, 2);
    assert_eq!(queue.stats("bounded").unwrap().ready, 1);
}

pub(crate) fn listeners_are_notified_once_the_transaction_is_committed() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    let Application { runtime, mut client } = Application::connect(&url(&cluster));
    let notified = listener(&url(&cluster));
    runtime.block_on(async {
        let mut transaction = client.transaction().await.unwrap();
        enqueue_in(&queue, &mut transaction, [task()]).await.unwrap();
        // The queue asks the server meanwhile.
        transaction.query("SELECT pg_sleep(0.1)", &[]).await.unwrap();
        assert!(notified.try_recv().is_err(), "not before the commit");
        transaction.commit().await.unwrap();
    });
    notified.recv_timeout(DEADLINE).unwrap();
}

pub(crate) fn listeners_are_notified_of_a_transaction_before_the_queue_is_closed() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    let Application { runtime, mut client } = Application::connect(&url(&cluster));
    let notified = listener(&url(&cluster));
    queue.enqueue(task()).unwrap();
    notified.recv_timeout(DEADLINE).unwrap();
    runtime.block_on(async {
        let mut transaction = client.transaction().await.unwrap();
        enqueue_in(&queue, &mut transaction, [task()]).await.unwrap();
        // Until then it has been asked for ever less often.
        transaction.query("SELECT pg_sleep(1.2)", &[]).await.unwrap();
        transaction.commit().await.unwrap();
    });
    drop(queue);
    notified.recv_timeout(DEADLINE).unwrap();
}

pub(crate) fn a_key_goes_on_once_a_completion_is_committed() {
    let cluster = cluster(&[]);
    let queue = queue(&url(&cluster));
    queue.set_limit("api", Limit::concurrency(1).per_key()).unwrap();
    let of_key = || task().limit("api").key("k");
    queue.enqueue(of_key()).unwrap();
    let lease = claimed(&queue);
    let Application { runtime, mut client } = Application::connect(&url(&cluster));
    runtime.block_on(async {
        let mut transaction = client.transaction().await.unwrap();
        complete_in(&queue, &mut transaction, &lease).await.unwrap();
        // It comes after the completion and is looked at before that is committed, in vain.
        let next = queue.enqueue(of_key()).unwrap().id();
        assert!(queue.claim(&Claim::new(["job"])).unwrap().is_empty());
        transaction.commit().await.unwrap();
        assert_eq!(queue.claim(&Claim::new(["job"])).unwrap()[0].id(), next);
    });
}
