//! Who draws the events of a run.

use std::io::IsTerminal;

use crate::cli::args::Format;
use crate::report::{Bars, Json, Lines, Report, Terminal};

/// What goes to standard output, and what moves on a terminal meanwhile.
pub(in crate::cli) fn reports(format: Format, verbose: bool) -> Vec<Box<dyn Report>> {
    // The live lines first: they are gone when the report is written.
    let mut reports: Vec<Box<dyn Report>> = Vec::new();
    if std::io::stderr().is_terminal() {
        reports.push(Box::new(Bars::new()));
    } else if verbose {
        reports.push(Box::new(Lines::new(anstream::stderr())));
    }
    reports.push(match format {
        Format::Text => Box::new(Terminal::new(anstream::stdout(), verbose)),
        Format::Json => Box::new(Json::new(std::io::stdout())),
    });
    reports
}
