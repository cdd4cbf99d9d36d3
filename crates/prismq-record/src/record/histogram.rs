//! Distributions, kept whole so that they can be merged and read again at any percentile.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::{Deserialize, Serialize};
use thiserror::Error;

const ENCODING: &str = "hdr-v2-deflate-base64";

/// The most bytes of an inflated histogram. One of three digits over all of `u64` with a large count in every
/// bin has half a mebibyte.
const INFLATED_MAX: u64 = 4 << 20;
/// Most significant digits: with more, an empty histogram alone takes tens of mebibytes.
const SIGFIG_MAX: u32 = 4;
/// Largest value a histogram may track, as in other implementations of the format.
const VALUE_MAX: u64 = u64::MAX >> 1;
/// Most values a histogram may count, below which every sum of counts is exact.
const COUNT_MAX: u64 = 1 << 53;
/// Cookie of the compressed envelope, which its length follows.
const ENVELOPE_COOKIE: [u8; 4] = 0x1c84_9314_u32.to_be_bytes();
/// Cookie of the histogram within.
const INNER_COOKIE: [u8; 4] = 0x1c84_9313_u32.to_be_bytes();
/// Cookie, length of the counts, offset, digits, lowest and highest value, ratio.
const HEADER_BYTES: usize = 40;

/// An `HdrHistogram` as it stands in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// [`HistogramError`] if the encoding is unknown, the data damaged, or not as its fields describe it.
    pub fn decode(&self) -> Result<hdrhistogram::Histogram<u64>, HistogramError> {
        if self.encoding != ENCODING {
            return Err(HistogramError::Encoding { found: self.encoding.clone() });
        }
        let damaged = |reason: String| HistogramError::Damaged { reason };
        let bytes = STANDARD.decode(&self.data).map_err(|error| damaged(error.to_string()))?;
        let inflated = inflate(&bytes).map_err(damaged)?;
        let histogram: hdrhistogram::Histogram<u64> = Deserializer::new()
            .deserialize(&mut inflated.as_slice())
            .map_err(|error| damaged(error.to_string()))?;
        if histogram.len() != self.count || self.count > COUNT_MAX {
            let found = histogram.len();
            return Err(damaged(format!("it holds {found} values instead of {}", self.count)));
        }
        Ok(histogram)
    }
}

/// The histogram within its envelope, checked so that decoding it takes little memory and overflows nothing:
/// the decoder trusts every length and bound in it.
fn inflate(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let Some((ENVELOPE_COOKIE, rest)) = bytes.split_first_chunk().map(|(head, rest)| (*head, rest))
    else {
        return Err("it does not begin as a compressed histogram".to_owned());
    };
    let compressed = rest.get(4..).unwrap_or_default();
    let mut inflated = Vec::new();
    ZlibDecoder::new(compressed)
        .take(INFLATED_MAX + 1)
        .read_to_end(&mut inflated)
        .map_err(|error| error.to_string())?;
    if inflated.len() as u64 > INFLATED_MAX {
        return Err(format!("it inflates to more than {INFLATED_MAX} bytes"));
    }
    if inflated.len() < HEADER_BYTES || !inflated.starts_with(&INNER_COOKIE) {
        return Err("it contains no histogram".to_owned());
    }
    let counts = inflated.get(HEADER_BYTES..).unwrap_or_default();
    let length = number(&inflated, 4, 4);
    if length != counts.len() as u64 {
        return Err(format!("its counts take {} bytes instead of {length}", counts.len()));
    }
    let digits = number(&inflated, 12, 4);
    if digits > u64::from(SIGFIG_MAX) {
        return Err(format!("it keeps {digits} digits, at most {SIGFIG_MAX} are read"));
    }
    let highest = number(&inflated, 24, 8);
    if highest > VALUE_MAX {
        return Err(format!("it tracks values up to {highest}, at most {VALUE_MAX} are read"));
    }
    // The one run of zeros whose length has no positive counterpart.
    if counts.windows(9).any(|window| window == [0xff; 9]) {
        return Err("a count in it is out of range".to_owned());
    }
    Ok(inflated)
}

/// The big-endian number of `length` bytes at `offset`.
fn number(bytes: &[u8], offset: usize, length: usize) -> u64 {
    let digits = bytes.get(offset..offset + length).unwrap_or_default();
    digits.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
