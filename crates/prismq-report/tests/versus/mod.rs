//! Queues side by side: who is ranked with whom, and what is said of each.

mod page;
