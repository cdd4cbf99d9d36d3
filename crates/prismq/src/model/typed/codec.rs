//! How values become bytes and back.

use std::error::Error;

/// Turns values into bytes and back: a format for payloads, and for what handlers return.
///
/// [`Json`](crate::Json) is one. Another is a type that implements this trait for every value that its format can hold.
///
/// # Examples
/// ```
/// use std::error::Error;
/// use prismq::Codec;
///
/// /// Numbers as eight bytes.
/// enum BigEndian {}
///
/// impl Codec<u64> for BigEndian {
///     fn encode(value: &u64) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
///         Ok(value.to_be_bytes().to_vec())
///     }
///
///     fn decode(bytes: &[u8]) -> Result<u64, Box<dyn Error + Send + Sync>> {
///         Ok(u64::from_be_bytes(bytes.try_into()?))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the codec `{Self}` cannot encode and decode `{T}`",
    label = "not a codec of `{T}`"
)]
pub trait Codec<T> {
    /// The bytes of a value.
    ///
    /// # Errors
    /// The format cannot hold it: it is not enqueued.
    fn encode(value: &T) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>>;

    /// The value of these bytes.
    ///
    /// # Errors
    /// They hold no such value, and say best where they are wrong: the task becomes a dead letter with this text.
    fn decode(bytes: &[u8]) -> Result<T, Box<dyn Error + Send + Sync>>;
}
