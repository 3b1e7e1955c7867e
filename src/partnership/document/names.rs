//! Values that have a name each.

use super::text::{Misread, Text};
use crate::algorithm::{ContentCipher, DigestAlgorithm, KeyTransport, MicalgStyle, SignatureScheme};
use crate::mime::TransferEncoding;
use crate::partnership::{Compression, IncludedCertificates, MicSource, TlsVersion};

/// A type with few values.
pub(super) trait Names: Copy + PartialEq {
    /// All values with their names.
    fn names() -> Vec<(String, Self)>;
}

impl<T: Names> Text for T {
    fn expected() -> String {
        let names: Vec<_> = T::names().into_iter().map(|(name, _)| format!("\"{name}\"")).collect();
        format!("one of {}", names.join(", "))
    }

    fn read(text: &str) -> Result<Self, Misread> {
        let named = T::names().into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        named.map(|(_, value)| value).ok_or(Misread::Unexpected)
    }

    fn write(&self) -> String {
        let named = T::names().into_iter().find(|(_, value)| value == self);
        named.map(|(name, _)| name).unwrap_or_default()
    }
}

/// `none`, or one of them.
impl<T: Names> Names for Option<T> {
    fn names() -> Vec<(String, Self)> {
        let some = T::names().into_iter().map(|(name, value)| (name, Some(value)));
        some.chain([("none".to_owned(), None)]).collect()
    }
}

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
    DigestAlgorithm: Self::ALL,
    ContentCipher: Self::ALL,
    SignatureScheme: SignatureScheme::ALL,
    KeyTransport: Self::ALL,
    TransferEncoding: [Self::Binary, Self::SevenBit, Self::EightBit, Self::Base64, Self::QuotedPrintable],
);

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
    Weak { "sha-1" => Sha1, "3des" => TripleDes, "rsa-1024" => Rsa1024 }
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

/// What is refused unless a policy allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weak {
    Sha1,
    TripleDes,
    Rsa1024,
}
