//! Notifications between the processes that use a queue: one connection of the client, that sends and hears them.
//!
//! A transaction that notifies takes a lock of the whole server until it is committed, so that a notification is sent
//! by a transaction of its own, after the commit that it is about; where there are many commits, one stands for all of
//! some milliseconds; and none is sent where no other process listens. It names the lanes (queues and types) with new
//! work: a pool that runs no tasks of these need not look. Nor does a transaction of the application's own notify: this
//! connection asks the server for a while whether it has been committed.

mod listeners;
mod new_work;
mod owed;
mod sender;

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

pub(in crate::engine::postgres::client) use self::listeners::Listener;
use self::listeners::Listeners;
pub(crate) use self::listeners::Serves;
pub(crate) use self::new_work::NewWork;
use self::owed::{Owed, Question};
use self::sender::{Sender, ask, listener_name};
use super::backoff;
use super::error::{is_of_statement, message};
use super::session::Driver;

/// How often notifications are sent on average at most: one stands for all commits of this time.
const INTERVAL: Duration = Duration::from_millis(5);
/// The same while nobody listens: asking for listeners costs the server as much as adding a task. Whoever begins to listen
/// looks for work then.
const INTERVAL_UNHEARD: Duration = Duration::from_millis(20);
/// How many more are sent at once after a pause, where somebody listens.
const BURST: u32 = 8;
/// A connection that has lasted this long is not one of several failures.
const STABLE: Duration = Duration::from_secs(10);

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
    /// The threads that wait for notifications of others, and for them to be heard again.
    listeners: Listeners,
    /// Whether notifications of others are heard now.
    pub(super) is_listening: AtomicBool,
    /// Whether they are wanted.
    listens: AtomicBool,
    owed: Owed,
    /// There is something to do.
    todo: Notify,
}

impl Notifications {
    pub(super) fn new(config: Config, tls: MakeRustlsConnect, schema: &str) -> Self {
        Self { shared: Arc::default(), config, tls, channel: schema.into(), task: Mutex::default() }
    }

    /// Notifies others soon that there is work.
    pub(super) fn send(&self, work: NewWork, runtime: &Handle) {
        if self.shared.owed.add_notification(work) {
            self.start(runtime);
            self.shared.todo.notify_one();
        }
    }

    /// Has those of this process look that wait for this work.
    pub(super) fn wake_own(&self, work: &NewWork) {
        self.shared.listeners.wake(work);
    }

    /// Notifies this process and others of this work soon after the transaction with this number has been committed.
    pub(super) fn send_after(&self, transaction: String, work: NewWork, runtime: &Handle) {
        self.shared.owed.add_transaction(transaction, work);
        self.start(runtime);
        self.shared.todo.notify_one();
    }

    /// Waits for half a second at most until others were notified of all commits so far.
    pub(super) fn close(&self) {
        self.shared.owed.close(|| self.shared.todo.notify_one());
    }

    /// Hears notifications from now on: those of lanes that are served, and those that name no lanes.
    pub(super) fn listen(&self, serves: Serves, runtime: &Handle) -> (Arc<Shared>, Arc<Listener>) {
        let listener = self.shared.listen(serves);
        self.shared.listens.store(true, Ordering::Release);
        self.start(runtime);
        self.shared.todo.notify_one();
        (self.shared.clone(), listener)
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

impl Shared {
    /// One more thread waits, for notifications of lanes that it serves and those that name no lanes.
    pub(super) fn listen(&self, serves: Serves) -> Arc<Listener> {
        self.listeners.add(serves)
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
    // Since it was last connected.
    let mut has_warned = false;
    loop {
        let began = Instant::now();
        let served = connected(&shared, &config, tls.clone(), &channel, &mut failures).await;
        has_warned &= failures > 0;
        if let Err(error) = served {
            let reason = message(&error);
            if shared.listens.load(Ordering::Acquire) && !std::mem::replace(&mut has_warned, true) {
                tracing::warn!(
                    reason,
                    "no connection for notifications: pools look for tasks every 250 ms until there is one"
                );
            } else {
                tracing::debug!(reason, "no connection for notifications");
            }
        }
        if began.elapsed() > STABLE {
            failures = 0;
        }
        shared.is_listening.store(false, Ordering::Release);
        // Whoever waits looks by itself from now on.
        shared.listeners.wake(&NewWork::Anywhere);
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
    let connected = config.connect(tls).await;
    shared.owed.set_unreachable(connected.is_err());
    let (client, connection) = connected?;
    let own = Arc::new(AtomicI32::new(0));
    let hears = hear(shared.clone(), own.clone(), connection);
    let _socket = Socketed(tokio::spawn(hears).abort_handle());
    let mut sender = Sender::new(&client, channel);
    let mut listens = false;
    // When the next would be due if all were sent at the interval.
    let mut due = tokio::time::Instant::now();
    loop {
        if !listens && shared.listens.load(Ordering::Acquire) {
            let row = client.query_one("SELECT pg_catalog.pg_backend_pid()", &[]).await?;
            own.store(row.try_get(0)?, Ordering::Release);
            let name = listener_name(channel);
            let listen = format!("SET application_name = '{name}'; LISTEN \"{channel}\"");
            client.batch_execute(&listen).await?;
            (listens, *failures) = (true, 0);
            shared.is_listening.store(true, Ordering::Release);
            // What was missed meanwhile is looked for once.
            shared.listeners.wake(&NewWork::Anywhere);
        }
        let work = shared.owed.begin_sending();
        if !work.is_none() {
            let sent = sender.send(&work.payload()).await;
            shared.owed.end_sending(if sent.is_err() { work } else { NewWork::None });
            let interval = if sent? { INTERVAL } else { INTERVAL_UNHEARD };
            *failures = 0;
            let now = tokio::time::Instant::now();
            due = due.max(now) + interval;
            tokio::time::sleep_until(now + (due - now).saturating_sub(INTERVAL * BURST)).await;
        }
        match shared.owed.question() {
            Some((question, wait)) if wait.is_zero() => {
                find_out(shared, &client, question).await?;
                *failures = 0;
            }
            // An error means that the pause is over.
            Some((_, wait)) => _ = tokio::time::timeout(wait, shared.todo.notified()).await,
            None => shared.todo.notified().await,
        }
        if client.is_closed() {
            return Ok(());
        }
    }
}

/// Asks what became of transactions of the application's. What the server refuses to say is not asked again.
async fn find_out(shared: &Shared, client: &Client, question: Question) -> Driver<()> {
    let (question, ended) = match ask(client, &question).await {
        Ok(ended) => (question, ended),
        Err(error) if is_of_statement(&error) => {
            let reason = message(&error);
            tracing::warn!(
                reason,
                "the server does not say whether transactions of the application were committed: pools look for their \
                 tasks every second"
            );
            (Question { is_last: true, ..question }, Vec::new())
        }
        Err(error) => return Err(error),
    };
    shared.listeners.wake(&shared.owed.answered(&question, &ended));
    Ok(())
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
                        shared.listeners.wake(&NewWork::from_payload(notification.payload()));
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

/// Closes a socket when its user is gone.
struct Socketed(AbortHandle);

impl Drop for Socketed {
    fn drop(&mut self) {
        self.0.abort();
    }
}
