//! The scan of expressions.

use std::ops::Range;

use minijinja::Value;
use minijinja::value::Kwargs;
use paracrine_model::diagnostic::{Code, Diagnostic, Place};

use super::super::machinery::{self, ast};
use super::super::scope::{self, Known, Plain, Scope};
use super::super::{builtins, late};
use super::kinds::{self, Comparison};
use super::{Scan, methods};

impl<'s> Scan<'s> {
    /// What an expression can be; says what is wrong with it.
    pub(super) fn expr(&mut self, expr: &'s ast::Expr<'s>, scope: &mut Scope<'s>) -> Known<'s> {
        let bytes = machinery::bytes(expr.span());
        match expr {
            ast::Expr::Var(var) => self.name(var.id, bytes, scope),
            ast::Expr::Const(constant) => Known::Values(vec![constant.value.clone()]),
            ast::Expr::UnaryOp(unary) => {
                let known = self.expr(&unary.expr, scope);
                self.misuse_if(known.late().as_deref(), "an operator is applied to", bytes);
                Known::Anything
            }
            ast::Expr::BinOp(binary) => self.binary(binary, bytes, scope),
            ast::Expr::Compare(compare) => {
                let mut left = (&compare.expr, self.expr(&compare.expr, scope));
                self.misuse_if(left.1.late().as_deref(), "something is compared with", bytes.clone());
                for op in &compare.ops {
                    let right = (&op.expr, self.expr(&op.expr, scope));
                    self.misuse_if(right.1.late().as_deref(), "something is compared with", bytes.clone());
                    self.unlike(Comparison::of(op.op), &left, &right, &bytes);
                    left = right;
                }
                Known::Kind(Plain::Bool)
            }
            ast::Expr::IfExpr(choice) => {
                self.condition(&choice.test_expr, scope);
                let guards = scope::guards(&choice.test_expr, true);
                let one = self.branch(guards, scope, |scan, scope| scan.expr(&choice.true_expr, scope));
                let Some(other) = &choice.false_expr else {
                    return one;
                };
                let guards = scope::guards(&choice.test_expr, false);
                let other = self.branch(guards, scope, |scan, scope| scan.expr(other, scope));
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
            if let Known::Missing(lacking) = known
                && !scope.is_guarded(name)
            {
                self.missed(&lacking.clone(), bytes);
            }
            return known.clone();
        }
        let is_known = builtins::FUNCTIONS.contains(&name) || name == "self" || scope.is_guarded(name);
        if is_known || self.quiet + self.expanding > 0 {
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
    pub(super) fn key(
        &mut self,
        expr: &ast::Expr<'_>,
        of: &Known<'s>,
        key: &str,
        bytes: Range<usize>,
        scope: &Scope<'s>,
    ) {
        let path = scope::path(expr);
        if self.quiet + self.expanding > 0 || path.as_deref().is_some_and(|path| scope.is_guarded(path)) {
            return;
        }
        let inner = match expr {
            ast::Expr::GetAttr(attr) => Some(&attr.expr),
            ast::Expr::GetItem(item) => Some(&item.expr),
            _ => None,
        };
        let path = inner.and_then(scope::path);
        let named = path.map_or_else(|| "what it is looked up in".to_owned(), |of| format!("`{of}`"));
        if let Some(plain) = of.plain() {
            // Where a condition asks about it, it may be something else in this branch.
            if inner.is_some_and(|inner| !scope.is_asked(inner)) {
                self.nothing_in(plain, &named, key, bytes, inner);
            }
            return;
        }
        let Some(keys) = of.lacks(key) else { return };
        let of = named;
        let error = Diagnostic::error(Code::TEMPLATE_UNDEFINED, format!("{of} has no `{key}`"))
            .at(self.place_of_key(key, bytes), "not there")
            .nearest(key, keys.iter().map(String::as_str));
        let error = if error.help.is_empty() {
            error.help(format!("it has {}", listed(keys.iter().map(String::as_str).collect())))
        } else {
            error
        };
        self.found.push(error);
    }

    /// The place of a key, which stands at the end of these bytes, perhaps in quotes and brackets.
    pub(super) fn place_of_key(&self, key: &str, bytes: Range<usize>) -> Place {
        let text = self.at.source.text().get(bytes.clone()).unwrap_or_default();
        let start = text.rfind(key).map_or(bytes.start, |at| bytes.start + at);
        let end = if start == bytes.start { bytes.end } else { start + key.len() };
        self.place(start..end)
    }

    /// Reports that something is looked up by name in a value that has no names in it.
    fn nothing_in(
        &mut self,
        plain: Plain,
        of: &str,
        key: &str,
        bytes: Range<usize>,
        inner: Option<&ast::Expr<'_>>,
    ) {
        let message = format!("{of} is {}, which has no `{key}`", plain.word());
        let error = Diagnostic::error(Code::TEMPLATE_UNDEFINED, message)
            .at(self.place_of_key(key, bytes), "not there");
        let receiver = inner.map_or("…", |inner| self.receiver(inner));
        // `name.upper`, which is a call that lacks its brackets.
        let instead = methods::instead(key, receiver, &[]).filter(|instead| !instead.contains('…'));
        let error = match (instead, plain) {
            (Some(instead), _) => error.help(format!("write `{instead}`")),
            (None, Plain::List) => {
                error.help(format!("look into its items: `{{% for item in {receiver} %}}`"))
            }
            _ => error,
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
        let right = match binary.op {
            ast::BinOpKind::ScAnd | ast::BinOpKind::ScOr => {
                let holds = matches!(binary.op, ast::BinOpKind::ScAnd);
                let guards = scope::guards(&binary.left, holds);
                self.branch(guards, scope, |scan, scope| scan.expr(&binary.right, scope))
            }
            _ => self.expr(&binary.right, scope),
        };
        let what = match binary.op {
            ast::BinOpKind::Concat => "something is joined to",
            ast::BinOpKind::Eq | ast::BinOpKind::Ne => "something is compared with",
            _ => "an operator is applied to",
        };
        for side in [&left, &right] {
            self.misuse_if(side.late().as_deref(), what, bytes.clone());
        }
        let (left, right) = ((&binary.left, left), (&binary.right, right));
        self.unlike(Comparison::of_operator(binary.op), &left, &right, &bytes);
        kinds::of_operator(binary.op, &left.1, &right.1)
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
        if matches!(known, Known::Macro(_) | Known::Callable(_)) && filter.name != "default" {
            if let Some(expr) = &filter.expr {
                self.placed(expr, &known);
            }
            return Known::Anything;
        }
        match known {
            Known::Values(values) if values.iter().any(|value| late::within(value).is_some()) => {
                moved(filter, &values)
            }
            _ => kinds::of_filter(filter.name),
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
        Known::Kind(Plain::Bool)
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
    pub(super) fn arguments(
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

/// `` `a`, `b` and 3 more ``
fn listed(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(8);
    let shown: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}
