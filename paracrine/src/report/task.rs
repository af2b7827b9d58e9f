//! One task's report in lines.

use paracrine_model::protocol::{Difference, Failure, Outcome};

use super::diff::{Line, diff};
use super::escape;
use super::style::{ADD, CHANGE, DIM, ERROR, HELP, MAY, REMOVE, STRONG, paint, seconds};
use crate::event::TaskReport;

/// More lines of a diff are shown only on request.
const MOST_LINES: usize = 60;

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
            Difference::Create if matches!(report.report.outcome, Outcome::Changed) || !alone => {}
            Difference::Create => shown += "      is not there\n",
            Difference::Remove { what } => shown += &format!("      remove: {}\n", escape::line(what)),
            Difference::Attribute { name, before, after } => {
                let before = before.as_ref().map(|before| format!("{} → ", value(before))).unwrap_or_default();
                shown += &format!("      {} {before}{}\n", escape::line(name), value(after));
            }
            Difference::Content { before } => {
                shown += &content(&diff(before, report.content.as_ref()), verbose);
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

fn sign(differences: &[Difference]) -> String {
    if differences.contains(&Difference::Create) {
        paint(ADD, "+")
    } else if !differences.is_empty() && differences.iter().all(|d| matches!(d, Difference::Remove { .. })) {
        paint(REMOVE, "-")
    } else {
        paint(CHANGE, "~")
    }
}

fn value(value: &str) -> String {
    if value.is_empty() { "(nothing)".to_owned() } else { escape::line(value) }
}

/// A diff of contents, indented as below a task.
pub(crate) fn content(lines: &[Line], verbose: bool) -> String {
    let most = if verbose { usize::MAX } else { MOST_LINES };
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
