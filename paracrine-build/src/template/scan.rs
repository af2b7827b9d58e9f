//! What is wrong with a template whatever branches a host takes: undefined names, unknown filters, missing includes, calls
//! that lack arguments, late values that are not just placed.
//!
//! The scan walks the syntax tree with the values of the first host that renders it, and of each further host whose values
//! have another shape. Where it cannot know it says nothing: rendering has the last word.

mod call;
mod expression;
mod kinds;
mod methods;
mod references;

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use minijinja::Value;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use paracrine_model::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use paracrine_model::source::Source;

use super::machinery::{self, ast};
use super::scope::{Guards, Known, Lacking, Scope};
use super::store::Store;
use super::value::Record;
use super::{builtins, failure, late, scope};
#[cfg(test)]
pub(super) use methods::instead;
use references::{bodies, constants, reachable};

/// What two sets of values have in common if a scan of one says all about the other.
pub(super) fn shape(values: &[(&'static str, Value)]) -> String {
    let mut shape = String::new();
    for (name, value) in values {
        shape.push_str(name);
        add_shape(value, &mut shape, 0);
    }
    shape
}

fn add_shape(value: &Value, shape: &mut String, depth: usize) {
    if late::of(value).is_some() {
        return shape.push('!');
    }
    if let Some(record) = value.downcast_object_ref::<Record>().filter(|_| depth < 8) {
        shape.push('{');
        for key in record.keys() {
            shape.push_str(key);
            add_shape(&value.get_attr(key).unwrap_or_default(), shape, depth + 1);
        }
        return shape.push('}');
    }
    match value.kind() {
        ValueKind::None => shape.push('0'),
        ValueKind::Seq if depth < 8 => {
            let mut items: Vec<String> = Vec::new();
            for item in value.try_iter().into_iter().flatten() {
                let mut one = String::new();
                add_shape(&item, &mut one, depth + 1);
                if !items.contains(&one) {
                    items.push(one);
                }
            }
            shape.push_str(&format!("[{}]", items.join("|")));
        }
        ValueKind::Map if late::within(value).is_some() => shape.push_str("m!"),
        ValueKind::Map => shape.push('m'),
        _ => shape.push('.'),
    }
}

/// What a scan found.
#[derive(Default)]
pub(super) struct Scanned {
    pub(super) found: Diagnostics,
    /// Where arguments would be missed that calls of macros lack: not in all branches, so rendering tells.
    pub(super) missed: Vec<Missed>,
}

/// An argument that a call lacks, where it would be used.
#[derive(Clone)]
pub(super) struct Missed {
    /// Where, in which template.
    pub(super) template: String,
    pub(super) bytes: Range<usize>,
    lacking: Rc<Lacking>,
}

impl Missed {
    /// The call that lacks it, to blame for what rendering found at `place`.
    pub(super) fn blamed(&self, place: Place) -> Diagnostic {
        lacking(&self.lacking, place)
    }
}

fn lacking(lacking: &Lacking, used: Place) -> Diagnostic {
    let Lacking { name, argument, call, .. } = lacking;
    let message = format!("macro `{name}` is called without its `{argument}`");
    Diagnostic::error(Code::TEMPLATE_UNDEFINED, message)
        .at(call.clone(), format!("`{argument}` is missing"))
        .related(used, "used here")
        .help(format!("give it in the call: `{argument}=…`, or to all calls where the macro begins"))
}

/// All that is wrong with a template, and with those that it includes, for values like these.
pub(super) fn scan(
    store: &Store,
    syntax: &SyntaxConfig,
    name: &str,
    values: &[(&'static str, Value)],
) -> Scanned {
    let mut found = Diagnostics::new();
    let mut missed = Vec::new();
    let sources = reachable(store, syntax, name);
    let mut templates: HashMap<&str, Parsed<'_>> = HashMap::new();
    for (name, source) in &sources {
        match machinery::parse(source.text(), name, syntax) {
            Ok(tree) => {
                templates.insert(name, Parsed { source, tree });
            }
            Err(error) => found.push(failure::diagnostic(&error, name, syntax, |_| Some(Arc::clone(source)))),
        }
    }
    let mut scope = Scope::new(values);
    if let Some(parsed) = templates.get(name) {
        let mut scan = Scan {
            store,
            templates: &templates,
            at: parsed,
            found,
            missed,
            quiet: 0,
            expanding: 0,
            branches: 0,
            depth: 0,
            walks: 0,
        };
        scan.circle(name);
        scan.template(parsed, &mut scope);
        (found, missed) = (scan.found, scan.missed);
    }
    Scanned { found, missed }
}

/// A template that was parsed.
pub(super) struct Parsed<'s> {
    source: &'s Arc<Source>,
    tree: ast::Stmt<'s>,
}

struct Scan<'s> {
    store: &'s Store,
    templates: &'s HashMap<&'s str, Parsed<'s>>,
    /// The template whose tree is walked.
    at: &'s Parsed<'s>,
    found: Diagnostics,
    missed: Vec<Missed>,
    /// Above 0: what is undefined is not reported.
    quiet: usize,
    /// How many calls of macros deep the walk is. Their bodies are walked by themselves too, where what is undefined is said.
    expanding: usize,
    /// How many branches deep the walk is, which a host may take or not.
    branches: usize,
    /// How many templates and macros deep the walk is.
    depth: usize,
    /// How many templates and macros were walked.
    walks: usize,
}

const DEEPEST: usize = 24;
/// A macro that calls itself twice would be walked for ever.
const MOST_WALKS: usize = 10_000;

impl<'s> Scan<'s> {
    /// Walks a template; whether it places late values.
    fn template(&mut self, template: &'s Parsed<'s>, scope: &mut Scope<'s>) -> Option<String> {
        let ast::Stmt::Template(tree) = &template.tree else {
            return None;
        };
        if self.depth > DEEPEST || self.walks > MOST_WALKS {
            return None;
        }
        self.walks += 1;
        let before = std::mem::replace(&mut self.at, template);
        self.depth += 1;
        // What a parent sets is visible in the blocks that it calls.
        for parent in tree.children.iter().filter_map(|statement| match statement {
            ast::Stmt::Extends(extends) => Some(extends),
            _ => None,
        }) {
            for name in constants(&parent.name) {
                if let Some(parent) = self.templates.get(name.as_str()) {
                    hoist(&parent.tree, scope);
                    self.lost_blocks(&tree.children, &name, parent);
                }
            }
        }
        let late = self.body(&tree.children, scope);
        self.depth -= 1;
        self.at = before;
        late
    }

    /// Blocks that fill none of the template that is extended: what is in them would never be seen.
    fn lost_blocks(&mut self, children: &'s [ast::Stmt<'s>], extended: &str, parent: &'s Parsed<'s>) {
        let mut known = Vec::new();
        if !self.blocks(parent, &mut known, 0) {
            return;
        }
        for child in children {
            let ast::Stmt::Block(block) = child else { continue };
            if known.contains(&block.name) {
                continue;
            }
            let at = machinery::bytes(block.span());
            let name = self.at.source.text().get(at.clone()).and_then(|text| text.find(block.name));
            let at = name.map_or(at.clone(), |name| at.start + name..at.start + name + block.name.len());
            let message = format!("`{extended}` has no block `{}`", block.name);
            let error = Diagnostic::error(Code::TEMPLATE_UNDEFINED, message)
                .at(self.place(at), "so this would never be seen")
                .nearest(block.name, known.iter().copied());
            self.found.push(error);
        }
    }

    /// The blocks of a template and of those that it extends; whether all of these are known.
    fn blocks(&self, template: &'s Parsed<'s>, names: &mut Vec<&'s str>, depth: usize) -> bool {
        let ast::Stmt::Template(tree) = &template.tree else { return false };
        blocks_in(&tree.children, names);
        tree.children.iter().all(|statement| match statement {
            ast::Stmt::Extends(extends) => constants(&extends.name).iter().any(|name| {
                let parent = self.templates.get(name.as_str()).filter(|_| depth < DEEPEST);
                parent.is_some_and(|parent| self.blocks(parent, names, depth + 1))
            }),
            _ => true,
        })
    }

    /// Walks statements; gives the late values that they place.
    fn body(&mut self, body: &'s [ast::Stmt<'s>], scope: &mut Scope<'s>) -> Option<String> {
        let mut late = None;
        for statement in body {
            let placed = self.statement(statement, scope);
            late = late.or(placed);
        }
        late
    }

    fn statement(&mut self, statement: &'s ast::Stmt<'s>, scope: &mut Scope<'s>) -> Option<String> {
        match statement {
            ast::Stmt::EmitExpr(emit) => {
                let known = self.expr(&emit.expr, scope);
                self.placed(&emit.expr, &known);
                known.late()
            }
            ast::Stmt::ForLoop(each) => self.for_loop(each, scope),
            ast::Stmt::IfCond(condition) => {
                self.condition(&condition.expr, scope);
                let guards = scope::guards(&condition.expr, true);
                let one = self.branch(guards, scope, |scan, scope| scan.body(&condition.true_body, scope));
                let guards = scope::guards(&condition.expr, false);
                let other = self.branch(guards, scope, |scan, scope| scan.body(&condition.false_body, scope));
                one.or(other)
            }
            ast::Stmt::WithBlock(with) => {
                scope.push();
                for (target, expr) in &with.assignments {
                    let known = self.settled(expr, scope);
                    bind(target, known, scope);
                }
                let late = self.body(&with.body, scope);
                scope.pop();
                late
            }
            ast::Stmt::Set(set) => {
                let mut known = self.settled(&set.expr, scope);
                // In a branch it may be set or not.
                if self.branches > 0
                    && let ast::Expr::Var(var) = &set.target
                    && let Some(before) = scope.get(var.id)
                {
                    known = before.clone().or(known);
                }
                bind(&set.target, known, scope);
                None
            }
            ast::Stmt::SetBlock(set) => {
                scope.push();
                let late = self.body(&set.body, scope);
                scope.pop();
                if let Some(filter) = &set.filter {
                    self.expr(filter, scope);
                    self.misuse_if(
                        late.as_deref(),
                        "a filter is applied to",
                        machinery::bytes(filter.span()),
                    );
                }
                bind(&set.target, late.map_or(Known::Anything, Known::Captured), scope);
                None
            }
            ast::Stmt::AutoEscape(escape) => self.body(&escape.body, scope),
            ast::Stmt::FilterBlock(filter) => {
                scope.push();
                let late = self.body(&filter.body, scope);
                scope.pop();
                self.expr(&filter.filter, scope);
                self.misuse_if(
                    late.as_deref(),
                    "a filter is applied to",
                    machinery::bytes(filter.filter_span),
                );
                None
            }
            ast::Stmt::Block(block) => {
                scope.push();
                scope.set("super", Known::Callable("super"));
                let late = self.body(&block.body, scope);
                scope.pop();
                late
            }
            ast::Stmt::Extends(extends) => self.referred(&extends.name, false, scope),
            ast::Stmt::Include(include) => self.referred(&include.name, include.ignore_missing, scope),
            ast::Stmt::Import(import) => {
                scope.push();
                self.referred(&import.expr, false, scope);
                let module = Known::Module(scope.pop());
                bind(&import.name, module, scope);
                None
            }
            ast::Stmt::FromImport(import) => {
                self.names_from(import, scope);
                None
            }
            ast::Stmt::Macro(definition) => {
                scope.set(definition.name, Known::Macro(definition));
                self.definition(definition, scope);
                None
            }
            ast::Stmt::CallBlock(call) => {
                let result = self.call(&call.call, machinery::bytes(call.call_expr_span), scope);
                result.late().or(self.definition(&call.macro_decl, scope))
            }
            ast::Stmt::Do(call) => {
                self.call(&call.call, machinery::bytes(call.call.span()), scope);
                None
            }
            ast::Stmt::Template(_) | ast::Stmt::EmitRaw(_) | ast::Stmt::Continue(_) | ast::Stmt::Break(_) => {
                None
            }
        }
    }

    fn for_loop(&mut self, each: &'s ast::ForLoop<'s>, scope: &mut Scope<'s>) -> Option<String> {
        let over = self.settled(&each.iter, scope);
        self.misuse_if(over.late().as_deref(), "a loop runs over", machinery::bytes(each.iter.span()));
        scope.push();
        scope.set("loop", Known::Loop);
        bind(&each.target, over.items(), scope);
        let mut guards = Guards::default();
        if let Some(filter) = &each.filter_expr {
            self.condition(filter, scope);
            guards = scope::guards(filter, true);
        }
        let one = self.branch(guards, scope, |scan, scope| scan.body(&each.body, scope));
        scope.pop();
        scope.push();
        let other = self.branch(Guards::default(), scope, |scan, scope| scan.body(&each.else_body, scope));
        scope.pop();
        one.or(other)
    }

    /// Walks what a host may take or not.
    fn branch<R>(
        &mut self,
        guards: Guards<'s>,
        scope: &mut Scope<'s>,
        walk: impl FnOnce(&mut Self, &mut Scope<'s>) -> R,
    ) -> R {
        self.branches += 1;
        let result = scope.guard(guards, |scope| walk(self, scope));
        self.branches -= 1;
        result
    }

    /// What an expression is, for a name that will stand for it: where a condition asks about it, it may be something else in
    /// this branch.
    fn settled(&mut self, expr: &'s ast::Expr<'s>, scope: &mut Scope<'s>) -> Known<'s> {
        let known = self.expr(expr, scope);
        if known.plain().is_some() && scope.is_asked(expr) { Known::Anything } else { known }
    }

    /// Reports what is placed and should be called.
    fn placed(&mut self, expr: &'s ast::Expr<'s>, known: &Known<'s>) {
        let (what, help) = match (known, expr) {
            (Known::Macro(definition), _) => {
                let name = definition.name;
                (format!("macro `{name}`"), format!("call it: `{{{{ {name}(…) }}}}`"))
            }
            (Known::Callable(name), _) => (format!("`{name}`"), format!("call it: `{{{{ {name}() }}}}`")),
            (Known::Loop, _) => ("`loop`".to_owned(), "place something of it: `{{ loop.index }}`".to_owned()),
            (Known::Module(_), _) => {
                ("a template".to_owned(), "call one of its macros: `{{ name.macro(…) }}`".to_owned())
            }
            (_, ast::Expr::Var(var)) if builtins::FUNCTIONS.contains(&var.id) => {
                (format!("function `{}`", var.id), format!("call it: `{{{{ {}(…) }}}}`", var.id))
            }
            _ => return,
        };
        let error = Diagnostic::error(Code::TEMPLATE_FAILED, format!("{what} is placed itself"))
            .at(self.place(machinery::bytes(expr.span())), "not called")
            .help(help);
        self.found.push(error);
    }

    /// Walks what a macro does with arguments that could be anything.
    fn definition(&mut self, definition: &'s ast::Macro<'s>, scope: &mut Scope<'s>) -> Option<String> {
        for default in &definition.defaults {
            self.expr(default, scope);
        }
        let mut inner = self.within(definition, scope);
        self.body(&definition.body, &mut inner)
    }

    /// What is known within a macro with arguments that could be anything. It may use names that are set after it.
    fn within(&self, definition: &'s ast::Macro<'s>, scope: &Scope<'s>) -> Scope<'s> {
        let mut inner = scope.clone();
        hoist(&self.at.tree, &mut inner);
        inner.push();
        inner.set("caller", Known::Callable("caller"));
        for argument in &definition.args {
            bind(argument, Known::Anything, &mut inner);
        }
        inner
    }

    fn names_from(&mut self, import: &'s ast::FromImport<'s>, scope: &mut Scope<'s>) {
        scope.push();
        self.referred(&import.expr, false, scope);
        let module = Known::Module(scope.pop());
        let is_there = constants(&import.expr).iter().any(|name| self.templates.contains_key(name.as_str()));
        for (name, alias) in &import.names {
            let ast::Expr::Var(var) = name else { continue };
            if is_there && let Some(names) = module.lacks(var.id) {
                let template = constants(&import.expr).join(", ");
                let message = format!("template `{template}` has no `{}`", var.id);
                let error = Diagnostic::error(Code::TEMPLATE_UNDEFINED, message)
                    .at(self.place(machinery::bytes(name.span())), "not there")
                    .nearest(var.id, names.iter().map(String::as_str));
                self.found.push(error);
            }
            bind(alias.as_ref().unwrap_or(name), module.item(Some(&Value::from(var.id))), scope);
        }
    }

    /// Walks the templates that a statement refers to.
    fn referred(&mut self, expr: &'s ast::Expr<'s>, may_miss: bool, scope: &mut Scope<'s>) -> Option<String> {
        let known = self.expr(expr, scope);
        self.misuse_if(known.late().as_deref(), "a template is named by", machinery::bytes(expr.span()));
        let names = constants(expr);
        let mut late = None;
        let mut there = false;
        for name in &names {
            if let Some(template) = self.templates.get(name.as_str()) {
                there = true;
                let placed = self.template(template, scope);
                late = late.or(placed);
            }
            // One with an error of its own is not missing.
            match self.store.source(name) {
                Some(Err(why)) => {
                    there = true;
                    let place = self.place(machinery::bytes(expr.span()));
                    self.found.push(match why.primary {
                        Some(_) => why.related(place, "named here"),
                        None => why.at(place, "named here"),
                    });
                }
                Some(Ok(_)) => there = true,
                None => {}
            }
        }
        if let (false, false, Some(first)) = (there, may_miss, names.first()) {
            let error = Diagnostic::error(Code::TEMPLATE_MISSING, format!("there is no template `{first}`"))
                .at(self.place(machinery::bytes(expr.span())), "named here")
                .nearest(first, self.store.names());
            self.found.push(error);
        }
        late
    }

    fn place(&self, bytes: Range<usize>) -> Place {
        self.at.source.place(bytes)
    }

    fn misuse_if(&mut self, late: Option<&str>, what: &str, bytes: Range<usize>) {
        if let Some(names) = late {
            let error = Diagnostic::error(Code::TEMPLATE_LATE, format!("{what} {names}"))
                .at(self.place(bytes), "its value is known only at run time")
                .help("a late value can only be placed: `{{ name }}`");
            self.found.push(error);
        }
    }
}

/// The names of blocks, also of those inside of others.
fn blocks_in<'s>(body: &'s [ast::Stmt<'s>], names: &mut Vec<&'s str>) {
    for statement in body {
        if let ast::Stmt::Block(block) = statement {
            names.push(block.name);
        }
        bodies(statement).into_iter().for_each(|body| blocks_in(body, names));
    }
}

/// Binds the names of a target.
fn bind<'s>(target: &'s ast::Expr<'s>, known: Known<'s>, scope: &mut Scope<'s>) {
    match target {
        ast::Expr::Var(var) => scope.set(var.id, known),
        ast::Expr::List(list) => bind_all(&list.items, &known, scope),
        ast::Expr::Tuple(tuple) => bind_all(&tuple.items, &known, scope),
        // A namespace that holds a late value is not followed further: it counts as late itself.
        ast::Expr::GetAttr(attr) => {
            if let (ast::Expr::Var(var), Some(names)) = (&attr.expr, known.late()) {
                scope.replace(var.id, Known::Captured(names));
            }
        }
        _ => {}
    }
}

fn bind_all<'s>(targets: &'s [ast::Expr<'s>], known: &Known<'s>, scope: &mut Scope<'s>) {
    for (index, target) in targets.iter().enumerate() {
        bind(target, known.item(Some(&Value::from(index))), scope);
    }
}

/// Makes the names that a template sets at its top level visible, where they are not.
fn hoist<'s>(tree: &'s ast::Stmt<'s>, scope: &mut Scope<'s>) {
    for statement in bodies(tree).into_iter().flatten() {
        match statement {
            ast::Stmt::Set(set) => hoist_target(&set.target, scope),
            ast::Stmt::SetBlock(set) => hoist_target(&set.target, scope),
            ast::Stmt::Import(import) => hoist_target(&import.name, scope),
            ast::Stmt::FromImport(import) => {
                import
                    .names
                    .iter()
                    .for_each(|(name, alias)| hoist_target(alias.as_ref().unwrap_or(name), scope));
            }
            ast::Stmt::Macro(definition) if scope.get(definition.name).is_none() => {
                scope.set(definition.name, Known::Macro(definition));
            }
            ast::Stmt::IfCond(_) => hoist(statement, scope),
            _ => {}
        }
    }
}

fn hoist_target<'s>(target: &'s ast::Expr<'s>, scope: &mut Scope<'s>) {
    if let ast::Expr::Var(var) = target
        && scope.get(var.id).is_none()
    {
        scope.set(var.id, Known::Anything);
    }
}
