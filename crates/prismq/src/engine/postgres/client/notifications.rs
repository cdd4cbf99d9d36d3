//! Notifications between the processes that use a queue: one connection of the client, that sends and hears them.
//!
//! A transaction that notifies takes a lock of the whole database until it is committed, so that a notification is sent
//! by a transaction of its own, after the commit that it is about; for many commits in a short time it is
//! sent once; and not at all where no other process listens. Nor does a transaction of the application's own notify: this
//! connection asks the server for a while whether it has been committed.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_postgres::types::Type;
use tokio_postgres::{AsyncMessage, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::backoff;
use super::error::message;
use super::session::Driver;
use crate::time::Signal;

/// How often notifications are sent on average at most: one stands for all commits of this time.
const INTERVAL: Duration = Duration::from_millis(5);
/// How many more are sent at once after a pause.
const BURST: u32 = 8;
/// For how long a queue that is closed waits until its last notification was sent.
const LAST_MAX: Duration = Duration::from_millis(250);
/// For how long it is asked whether a transaction of the application's has been committed. Later, pools find its tasks as
/// they look now and then.
const AWAIT_MAX: Duration = Duration::from_secs(5);
/// The shortest and the longest pause between two such questions; in between, a fraction of the time that has passed.
const AWAIT_PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));
/// Which of these transactions have ended, and whether they have been committed.
const ENDED: &str = "SELECT k.number, s.status = 'committed' \
    FROM unnest($1::pg_catalog.text[]) k (number), \
    LATERAL (SELECT pg_catalog.pg_xact_status(k.number::pg_catalog.xid8)) s (status) \
    WHERE s.status IS DISTINCT FROM 'in progress'";
/// What the name of a session begins with that listens, by which others know of it.
const LISTENER: &str = "prismq listener ";
/// The longest name of a session.
const NAME_BYTES_MAX: usize = 63;

/// Notifies the sessions that listen, other than this one, if there are any. The channel is named as the schema is.
const NOTIFY: &str = "SELECT pg_catalog.pg_notify($1, '') WHERE EXISTS (\
    SELECT FROM pg_catalog.pg_stat_activity WHERE application_name = $2 AND pid <> pg_catalog.pg_backend_pid())";

/// The connection that sends and hears notifications: made when it is first needed, and anew when it is lost.
pub(super) struct Notifications {
    shared: Arc<Shared>,
    /// How to connect.
    config: Config,
    tls: MakeRustlsConnect,
    channel: Arc<str>,
    task: Mutex<Option<AbortHandle>>,
}

/// What threads of this process share with the connection.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Raised with every notification of others, and once they can be heard again.
    pub(super) heard: Signal,
    /// Whether notifications of others are heard now.
    pub(super) is_listening: AtomicBool,
    /// Whether they are wanted.
    listens: AtomicBool,
    /// Whether one is to be sent.
    pending: AtomicBool,
    /// Whether one is being sent.
    sending: AtomicBool,
    /// Raised once one was sent, or need not be.
    sent: Signal,
    /// Transactions of the application's that bring work once they are committed: their numbers, and since when.
    awaited: Mutex<Vec<(String, Instant)>>,
    /// There is something to do.
    todo: Notify,
}

impl Shared {
    fn awaited(&self) -> MutexGuard<'_, Vec<(String, Instant)>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The transactions that are awaited, and how long to pause before they are asked for.
    fn next_question(&self) -> Option<(Vec<String>, Duration)> {
        let mut awaited = self.awaited();
        awaited.retain(|(_, since)| since.elapsed() < AWAIT_MAX);
        let (_, last) = awaited.last()?;
        let pause = (last.elapsed() / 4).clamp(AWAIT_PAUSES.0, AWAIT_PAUSES.1);
        Some((awaited.iter().map(|(number, _)| number.clone()).collect(), pause))
    }

    /// These have ended, and those of them that were committed brought work.
    fn ended(&self, ended: &[(String, bool)]) {
        self.awaited().retain(|(number, _)| ended.iter().all(|(ended, _)| ended != number));
        if ended.iter().any(|(_, committed)| *committed) {
            self.heard.raise();
            self.pending.store(true, Ordering::Release);
        }
        self.sent.raise();
    }

    /// Whether others are still to hear of something.
    fn owes(&self) -> bool {
        self.pending.load(Ordering::Acquire)
            || self.sending.load(Ordering::Acquire)
            || !self.awaited().is_empty()
    }

    /// Sends one for all commits so far.
    async fn send(&self, sends: impl Future<Output = Driver<u64>>) -> Driver<()> {
        // First, so that it is owed all the time.
        self.sending.store(true, Ordering::Release);
        self.pending.store(false, Ordering::Release);
        let sent = sends.await;
        if sent.is_err() {
            self.pending.store(true, Ordering::Release);
        }
        self.sending.store(false, Ordering::Release);
        self.sent.raise();
        sent.map(|_| ())
    }
}

impl Notifications {
    pub(super) fn new(config: Config, tls: MakeRustlsConnect, schema: &str) -> Self {
        Self { shared: Arc::default(), config, tls, channel: schema.into(), task: Mutex::default() }
    }

    /// Notifies others soon that there is work.
    pub(super) fn send(&self, runtime: &Handle) {
        if !self.shared.pending.swap(true, Ordering::AcqRel) {
            self.start(runtime);
            self.shared.todo.notify_one();
        }
    }

    /// Notifies this process and others soon after the transaction with this number has been committed.
    pub(super) fn send_after(&self, transaction: String, runtime: &Handle) {
        self.shared.awaited().push((transaction, Instant::now()));
        self.start(runtime);
        self.shared.todo.notify_one();
    }

    /// Waits for a moment until what was committed so far has been notified: a process that ends right after its commit
    /// would otherwise take the notification with it.
    pub(super) fn flush(&self) {
        let until = Instant::now() + LAST_MAX;
        loop {
            let seen = self.shared.sent.count();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.shared.owes() {
                return;
            }
            self.shared.sent.wait(seen, Some(left));
        }
    }

    /// Hears notifications from now on.
    pub(super) fn listen(&self, runtime: &Handle) -> Arc<Shared> {
        self.shared.listens.store(true, Ordering::Release);
        self.start(runtime);
        self.shared.todo.notify_one();
        self.shared.clone()
    }

    fn start(&self, runtime: &Handle) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.is_none() {
            let (config, tls) = (self.config.clone(), self.tls.clone());
            let served = serve(self.shared.clone(), config, tls, self.channel.clone());
            *task = Some(runtime.spawn(served).abort_handle());
        }
    }
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifications").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// Keeps the connection for as long as the client exists.
async fn serve(shared: Arc<Shared>, config: Config, tls: MakeRustlsConnect, channel: Arc<str>) {
    let mut failures = 0_u32;
    loop {
        match connected(&shared, &config, tls.clone(), &channel, &mut failures).await {
            Ok(()) => {}
            Err(error) => {
                let reason = message(&error);
                tracing::debug!(
                    reason,
                    "no connection for notifications: looking for work instead"
                );
            }
        }
        shared.is_listening.store(false, Ordering::Release);
        // Whoever waits looks by itself from now on.
        shared.heard.raise();
        failures = failures.saturating_add(1);
        tokio::time::sleep(backoff::reconnect(failures, fastrand::f64())).await;
    }
}

/// Connects, then sends and hears notifications until the connection is lost.
async fn connected(
    shared: &Arc<Shared>,
    config: &Config,
    tls: MakeRustlsConnect,
    channel: &Arc<str>,
    failures: &mut u32,
) -> Driver<()> {
    let (client, connection) = config.connect(tls).await?;
    let own = Arc::new(AtomicI32::new(0));
    let hears = hear(shared.clone(), own.clone(), connection);
    let _socket = Socketed(tokio::spawn(hears).abort_handle());
    let row = client.query_one("SELECT pg_catalog.pg_backend_pid()", &[]).await?;
    own.store(row.try_get(0)?, Ordering::Release);
    let name = session_name(channel);
    let notify = client.prepare_typed(NOTIFY, &[Type::TEXT, Type::TEXT]).await?;
    let ended = client.prepare_typed(ENDED, &[Type::TEXT_ARRAY]).await?;
    let mut listens = false;
    // When the next would be due if all were sent at the interval.
    let mut due = tokio::time::Instant::now();
    loop {
        if !listens && shared.listens.load(Ordering::Acquire) {
            let listen = format!("SET application_name = '{name}'; LISTEN \"{channel}\"");
            client.batch_execute(&listen).await?;
            listens = true;
            shared.is_listening.store(true, Ordering::Release);
            // What was missed meanwhile is looked for once.
            shared.heard.raise();
        }
        *failures = 0;
        if shared.pending.load(Ordering::Acquire) {
            shared.send(client.execute(&notify, &[&&**channel, &name])).await?;
            let now = tokio::time::Instant::now();
            due = due.max(now) + INTERVAL;
            tokio::time::sleep_until(now + (due - now).saturating_sub(INTERVAL * BURST)).await;
        } else if let Some((numbers, pause)) = shared.next_question() {
            // An error means that the pause is over.
            _ = tokio::time::timeout(pause, shared.todo.notified()).await;
            let rows = client.query(&ended, &[&numbers]).await?;
            let ended = rows.iter().map(|row| {
                Ok((row.try_get(0)?, row.try_get::<_, Option<bool>>(1)?.unwrap_or(false)))
            });
            shared.ended(&ended.collect::<Driver<Vec<_>>>()?);
        } else {
            shared.todo.notified().await;
        }
        if client.is_closed() {
            return Ok(());
        }
    }
}

/// Serves the socket and passes on what others send than the process `own` of the server, until the connection is
/// lost.
async fn hear<S>(shared: Arc<Shared>, own: Arc<AtomicI32>, mut connection: Connection<Socket, S>)
where
    S: tokio_postgres::tls::TlsStream + Unpin,
{
    let lost = poll_fn(|context| {
        loop {
            match ready!(connection.poll_message(context)) {
                Some(Ok(AsyncMessage::Notification(notification))) => {
                    if notification.process_id() != own.load(Ordering::Acquire) {
                        shared.heard.raise();
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Some(message(&error))),
                None => return Poll::Ready(None),
            }
        }
    });
    if let Some(reason) = lost.await {
        tracing::debug!(reason, "connection for notifications lost");
    }
    shared.todo.notify_one();
}

/// The name of sessions that hear of this schema, as long as the server keeps.
fn session_name(schema: &str) -> String {
    let mut name = format!("{LISTENER}{schema}");
    name.truncate(NAME_BYTES_MAX);
    name
}

/// Closes a socket when its user is gone.
struct Socketed(AbortHandle);

impl Drop for Socketed {
    fn drop(&mut self) {
        self.0.abort();
    }
}
