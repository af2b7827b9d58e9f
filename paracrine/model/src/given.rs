//! Values as they are given to templates: plain data, with late text as late text.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::sync::Arc;

use crate::host::Arch;
use crate::inventory::Os;
use crate::name::{AbsolutePath, AccountName, PackageName, UnitName, Version};
use crate::secret::Secret;
use crate::text::Text;

/// A value that a template is given.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// Nothing: `none`.
    Null,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// Text; where something in it is late, it can only be placed.
    Text(Text),
    /// A list.
    List(Vec<Given>),
    /// A mapping, whose keys may be others for another host.
    Map(Vec<(Given, Given)>),
    /// A struct: it has the same keys for every host, so a key that it lacks is a mistake wherever it stands.
    Record(Vec<(&'static str, Given)>),
    /// Nothing that a template could be given, and why; an error where the template is used.
    Unfit(String),
}

impl Given {
    /// A variant of an enum that holds something: a mapping with one entry.
    pub fn variant(name: &str, value: Self) -> Self {
        Self::Map(vec![(Self::Text(name.into()), value)])
    }
}

/// What can be given to a template, also inside of others: text, numbers, lists, mappings, what `site!` generates, late values,
/// and structs and enums that say `#[derive(ForTemplate)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be given to a template",
    label = "neither text, a number, a list, a mapping nor a late value",
    note = "a struct or enum of your own can: write `#[derive(ForTemplate)]` above it",
    note = "what can be serialised, and so holds no secret, is given as `serialized(&value)`"
)]
pub trait ForTemplate {
    /// Itself, as templates see it.
    fn for_template(&self) -> Given;
}

impl ForTemplate for Given {
    fn for_template(&self) -> Given {
        self.clone()
    }
}

impl ForTemplate for Secret {
    fn for_template(&self) -> Given {
        Given::Text(self.into())
    }
}

impl ForTemplate for Text {
    fn for_template(&self) -> Given {
        Given::Text(self.clone())
    }
}

impl ForTemplate for bool {
    fn for_template(&self) -> Given {
        Given::Bool(*self)
    }
}

impl ForTemplate for () {
    fn for_template(&self) -> Given {
        Given::Null
    }
}

impl ForTemplate for str {
    fn for_template(&self) -> Given {
        Given::Text(self.into())
    }
}

macro_rules! whole_numbers {
    ($($type:ty),+) => {
        $(impl ForTemplate for $type {
            fn for_template(&self) -> Given {
                Given::Integer(i128::from(*self))
            }
        })+
    };
}
whole_numbers!(u8, u16, u32, u64, i8, i16, i32, i64, i128);

impl ForTemplate for usize {
    fn for_template(&self) -> Given {
        // No machine has one that does not fit.
        (*self as u64).for_template()
    }
}

impl ForTemplate for isize {
    fn for_template(&self) -> Given {
        (*self as i64).for_template()
    }
}

impl ForTemplate for f64 {
    fn for_template(&self) -> Given {
        Given::Float(*self)
    }
}

impl ForTemplate for f32 {
    fn for_template(&self) -> Given {
        Given::Float((*self).into())
    }
}

macro_rules! by_display {
    ($($type:ty),+) => {
        $(impl ForTemplate for $type {
            fn for_template(&self) -> Given {
                Given::Text(self.to_string().into())
            }
        })+
    };
}
by_display!(
    Arch,
    Os,
    String,
    char,
    IpAddr,
    Ipv4Addr,
    Ipv6Addr,
    AbsolutePath,
    AccountName,
    PackageName,
    UnitName,
    Version
);

macro_rules! by_what_it_points_to {
    ($($type:ty),+) => {
        $(impl<T: ForTemplate + ?Sized> ForTemplate for $type {
            fn for_template(&self) -> Given {
                (**self).for_template()
            }
        })+
    };
}
by_what_it_points_to!(&T, Box<T>, Rc<T>, Arc<T>);

impl<T: ForTemplate + ToOwned + ?Sized> ForTemplate for Cow<'_, T> {
    fn for_template(&self) -> Given {
        (**self).for_template()
    }
}

impl<T: ForTemplate> ForTemplate for Option<T> {
    fn for_template(&self) -> Given {
        self.as_ref().map_or(Given::Null, ForTemplate::for_template)
    }
}

impl<T: ForTemplate> ForTemplate for [T] {
    fn for_template(&self) -> Given {
        Given::List(self.iter().map(ForTemplate::for_template).collect())
    }
}

impl<T: ForTemplate, const N: usize> ForTemplate for [T; N] {
    fn for_template(&self) -> Given {
        self.as_slice().for_template()
    }
}

impl<T: ForTemplate> ForTemplate for Vec<T> {
    fn for_template(&self) -> Given {
        self.as_slice().for_template()
    }
}

impl<T: ForTemplate> ForTemplate for BTreeSet<T> {
    fn for_template(&self) -> Given {
        Given::List(self.iter().map(ForTemplate::for_template).collect())
    }
}

fn map<'e, K: ForTemplate + 'e, V: ForTemplate + 'e>(entries: impl Iterator<Item = (&'e K, &'e V)>) -> Given {
    Given::Map(entries.map(|(key, value)| (key.for_template(), value.for_template())).collect())
}

impl<K: ForTemplate, V: ForTemplate> ForTemplate for BTreeMap<K, V> {
    fn for_template(&self) -> Given {
        map(self.iter())
    }
}

impl<K: ForTemplate, V: ForTemplate, S> ForTemplate for HashMap<K, V, S> {
    fn for_template(&self) -> Given {
        map(self.iter())
    }
}

macro_rules! tuples {
    ($($($name:ident)+;)+) => {
        $(impl<$($name: ForTemplate),+> ForTemplate for ($($name,)+) {
            fn for_template(&self) -> Given {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                Given::List(vec![$($name.for_template()),+])
            }
        })+
    };
}
tuples!(
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
);
