//! What checking a chain and the purpose of a key need: the extensions of RFC 5280 §4.2.

use super::{BadTlv, Certificate, CertificateError, Tlv, Tlvs, oid, tag};

/// Critical extensions that demand nothing which is not checked here: policies bind nobody who asks for none.
const HARMLESS: [&[u8]; 3] = [
    oid::SUBJECT_KEY_IDENTIFIER,
    oid::CERTIFICATE_POLICIES,
    oid::AUTHORITY_KEY_IDENTIFIER,
];

/// `anyExtendedKeyUsage`, `emailProtection` and, since many AS2 certificates are TLS certificates, `serverAuth` and
/// `clientAuth` (RFC 5280 §4.2.1.12).
const MESSAGE_USAGES: [&[u8]; 4] = [
    oid::ANY_USAGE,
    oid::EMAIL_PROTECTION,
    oid::SERVER_AUTH,
    oid::CLIENT_AUTH,
];

/// The extensions that count; those that are missing restrict nothing.
#[derive(Debug, Default)]
pub(crate) struct Extensions<'a> {
    /// `cA` and `pathLenConstraint` of basicConstraints.
    pub(crate) authority: Option<(bool, Option<u64>)>,
    key_usage: Option<&'a [u8]>,
    extended_usage: Option<Vec<&'a [u8]>>,
    /// The rfc822Name and dNSName entries of subjectAltName.
    pub(crate) names: Vec<&'a str>,
    /// A critical one that is not known here, as its object identifier.
    pub(crate) unknown_critical: Option<String>,
}

/// The bits of keyUsage (RFC 5280 §4.2.1.3).
#[derive(Clone, Copy)]
enum UsageBit {
    DigitalSignature,
    NonRepudiation,
    KeyCertSign,
    CrlSign,
}

impl Extensions<'_> {
    /// Whether the key may sign messages.
    pub(crate) fn may_sign_messages(&self) -> bool {
        let bits = [UsageBit::DigitalSignature, UsageBit::NonRepudiation];
        bits.into_iter().any(|bit| self.has(bit))
            && self
                .extended_usage
                .as_ref()
                .is_none_or(|usages| usages.iter().any(|usage| MESSAGE_USAGES.contains(usage)))
    }

    /// Whether the key may sign certificates.
    pub(crate) fn may_sign_certificates(&self) -> bool {
        self.has(UsageBit::KeyCertSign)
    }

    /// Whether the key may sign revocation lists.
    pub(crate) fn may_sign_revocation_lists(&self) -> bool {
        self.has(UsageBit::CrlSign)
    }

    /// Without the extension everything is allowed.
    fn has(&self, bit: UsageBit) -> bool {
        let mask = match bit {
            UsageBit::DigitalSignature => 0x80,
            UsageBit::NonRepudiation => 0x40,
            UsageBit::KeyCertSign => 0x04,
            UsageBit::CrlSign => 0x02,
        };
        self.key_usage
            .is_none_or(|bits| bits.first().is_some_and(|octet| octet & mask != 0))
    }
}

impl Certificate {
    /// Whether it says that its key signs other certificates: `cA` of basicConstraints (RFC 5280 §4.2.1.9).
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.extensions()
            .is_ok_and(|extensions| matches!(extensions.authority, Some((true, _))))
    }

    /// The extensions.
    pub(crate) fn extensions(&self) -> Result<Extensions<'_>, CertificateError> {
        let mut found = Extensions::default();
        let mut tbs = self.to_be_signed()?.children();
        while !tbs.is_empty() {
            let field = tbs.any()?;
            if field.tag == tag::context_constructed(3) {
                let mut extensions = field.children().expect(tag::SEQUENCE)?.children();
                while !extensions.is_empty() {
                    found.take(extensions.expect(tag::SEQUENCE)?)?;
                }
            }
        }
        Ok(found)
    }

    fn to_be_signed(&self) -> Result<Tlv<'_>, BadTlv> {
        let certificate = Tlvs(self.der()).expect(tag::SEQUENCE)?;
        certificate.children().expect(tag::SEQUENCE)
    }

    /// The issuer for people, as [`Display`](std::fmt::Display) is the subject.
    pub(crate) fn issuer_text(&self) -> String {
        struct Name<'a>(&'a [u8]);
        impl std::fmt::Display for Name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                super::names::display(self.0, f)
            }
        }
        Name(self.issuer()).to_string()
    }

    /// Whether it is of version 1, which knows no extensions.
    pub(crate) fn is_version_1(&self) -> bool {
        let version = self.to_be_signed().map(|tbs| tbs.children().0.first().copied());
        version != Ok(Some(tag::context_constructed(0)))
    }

    /// Whether it names itself as its issuer: nobody else vouches for it, nor can revoke it.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.issuer() == self.subject()
    }
}

impl<'a> Extensions<'a> {
    fn take(&mut self, extension: Tlv<'a>) -> Result<(), BadTlv> {
        let mut extension = extension.children();
        let id = extension.expect(tag::OID)?.value;
        let critical = extension.optional(tag::BOOLEAN)?;
        let critical = critical.is_some_and(|critical| critical.value != [0]);
        let mut value = extension.expect(tag::OCTET_STRING)?.children();
        match id {
            oid::BASIC_CONSTRAINTS => {
                let mut fields = value.expect(tag::SEQUENCE)?.children();
                let authority = fields.optional(tag::BOOLEAN)?;
                let length = fields.optional(tag::INTEGER)?.map(|length| number(length.value));
                self.authority = Some((authority.is_some_and(|authority| authority.value != [0]), length));
            }
            oid::KEY_USAGE => {
                let (_unused_bits, bits) = value.expect(tag::BIT_STRING)?.value.split_first().ok_or(BadTlv)?;
                self.key_usage = Some(bits);
            }
            oid::EXTENDED_KEY_USAGE => {
                let mut usages = value.expect(tag::SEQUENCE)?.children();
                let mut all = Vec::new();
                while !usages.is_empty() {
                    all.push(usages.expect(tag::OID)?.value);
                }
                self.extended_usage = Some(all);
            }
            oid::SUBJECT_ALT_NAME => {
                let mut names = value.expect(tag::SEQUENCE)?.children();
                while !names.is_empty() {
                    let name = names.any()?;
                    if [tag::context(1), tag::context(2)].contains(&name.tag) {
                        self.names.extend(std::str::from_utf8(name.value));
                    }
                }
            }
            _ if critical && !HARMLESS.contains(&id) => {
                self.unknown_critical.get_or_insert_with(|| oid::text(id));
            }
            _ => {}
        }
        Ok(())
    }
}

/// What does not fit restricts nothing that is real.
fn number(octets: &[u8]) -> u64 {
    octets.iter().fold(0, |sum, octet| {
        u64::saturating_add(u64::saturating_mul(sum, 256), u64::from(*octet))
    })
}
