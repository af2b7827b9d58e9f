//! Templates: Jinja text in `templates/`, rendered while the site is built.
//!
//! The language is Jinja2's, as `minijinja` has it, with these settings: an undefined name is an error (also in branches
//! that no host takes), nothing is escaped, the final line break is kept, a null cannot be placed. Truth values are placed
//! as Jinja2 has them, `True` and `False`; `{{ x | lower }}` or `{{ x | tojson }}` gives `true`. Secrets and late text
//! can be placed (`{{ db_password }}`) and asked whether they are there (`is defined`, `is not none`), and nothing else.

mod builtins;
mod engine;
mod failure;
mod late;
mod machinery;
mod scan;
mod scope;
mod store;
mod value;

use std::panic::Location;

use paracrine_model::content::{Body, IntoContent, Made};
use paracrine_model::diagnostic::{Code, Diagnostic, Place};
use serde::Serialize;

pub(crate) use engine::Templates;
pub(crate) use store::FOLDER;

use crate::session;

/// The values that a template sees; made by [`context!`](crate::context).
#[derive(Clone, Debug, Default)]
pub struct Values {
    entries: Vec<(&'static str, minijinja::Value)>,
    failed: Option<(&'static str, String)>,
}

impl Values {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value; [`context!`](crate::context) calls this.
    #[must_use]
    pub fn with<T: Serialize + ?Sized>(mut self, name: &'static str, value: &T) -> Self {
        match value::of(value) {
            Ok(value) => self.entries.push((name, value)),
            Err(why) => self.failed = self.failed.or(Some((name, why))),
        }
        self
    }
}

/// Names the values that a template sees: `context! { host => cx.env.app_host, workers => 4 }`; `context! { workers }` is
/// short for `workers => workers`.
///
/// A value is anything that can be serialised: what `site!` generates, numbers, text, lists, structs of your own that
/// derive `Serialize`, and late values (`Secret`, `Text`), also inside the others.
#[macro_export]
macro_rules! context {
    (@value $name:ident) => { &$name };
    (@value $name:ident $value:expr) => { &$value };
    ($($name:ident $(=> $value:expr)?),* $(,)?) => {
        $crate::template::Values::new()$(.with(stringify!($name), $crate::context!(@value $name $($value)?)))*
    };
}

/// A template with its values: content for a file. Made by [`template`].
#[must_use = "a template is rendered where it is given to a file: `plan.file(path, template(…))`"]
pub struct Template {
    name: String,
    values: Values,
    location: &'static Location<'static>,
}

/// Content from the template of that name in `templates/`: `template("app.conf.j2", context! { host => cx.env.app_host })`.
#[track_caller]
pub fn template(name: impl Into<String>, values: Values) -> Template {
    Template { name: name.into(), values, location: Location::caller() }
}

impl IntoContent for Template {
    fn into_content(self) -> Result<Made, Box<Diagnostic>> {
        let Self { name, values, location } = self;
        if let Some((value, why)) = values.failed {
            let message = format!(
                "value `{value}` of template `{name}` cannot be serialised: {}",
                why.trim_end_matches('.')
            );
            let error = Diagnostic::error(Code::TEMPLATE_FAILED, message);
            return Err(Box::new(error.at(Place::caller(location), "this template")));
        }
        let rendered = session::current().templates().render(&name, &values.entries, location);
        let text = rendered.map_err(|problem| match problem.primary {
            Some(_) => problem,
            None => Box::new(problem.at(Place::caller(location), "this template")),
        })?;
        Ok(Made { body: Body::Text(text), source: Some(format!("templates/{name}")) })
    }
}
