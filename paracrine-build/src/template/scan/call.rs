//! The scan of calls: functions, macros, methods.

use std::ops::Range;
use std::rc::Rc;

use minijinja::Value;
use paracrine_model::diagnostic::{Code, Diagnostic};

use super::super::machinery::{self, ast};
use super::super::scope::{CALLS_OF_LOOP, Known, Lacking, Scope};
use super::super::{builtins, scan::bind, scope};
use super::{DEEPEST, MOST_WALKS, Missed, Parsed, Scan, lacking, methods};

impl<'s> Scan<'s> {
    pub(super) fn call(
        &mut self,
        call: &'s ast::Call<'s>,
        bytes: Range<usize>,
        scope: &mut Scope<'s>,
    ) -> Known<'s> {
        let called = match &call.expr {
            ast::Expr::Var(var) => {
                let is_known = scope.get(var.id).is_some() || scope.is_guarded(var.id);
                let is_quiet = self.quiet + self.expanding > 0;
                if !is_known && !is_quiet && !builtins::FUNCTIONS.contains(&var.id) && var.id != "self" {
                    let macros: Vec<&str> = scope
                        .names()
                        .filter(|name| matches!(scope.get(name), Some(Known::Macro(_))))
                        .chain(builtins::FUNCTIONS)
                        .collect();
                    let at = machinery::bytes(call.expr.span());
                    let error = Diagnostic::error(
                        Code::TEMPLATE_UNKNOWN,
                        format!("there is no function `{}`", var.id),
                    )
                    .at(self.place(at), "unknown function")
                    .nearest(var.id, macros);
                    self.found.push(error);
                }
                scope.get(var.id).cloned().unwrap_or(Known::Anything)
            }
            // A block of this template.
            ast::Expr::GetAttr(attr) if matches!(&attr.expr, ast::Expr::Var(var) if var.id == "self") => {
                Known::Anything
            }
            // A method, or a macro of an imported template.
            ast::Expr::GetAttr(attr) => {
                let of = self.expr(&attr.expr, scope);
                self.misuse_if(of.late().as_deref(), "a method is called on", bytes.clone());
                match of {
                    Known::Module(_) => {
                        let at = machinery::bytes(call.expr.span());
                        self.key(&call.expr, &of, attr.name, at, scope);
                        of.item(Some(&Value::from(attr.name)))
                    }
                    Known::Loop if CALLS_OF_LOOP.contains(&attr.name) => Known::Anything,
                    // That has been said.
                    _ if of.late().is_some() => Known::Anything,
                    _ => {
                        self.method(call, attr, &of);
                        Known::Anything
                    }
                }
            }
            other => self.expr(other, scope),
        };
        let args = self.arguments(&call.args, None, &bytes, scope);
        let is_builtin = matches!(&call.expr, ast::Expr::Var(var) if builtins::FUNCTIONS.contains(&var.id));
        match called {
            Known::Macro(definition) => {
                // `{% call %}` and what stands for several arguments leave open which there are.
                let is_plain =
                    call.args.iter().all(|arg| matches!(arg, ast::CallArg::Pos(_) | ast::CallArg::Kwarg(..)));
                let complete = is_plain && !self.too_many(definition, call, &bytes);
                self.expand(definition, args, complete.then_some(bytes), scope)
            }
            // What `namespace` and `dict` hold is not followed: with a late value they count as late.
            _ if is_builtin => {
                args.iter().find_map(|(_, known)| known.late()).map_or(Known::Anything, Known::Captured)
            }
            _ => Known::Anything,
        }
    }

    /// Reports a method of Python, with what takes its place.
    fn method(&mut self, call: &'s ast::Call<'s>, attr: &'s ast::GetAttr<'s>, of: &Known<'s>) {
        let text = self.at.source.text();
        let args: Vec<&str> = call
            .args
            .iter()
            .filter_map(|arg| match arg {
                ast::CallArg::Pos(expr) => text.get(machinery::bytes(expr.span())),
                _ => None,
            })
            .collect();
        let instead = methods::instead(attr.name, self.receiver(&attr.expr), &args);
        let what = match (of, of.plain()) {
            (Known::Loop, _) => "`loop`",
            (_, Some(plain)) => plain.word(),
            (Known::Values(values), _)
                if values
                    .iter()
                    .any(|value| value.get_attr(attr.name).is_ok_and(|there| !there.is_undefined())) =>
            {
                return;
            }
            _ if instead.is_none() => return,
            _ => "a value",
        };
        let at = self.place_of_key(attr.name, machinery::bytes(call.expr.span()));
        let error = Diagnostic::error(
            Code::TEMPLATE_UNKNOWN,
            format!("{what} has no method `{}` in templates", attr.name),
        )
        .at(at, "a method of Python's");
        self.found.push(match instead {
            Some(instead) => error.help(format!("write `{instead}`")),
            None => error,
        });
    }

    /// How the receiver of a method is written, where that is plain enough to be written again.
    pub(super) fn receiver(&self, expr: &ast::Expr<'_>) -> &'s str {
        let is_plain = scope::path(expr).is_some() || matches!(expr, ast::Expr::Const(_));
        let written = self.at.source.text().get(machinery::bytes(expr.span()));
        written.filter(|_| is_plain).unwrap_or("…")
    }

    /// Reports arguments that a macro does not have; whether there are any.
    fn too_many(
        &mut self,
        definition: &'s ast::Macro<'s>,
        call: &'s ast::Call<'s>,
        bytes: &Range<usize>,
    ) -> bool {
        let mut any = false;
        let name = definition.name;
        let known: Vec<&str> = definition.args.iter().filter_map(argument).collect();
        let by_place = call.args.iter().filter(|arg| matches!(arg, ast::CallArg::Pos(_))).count();
        if by_place > definition.args.len() {
            let message = format!("macro `{name}` takes {} arguments, not {by_place}", definition.args.len());
            let error =
                Diagnostic::error(Code::TEMPLATE_FAILED, message).at(self.place(bytes.clone()), "this call");
            self.found.push(error);
            any = true;
        }
        for arg in &call.args {
            let ast::CallArg::Kwarg(argument, _) = arg else { continue };
            if !known.contains(argument) && *argument != "caller" {
                let message = format!("macro `{name}` has no argument `{argument}`");
                let error = Diagnostic::error(Code::TEMPLATE_FAILED, message)
                    .at(self.place(bytes.clone()), "this call")
                    .nearest(argument, known.iter().copied());
                self.found.push(error);
                any = true;
            }
        }
        any
    }

    /// What a macro gives for these arguments: it is walked again, with them. `call`: where all arguments are written that it
    /// is given.
    fn expand(
        &mut self,
        definition: &'s ast::Macro<'s>,
        args: Vec<(Option<&'s str>, Known<'s>)>,
        call: Option<Range<usize>>,
        scope: &Scope<'s>,
    ) -> Known<'s> {
        if self.depth > DEEPEST || self.walks > MOST_WALKS {
            return Known::Anything;
        }
        self.depth += 1;
        self.walks += 1;
        let mut inner = self.within(definition, scope);
        if let Some(call) = call {
            let needed = definition.args.len() - definition.defaults.len().min(definition.args.len());
            for name in definition.args.iter().take(needed).filter_map(argument) {
                let lacking = Lacking {
                    name: definition.name.to_owned(),
                    argument: name.to_owned(),
                    call: self.place(call.clone()),
                    branches: self.branches,
                    quiet: self.quiet,
                };
                inner.set(name, Known::Missing(Rc::new(lacking)));
            }
        }
        for (index, (name, known)) in args.into_iter().enumerate() {
            let target = match name {
                Some(name) => definition.args.iter().find(|arg| argument(arg) == Some(name)),
                None => definition.args.get(index),
            };
            if let Some(target) = target {
                bind(target, known, &mut inner);
            }
        }
        let home = self.templates.values().find(|template| holds(template, definition));
        let before = self.at;
        self.at = home.unwrap_or(before);
        self.expanding += 1;
        let late = self.body(&definition.body, &mut inner);
        self.expanding -= 1;
        self.at = before;
        self.depth -= 1;
        late.map_or(Known::Anything, Known::Captured)
    }

    /// An argument that a call lacks is used.
    pub(super) fn missed(&mut self, missing: &Rc<Lacking>, bytes: Range<usize>) {
        if self.quiet > missing.quiet {
            return;
        }
        if self.branches == missing.branches {
            let used = self.place(bytes);
            self.found.push(lacking(missing, used));
        } else if let Some((name, _)) =
            self.templates.iter().find(|(_, template)| std::ptr::eq(*template, self.at))
        {
            self.missed.push(Missed { template: (*name).to_owned(), bytes, lacking: Rc::clone(missing) });
        }
    }
}

/// The name of a macro's argument.
fn argument<'s>(arg: &ast::Expr<'s>) -> Option<&'s str> {
    match arg {
        ast::Expr::Var(var) => Some(var.id),
        _ => None,
    }
}

/// Whether a macro stands in a template.
fn holds<'s>(template: &Parsed<'s>, definition: &ast::Macro<'s>) -> bool {
    // Its name is a piece of the template's text.
    let text = template.source.text().as_bytes().as_ptr_range();
    text.contains(&definition.name.as_ptr())
}
