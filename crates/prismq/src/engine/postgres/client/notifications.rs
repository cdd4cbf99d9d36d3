//! Notifications between the processes that use a queue: one connection of the client, that sends and hears them.
//!
//! A transaction that notifies takes a lock of the whole database until it is committed, so that a notification is sent
//! by a transaction of its own, after the commit that it is about; where there are many commits, one stands for all of
//! some milliseconds; and none is sent where no other process listens. Nor does a transaction of the application's own
//! notify: this connection asks the server for a while whether it has been committed.

use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::backoff;
use super::error::{is_of_statement, message};
use super::session::Driver;
use crate::time::Signal;

/// How often notifications are sent on average at most: one stands for all commits of this time.
const INTERVAL: Duration = Duration::from_millis(5);
/// How many more are sent at once after a pause.
const BURST: u32 = 8;
/// For how long a queue that is closed waits until its last notification was sent.
const LAST_MAX: Duration = Duration::from_millis(500);
/// For how long it is asked whether a transaction of the application's has been committed. Later, pools find its tasks as
/// they look now and then.
const AWAIT_MAX: Duration = Duration::from_secs(5);
/// The shortest and the longest pause between two such questions; in between, a fraction of the time that has passed.
const AWAIT_PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));
/// Which of these transactions have ended, and whether they have been committed. One in the future, which a failover has
/// lost, would be an error.
const ENDED: &str = "SELECT k.number, s.status = 'committed' \
    FROM unnest($1::pg_catalog.text[]) k (number), \
    LATERAL (SELECT CASE WHEN k.number::pg_catalog.xid8 < pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()) \
        THEN pg_catalog.pg_xact_status(k.number::pg_catalog.xid8) ELSE 'in progress' END) s (status) \
    WHERE s.status IS DISTINCT FROM 'in progress'";
/// A connection that has lasted this long is not one of several failures.
const STABLE: Duration = Duration::from_secs(10);
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
    owed: Mutex<Owed>,
    /// Raised when less is owed.
    settled: Signal,
    /// There is something to do.
    todo: Notify,
}

/// What others are still to hear of.
#[derive(Debug, Default)]
struct Owed {
    /// Whether a notification is to be sent.
    pending: bool,
    /// Whether one is being sent.
    sending: bool,
    /// Transactions of the application's that bring work once they are committed: their numbers, and since when.
    awaited: Vec<(String, Instant)>,
    /// When it was last asked what became of them.
    asked: Option<Instant>,
    /// Whether the last attempt to connect has failed.
    unreachable: bool,
    /// Whether the queue is closed: each transaction is asked for once more.
    closing: bool,
}

impl Owed {
    fn is_nothing(&self) -> bool {
        !self.pending && !self.sending && self.awaited.is_empty()
    }

    /// Gives up transactions that are open for too long; whether there were any.
    fn prune(&mut self, now: Instant) -> bool {
        let before = self.awaited.len();
        self.awaited.retain(|(_, since)| now.duration_since(*since) < AWAIT_MAX);
        self.awaited.len() < before
    }

    /// The question for the transactions that are awaited, and how long to pause before it.
    fn question(&self, now: Instant) -> Option<(Question, Duration)> {
        let (_, last) = self.awaited.last()?;
        let pause = match self.closing {
            true => AWAIT_PAUSES.0,
            false => (now.duration_since(*last) / 4).clamp(AWAIT_PAUSES.0, AWAIT_PAUSES.1),
        };
        let next = self.asked.unwrap_or(*last) + pause;
        let numbers = self.awaited.iter().map(|(number, _)| number.clone()).collect();
        let question = Question { numbers, is_last: self.closing };
        Some((question, next.saturating_duration_since(now)))
    }
}

/// What became of these transactions?
#[derive(Debug, PartialEq, Eq)]
struct Question {
    numbers: Vec<String>,
    /// Whether it is not asked again: the queue was closed before.
    is_last: bool,
}

impl Shared {
    fn owed(&self) -> MutexGuard<'_, Owed> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next question, once those are left out that were asked for long enough.
    fn question(&self) -> Option<(Question, Duration)> {
        let (now, mut owed) = (Instant::now(), self.owed());
        let (pruned, question) = (owed.prune(now), owed.question(now));
        drop(owed);
        if pruned {
            self.settled.raise();
        }
        question
    }

    /// These of the transactions have ended, and those of them that were committed brought work.
    fn answered(&self, question: &Question, ended: &[(String, bool)]) {
        let committed = ended.iter().any(|(_, committed)| *committed);
        let mut owed = self.owed();
        owed.awaited.retain(|(number, _)| match question.is_last {
            true => !question.numbers.contains(number),
            false => ended.iter().all(|(ended, _)| ended != number),
        });
        owed.asked = Some(Instant::now());
        owed.pending |= committed;
        drop(owed);
        if committed {
            self.heard.raise();
        }
        self.settled.raise();
    }

    /// Whether one is to be sent now; it stands for all commits so far.
    fn begin_sending(&self) -> bool {
        let mut owed = self.owed();
        owed.sending = std::mem::take(&mut owed.pending);
        owed.sending
    }

    /// It was sent, or is to be sent again.
    fn end_sending(&self, again: bool) {
        let mut owed = self.owed();
        owed.sending = false;
        owed.pending |= again;
        drop(owed);
        self.settled.raise();
    }

    fn set_unreachable(&self, unreachable: bool) {
        self.owed().unreachable = unreachable;
        self.settled.raise();
    }
}

impl Notifications {
    pub(super) fn new(config: Config, tls: MakeRustlsConnect, schema: &str) -> Self {
        Self { shared: Arc::default(), config, tls, channel: schema.into(), task: Mutex::default() }
    }

    /// Notifies others soon that there is work.
    pub(super) fn send(&self, runtime: &Handle) {
        if !std::mem::replace(&mut self.shared.owed().pending, true) {
            self.start(runtime);
            self.shared.todo.notify_one();
        }
    }

    /// Notifies this process and others soon after the transaction with this number has been committed.
    pub(super) fn send_after(&self, transaction: String, runtime: &Handle) {
        let (now, mut owed) = (Instant::now(), self.shared.owed());
        // They would gather where there is no connection to ask by.
        owed.prune(now);
        owed.awaited.push((transaction, now));
        drop(owed);
        self.start(runtime);
        self.shared.todo.notify_one();
    }

    /// Waits for a moment until what was committed so far has been notified: a process that ends right after its commit
    /// would otherwise take the notification with it. Does not wait for a server that cannot be reached, nor for
    /// transactions that are still open.
    pub(super) fn flush(&self) {
        let until = Instant::now() + LAST_MAX;
        self.shared.owed().closing = true;
        self.shared.todo.notify_one();
        loop {
            let seen = self.shared.settled.count();
            let owed = self.shared.owed();
            if owed.is_nothing() {
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            let unreachable = owed.unreachable;
            drop(owed);
            if unreachable || left.is_zero() {
                tracing::debug!("closed before other processes were notified: they look for work");
                return;
            }
            self.shared.settled.wait(seen, Some(left));
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
        let began = Instant::now();
        if let Err(error) = connected(&shared, &config, tls.clone(), &channel, &mut failures).await
        {
            let reason = message(&error);
            tracing::debug!(reason, "no connection for notifications: looking for work instead");
        }
        if began.elapsed() > STABLE {
            failures = 0;
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
    let connected = config.connect(tls).await;
    shared.set_unreachable(connected.is_err());
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
            let name = session_name(channel);
            let listen = format!("SET application_name = '{name}'; LISTEN \"{channel}\"");
            client.batch_execute(&listen).await?;
            (listens, *failures) = (true, 0);
            shared.is_listening.store(true, Ordering::Release);
            // What was missed meanwhile is looked for once.
            shared.heard.raise();
        }
        if shared.begin_sending() {
            let sent = sender.send().await;
            shared.end_sending(sent.is_err());
            sent?;
            *failures = 0;
            let now = tokio::time::Instant::now();
            due = due.max(now) + INTERVAL;
            tokio::time::sleep_until(now + (due - now).saturating_sub(INTERVAL * BURST)).await;
        }
        match shared.question() {
            Some((question, wait)) if wait.is_zero() => {
                match ask(&client, &question).await {
                    Ok(ended) => shared.answered(&question, &ended),
                    Err(error) if is_of_statement(&error) => {
                        let reason = message(&error);
                        tracing::warn!(
                            reason,
                            "the server does not say whether transactions of the application were committed: pools look \
                             for their tasks every second"
                        );
                        shared.answered(&Question { is_last: true, ..question }, &[]);
                    }
                    Err(error) => return Err(error),
                }
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

/// Which of these transactions have ended, and whether they have been committed.
async fn ask(client: &Client, question: &Question) -> Driver<Vec<(String, bool)>> {
    let params: [(&(dyn ToSql + Sync), Type); 1] = [(&question.numbers, Type::TEXT_ARRAY)];
    let rows = client.query_typed(ENDED, &params).await?;
    let ended = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get::<_, Option<bool>>(1)?.unwrap_or(false))));
    ended.collect()
}

/// Sends notifications on one connection.
struct Sender<'a> {
    client: &'a Client,
    channel: &'a str,
    listeners: String,
    /// Prepared once it is sent again: a program that ends after the first is not kept waiting.
    notify: Option<Statement>,
    sent: bool,
    failing: bool,
}

impl<'a> Sender<'a> {
    fn new(client: &'a Client, channel: &'a str) -> Self {
        let listeners = session_name(channel);
        Self { client, channel, listeners, notify: None, sent: false, failing: false }
    }

    /// Sends one. What the server refuses is logged and not sent again: others look by themselves.
    ///
    /// # Errors
    /// The connection is lost.
    async fn send(&mut self) -> Driver<()> {
        let sent = self.try_send().await;
        let Some(refusal) = sent.as_ref().err().filter(|error| is_of_statement(error)) else {
            self.failing = false;
            return sent;
        };
        // What was prepared may be gone.
        (self.notify, self.sent) = (None, false);
        if !std::mem::replace(&mut self.failing, true) {
            let reason = message(refusal);
            tracing::warn!(
                reason,
                "the server refuses to notify other processes of new tasks: they look for them every second"
            );
        }
        Ok(())
    }

    async fn try_send(&mut self) -> Driver<()> {
        if std::mem::replace(&mut self.sent, true) && self.notify.is_none() {
            let types = &[Type::TEXT, Type::TEXT];
            self.notify = Some(self.client.prepare_typed(NOTIFY, types).await?);
        }
        match &self.notify {
            Some(notify) => {
                self.client.execute(notify, &[&self.channel, &self.listeners]).await?;
            }
            None => {
                let params: [(&(dyn ToSql + Sync), Type); 2] =
                    [(&self.channel, Type::TEXT), (&self.listeners, Type::TEXT)];
                self.client.query_typed(NOTIFY, &params).await?;
            }
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn awaiting(since: Duration) -> Shared {
        let shared = Shared::default();
        shared.owed().awaited.push(("7".to_owned(), Instant::now() - since));
        shared
    }

    fn pause(shared: &Shared) -> Duration {
        shared.owed().question(Instant::now()).unwrap().1
    }

    #[test]
    fn a_transaction_is_asked_for_less_often_as_time_passes_and_at_once_when_the_queue_is_closed() {
        let shared = awaiting(Duration::from_secs(2));
        shared.owed().asked = Some(Instant::now());
        assert!(pause(&shared) > AWAIT_PAUSES.1 / 2);
        shared.owed().closing = true;
        assert!(pause(&shared) <= AWAIT_PAUSES.0);
    }

    #[test]
    fn a_transaction_that_stays_open_is_given_up() {
        let shared = awaiting(AWAIT_MAX);
        let seen = shared.settled.count();
        assert_eq!(shared.question(), None);
        assert!(shared.owed().is_nothing() && shared.settled.count() > seen);

        let shared = awaiting(Duration::ZERO);
        let question = || shared.owed().question(Instant::now()).unwrap().0;
        let before = question();
        shared.owed().closing = true;
        shared.answered(&before, &[]);
        assert!(!shared.owed().is_nothing(), "it may have been committed since");
        shared.answered(&question(), &[]);
        assert!(shared.owed().is_nothing(), "a queue that is closed asks once more");
    }

    #[test]
    fn a_notification_is_owed_until_it_was_sent() {
        let shared = Shared::default();
        assert!(!shared.begin_sending() && shared.owed().is_nothing());
        let question = Question { numbers: Vec::new(), is_last: false };
        shared.answered(&question, &[("7".to_owned(), true)]);
        assert!(shared.begin_sending() && !shared.owed().is_nothing());
        shared.end_sending(true);
        assert!(!shared.owed().is_nothing(), "it was not sent");
        assert!(shared.begin_sending());
        shared.end_sending(false);
        assert!(shared.owed().is_nothing());
    }
}
