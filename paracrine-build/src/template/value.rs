//! From Rust values to values of the template engine, late values among them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use paracrine_model::secret::{self, Secret, SecretSource};
use paracrine_model::text::Text;
use serde::ser::{self, Serialize};

use super::late;

/// The value of anything that can be serialised; secrets and late text in it stay late.
pub(super) fn of<T: Serialize + ?Sized>(value: &T) -> Result<Value, String> {
    secret::placing(|| value.serialize(Build)).map_err(|error| error.0)
}

/// A struct: unlike a map it has the same keys for every host, so a key that it lacks is a mistake wherever it stands.
#[derive(Debug)]
pub(super) struct Record(BTreeMap<&'static str, Value>);

impl Record {
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

impl Object for Record {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|key| Value::from(*key)).collect())
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

/// Late text and secrets give themselves away by their names; through JSON they come back as what they were.
fn again<T: Serialize + ?Sized, R: serde::de::DeserializeOwned>(value: &T) -> Result<R, Failed> {
    serde_json::to_value(value).and_then(serde_json::from_value).map_err(|error| Failed(error.to_string()))
}

struct Build;

macro_rules! plain {
    ($($method:ident: $type:ty),+) => {
        $(fn $method(self, value: $type) -> Result<Value, Failed> { Ok(Value::from(value)) })+
    };
}

impl ser::Serializer for Build {
    type Ok = Value;
    type Error = Failed;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Tagged<Items>;
    type SerializeMap = Entries;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Tagged<Fields>;

    plain!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_f32: f32, serialize_f64: f64, serialize_char: char, serialize_str: &str,
        serialize_bytes: &[u8]
    );

    fn serialize_none(self) -> Result<Value, Failed> {
        Ok(Value::from(()))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Failed> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Failed> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Failed> {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, Failed> {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, Failed> {
        if name == Secret::SERIALIZED {
            let source: SecretSource = again(value)?;
            return Ok(late::value(Text::from(Secret::new(source))));
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Failed> {
        Ok(tagged(variant, value.serialize(self)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Failed> {
        Ok(Items(Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, Failed> {
        Ok(Items(Vec::new()))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, Failed> {
        Ok(Items(Vec::new()))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Tagged<Items>, Failed> {
        Ok(Tagged { variant, inner: Items(Vec::new()) })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Failed> {
        Ok(Entries { entries: BTreeMap::new(), key: None })
    }

    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Fields, Failed> {
        let fields = BTreeMap::new();
        Ok(Fields { fields, text: (name == "Text" && length == 1).then_some(None) })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Tagged<Fields>, Failed> {
        Ok(Tagged { variant, inner: Fields { fields: BTreeMap::new(), text: None } })
    }
}

fn tagged(variant: &'static str, value: Value) -> Value {
    Value::from(BTreeMap::from([(variant.to_owned(), value)]))
}

struct Items(Vec<Value>);

impl Items {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.0.push(value.serialize(Build)?);
        Ok(())
    }
}

impl ser::SerializeSeq for Items {
    type Ok = Value;
    type Error = Failed;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.add(value)
    }

    fn end(self) -> Result<Value, Failed> {
        Ok(Value::from(self.0))
    }
}

impl ser::SerializeTuple for Items {
    type Ok = Value;
    type Error = Failed;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.add(value)
    }

    fn end(self) -> Result<Value, Failed> {
        Ok(Value::from(self.0))
    }
}

impl ser::SerializeTupleStruct for Items {
    type Ok = Value;
    type Error = Failed;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.add(value)
    }

    fn end(self) -> Result<Value, Failed> {
        Ok(Value::from(self.0))
    }
}

struct Tagged<I> {
    variant: &'static str,
    inner: I,
}

impl ser::SerializeTupleVariant for Tagged<Items> {
    type Ok = Value;
    type Error = Failed;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.inner.add(value)
    }

    fn end(self) -> Result<Value, Failed> {
        Ok(tagged(self.variant, Value::from(self.inner.0)))
    }
}

struct Entries {
    entries: BTreeMap<Value, Value>,
    key: Option<Value>,
}

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failed> {
        self.key = Some(key.serialize(Build)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        let key = self.key.take().ok_or_else(|| Failed("a map gives a value before its key".into()))?;
        self.entries.insert(key, value.serialize(Build)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Failed> {
        Ok(Value::from(self.entries))
    }
}

struct Fields {
    fields: BTreeMap<&'static str, Value>,
    /// Of a struct that may be late text: the text, once it has proved to be one.
    text: Option<Option<Text>>,
}

impl Fields {
    fn add<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failed> {
        if let Some(text) = &mut self.text
            && key == "spans"
            && let Ok(spans) = again::<_, serde_json::Value>(value)
            && let Ok(found) = serde_json::from_value(serde_json::json!({ "spans": spans }))
        {
            *text = Some(found);
            return Ok(());
        }
        self.fields.insert(key, value.serialize(Build)?);
        Ok(())
    }

    fn end(self) -> Value {
        match self.text.flatten() {
            Some(text) => late::value(text),
            None => Value::from_object(Record(self.fields)),
        }
    }
}

impl ser::SerializeStruct for Fields {
    type Ok = Value;
    type Error = Failed;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failed> {
        self.add(key, value)
    }

    fn end(self) -> Result<Value, Failed> {
        Ok(Fields::end(self))
    }
}

impl ser::SerializeStructVariant for Tagged<Fields> {
    type Ok = Value;
    type Error = Failed;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Failed> {
        self.inner.add(key, value)
    }

    fn end(self) -> Result<Value, Failed> {
        Ok(tagged(self.variant, self.inner.end()))
    }
}
