//! What a run does with agents of all kinds.

mod conversation;
mod hostile;
mod interrupt;
mod schedule;

use crate::event::{Status, Totals};

fn numbers(totals: &Totals) -> Vec<(Status, usize)> {
    totals.hosts.iter().map(|(status, number)| (*status, *number)).collect()
}
