//! Late text: literal pieces and places for values that exist only at run time.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::secret::{Secret, SecretSource};

/// One piece of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Span {
    /// Known when building.
    Literal(String),
    /// Known at run time.
    Late(Late),
}

/// A value that is known only at run time. Signals will be the second kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Late {
    /// The value of a secret.
    Secret(SecretSource),
}

/// How a late value is shown: never by its value.
impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(source) => write!(f, "‹secret {}›", source.name),
        }
    }
}

/// The values of late spans, as the controller resolved them for one host. Never printed.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct LateValues(BTreeMap<Late, String>);

impl LateValues {
    /// Adds a value.
    pub fn insert(&mut self, late: Late, value: String) {
        self.0.insert(late, value);
    }

    /// A value, if it was resolved.
    pub fn get(&self, late: &Late) -> Option<&str> {
        self.0.get(late).map(String::as_str)
    }

    /// All values, for masking them in the output of programs.
    pub fn iter(&self) -> impl Iterator<Item = (&Late, &str)> {
        self.0.iter().map(|(late, value)| (late, value.as_str()))
    }
}

impl fmt::Debug for LateValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys().map(ToString::to_string)).finish()
    }
}

/// Text with places for late values; neighbouring literals are one span, empty ones are none.
///
/// ```
/// use paracrine_model::text::Text;
/// let text = Text::from("WORKERS=") + Text::from("2");
/// assert_eq!(text.literal(), Some("WORKERS=2"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    spans: Vec<Span>,
}

impl Text {
    /// The pieces in order.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Adds literal text.
    pub fn push_str(&mut self, literal: &str) {
        if literal.is_empty() {
            return;
        }
        match self.spans.last_mut() {
            Some(Span::Literal(last)) => last.push_str(literal),
            _ => self.spans.push(Span::Literal(literal.to_owned())),
        }
    }

    /// Adds a late value.
    pub fn push_late(&mut self, late: Late) {
        self.spans.push(Span::Late(late));
    }

    /// The whole text, where nothing in it is late.
    pub fn literal(&self) -> Option<&str> {
        match self.spans.as_slice() {
            [] => Some(""),
            [Span::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The late values in it, in order, each time they occur.
    pub fn lates(&self) -> impl Iterator<Item = &Late> {
        self.spans.iter().filter_map(|span| match span {
            Span::Late(late) => Some(late),
            Span::Literal(_) => None,
        })
    }

    /// The secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretSource> {
        self.lates().map(|late| match late {
            Late::Secret(source) => source,
        })
    }

    /// The text with all late values in place.
    ///
    /// # Errors
    /// The first late value that `values` lacks.
    pub fn resolve(&self, values: &LateValues) -> Result<String, Late> {
        let mut resolved = String::new();
        for span in &self.spans {
            match span {
                Span::Literal(text) => resolved.push_str(text),
                Span::Late(late) => resolved.push_str(values.get(late).ok_or_else(|| late.clone())?),
            }
        }
        Ok(resolved)
    }
}

/// The text as it may be shown: `DB_PASSWORD=‹secret DB_PASSWORD›`.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spans.iter().try_for_each(|span| match span {
            Span::Literal(text) => f.write_str(text),
            Span::Late(late) => write!(f, "{late}"),
        })
    }
}

impl std::ops::Add for Text {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        for span in other.spans {
            match span {
                Span::Literal(text) => self.push_str(&text),
                Span::Late(late) => self.push_late(late),
            }
        }
        self
    }
}

/// What can be placed in a [`Text`]: text, numbers, addresses, and late values. `text!` calls this for its arguments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be placed in text",
    label = "neither text, a number, an address nor a late value",
    note = "place one of its fields (`cx.env.smtp.host`), or several with a place for each: `text!(\"{{}}:{{}}\", …)`",
    note = "an `Option` has to be taken apart before (`if let Some(value) = …`), the items of a list joined (`.join(\", \")`)",
    note = "what only implements `Display` is placed as `value.to_string()`"
)]
pub trait Place {
    /// Appends itself.
    fn place(&self, text: &mut Text);
}

impl Place for Secret {
    fn place(&self, text: &mut Text) {
        text.push_late(Late::Secret(self.source().clone()));
    }
}

impl Place for Text {
    fn place(&self, text: &mut Text) {
        *text = std::mem::take(text) + self.clone();
    }
}

impl<T: Place + ?Sized> Place for &T {
    fn place(&self, text: &mut Text) {
        (**self).place(text);
    }
}

macro_rules! place_by_display {
    ($($type:ty),+) => {
        $(impl Place for $type {
            fn place(&self, text: &mut Text) {
                text.push_str(&self.to_string());
            }
        })+
    };
}
place_by_display!(
    str,
    String,
    char,
    bool,
    u8,
    u16,
    u32,
    u64,
    usize,
    i8,
    i16,
    i32,
    i64,
    isize,
    f32,
    f64,
    std::net::IpAddr,
    std::net::Ipv4Addr,
    std::net::Ipv6Addr
);

impl From<&str> for Text {
    fn from(literal: &str) -> Self {
        let mut text = Self::default();
        text.push_str(literal);
        text
    }
}

impl From<String> for Text {
    fn from(literal: String) -> Self {
        literal.as_str().into()
    }
}

impl From<&String> for Text {
    fn from(literal: &String) -> Self {
        literal.as_str().into()
    }
}

impl From<Secret> for Text {
    fn from(secret: Secret) -> Self {
        (&secret).into()
    }
}

impl From<&Secret> for Text {
    fn from(secret: &Secret) -> Self {
        let mut text = Self::default();
        secret.place(&mut text);
        text
    }
}
