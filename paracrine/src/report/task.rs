//! One task's report in lines.

use paracrine_model::protocol::{Difference, Failure, OldContent, Outcome};

use super::diff::{Line, diff};
use super::style::{ADD, CHANGE, DIM, ERROR, HELP, MAY, REMOVE, STRONG, paint, seconds};
use super::{escape, plan};
use crate::event::TaskReport;

/// More lines of a diff are shown only on request.
pub(crate) const MOST_LINES: usize = 60;
/// More lines of a new file are shown only on request.
pub(crate) const MOST_NEW_LINES: usize = 10;

/// A task's report: a headline, and below it what differs.
pub(crate) fn task(report: &TaskReport, verbose: bool) -> String {
    let task = &report.task;
    let sign = match &report.report.outcome {
        Outcome::Failed(_) => paint(ERROR, "!"),
        Outcome::MayChange { .. } => paint(MAY, "?"),
        Outcome::Changed => sign(&report.report.differences),
    };
    let mut shown = format!(
        "  {sign} {} {}  {}",
        escape::line(&task.kind),
        paint(STRONG, escape::line(&task.name)),
        paint(DIM, format_args!("({}:{})", escape::line(&task.origin.file), task.origin.line))
    );
    if verbose {
        let took = std::time::Duration::from_micros(report.report.microseconds);
        shown += &format!("  {}", paint(DIM, seconds(took)));
    }
    shown.push('\n');
    let told = |difference: &Difference| !matches!(difference, Difference::Create);
    let alone = !report.report.differences.iter().any(told);
    for difference in &report.report.differences {
        match difference {
            // The sign says it; where it does not, a line does.
            Difference::Create => {
                if alone && !matches!(report.report.outcome, Outcome::Changed) {
                    shown += "      is not there\n";
                }
                shown += &created(report, verbose);
            }
            Difference::Remove { what } => shown += &format!("      remove: {}\n", escape::line(what)),
            Difference::Attribute { name, before, after } => {
                let before =
                    before.as_ref().map(|before| format!("{} → ", value(before))).unwrap_or_default();
                shown += &format!("      {} {before}{}\n", escape::line(name), value(after));
            }
            Difference::Content { before } => {
                shown += &content(&diff(before, report.content.as_ref()), most(verbose, MOST_LINES));
            }
            Difference::Action { verb, because } => {
                shown += &format!("      {}: {}\n", escape::line(verb), escape::line(because));
            }
        }
    }
    match &report.report.outcome {
        Outcome::Changed => {}
        Outcome::MayChange { because } => shown += &format!("      may change: {}\n", escape::line(because)),
        Outcome::Failed(why) => shown += &failure(why, "      "),
    }
    shown
}

/// A failure's message, the output that goes with it, and what to do; each line indented.
pub(crate) fn failure(failure: &Failure, indent: &str) -> String {
    let mut shown = format!("{indent}{}\n", paint(ERROR, escape::line(&failure.message)));
    for line in failure.output.iter().flat_map(|output| output.lines()) {
        shown += &format!("{indent}{} {}\n", paint(DIM, "│"), escape::lines(line));
    }
    for line in failure.help.iter().flat_map(|help| help.lines()) {
        shown += &format!("{indent}{} {}\n", paint(HELP, "help:"), escape::line(line));
    }
    shown
}

/// How many lines are shown.
pub(crate) fn most(verbose: bool, otherwise: usize) -> usize {
    if verbose { usize::MAX } else { otherwise }
}

/// What something that is not there will be, as far as the agent has not said so.
fn created(report: &TaskReport, verbose: bool) -> String {
    let said = |attribute: &str| {
        report.report.differences.iter().any(|difference| match difference {
            Difference::Attribute { name, .. } => name == attribute,
            Difference::Content { .. } => attribute == "content",
            _ => false,
        })
    };
    // A content is shown below.
    let idle =
        |name: &str, value: &str| is_idle(name, value) || (name == "content" && report.content.is_some());
    let attributes =
        report.attributes.iter().filter(|(name, value)| !said(name) && !idle(name, value)).cloned();
    let mut shown = plan::attributes(attributes);
    if !said("content") && report.content.is_some() {
        shown += &content(&diff(&OldContent::None, report.content.as_ref()), most(verbose, MOST_NEW_LINES));
    }
    shown
}

/// Attributes of something new that say no more than that it will be there.
pub(crate) fn is_idle(name: &str, value: &str) -> bool {
    matches!((name, value), ("present", "true") | ("state", "present"))
}

fn sign(differences: &[Difference]) -> String {
    let create = differences.contains(&Difference::Create);
    let remove = differences.iter().any(|difference| matches!(difference, Difference::Remove { .. }));
    let only_remove = remove && differences.len() == 1;
    match (create, remove) {
        (true, false) => paint(ADD, "+"),
        (false, true) if only_remove => paint(REMOVE, "-"),
        // Also what takes the place of something else.
        _ => paint(CHANGE, "~"),
    }
}

fn value(value: &str) -> String {
    if value.is_empty() { "(nothing)".to_owned() } else { escape::line(value) }
}

/// A diff of contents, indented as below a task.
pub(crate) fn content(lines: &[Line], most: usize) -> String {
    let mut shown = String::new();
    for line in lines.iter().take(most) {
        shown += "      ";
        shown += &match line {
            Line::Hunk(text) => paint(MAY, text),
            Line::Same(text) => format!(" {}", escape::lines(text)),
            Line::Old(text) => paint(REMOVE, format_args!("-{}", escape::lines(text))),
            Line::New(text) => paint(ADD, format_args!("+{}", escape::lines(text))),
            Line::Note(text) => paint(DIM, text),
        };
        shown.push('\n');
    }
    if let Some(more @ 1..) = lines.len().checked_sub(most) {
        shown += &format!("      {}\n", paint(DIM, format_args!("… {more} more lines, shown with -v")));
    }
    shown
}
