//! A session that hears notifications as a pool's does.

use std::future::poll_fn;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use tokio_postgres::{AsyncMessage, NoTls};

/// Hears what is notified from now on, until the receiver is dropped.
pub(crate) fn listener(url: &str) -> Receiver<()> {
    let (url, (send, heard), (ready, listens)) = (url.to_owned(), channel(), channel());
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, mut connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
            let listening = tokio::spawn(async move {
                let name = "SET application_name = 'prismq listener prismq'; LISTEN prismq";
                client.batch_execute(name).await.unwrap();
                ready.send(()).unwrap();
                client
            });
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if matches!(message, AsyncMessage::Notification(_)) && send.send(()).is_err() {
                    break;
                }
            }
            listening.abort();
        });
    });
    listens.recv().unwrap();
    heard
}
