//! A task ends once, by its completion or its death, and nothing happens to it afterwards.

use super::no_loss::is_death;
use crate::checker::Finding;
use crate::checker::facts::{Call, Delivery, Facts};
use crate::history::Op;

pub(in crate::checker) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (key, trace) in &facts.traces {
        let is_end =
            |call: &&Call<'_>| call.is_ok() && (call.begun.op == Op::Complete || is_death(call));
        let ends: Vec<&Call<'_>> = trace.uses().filter(is_end).collect();
        if ends.len() > 1 {
            let what = format!("task {key} ended {} times", ends.len());
            found.push(Finding::about([*key], what));
            continue;
        }
        let Some(end) = ends.first() else {
            continue;
        };
        // A pool may have claimed it long before it runs it, but not under a later token than the last.
        let after = |given: &&Delivery<'_>| {
            let later = given.is_run() && Some(given.token()) > end.begun.token;
            later || given.begun_ns > end.ended_ns()
        };
        let again = trace.claims.iter().find(after);
        if let Some(again) = again {
            let what =
                format!("task {key} had ended and was given again, under token {}", again.token());
            found.push(Finding::about([*key], what));
        }
        let late = trace.uses().find(|call| call.is_ok() && call.begun.t_mono_ns > end.ended_ns());
        if let Some(late) = late {
            let what =
                format!("task {key} had ended, and yet a later {} was accepted", late.begun.op);
            found.push(Finding::about([*key], what));
        }
    }
    found
}
