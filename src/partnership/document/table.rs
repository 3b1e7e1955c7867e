//! Tables whose errors name the field.
//!
//! What a format says of an error is where it is, or nothing: JSON has a line, a value from a database has none. The name
//! is put in where the error arises, so that what the format knows of the place is still that of the field. It is the whole
//! path, from the outermost table of this crate.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// A type that is written and read as a table.
pub(super) trait Document: Sized {
    /// The fields.
    type Table: Serialize + for<'de> Deserialize<'de>;
    /// What errors call it where it is read alone; nothing for what stands for itself.
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

thread_local! {
    /// The path of the field whose value comes next, where that is a table: serde hands nothing down.
    static NEXT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Holds the path of a table until it is read, or could not be.
struct Next;

impl Next {
    fn is(path: String) -> Self {
        NEXT.set(Some(path));
        Self
    }
}

impl Drop for Next {
    fn drop(&mut self) {
        NEXT.set(None);
    }
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Document> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        NEXT.with_borrow(|next| match next.as_deref().unwrap_or(T::NAME) {
            "" => f.write_str("a table"),
            path => write!(f, "a table, {path}"),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let path = NEXT.take().unwrap_or_else(|| T::NAME.to_owned());
        let named = Cell::new(false);
        let fields = Fields {
            map,
            field: String::new(),
            path: &path,
            tables: T::TABLES,
            named: &named,
        };
        let about = |fault: &dyn fmt::Display| match path.as_str() {
            "" => A::Error::custom(fault),
            path => A::Error::custom(format_args!("{path}: {fault}")),
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
    /// Of the table.
    path: &'a str,
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
            path: self.path,
            named: self.named,
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(Value {
            seed,
            path: match self.path {
                "" => self.field.clone(),
                table => format!("{table}.{}", self.field),
            },
            passed: self.tables.contains(&self.field.as_str()),
            named: self.named,
        })
    }
}

struct Key<'a, K> {
    seed: K,
    field: &'a mut String,
    path: &'a str,
    named: &'a Cell<bool>,
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<'_, K> {
    type Value = K::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K::Value, D::Error> {
        *self.field = String::deserialize(deserializer)?;
        let key: StrDeserializer<'_, D::Error> = self.field.as_str().into_deserializer();
        self.seed.deserialize(key).map_err(|error| {
            self.named.set(true);
            match self.path {
                "" => error,
                path => D::Error::custom(format_args!("{path}: {error}")),
            }
        })
    }
}

struct Value<'a, V> {
    seed: V,
    path: String,
    /// Whether errors say what they are about.
    passed: bool,
    named: &'a Cell<bool>,
}

impl<'de, V: DeserializeSeed<'de>> DeserializeSeed<'de> for Value<'_, V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let Self {
            seed,
            path,
            passed,
            named,
        } = self;
        if passed {
            let _next = Next::is(path);
            return seed.deserialize(deserializer).inspect_err(|_| named.set(true));
        }
        seed.deserialize(deserializer).map_err(|error| {
            named.set(true);
            let error = error.to_string();
            D::Error::custom(format_args!("{path}: {}", error.trim_end()))
        })
    }
}
