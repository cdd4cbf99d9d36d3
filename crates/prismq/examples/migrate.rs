//! Moves the queue of a file to PostgreSQL, or goes on with a migration that was interrupted.
//!
//! ```sh
//! export PRISMQ_POSTGRES_URL=postgres://app:secret@db.example.com/app
//! cargo run --release -p prismq --features postgres --example migrate -- queue.db
//! cargo run --release -p prismq --features postgres --example migrate -- --cancel queue.db
//! ```

use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--cancel", file] => {
            prismq::postgres::cancel_migration(file)?;
            println!("{file} can be used again");
        }
        [file] => {
            // Not an argument, as every user of the machine can see those.
            let url = env::var("PRISMQ_POSTGRES_URL")
                .map_err(|_| "set PRISMQ_POSTGRES_URL to where the queue is to be moved")?;
            let report = prismq::postgres::migrate(file, &url)?;
            let how = if report.resumed { "moved, in several runs" } else { "moved" };
            println!("{} tasks {how}; the last run took {:.1?}", report.tasks, report.took);
        }
        _ => return Err("usage: migrate FILE, or migrate --cancel FILE".into()),
    }
    Ok(())
}
