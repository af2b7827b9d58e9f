//! Draws the stream of events: for people, and as JSON lines for programs.

mod diff;
mod escape;
mod json;
mod live;
pub(crate) mod plan;
pub(crate) mod plan_diff;
mod style;
mod task;
mod terminal;
#[cfg(test)]
mod tests;

pub(crate) use escape::{json as escaped_json, line as escaped_line, lines as escaped_lines};
pub(crate) use json::Json;
pub(crate) use live::{Bars, Lines};
pub(crate) use style::{DIM, ERROR, HELP, STRONG, WARNING, count, paint};
pub(crate) use terminal::Terminal;

use crate::event::Event;

/// Something that is told all events in order.
pub(crate) trait Report {
    /// Draws an event, or keeps what it needs of it for later.
    fn event(&mut self, event: &Event);

    /// Some time has gone by.
    fn tick(&mut self) {}

    /// Why what was drawn is not where it should be; asked at the end.
    fn lost(&self) -> Option<String> {
        None
    }
}
