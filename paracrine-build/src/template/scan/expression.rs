//! The scan of expressions.

use std::ops::Range;

use minijinja::Value;
use minijinja::value::Kwargs;
use paracrine_model::diagnostic::{Code, Diagnostic};

use super::super::machinery::{self, ast};
use super::super::scope::{self, Known, Scope};
use super::super::{builtins, late, scan::bind};
use super::{DEEPEST, Scan};

impl<'s> Scan<'s> {
    /// What an expression can be; says what is wrong with it.
    pub(super) fn expr(&mut self, expr: &'s ast::Expr<'s>, scope: &mut Scope<'s>) -> Known<'s> {
        let bytes = machinery::bytes(expr.span());
        match expr {
            ast::Expr::Var(var) => self.name(var.id, bytes, scope),
            ast::Expr::Const(_) => Known::Anything,
            ast::Expr::UnaryOp(unary) => {
                let known = self.expr(&unary.expr, scope);
                self.misuse_if(known.late().as_deref(), "an operator is applied to", bytes);
                Known::Anything
            }
            ast::Expr::BinOp(binary) => self.binary(binary, bytes, scope),
            ast::Expr::Compare(compare) => {
                let mut sides = vec![&compare.expr];
                sides.extend(compare.ops.iter().map(|op| &op.expr));
                for side in sides {
                    let known = self.expr(side, scope);
                    self.misuse_if(known.late().as_deref(), "something is compared with", bytes.clone());
                }
                Known::Anything
            }
            ast::Expr::IfExpr(choice) => {
                self.condition(&choice.test_expr, scope);
                let guards = scope::guards(&choice.test_expr, true);
                let one = scope.guard(guards, |scope| self.expr(&choice.true_expr, scope));
                let Some(other) = &choice.false_expr else {
                    return one;
                };
                let guards = scope::guards(&choice.test_expr, false);
                let other = scope.guard(guards, |scope| self.expr(other, scope));
                one.or(other)
            }
            ast::Expr::Filter(filter) => self.filter(filter, bytes, scope),
            ast::Expr::Test(test) => self.test(test, bytes, scope),
            ast::Expr::GetAttr(attr) => {
                let of = self.expr(&attr.expr, scope);
                self.misuse_if(of.late().as_deref(), "something is looked up in", bytes.clone());
                self.key(expr, &of, attr.name, bytes, scope);
                of.item(Some(&Value::from(attr.name)))
            }
            ast::Expr::GetItem(item) => {
                let of = self.expr(&item.expr, scope);
                self.misuse_if(of.late().as_deref(), "something is looked up in", bytes.clone());
                let by = self.expr(&item.subscript_expr, scope);
                self.misuse_if(by.late().as_deref(), "something is looked up by", bytes.clone());
                let constant = item.subscript_expr.as_const();
                if let Some(key) = constant.as_ref().and_then(Value::as_str) {
                    self.key(expr, &of, key, bytes, scope);
                }
                of.item(constant.as_ref())
            }
            ast::Expr::Slice(slice) => {
                let of = self.expr(&slice.expr, scope);
                self.misuse_if(of.late().as_deref(), "a slice is taken of", bytes.clone());
                for bound in [&slice.start, &slice.stop, &slice.step].into_iter().flatten() {
                    let bound = self.expr(bound, scope);
                    self.misuse_if(bound.late().as_deref(), "a slice is bounded by", bytes.clone());
                }
                Known::Anything
            }
            ast::Expr::Call(call) => self.call(call, bytes, scope),
            ast::Expr::List(list) => self.items(&list.items, scope),
            ast::Expr::Tuple(tuple) => self.items(&tuple.items, scope),
            ast::Expr::Map(map) => {
                self.items(&map.keys, scope);
                self.items(&map.values, scope)
            }
        }
    }

    /// A list or mapping that is written out. It is followed only for the late values in it.
    fn items(&mut self, items: &'s [ast::Expr<'s>], scope: &mut Scope<'s>) -> Known<'s> {
        let mut late = Vec::new();
        for item in items {
            if let Known::Values(values) = self.expr(item, scope) {
                late.extend(values.into_iter().filter(|value| late::within(value).is_some()));
            }
        }
        if late.is_empty() { Known::Anything } else { Known::Values(vec![Value::from(late)]) }
    }

    /// An expression whose truth is asked for.
    pub(super) fn condition(&mut self, expr: &'s ast::Expr<'s>, scope: &mut Scope<'s>) {
        let known = self.expr(expr, scope);
        if let Some(names) = known.late() {
            let error = Diagnostic::error(Code::TEMPLATE_LATE, format!("a condition looks at {names}"))
                .at(self.place(machinery::bytes(expr.span())), "its value is known only at run time")
                .help("to ask whether there is one, write `is not none`");
            self.found.push(error);
        }
    }

    fn name(&mut self, name: &'s str, bytes: Range<usize>, scope: &Scope<'s>) -> Known<'s> {
        if let Some(known) = scope.get(name) {
            return known.clone();
        }
        if builtins::FUNCTIONS.contains(&name) || name == "self" || self.quiet > 0 || scope.is_guarded(name) {
            return Known::Anything;
        }
        let error = Diagnostic::error(Code::TEMPLATE_UNDEFINED, format!("`{name}` is not defined"))
            .at(self.place(bytes), "not a name that this template is given")
            .nearest(name, scope.names());
        let named: Vec<&str> = scope.names().collect();
        let error = match (error.help.is_empty(), named.is_empty()) {
            (true, true) => {
                error.help(format!("give it where the template is used: `context! {{ {name} => … }}`"))
            }
            (true, false) => error.help(format!("it is given {}", listed(named))),
            _ => error,
        };
        self.found.push(error);
        Known::Anything
    }

    /// Reports a key that a struct or an imported template does not have.
    fn key(
        &mut self,
        expr: &ast::Expr<'_>,
        of: &Known<'s>,
        key: &str,
        bytes: Range<usize>,
        scope: &Scope<'s>,
    ) {
        let Some(keys) = of.lacks(key) else { return };
        let path = scope::path(expr);
        if self.quiet > 0 || path.as_deref().is_some_and(|path| scope.is_guarded(path)) {
            return;
        }
        let of = match expr {
            ast::Expr::GetAttr(attr) => scope::path(&attr.expr),
            ast::Expr::GetItem(item) => scope::path(&item.expr),
            _ => None,
        };
        let of = of.map_or_else(|| "what it is looked up in".to_owned(), |of| format!("`{of}`"));
        // The key stands at the end, perhaps in quotes and brackets.
        let text = self.at.source.text().get(bytes.clone()).unwrap_or_default();
        let start = text.rfind(key).map_or(bytes.start, |at| bytes.start + at);
        let end = if start == bytes.start { bytes.end } else { start + key.len() };
        let error = Diagnostic::error(Code::TEMPLATE_UNDEFINED, format!("{of} has no `{key}`"))
            .at(self.place(start..end), "not there")
            .nearest(key, keys.iter().map(String::as_str));
        let error = if error.help.is_empty() {
            error.help(format!("it has {}", listed(keys.iter().map(String::as_str).collect())))
        } else {
            error
        };
        self.found.push(error);
    }

    fn binary(
        &mut self,
        binary: &'s ast::BinOp<'s>,
        bytes: Range<usize>,
        scope: &mut Scope<'s>,
    ) -> Known<'s> {
        let left = self.expr(&binary.left, scope);
        let guards = match binary.op {
            ast::BinOpKind::ScAnd => scope::guards(&binary.left, true),
            ast::BinOpKind::ScOr => scope::guards(&binary.left, false),
            _ => Vec::new(),
        };
        let right = scope.guard(guards, |scope| self.expr(&binary.right, scope));
        let what = match binary.op {
            ast::BinOpKind::Concat => "something is joined to",
            ast::BinOpKind::Eq | ast::BinOpKind::Ne => "something is compared with",
            _ => "an operator is applied to",
        };
        for side in [left, right] {
            self.misuse_if(side.late().as_deref(), what, bytes.clone());
        }
        Known::Anything
    }

    fn filter(
        &mut self,
        filter: &'s ast::Filter<'s>,
        bytes: Range<usize>,
        scope: &mut Scope<'s>,
    ) -> Known<'s> {
        if !builtins::FILTERS.contains(&filter.name) {
            let after = filter.expr.as_ref().map_or(bytes.start, |expr| machinery::bytes(expr.span()).end);
            self.unknown("filter", filter.name, after..bytes.end.max(after), &builtins::FILTERS);
        }
        let mut known = Known::Anything;
        if let Some(expr) = &filter.expr {
            let quiet = matches!(filter.name, "default" | "d");
            known = self.quietly(quiet, |scan| scan.expr(expr, scope));
            let what = format!("filter `{}` is applied to", filter.name);
            self.misuse_if(known.late().as_deref(), &what, bytes.clone());
        }
        let what = format!("filter `{}` is given", filter.name);
        self.arguments(&filter.args, Some(&what), &bytes, scope);
        match known {
            Known::Values(values) => moved(filter, &values),
            _ => Known::Anything,
        }
    }

    fn test(&mut self, test: &'s ast::Test<'s>, bytes: Range<usize>, scope: &mut Scope<'s>) -> Known<'s> {
        if !builtins::TESTS.contains(&test.name) {
            let after = machinery::bytes(test.expr.span()).end;
            self.unknown("test", test.name, after..bytes.end.max(after), &builtins::TESTS);
        }
        let quiet = matches!(test.name, "defined" | "undefined");
        let known = self.quietly(quiet, |scan| scan.expr(&test.expr, scope));
        if !builtins::EXISTENCE.contains(&test.name) {
            let what = format!("test `{}` looks at", test.name);
            self.misuse_if(known.late().as_deref(), &what, bytes.clone());
        }
        let what = format!("test `{}` is given", test.name);
        self.arguments(&test.args, Some(&what), &bytes, scope);
        Known::Anything
    }

    fn quietly<R>(&mut self, quiet: bool, scan: impl FnOnce(&mut Self) -> R) -> R {
        self.quiet += usize::from(quiet);
        let result = scan(self);
        self.quiet -= usize::from(quiet);
        result
    }

    fn unknown(&mut self, kind: &str, name: &str, within: Range<usize>, known: &[&'static str]) {
        let text = self.at.source.text().get(within.clone()).unwrap_or_default();
        let at =
            text.find(name).map_or(within.clone(), |at| within.start + at..within.start + at + name.len());
        let words =
            known.iter().copied().filter(|known| known.starts_with(|c: char| c.is_ascii_alphabetic()));
        let error = Diagnostic::error(Code::TEMPLATE_UNKNOWN, format!("there is no {kind} `{name}`"))
            .at(self.place(at), format!("unknown {kind}"))
            .nearest(name, words);
        self.found.push(error);
    }

    /// Scans the arguments of a call; says what is wrong with late ones, where they may not be.
    fn arguments(
        &mut self,
        args: &'s [ast::CallArg<'s>],
        misuse: Option<&str>,
        bytes: &Range<usize>,
        scope: &mut Scope<'s>,
    ) -> Vec<(Option<&'s str>, Known<'s>)> {
        let mut all = Vec::new();
        for arg in args {
            let (name, expr) = match arg {
                ast::CallArg::Pos(expr) | ast::CallArg::PosSplat(expr) | ast::CallArg::KwargSplat(expr) => {
                    (None, expr)
                }
                ast::CallArg::Kwarg(name, expr) => (Some(*name), expr),
            };
            let known = self.expr(expr, scope);
            if let Some(what) = misuse {
                self.misuse_if(known.late().as_deref(), what, bytes.clone());
            }
            all.push((name, known));
        }
        all
    }

    pub(super) fn call(
        &mut self,
        call: &'s ast::Call<'s>,
        bytes: Range<usize>,
        scope: &mut Scope<'s>,
    ) -> Known<'s> {
        let called = match &call.expr {
            ast::Expr::Var(var) => {
                let is_known = scope.get(var.id).is_some() || self.quiet > 0 || scope.is_guarded(var.id);
                if !is_known && !builtins::FUNCTIONS.contains(&var.id) && var.id != "self" {
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
            // A method, or a macro of an imported template.
            ast::Expr::GetAttr(attr) => {
                let of = self.expr(&attr.expr, scope);
                self.misuse_if(of.late().as_deref(), "a method is called on", bytes.clone());
                if matches!(of, Known::Module(_)) {
                    let at = machinery::bytes(call.expr.span());
                    self.key(&call.expr, &of, attr.name, at, scope);
                }
                match of {
                    Known::Module(_) => of.item(Some(&Value::from(attr.name))),
                    _ => Known::Anything,
                }
            }
            other => self.expr(other, scope),
        };
        let args = self.arguments(&call.args, None, &bytes, scope);
        let is_builtin = matches!(&call.expr, ast::Expr::Var(var) if builtins::FUNCTIONS.contains(&var.id));
        match called {
            Known::Macro(definition) => self.expand(definition, args, scope),
            // What `namespace` and `dict` hold is not followed: with a late value they count as late.
            _ if is_builtin => {
                args.iter().find_map(|(_, known)| known.late()).map_or(Known::Anything, Known::Captured)
            }
            _ => Known::Anything,
        }
    }

    /// What a macro gives for these arguments: it is walked again if one of them is late.
    fn expand(
        &mut self,
        definition: &'s ast::Macro<'s>,
        args: Vec<(Option<&'s str>, Known<'s>)>,
        scope: &Scope<'s>,
    ) -> Known<'s> {
        if self.depth > DEEPEST {
            return Known::Anything;
        }
        self.depth += 1;
        let mut inner = self.within(definition, scope);
        for (index, (name, known)) in args.into_iter().enumerate() {
            let target = match name {
                Some(name) => {
                    definition.args.iter().find(|arg| matches!(arg, ast::Expr::Var(var) if var.id == name))
                }
                None => definition.args.get(index),
            };
            if let Some(target) = target {
                bind(target, known, &mut inner);
            }
        }
        let home = self.templates.values().find(|template| holds(template, definition));
        let before = self.at;
        self.at = home.unwrap_or(before);
        let late = self.quietly(true, |scan| scan.body(&definition.body, &mut inner));
        self.at = before;
        self.depth -= 1;
        late.map_or(Known::Anything, Known::Captured)
    }
}

/// What a filter makes of values with late ones among them, if it only moves them about; it is followed for those only.
fn moved<'s>(filter: &ast::Filter<'_>, values: &[Value]) -> Known<'s> {
    if !builtins::MOVERS.contains(&filter.name) || !values.iter().any(|value| late::within(value).is_some()) {
        return Known::Anything;
    }
    let mut args = Vec::new();
    let mut named = Vec::new();
    for arg in &filter.args {
        match arg {
            ast::CallArg::Pos(expr) => args.extend(expr.as_const()),
            ast::CallArg::Kwarg(name, expr) => named.extend(expr.as_const().map(|value| (*name, value))),
            ast::CallArg::PosSplat(_) | ast::CallArg::KwargSplat(_) => {}
        }
    }
    if args.len() + named.len() < filter.args.len() {
        return Known::Anything;
    }
    if !named.is_empty() {
        args.push(named.into_iter().collect::<Kwargs>().into());
    }
    let results = values.iter().filter_map(|value| builtins::apply(filter.name, value, &args));
    Known::of(results)
}

/// Whether a macro stands in a template.
fn holds<'s>(template: &super::Parsed<'s>, definition: &ast::Macro<'s>) -> bool {
    // Its name is a piece of the template's text.
    let text = template.source.text().as_bytes().as_ptr_range();
    text.contains(&definition.name.as_ptr())
}

/// `` `a`, `b` and 3 more ``
fn listed(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(8);
    let shown: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}
