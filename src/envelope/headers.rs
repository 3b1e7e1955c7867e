use crate::features::EdiintFeatures;
use crate::message_id::{MessageId, MessageIdError};
use crate::mime::{HeaderBlock, HeaderError};
use crate::name::{As2Name, As2NameError};
use crate::version::As2Version;

/// What the HTTP headers of an AS2 message or receipt say (RFC 4130 §6).
///
/// None of it is authenticated: a signature covers the body, not these headers.
#[derive(Clone, Debug)]
pub struct As2Headers {
    version: As2Version,
    from: As2Name,
    to: As2Name,
    message_id: Option<MessageId>,
    block: HeaderBlock,
}

/// Why headers are not those of an AS2 message. The reply is 400: there is nobody to answer with a receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum As2HeaderError {
    /// A mandatory header is missing.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header line is malformed, or one that must be single occurs twice.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// An AS2 name is malformed.
    #[error("{header}: {source}")]
    Name {
        /// Which header.
        header: &'static str,
        /// What is wrong with it.
        source: As2NameError,
    },
    /// The Message-ID is malformed.
    #[error("Message-ID: {0}")]
    MessageId(#[from] MessageIdError),
}

/// Headers that must not occur twice: of two values, nobody could say which the partner's proxy or log had seen.
const SINGLE: [&str; 4] = [
    "Disposition-Notification-To",
    "Receipt-Delivery-Option",
    "Disposition-Notification-Options",
    "Content-Type",
];

impl As2Headers {
    /// Reads the headers of a request or response.
    ///
    /// # Errors
    ///
    /// [`As2HeaderError`] where a name is missing or malformed, or a header that must be single occurs twice.
    pub fn parse(block: HeaderBlock) -> Result<Self, As2HeaderError> {
        for name in SINGLE {
            match block.single(name) {
                // Whether it must be text is for those to say who read it.
                Ok(_) | Err(HeaderError::NotText { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let version = match block.single("AS2-Version")? {
            None => As2Version::V1_0,
            // A version that is no number is not this protocol: the shell answers as for 2.0.
            Some(value) => value.parse().unwrap_or(As2Version { major: 0, minor: 0 }),
        };
        let from = name(&block, "AS2-From")?;
        let to = name(&block, "AS2-To")?;
        let message_id = block.single("Message-ID")?.map(MessageId::parse).transpose()?;
        Ok(Self {
            version,
            from,
            to,
            message_id,
            block,
        })
    }

    /// `AS2-Version`; 1.0 where it is absent, 0.0 where it is not a number.
    #[must_use]
    pub fn version(&self) -> As2Version {
        self.version
    }

    /// Who claims to have sent it.
    #[must_use]
    pub fn from(&self) -> &As2Name {
        &self.from
    }

    /// Whom it is addressed to.
    #[must_use]
    pub fn to(&self) -> &As2Name {
        &self.to
    }

    /// Checks that names with spaces are quoted (RFC 4130 §6.2), which reading does not ask for.
    ///
    /// # Errors
    ///
    /// [`As2HeaderError::Name`].
    pub fn check_name_quoting(&self) -> Result<(), As2HeaderError> {
        for header in ["AS2-From", "AS2-To"] {
            let value = self.block.get(header).unwrap_or_default().trim_matches([' ', '\t']);
            if !value.starts_with('"') && value.contains(' ') {
                let source = As2NameError::Quoting(value.to_owned());
                return Err(As2HeaderError::Name { header, source });
            }
        }
        Ok(())
    }

    /// `Message-ID`, exactly as received.
    #[must_use]
    pub fn message_id(&self) -> Option<&MessageId> {
        self.message_id.as_ref()
    }

    /// `Subject`.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.block.get("Subject")
    }

    /// `Date`, as received.
    #[must_use]
    pub fn date(&self) -> Option<&str> {
        self.block.get("Date")
    }

    /// `EDIINT-Features` (RFC 6017), of all fields of that name.
    #[must_use]
    pub fn features(&self) -> EdiintFeatures {
        let values: Vec<_> = self.block.get_all("EDIINT-Features").collect();
        EdiintFeatures::parse(&values.join(","))
    }

    /// `AS2-Product` (draft-ietf-ediint-rfc4130bis §6.2), for people who tune a partnership.
    #[must_use]
    pub fn product(&self) -> Option<&str> {
        self.block.get("AS2-Product")
    }

    /// All headers, in their order.
    #[must_use]
    pub fn block(&self) -> &HeaderBlock {
        &self.block
    }
}

fn name(block: &HeaderBlock, header: &'static str) -> Result<As2Name, As2HeaderError> {
    let value = block.single(header)?.ok_or(As2HeaderError::Missing(header))?;
    As2Name::parse_header(value).map_err(|source| As2HeaderError::Name { header, source })
}

#[cfg(test)]
mod tests;
