//! Whether a text is YAML at all, whatever it says.

use granit_parser::{Options, Parser};

use super::syntax;
use crate::diagnostic::Diagnostic;
use crate::source::Source;

/// What keeps a text from being YAML, of any number of documents and with any tags.
pub fn well_formed(source: &Source) -> Option<Diagnostic> {
    let mut events = Parser::new_from_str_with_options(source.text(), Options::default());
    let error = events.find_map(Result::err)?;
    Some(syntax::diagnostic(source, &error, None))
}
