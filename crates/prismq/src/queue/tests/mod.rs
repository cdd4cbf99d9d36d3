//! What only the parts of a queue can be asked, behind its public face.

mod payloads;
mod pools;
