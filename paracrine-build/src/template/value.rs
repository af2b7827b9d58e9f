//! From what templates are given to values of the template engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};
use paracrine_model::given::Given;

use super::late::{self, Rendering};

/// The value for one rendering, in which it can be placed.
pub(super) fn of(given: &Given, rendering: &Arc<Rendering>) -> Result<Value, String> {
    Ok(match given {
        Given::Null => Value::from(()),
        Given::Bool(value) => Value::from(*value),
        Given::Integer(value) => match (i64::try_from(*value), u64::try_from(*value)) {
            (Ok(value), _) => Value::from(value),
            (_, Ok(value)) => Value::from(value),
            _ => Value::from(*value),
        },
        Given::Float(value) => Value::from(*value),
        Given::Text(text) => late::value(text, rendering),
        Given::List(items) => {
            Value::from(items.iter().map(|item| of(item, rendering)).collect::<Result<Vec<_>, _>>()?)
        }
        Given::Map(entries) => {
            let mut map = BTreeMap::new();
            for (key, value) in entries {
                let key = of(key, rendering)?;
                if late::within(&key).is_some() {
                    return Err("a late value cannot be a key".to_owned());
                }
                map.insert(key, of(value, rendering)?);
            }
            Value::from(map)
        }
        Given::Record(fields) => {
            let fields = fields.iter().map(|(key, value)| Ok((*key, of(value, rendering)?)));
            Value::from_object(Record(fields.collect::<Result<_, String>>()?))
        }
        Given::Unfit(why) => return Err(why.clone()),
    })
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
