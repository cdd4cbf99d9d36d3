//! Bounding the payload bytes of a claim.

use std::collections::HashMap;
use std::rc::Rc;

use rusqlite::types::Value;

use crate::engine::sqlite::batch::lease_note::LeaseNote;
use crate::engine::sqlite::writer::Writer;
use crate::model::{Lease, Result};

/// Sizes of payloads that are stored out of line, without reading them.
pub(crate) const SIZES: &str =
    "SELECT task, length(data) FROM prismq_payload WHERE task IN (SELECT value FROM rarray(?1))";

impl Writer {
    /// Keeps the first of these leases whose payloads fit, and releases the others. A missing payload is found when
    /// it is read.
    pub(super) fn fit(&mut self, leases: Vec<Lease>, bytes_max: usize) -> Result<Vec<Lease>> {
        let out_of_line: Vec<Value> = leases
            .iter()
            .filter(|lease| is_out_of_line(lease))
            .map(|lease| lease.key.id.as_i64().into())
            .collect();
        // One alone always fits, and payloads stored in rows are small.
        if out_of_line.len() < 2 {
            return Ok(leases);
        }
        let sizes: HashMap<i64, usize> = self
            .prepare(SIZES)?
            .query_map([Rc::new(out_of_line)], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .map_err(|error| self.failure(error))?;
        let mut kept: Vec<Lease> = Vec::with_capacity(leases.len());
        let (mut bytes, mut full) = (0_usize, false);
        for lease in leases {
            let size = match is_out_of_line(&lease) {
                true => sizes.get(&lease.key.id.as_i64()).copied().unwrap_or(0),
                false => lease.payload.len(),
            };
            full |= !kept.is_empty() && bytes.saturating_add(size) > bytes_max;
            if full {
                // The lease cannot be lost within its own transaction.
                self.release(&lease.key)?.map(drop)?;
            } else {
                bytes = bytes.saturating_add(size);
                kept.push(lease);
            }
        }
        Ok(kept)
    }
}

pub(super) fn is_out_of_line(lease: &Lease) -> bool {
    LeaseNote::from(lease.key.note).out_of_line
}
