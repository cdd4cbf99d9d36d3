//! Reading columns of a row.

use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::model::{Error, Result};
use crate::time::Timestamp;

/// Reads columns without panicking where the row is not what the statement should return.
pub(crate) trait Columns {
    /// The column with this index.
    fn column<'a, T: FromSql<'a>>(&'a self, index: usize) -> Result<T>;

    /// The time in the column with this index.
    fn time(&self, index: usize) -> Result<Timestamp> {
        self.column(index).map(Timestamp::from_micros)
    }

    /// The time in the column with this index, if there is one.
    fn time_if_any(&self, index: usize) -> Result<Option<Timestamp>> {
        let micros: Option<i64> = self.column(index)?;
        Ok(micros.map(Timestamp::from_micros))
    }

    /// The count in the column with this index.
    fn count<N: TryFrom<i64> + Default>(&self, index: usize) -> Result<N> {
        let count: i64 = self.column(index)?;
        Ok(N::try_from(count).unwrap_or_default())
    }

    /// The number above zero in the column with this index.
    fn number(&self, index: usize) -> Result<u32> {
        let number: i32 = self.column(index)?;
        Ok(u32::try_from(number).unwrap_or(0))
    }
}

impl Columns for Row {
    fn column<'a, T: FromSql<'a>>(&'a self, index: usize) -> Result<T> {
        self.try_get(index).map_err(|error| Error::Database { source: Arc::new(error) })
    }
}
