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
mod open;
mod scan;
mod scope;
mod serialized;
mod store;
mod value;

use paracrine_model::given::{ForTemplate, Given};

pub(crate) use engine::Templates;
pub use serialized::{Serialized, serialized};
pub(crate) use store::FOLDER;

/// The values that a template sees; made by [`context!`](crate::context).
#[derive(Clone, Debug, Default)]
pub struct Values {
    entries: Vec<(&'static str, Given)>,
}

impl Values {
    /// The values by name.
    pub(crate) fn entries(&self) -> &[(&'static str, Given)] {
        &self.entries
    }

    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value; [`context!`](crate::context) calls this.
    #[must_use]
    pub fn with<T: ForTemplate + ?Sized>(mut self, name: &'static str, value: &T) -> Self {
        self.entries.push((name, value.for_template()));
        self
    }
}

/// Names the values that a template sees: `context! { host => cx.env.app_host, workers => 4 }`; `context! { workers }` is
/// short for `workers => workers`.
///
/// A value is whatever is [`ForTemplate`]: what `site!` generates, numbers, text, lists, structs of your own that derive
/// `ForTemplate`, and late values (`Secret`, `Text`), also inside the others. What only implements `serde::Serialize` is given
/// as [`serialized`]`(&value)`.
#[macro_export]
macro_rules! context {
    (@value $name:ident) => { &$name };
    (@value $name:ident $value:expr) => { &$value };
    ($($name:ident $(=> $value:expr)?),* $(,)?) => {
        $crate::template::Values::new()$(.with(stringify!($name), $crate::context!(@value $name $($value)?)))*
    };
}
