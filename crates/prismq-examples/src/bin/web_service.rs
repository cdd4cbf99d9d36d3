//! A web service that signs users up. The user's row and the task to send a mail commit together, so that there is no
//! user without a mail and no mail without a user; a signal ends the service in good order.
//!
//! Usage: `web_service DATABASE`, then `curl --data ann@example.org http://ADDRESS/users` with the address it prints.

use std::time::Duration;

use axum::{Router, extract::State, http::StatusCode, routing::post};
use prismq::{Context, Queue, Task, TaskError, WorkerPool};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, signal::unix};

#[derive(Task, Serialize, Deserialize)]
#[task(queue = "mail", max_attempts = 8, backoff = "1s..5m", timeout = "30s")]
struct Welcome {
    email: String,
}

async fn welcome(task: Welcome, _context: Context) -> Result<(), TaskError> {
    println!("mail to {}", task.email);
    Ok(())
}

async fn sign_up(State(queue): State<Queue>, email: String) -> StatusCode {
    let signed_up = queue.transaction_async(move |tx| -> prismq::Result<_> {
        let user = "INSERT INTO user (email) VALUES (?1) ON CONFLICT DO NOTHING";
        if tx.execute(user, [&email])? == 0 {
            return Ok(StatusCode::CONFLICT);
        }
        tx.enqueue(Welcome { email }).map(|_| StatusCode::CREATED)
    });
    signed_up.await.unwrap_or_else(|error| match error.is_transient() {
        true => StatusCode::SERVICE_UNAVAILABLE, // busy or full: try again
        false => StatusCode::INTERNAL_SERVER_ERROR, // needs an operator
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "app.db".to_owned());
    let queue = Queue::attach(&path)?; // the service's own database
    queue.transaction(|tx| -> prismq::Result<()> {
        Ok(tx.execute_batch("CREATE TABLE IF NOT EXISTS user (email TEXT UNIQUE)")?)
    })?;
    let pool = WorkerPool::builder(&queue).handle_async(welcome).start()?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let app = Router::new().route("/users", post(sign_up)).with_state(queue);
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    let stop = async move { _ = terminate.recv().await };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    println!("{:?}", pool.shutdown_async(Duration::from_secs(30)).await);
    Ok(())
}
