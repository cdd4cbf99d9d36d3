//! Settings of the server that decide how durable a commit is, read back.

use std::collections::BTreeMap;

use sqlx::PgPool;

const NAMES: [&str; 6] = [
    "server_version",
    "synchronous_commit",
    "fsync",
    "wal_sync_method",
    "shared_buffers",
    "full_page_writes",
];

pub(crate) async fn read(pool: &PgPool) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let mut settings = BTreeMap::new();
    for name in NAMES {
        let setting = sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(pool);
        settings.insert(name.to_owned(), setting.await?);
    }
    Ok(settings)
}
