//! Templates that others name: by `include`, `extends` and imports.

use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use paracrine_model::diagnostic::{Code, Diagnostic};
use paracrine_model::source::Source;

use super::super::machinery::{self, ast};
use super::super::store::Store;
use super::{DEEPEST, Parsed, Scan};

/// The template and all that it reaches by constant names.
pub(super) fn reachable(store: &Store, syntax: &SyntaxConfig, name: &str) -> Vec<(String, Arc<Source>)> {
    let mut all: Vec<(String, Arc<Source>)> = Vec::new();
    let mut next = vec![name.to_owned()];
    while let Some(name) = next.pop() {
        if all.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let Some(Ok(source)) = store.source(&name) else {
            continue;
        };
        if let Ok(ast::Stmt::Template(template)) = machinery::parse(source.text(), &name, syntax) {
            references(&template.children, &mut next);
        }
        all.push((name, source));
    }
    all
}

/// The constant names of templates that statements refer to.
fn references(body: &[ast::Stmt<'_>], names: &mut Vec<String>) {
    for statement in body {
        match statement {
            ast::Stmt::Include(include) => names.extend(constants(&include.name)),
            ast::Stmt::Extends(extends) => names.extend(constants(&extends.name)),
            ast::Stmt::Import(import) => names.extend(constants(&import.expr)),
            ast::Stmt::FromImport(import) => names.extend(constants(&import.expr)),
            other => bodies(other).into_iter().for_each(|body| references(body, names)),
        }
    }
}

/// The statements inside a statement.
pub(super) fn bodies<'a, 's>(statement: &'a ast::Stmt<'s>) -> Vec<&'a [ast::Stmt<'s>]> {
    match statement {
        ast::Stmt::Template(template) => vec![&template.children],
        ast::Stmt::ForLoop(each) => vec![&each.body, &each.else_body],
        ast::Stmt::IfCond(condition) => vec![&condition.true_body, &condition.false_body],
        ast::Stmt::WithBlock(with) => vec![&with.body],
        ast::Stmt::SetBlock(set) => vec![&set.body],
        ast::Stmt::AutoEscape(escape) => vec![&escape.body],
        ast::Stmt::FilterBlock(filter) => vec![&filter.body],
        ast::Stmt::Block(block) => vec![&block.body],
        ast::Stmt::Macro(definition) => vec![&definition.body],
        ast::Stmt::CallBlock(call) => vec![&call.macro_decl.body],
        _ => Vec::new(),
    }
}

/// The names that an expression for a template's name can have.
pub(super) fn constants(expr: &ast::Expr<'_>) -> Vec<String> {
    let Some(value) = expr.as_const() else {
        return Vec::new();
    };
    match value.as_str() {
        Some(name) => vec![name.to_owned()],
        None => value
            .try_iter()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect(),
    }
}

impl<'s> Scan<'s> {
    /// Reports templates that extend each other in a circle, or include each other whatever branch is taken.
    pub(super) fn circle(&mut self, first: &str) {
        let mut way: Vec<(&'s str, &'s ast::Expr<'s>)> = Vec::new();
        let known = self.templates.get_key_value(first);
        if let Some((name, template)) = known {
            self.follow(name, template, &mut way);
        }
    }

    fn follow(
        &mut self,
        name: &'s str,
        template: &'s Parsed<'s>,
        way: &mut Vec<(&'s str, &'s ast::Expr<'s>)>,
    ) -> bool {
        let ast::Stmt::Template(tree) = &template.tree else { return false };
        for statement in &tree.children {
            let (reference, verb) = match statement {
                ast::Stmt::Extends(extends) => (&extends.name, "extend"),
                ast::Stmt::Include(include) => (&include.name, "include"),
                _ => continue,
            };
            let mut names = constants(reference);
            let (Some(next), true) = (names.pop(), names.is_empty()) else { continue };
            let Some((next, inner)) = self.templates.get_key_value(next.as_str()) else { continue };
            way.push((name, reference));
            if let Some(begin) = way.iter().position(|(known, _)| known == next) {
                let names: Vec<String> = way[begin..].iter().map(|(name, _)| format!("`{name}`")).collect();
                let message = match names.as_slice() {
                    [_] => format!("template `{next}` {verb}s itself"),
                    _ => format!("templates {verb} each other in a circle: {} → `{next}`", names.join(" → ")),
                };
                let before = std::mem::replace(&mut self.at, template);
                let error = Diagnostic::error(Code::TEMPLATE_FAILED, message)
                    .at(self.place(machinery::bytes(reference.span())), "leads back to it");
                self.at = before;
                self.found.push(error);
                return true;
            }
            if way.len() < DEEPEST && self.follow(next, inner, way) {
                return true;
            }
            way.pop();
        }
        false
    }
}
