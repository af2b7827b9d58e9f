//! What can be serialised as what templates are given. Late values cannot: they have no value yet.

use std::fmt;

use paracrine_model::given::{ForTemplate, Given};
use serde::ser::{self, Serialize};

/// Something that can be serialised, for a template. Made by [`serialized`].
pub struct Serialized<'v, T: ?Sized>(&'v T);

/// Gives a template what only implements `serde::Serialize`: `context! { limits => serialized(&limits) }`.
pub fn serialized<T: Serialize + ?Sized>(value: &T) -> Serialized<'_, T> {
    Serialized(value)
}

impl<T: Serialize + ?Sized> ForTemplate for Serialized<'_, T> {
    fn for_template(&self) -> Given {
        self.0.serialize(Build).unwrap_or_else(|error| Given::Unfit(error.0))
    }
}

#[derive(Debug)]
struct Failed(String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

impl ser::Error for Failed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

struct Build;

macro_rules! plain {
    ($($method:ident: $type:ty),+) => {
        $(fn $method(self, value: $type) -> Result<Given, Failed> { Ok(value.for_template()) })+
    };
}

impl ser::Serializer for Build {
    type Ok = Given;
    type Error = Failed;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    plain!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f32: f32, serialize_f64: f64, serialize_char: char, serialize_str: &str,
        serialize_bytes: &[u8]
    );

    fn serialize_none(self) -> Result<Given, Failed> {
        Ok(Given::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Given, Failed> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Given, Failed> {
        Ok(Given::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Given, Failed> {
        Ok(Given::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Given, Failed> {
        Ok(variant.for_template())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Given, Failed> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Given, Failed> {
        Ok(Given::variant(variant, value.serialize(self)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Failed> {
        Ok(Items::default())
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, Failed> {
        Ok(Items::default())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, Failed> {
        Ok(Items::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items, Failed> {
        Ok(Items { variant: Some(variant), items: Vec::new() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Failed> {
        Ok(Entries { entries: Vec::new(), key: None })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, Failed> {
        Ok(Fields::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields, Failed> {
        Ok(Fields { variant: Some(variant), fields: Vec::new() })
    }
}

/// A value, or what a variant of an enum holds.
fn of(variant: Option<&'static str>, value: Given) -> Given {
    match variant {
        Some(name) => Given::variant(name, value),
        None => value,
    }
}

#[derive(Default)]
struct Items {
    variant: Option<&'static str>,
    items: Vec<Given>,
}

impl Items {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.items.push(value.serialize(Build)?);
        Ok(())
    }

    fn done(self) -> Given {
        of(self.variant, Given::List(self.items))
    }
}

macro_rules! items {
    ($($trait:ident: $method:ident),+) => {
        $(impl ser::$trait for Items {
            type Ok = Given;
            type Error = Failed;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
                self.add(value)
            }

            fn end(self) -> Result<Given, Failed> {
                Ok(self.done())
            }
        })+
    };
}
items!(
    SerializeSeq: serialize_element, SerializeTuple: serialize_element, SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
);

struct Entries {
    entries: Vec<(Given, Given)>,
    key: Option<Given>,
}

impl ser::SerializeMap for Entries {
    type Ok = Given;
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failed> {
        self.key = Some(key.serialize(Build)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        let key = self.key.take().ok_or_else(|| Failed("a map gives a value before its key".into()))?;
        self.entries.push((key, value.serialize(Build)?));
        Ok(())
    }

    fn end(self) -> Result<Given, Failed> {
        Ok(Given::Map(self.entries))
    }
}

#[derive(Default)]
struct Fields {
    variant: Option<&'static str>,
    fields: Vec<(&'static str, Given)>,
}

macro_rules! fields {
    ($($trait:ident),+) => {
        $(impl ser::$trait for Fields {
            type Ok = Given;
            type Error = Failed;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failed> {
                self.fields.push((key, value.serialize(Build)?));
                Ok(())
            }

            fn end(self) -> Result<Given, Failed> {
                Ok(of(self.variant, Given::Record(self.fields)))
            }
        })+
    };
}
fields!(SerializeStruct, SerializeStructVariant);
