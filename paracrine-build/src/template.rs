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

use serde::Serialize;

pub(crate) use engine::Templates;
pub(crate) use store::FOLDER;

/// The values that a template sees; made by [`context!`](crate::context).
#[derive(Clone, Debug, Default)]
pub struct Values {
    entries: Vec<(&'static str, minijinja::Value)>,
    failed: Option<(&'static str, String)>,
}

impl Values {
    /// The values by name; or a name, and why its value cannot be serialised.
    pub(crate) fn entries(&self) -> Result<&[(&'static str, minijinja::Value)], (&'static str, &str)> {
        match &self.failed {
            Some((name, why)) => Err((name, why)),
            None => Ok(&self.entries),
        }
    }

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
