//! A connection to the server for references, with one statement at a time.

use std::fmt;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

use super::known_url;
use crate::subject::local::LocalError;

/// The settings that prismq's own connections have: a plan's cost must not depend on what the planner believes of tables
/// that change all the time.
const SETTINGS: &str = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; SET jit = off; \
    SET plan_cache_mode = force_generic_plan; SET client_min_messages = warning";

/// A connection, with the schema of a database in its search path.
pub struct Connection {
    client: Client,
    runtime: Runtime,
    schema: String,
}

impl Connection {
    /// Connects; the schema need not be there.
    pub(super) fn open(schema: &str) -> Result<Self, LocalError> {
        let url = known_url()?;
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(LocalError::Thread)?;
        let (client, connection) = runtime.block_on(tokio_postgres::connect(url, NoTls))?;
        runtime.spawn(connection);
        let connection = Self { client, runtime, schema: schema.to_owned() };
        connection.run(&format!("{SETTINGS}; SET search_path = \"{schema}\""))?;
        Ok(connection)
    }

    /// Whether its commits wait for the disk.
    ///
    /// # Errors
    /// The server's.
    pub fn wait_for_disk(&self, wait: bool) -> Result<(), LocalError> {
        self.run(if wait { "SET synchronous_commit = on" } else { "SET synchronous_commit = off" })
    }

    /// Makes the schema with these tables.
    ///
    /// # Errors
    /// The server's.
    pub fn create(&self, tables: &str) -> Result<(), LocalError> {
        self.run(&format!("CREATE SCHEMA \"{}\"; {tables}", self.schema))
    }

    /// Prepares a statement.
    ///
    /// # Errors
    /// The server's.
    pub fn prepare(&self, sql: &str) -> Result<Statement, LocalError> {
        Ok(self.runtime.block_on(self.client.prepare(sql))?)
    }

    /// Runs a statement in a transaction of its own.
    ///
    /// # Errors
    /// The server's.
    pub fn query(
        &self,
        statement: &Statement,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, LocalError> {
        Ok(self.runtime.block_on(self.client.query(statement, values))?)
    }

    /// Runs statements without values.
    ///
    /// # Errors
    /// The server's.
    pub fn run(&self, sql: &str) -> Result<(), LocalError> {
        Ok(self.runtime.block_on(self.client.batch_execute(sql))?)
    }

    /// Deletes the tasks of a queue's tables, and keeps its lanes.
    pub(super) fn clear(&self) -> Result<(), LocalError> {
        self.run("TRUNCATE task, ready, scheduled, expiry, counter, counter_delta")
    }

    pub(super) fn drop_schema(&self) -> Result<(), LocalError> {
        self.run(&format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.schema))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// A count as the server takes it.
#[must_use]
pub fn as_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
