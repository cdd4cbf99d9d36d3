//! JSON, by serde.

use std::error::Error;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Codec;

/// Values as JSON, which other programs and people can read.
///
/// A payload that does not fit its type is refused with the place in it that is wrong: `user.id: invalid type: string
/// "x", expected i64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Json {}

impl<T: Serialize + DeserializeOwned> Codec<T> for Json {
    fn encode(value: &T) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        Ok(serde_json::to_vec(value)?)
    }

    fn decode(bytes: &[u8]) -> Result<T, Box<dyn Error + Send + Sync>> {
        let mut input = serde_json::Deserializer::from_slice(bytes);
        let value = serde_path_to_error::deserialize(&mut input)?;
        input.end()?;
        Ok(value)
    }
}
