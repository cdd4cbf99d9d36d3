//! Sessions that hear notifications.

use std::future::poll_fn;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use tokio_postgres::{AsyncMessage, NoTls};

/// Hears as a pool does what is notified from now on, the payloads, until the receiver is dropped.
pub(crate) fn listener(url: &str) -> Receiver<String> {
    named_listener(url, "prismq listener prismq")
}

/// The same by a session of another name.
pub(crate) fn named_listener(url: &str, name: &str) -> Receiver<String> {
    let name = format!("SET application_name = '{name}'; LISTEN prismq");
    let (url, (send, heard), (ready, listens)) = (url.to_owned(), channel(), channel());
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, mut connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
            let listening = tokio::spawn(async move {
                client.batch_execute(&name).await.unwrap();
                ready.send(()).unwrap();
                client
            });
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notification(notification) = message
                    && send.send(notification.payload().to_owned()).is_err()
                {
                    break;
                }
            }
            listening.abort();
        });
    });
    listens.recv().unwrap();
    heard
}
