//! Late text: literal pieces and places for values that exist only at run time.

mod fit;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use crate::late::{Late, LateValues};
use crate::late::{LateValue, Unresolved};
use crate::secret::{Secret, SecretSource};

/// One piece of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Span {
    /// Known when building.
    Literal(String),
    /// Known at run time.
    Late(Late),
}

/// Text with places for late values; neighbouring literals are one span, empty ones are none.
///
/// ```
/// use paracrine_model::text::Text;
/// let text = Text::from("WORKERS=") + Text::from("2");
/// assert_eq!(text.literal(), Some("WORKERS=2"));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
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

    /// The late values in it that nobody may see, each time they occur: of the config's secrets and of signals.
    pub fn secrets(&self) -> impl Iterator<Item = &Late> {
        self.lates().filter(|late| late.is_secret())
    }

    /// The config's secrets in it, which the controller asks providers for.
    pub fn sources(&self) -> impl Iterator<Item = &SecretSource> {
        self.lates().filter_map(|late| match late {
            Late::Secret(source) => Some(source),
            Late::Signal(_) => None,
        })
    }

    /// Whether a value in it may be shown to nobody.
    pub fn is_secret(&self) -> bool {
        self.secrets().next().is_some()
    }

    /// The late values in it that are known only after an apply, each once.
    pub fn unknown(&self, values: &LateValues) -> Vec<&Late> {
        let mut unknown: Vec<&Late> = self.lates().filter(|late| values.is_unknown(late)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }

    /// The text with all late values in place.
    ///
    /// # Errors
    /// The first late value that is not to be had; before those that are unknown, one that is missing.
    pub fn resolve(&self, values: &LateValues) -> Result<String, Unresolved> {
        let mut resolved = String::new();
        let mut unknown = None;
        for span in &self.spans {
            match span {
                Span::Literal(text) => resolved.push_str(text),
                Span::Late(late) => match values.state(late) {
                    Some(LateValue::Known(value)) => resolved.push_str(value),
                    Some(LateValue::Unknown) => unknown = unknown.or(Some(late)),
                    None => return Err(Unresolved::Missing(late.clone())),
                },
            }
        }
        match unknown {
            Some(late) => Err(Unresolved::Unknown(late.clone())),
            None => Ok(resolved),
        }
    }

    /// The text as it may be shown once values are there: public ones by value, others by their marks.
    pub fn shown(&self, values: &LateValues) -> String {
        self.spans.iter().fold(String::new(), |mut shown, span| {
            match span {
                Span::Literal(text) => shown.push_str(text),
                Span::Late(late) => match values.state(late) {
                    Some(LateValue::Known(value)) if !late.is_secret() => shown.push_str(value),
                    Some(LateValue::Unknown) => shown.push_str(&late.mark_of_unknown()),
                    _ => shown.push_str(&late.to_string()),
                },
            }
            shown
        })
    }
}

/// The text as plans show it, before there are values: `DB_PASSWORD=‹secret DB_PASSWORD›`.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spans.iter().try_for_each(|span| match span {
            Span::Literal(text) => f.write_str(text),
            Span::Late(late) => write!(f, "{late}"),
        })
    }
}

/// As it is shown, in quotes: what is shown while looking for mistakes and deployed all the same is found by its marks.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

/// For people's formats as it is shown, as nobody but the two ends of a conversation can do anything with its pieces.
impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.collect_str(self),
            false => self.spans.serialize(serializer),
        }
    }
}

/// What a people's format holds is literal text.
impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.is_human_readable() {
            true => String::deserialize(deserializer).map(Self::from),
            false => Vec::deserialize(deserializer).map(|spans| Self { spans }),
        }
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
