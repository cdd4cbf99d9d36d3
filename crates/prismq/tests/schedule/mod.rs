//! Schedules: when they fire, what becomes of missed slots, and changing them while processes use the file.

mod changes;
mod clock;
mod cron;
mod example;
mod firing;
mod pools;
mod room;
mod tasks;
