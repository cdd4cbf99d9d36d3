//! The calls of asynchronous code: as futures under any executor.

mod blocking;
mod calls;
mod dropped;
mod ends;
mod handlers;
mod handles;
mod pools;
mod queues;
mod transactions;
