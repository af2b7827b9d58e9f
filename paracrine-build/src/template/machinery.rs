//! The engine's syntax trees, which it does not promise to keep as they are: no other module names them.

use minijinja::Error;
pub(super) use minijinja::machinery::ast;
pub(super) use minijinja::machinery::{Span, Token};
use minijinja::syntax::SyntaxConfig;

/// The tree of a template.
pub(super) fn parse<'s>(
    source: &'s str,
    name: &'s str,
    syntax: &SyntaxConfig,
) -> Result<ast::Stmt<'s>, Error> {
    minijinja::machinery::parse(source, name, syntax.clone())
}

/// The words of a template, until the first that is none.
pub(super) fn tokens<'s>(
    source: &'s str,
    syntax: &SyntaxConfig,
) -> impl Iterator<Item = Result<(Token<'s>, Span), Error>> {
    minijinja::machinery::tokenize(source, false, syntax.clone())
}

/// The bytes that a span covers.
pub(super) fn bytes(span: Span) -> std::ops::Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}
