//! Settings of the server that decide how durable a commit is, read back.

use std::collections::BTreeMap;

use prismq_driver_server::SETTINGS;
use sqlx::PgPool;

pub(crate) async fn read(pool: &PgPool) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let mut settings = BTreeMap::new();
    for name in SETTINGS {
        let setting = sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(pool);
        settings.insert(name.to_owned(), setting.await?);
    }
    Ok(settings)
}
