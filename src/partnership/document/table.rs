//! Tables whose errors name the field.
//!
//! What a format says of an error is where it is, or nothing: JSON has a line, a value from a database has none. The name
//! is put in where the error arises, so that what the format knows of the place is still that of the field.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// A type that is written and read as a table.
pub(super) trait Document: Sized {
    /// The fields.
    type Table: Serialize + for<'de> Deserialize<'de>;
    /// What errors call it; nothing for what stands for itself.
    const NAME: &'static str;
    /// The fields that are tables: those name their own fields.
    const TABLES: &'static [&'static str] = &[];

    fn table(&self) -> Self::Table;

    fn from_table(table: Self::Table) -> Result<Self, Fault>;
}

/// What is wrong with a table whose fields are right, each for itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0} needs {1} too")]
    Needs(&'static str, &'static str),
    #[error("{0} goes without {1}")]
    Excludes(&'static str, &'static str),
    /// Secrets are looked at last: what TOML says of the place of an error shows the line.
    #[error("{0}: expected text, in quotes")]
    NoText(&'static str),
    #[error("client_key: expected a private key without password, as PEM text or the base64 of its DER")]
    NoKey,
    #[error(transparent)]
    Credentials(#[from] crate::partnership::CredentialsError),
}

macro_rules! documents {
    ($($document:ty),+ $(,)?) => { $(
        impl serde::Serialize for $document {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::partnership::document::table::Document::table(self).serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $document {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::partnership::document::table::read(deserializer)
            }
        }
    )+ };
}

pub(super) use documents;

pub(super) fn read<'de, T: Document, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(Reader(PhantomData))
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Document> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match T::NAME {
            "" => f.write_str("a table"),
            name => write!(f, "a table, {name}"),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let named = Cell::new(false);
        let fields = Fields {
            map,
            field: String::new(),
            table: T::NAME,
            tables: T::TABLES,
            named: &named,
        };
        let about = |fault: &dyn fmt::Display| match T::NAME {
            "" => A::Error::custom(fault),
            name => A::Error::custom(format_args!("{name}: {fault}")),
        };
        let table = T::Table::deserialize(MapAccessDeserializer::new(fields));
        let table = table.map_err(|error| if named.get() { error } else { about(&error) })?;
        T::from_table(table).map_err(|fault| about(&fault))
    }
}

/// The fields of a table, which remembers the one that is being read.
struct Fields<'a, A> {
    map: A,
    field: String,
    table: &'static str,
    tables: &'static [&'static str],
    /// Whether an error went by that says what it is about.
    named: &'a Cell<bool>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.map.next_key_seed(Key {
            seed,
            field: &mut self.field,
            table: self.table,
            named: self.named,
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(Value {
            seed,
            field: &self.field,
            table: self.table,
            passed: self.tables.contains(&self.field.as_str()),
            named: self.named,
        })
    }
}

struct Key<'a, K> {
    seed: K,
    field: &'a mut String,
    table: &'static str,
    named: &'a Cell<bool>,
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<'_, K> {
    type Value = K::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K::Value, D::Error> {
        *self.field = String::deserialize(deserializer)?;
        let key: StrDeserializer<'_, D::Error> = self.field.as_str().into_deserializer();
        self.seed.deserialize(key).map_err(|error| {
            self.named.set(true);
            match self.table {
                "" => error,
                table => D::Error::custom(format_args!("{table}: {error}")),
            }
        })
    }
}

struct Value<'a, V> {
    seed: V,
    field: &'a str,
    table: &'static str,
    /// Whether errors say what they are about.
    passed: bool,
    named: &'a Cell<bool>,
}

impl<'de, V: DeserializeSeed<'de>> DeserializeSeed<'de> for Value<'_, V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let (table, field) = (self.table, self.field);
        self.seed.deserialize(deserializer).map_err(|error| {
            self.named.set(true);
            if self.passed {
                return error;
            }
            let error = error.to_string();
            let error = error.trim_end();
            match table {
                "" => D::Error::custom(format_args!("{field}: {error}")),
                table => D::Error::custom(format_args!("{table}.{field}: {error}")),
            }
        })
    }
}
