//! The engine's syntax trees, which it does not promise to keep as they are: no other module names them.

use minijinja::Error;
pub(super) use minijinja::machinery::Span;
pub(super) use minijinja::machinery::ast;
use minijinja::syntax::SyntaxConfig;

/// The tree of a template.
pub(super) fn parse<'s>(
    source: &'s str,
    name: &'s str,
    syntax: &SyntaxConfig,
) -> Result<ast::Stmt<'s>, Error> {
    minijinja::machinery::parse(source, name, syntax.clone())
}

/// The bytes that a span covers.
pub(super) fn bytes(span: Span) -> std::ops::Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}
