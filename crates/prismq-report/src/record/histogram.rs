//! Distributions, kept whole so that they can be merged and read again at any percentile.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize};
use thiserror::Error;

const ENCODING: &str = "hdr-v2-deflate-base64";

/// An `HdrHistogram` as it stands in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// Always `hdr-v2-deflate-base64`: `V2DeflateSerializer`'s bytes in base64.
    pub encoding: String,
    /// Unit of the recorded values, for example `ns`.
    pub unit: String,
    /// Significant decimal digits kept.
    pub sigfig: u8,
    /// Number of recorded values.
    pub count: u64,
    /// Smallest recorded value, in `unit`; null if there is none.
    pub min: Option<u64>,
    /// Largest recorded value, in `unit`; null if there is none.
    pub max: Option<u64>,
    /// The encoded histogram.
    pub data: String,
}

/// Why a histogram could not be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HistogramError {
    /// The encoding is not one this version reads.
    #[error("histogram encoding {found:?} is not supported; this version reads {ENCODING:?}")]
    Encoding {
        /// The encoding named in the record.
        found: String,
    },
    /// The data is damaged.
    #[error("histogram data is damaged: {reason}")]
    Damaged {
        /// What the decoder found.
        reason: String,
    },
}

impl Histogram {
    /// Encodes a histogram whose values are in `unit`.
    ///
    /// # Errors
    /// [`HistogramError::Damaged`] if the serializer refuses it, which no valid histogram causes.
    pub fn encode(
        histogram: &hdrhistogram::Histogram<u64>,
        unit: &str,
    ) -> Result<Self, HistogramError> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(histogram, &mut bytes)
            .map_err(|error| HistogramError::Damaged { reason: error.to_string() })?;
        let any = !histogram.is_empty();
        Ok(Self {
            encoding: ENCODING.to_owned(),
            unit: unit.to_owned(),
            sigfig: histogram.sigfig(),
            count: histogram.len(),
            min: any.then(|| histogram.min()),
            max: any.then(|| histogram.max()),
            data: STANDARD.encode(bytes),
        })
    }

    /// Decodes the histogram, to be merged or read at any percentile.
    ///
    /// # Errors
    /// [`HistogramError`] if the encoding is unknown or the data damaged.
    pub fn decode(&self) -> Result<hdrhistogram::Histogram<u64>, HistogramError> {
        if self.encoding != ENCODING {
            return Err(HistogramError::Encoding { found: self.encoding.clone() });
        }
        let damaged = |reason: String| HistogramError::Damaged { reason };
        let bytes = STANDARD.decode(&self.data).map_err(|error| damaged(error.to_string()))?;
        Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| damaged(error.to_string()))
    }
}
