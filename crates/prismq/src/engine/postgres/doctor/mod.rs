//! What keeps the tables of a queue from being cleaned: who holds old rows, how many there are, and settings that are
//! missing.
//!
//! A row that was deleted is removed by vacuum once no transaction of the whole server may still see it. Until then
//! every claim passes over those before its place.

mod report;

pub use self::report::{Diagnosis, Holder, HolderKind, TableHealth};

use std::time::Duration;

use super::client::{Columns, Row};
use super::reader::Reading;
use crate::model::Result;

/// The tables of a schema: rows, dead rows, bytes, when vacuum last ended, settings, and the age of its oldest row in
/// transactions.
const TABLES: &str = "SELECT s.relname::text, s.n_live_tup, s.n_dead_tup, pg_catalog.pg_total_relation_size(s.relid),
         (extract(epoch FROM greatest(s.last_vacuum, s.last_autovacuum)) * 1000000)::bigint,
         coalesce(pg_catalog.array_to_string(c.reloptions, ' '), ''), pg_catalog.age(c.relfrozenxid)::bigint
     FROM pg_catalog.pg_stat_all_tables s JOIN pg_catalog.pg_class c ON c.oid = s.relid
     WHERE s.schemaname = $1 ORDER BY s.n_dead_tup DESC, s.relname";
/// Who keeps rows from being removed, those first that hold the oldest: kind, name, age in transactions and, where it
/// is known, in microseconds. A session sees its own snapshot alone, and those of no other database.
const HOLDERS: &str = "SELECT * FROM (
     SELECT 0 AS kind, pg_catalog.format('process %s (%s, %s)', pid, application_name, usename) AS name,
            pg_catalog.age(backend_xmin)::bigint AS age,
            (extract(epoch FROM clock_timestamp() - xact_start) * 1000000)::bigint AS since
     FROM pg_catalog.pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_catalog.pg_backend_pid()
         AND backend_type = 'client backend' AND datname = pg_catalog.current_database()
     UNION ALL SELECT 1, slot_name::text, greatest(pg_catalog.age(xmin), pg_catalog.age(catalog_xmin))::bigint, NULL
     FROM pg_catalog.pg_replication_slots WHERE xmin IS NOT NULL
     UNION ALL SELECT 2, gid, pg_catalog.age(transaction)::bigint,
            (extract(epoch FROM clock_timestamp() - prepared) * 1000000)::bigint
     FROM pg_catalog.pg_prepared_xacts WHERE database = pg_catalog.current_database()
     UNION ALL SELECT 3, application_name, pg_catalog.age(backend_xmin)::bigint, NULL
     FROM pg_catalog.pg_stat_replication WHERE backend_xmin IS NOT NULL) h
     WHERE age IS NOT NULL ORDER BY age DESC, kind LIMIT 20";
/// Whether the server cleans tables by itself.
const CLEANS: &str = "SELECT pg_catalog.current_setting('autovacuum')::boolean
     AND pg_catalog.current_setting('track_counts')::boolean";

impl Reading<'_> {
    /// Looks at the tables and at what keeps them from being cleaned.
    pub(crate) fn diagnose(self) -> Result<Diagnosis> {
        let tables = self.rows(TABLES, &[&self.client.schema()])?;
        let holders = self.rows(HOLDERS, &[])?;
        let cleans = self.row(CLEANS, &[])?.map_or(Ok(true), |row| row.column(0))?;
        let tables = tables.iter().map(table).collect::<Result<_>>()?;
        let holders = holders.iter().map(holder).collect::<Result<_>>()?;
        Ok(Diagnosis::new(self.client.schema(), tables, holders, cleans))
    }
}

fn table(row: &Row) -> Result<TableHealth> {
    let options: &str = row.column(5)?;
    let is_set = |option: &str| options.split(' ').any(|set| set == option);
    Ok(TableHealth {
        name: row.column(0)?,
        rows: row.count(1)?,
        dead_rows: row.count(2)?,
        bytes: row.count(3)?,
        vacuumed_at: row.time_if_any(4)?,
        is_vacuumed: !is_set("autovacuum_enabled=false") && !is_set("autovacuum_enabled=off"),
        follows_closely: is_set("autovacuum_vacuum_scale_factor=0"),
        transaction_age: row.count(6)?,
    })
}

fn holder(row: &Row) -> Result<Holder> {
    let since: Option<i64> = row.column(3)?;
    Ok(Holder {
        kind: match row.column::<i32>(0)? {
            0 => HolderKind::Session,
            1 => HolderKind::ReplicationSlot,
            2 => HolderKind::PreparedTransaction,
            _ => HolderKind::Standby,
        },
        name: row.column(1)?,
        transactions: row.count(2)?,
        since: since.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0))),
    })
}
