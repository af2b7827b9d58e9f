//! Rendering: each template is parsed once per build, and scanned once for every set of values.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::panic::Location;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};
use paracrine_model::diagnostic::{Code, Diagnostic, Diagnostics, Place};
use paracrine_model::given::Given;
use paracrine_model::hash::Hash;
use paracrine_model::source::Source;
use paracrine_model::text::Text;

use super::late::{Finished, Rendering};
use super::scan::Missed;
use super::store::{Store, path_of};
use super::{builtins, failure, late, scan, value};
use crate::folder;

/// All templates of a site.
pub(crate) struct Templates {
    store: Arc<Store>,
    environment: Environment<'static>,
    syntax: SyntaxConfig,
    /// What was wrong with a template and the values of that shape, if anything was.
    scanned: RefCell<HashMap<(String, String), Verdict>>,
    /// Templates that did not end for some host: nobody waits for them again.
    endless: RefCell<HashMap<String, Diagnostic>>,
    found: RefCell<Diagnostics>,
}

/// What a scan found: what is wrong, and the arguments that calls lack where only rendering tells whether they are used.
#[derive(Clone)]
struct Verdict {
    wrong: Option<Diagnostic>,
    missed: Rc<[Missed]>,
}

impl Templates {
    /// The templates of the site at `root`.
    pub(crate) fn new(root: &Path, trim_blocks: bool) -> Self {
        let store = Arc::new(Store::new(root));
        let syntax = SyntaxConfig::builder()
            .keep_trailing_newline(true)
            .trim_blocks(trim_blocks)
            .lstrip_blocks(trim_blocks)
            .build()
            .unwrap_or_default();
        let mut environment = builtins::environment();
        environment.set_syntax(syntax.clone());
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        // Never dump values into errors.
        environment.set_debug(false);
        environment.set_formatter(|out, state, value| {
            if let Some(placeholder) = late::placeholder(value) {
                return out.write_str(&placeholder).map_err(Error::from);
            }
            if value.kind() == ValueKind::None {
                return Err(Error::new(ErrorKind::InvalidOperation, NULL));
            }
            minijinja::escape_formatter(out, state, value)
        });
        let texts = Arc::clone(&store);
        environment.set_loader(move |name| match texts.source(name) {
            None => Ok(None),
            Some(Ok(source)) => Ok(Some(source.text().to_owned())),
            Some(Err(why)) => Err(Error::new(ErrorKind::InvalidOperation, why.message)),
        });
        Self {
            store,
            environment,
            syntax,
            scanned: RefCell::default(),
            endless: RefCell::default(),
            found: RefCell::default(),
        }
    }

    /// The text of a template with these values in place.
    pub(crate) fn render(
        &self,
        name: &str,
        values: &[(&'static str, Given)],
        location: &'static Location<'static>,
    ) -> Result<Text, Box<Diagnostic>> {
        match self.store.source(name) {
            None => {
                let missing =
                    Diagnostic::error(Code::TEMPLATE_MISSING, format!("there is no template `{name}`"));
                let missing = missing.nearest(name, self.store.names());
                let missing = if missing.help.is_empty() {
                    missing.help(format!("make the file `{}`", path_of(name)))
                } else {
                    missing
                };
                return Err(Box::new(missing));
            }
            Some(Err(why)) => return Err(why),
            Some(Ok(_)) => {}
        }
        let rendering = Arc::new(Rendering::default());
        let mut of_engine = Vec::with_capacity(values.len());
        for (value, given) in values {
            match value::of(given, &rendering) {
                Ok(found) => of_engine.push((*value, found)),
                Err(why) => {
                    let why = why.trim_end_matches('.');
                    let message = format!("value `{value}` of template `{name}` cannot be serialised: {why}");
                    return Err(Box::new(Diagnostic::error(Code::TEMPLATE_FAILED, message)));
                }
            }
        }
        let values = of_engine;
        if let Some((value, _)) = values.iter().find(|(_, value)| late::is_captured(value)) {
            let message =
                format!("value `{value}` of template `{name}` holds the non-character U+FDD0 or U+FDD1");
            return Err(Box::new(Diagnostic::error(Code::TEMPLATE_FAILED, message)));
        }
        let Verdict { wrong, missed } = self.scan(name, &values, location);
        if let Some(wrong) = wrong {
            return Err(Box::new(wrong));
        }
        if let Some(known) = self.endless.borrow().get(name) {
            return Err(Box::new(known.clone()));
        }
        let failure = |error: Error| {
            let failure = self.failure(&error, name, &missed);
            if failure::is_endless(&error) {
                self.endless.borrow_mut().insert(name.to_owned(), (*failure).clone());
            }
            failure
        };
        let template = self.environment.get_template(name).map_err(failure)?;
        // A scan asks more of values than a template does.
        rendering.forget();
        let values: BTreeMap<&str, Value> = values.into_iter().collect();
        let rendered = template.render(Value::from(values));
        match rendering.finish(&rendered.map_err(failure)?) {
            Finished::Text(text) => Ok(text),
            Finished::Misused(what) => {
                let what = what.map_or_else(|| "a late value".to_owned(), |text| late::names(&text));
                let message = format!("template `{name}` does something with {what} other than placing it");
                Err(Box::new(
                    Diagnostic::error(Code::TEMPLATE_LATE, message).help("place it as it is: `{{ name }}`"),
                ))
            }
        }
    }

    /// What can be said without rendering; the first of it is returned, the others are kept for later.
    fn scan(
        &self,
        name: &str,
        values: &[(&'static str, Value)],
        location: &'static Location<'static>,
    ) -> Verdict {
        let key = (name.to_owned(), scan::shape(values));
        if let Some(known) = self.scanned.borrow().get(&key) {
            return known.clone();
        }
        let scan::Scanned { found, missed } = scan::scan(&self.store, &self.syntax, name, values);
        let mut diagnostics = found.into_iter();
        let wrong = diagnostics.next();
        let mut found = self.found.borrow_mut();
        for other in diagnostics {
            found.push(other.related(Place::caller(location), "used here"));
        }
        let verdict = Verdict { wrong, missed: missed.into() };
        self.scanned.borrow_mut().insert(key, verdict.clone());
        verdict
    }

    fn failure(&self, error: &Error, name: &str, missed: &[Missed]) -> Box<Diagnostic> {
        let source = |name: &str| self.store.source(name).and_then(Result::ok);
        let mut diagnostic = failure::diagnostic(error, name, &self.syntax, source);
        let to_blame = missed.iter().find(|missed| {
            let at = source(&missed.template).map(|source| source.place(missed.bytes.clone()));
            diagnostic.code == Code::TEMPLATE_UNDEFINED
                && diagnostic
                    .primary
                    .as_ref()
                    .is_some_and(|note| at.is_some_and(|at| covers(&note.place, &at)))
        });
        if let (Some(missed), Some(note)) = (to_blame, &diagnostic.primary) {
            return Box::new(missed.blamed(note.place.clone()));
        }
        if error.detail().is_some_and(|detail| detail.contains(NULL)) {
            diagnostic = diagnostic.help("leave it out: `{% if name is not none %}…{% endif %}`");
        }
        Box::new(diagnostic)
    }

    /// The text of a template that was read.
    pub(crate) fn source(&self, name: &str) -> Option<Arc<Source>> {
        self.store.source(name)?.ok()
    }

    /// What scans found besides what was returned.
    pub(crate) fn take_found(&self) -> Diagnostics {
        self.found.take()
    }

    /// The templates that were read, with the hashes of their contents.
    pub(crate) fn inputs(&self) -> Vec<(String, Hash)> {
        self.store.hashes()
    }

    /// Warnings about templates that nothing used. Hidden files and backups of editors are no templates.
    pub(crate) fn unused(&self) -> Diagnostics {
        let mut unused = Diagnostics::new();
        for name in self.store.unread().into_iter().filter(|name| !folder::is_clutter(name)) {
            let warning = Diagnostic::warning(
                Code::TEMPLATE_UNUSED,
                format!("template `{name}` is not used by any host"),
            );
            unused.push(
                warning
                    .at(Place::new(path_of(name), 1, 1, 0), "never rendered")
                    .help("use it, or remove the file"),
            );
        }
        unused
    }
}

/// Whether one place is in the other or the other way round.
fn covers(one: &Place, other: &Place) -> bool {
    let end = |place: &Place| place.column + place.length;
    one.file == other.file && one.line == other.line && one.column <= end(other) && other.column <= end(one)
}

const NULL: &str = "a null cannot be placed";
