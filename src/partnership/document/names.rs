//! Values that have a name each.

use std::str::FromStr;

use super::text::{Misread, Text};
use crate::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, MicalgStyle, SignatureScheme, UnknownAlgorithm};
use crate::mime::TransferEncoding;
use crate::partnership::{Compression, IncludedCertificates, MicSource, TlsVersion};

/// A type with few values.
pub(super) trait Names: Copy + PartialEq {
    /// All values with their names.
    fn names() -> Vec<(String, Self)>;

    /// Its own.
    fn name(&self) -> String {
        let named = Self::names().into_iter().find(|(_, value)| value == self);
        named.map(|(name, _)| name).unwrap_or_default()
    }
}

impl<T: Names> Text for T {
    fn expected() -> String {
        one_of(T::names())
    }

    fn read(text: &str) -> Result<Self, Misread> {
        let named = T::names().into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        named.map(|(_, value)| value).ok_or(Misread::Unexpected)
    }

    fn write(&self) -> String {
        self.name()
    }
}

/// The choices, for people.
pub(super) fn one_of<T>(names: Vec<(String, T)>) -> String {
    let names: Vec<_> = names.into_iter().map(|(name, _)| format!("\"{name}\"")).collect();
    format!("one of {}", names.join(", "))
}

/// `none`, or one of them.
impl<T: Names> Names for Option<T> {
    fn names() -> Vec<(String, Self)> {
        let some = T::names().into_iter().map(|(name, value)| (name, Some(value)));
        some.chain([("none".to_owned(), None)]).collect()
    }

    fn name(&self) -> String {
        self.map_or_else(|| "none".to_owned(), |value| value.name())
    }
}

/// An algorithm that is sent: one that is only read has no name here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent<T>(pub(super) T);

/// Types whose names are known elsewhere.
macro_rules! displayed {
    ($($named:ty: $all:expr),+ $(,)?) => { $(
        impl Names for $named {
            fn names() -> Vec<(String, Self)> {
                $all.into_iter().map(|one| (one.to_string(), one)).collect()
            }
        }
    )+ };
}

displayed!(
    SignatureScheme: SignatureScheme::ALL,
    KeyTransport: Self::ALL,
    TransferEncoding: [Self::Binary, Self::SevenBit, Self::EightBit, Self::Base64, Self::QuotedPrintable],
);

/// Types of which some values are only read, and take a feature: what is sent is what is expected.
macro_rules! algorithms {
    ($($named:ty),+) => { $(
        impl Text for $named {
            fn expected() -> String {
                Sent::<Self>::expected()
            }

            fn read(text: &str) -> Result<Self, Misread> {
                let named = Self::known().find(|one| one.to_string().eq_ignore_ascii_case(text));
                named.ok_or_else(|| misread::<Self>(text))
            }

            fn write(&self) -> String {
                self.to_string()
            }
        }

        impl Names for Sent<$named> {
            fn names() -> Vec<(String, Self)> {
                <$named>::ALL.map(|one| (one.to_string(), Self(one))).into()
            }

            /// What code has put there is written as it is, and refused when it is read.
            fn name(&self) -> String {
                self.0.to_string()
            }
        }
    )+ };
}

algorithms!(DigestAlgorithm, ContentCipher);

/// What is known of a name that is none of a document's.
pub(super) fn misread<T: FromStr<Err = UnknownAlgorithm>>(text: &str) -> Misread {
    match text.parse::<T>() {
        Err(unknown) if unknown.has_remedy() => unknown.into(),
        _ => Misread::Unexpected,
    }
}

macro_rules! named {
    ($($named:ty { $($name:literal => $value:ident),+ $(,)? })+) => { $(
        impl Names for $named {
            fn names() -> Vec<(String, Self)> {
                [$(($name, Self::$value)),+].map(|(name, value)| (name.to_owned(), value)).into()
            }
        }

        impl $named {
            /// A value without a name does not compile.
            #[expect(dead_code, reason = "its match is all that counts")]
            const fn each_has_a_name(self) {
                match self { $(Self::$value => {})+ }
            }
        }
    )+ };
}

named! {
    Compression { "none" => None, "before-signing" => BeforeSigning, "after-signing" => AfterSigning }
    IncludedCertificates { "signer" => Signer, "chain" => Chain, "none" => None }
    MicalgStyle { "rfc5751" => Rfc5751, "rfc3851" => Rfc3851 }
    MicSource { "signature" => Signature, "requested" => Requested }
    TlsVersion { "1.2" => Tls12, "1.3" => Tls13 }
    Delivery { "none" => None, "sync" => Sync, "async" => Async }
    Receipts { "as-asked" => AsAsked, "never" => Never, "sync" => Sync, "async" => Async }
    Transfer { "content-length" => ContentLength, "chunked" => Chunked }
}

/// [`ReceiptDelivery`](crate::partnership::ReceiptDelivery) without the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    None,
    Sync,
    Async,
}

/// [`ReceiptRule`](crate::partnership::ReceiptRule) without the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receipts {
    AsAsked,
    Never,
    Sync,
    Async,
}

/// How the length of a request is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transfer {
    ContentLength,
    Chunked,
}
