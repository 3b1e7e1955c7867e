//! What to do about a failure, in the words of the configuration file.

use ediint::diagnose::Reason;
use ediint::store::StoreError;
use ediint::transport::{Distrust, TransportError};
use ediint::{PrepareError, ReceiptStatus, SendError};
use http::StatusCode;

/// What to change so that the message goes out; none where the failure says it all, or where there is nothing to change.
pub(crate) fn on_sending(error: &SendError) -> Option<&'static str> {
    match error {
        SendError::Transport(error) => on_the_way(error),
        SendError::Prepare(PrepareError::NotValid { .. } | PrepareError::NoRecipient(_)) => {
            Some("ask the partner for its new certificate and add it to `certificates`")
        }
        SendError::Status(refused) => match refused.status.as_u16() {
            401 => Some("set `tls.basic_auth` of the partner to what it gave you"),
            403..=405 => Some("check `url` of the partner, and that it knows our as2_id and certificates"),
            413 => Some("agree on a larger size with the partner"),
            429 | 500.. => Some(AGAIN),
            _ => None,
        },
        SendError::Store(StoreError::AlreadySent) => {
            Some("leave --message-id out, or take another one; the same message can be sent again under its own")
        }
        _ => None,
    }
}

/// The same for what the partner answered.
pub(crate) fn on_receipt(status: &ReceiptStatus) -> Option<&'static str> {
    match status {
        ReceiptStatus::Accepted { .. } | ReceiptStatus::Warning { .. } => None,
        ReceiptStatus::Missing => Some(
            "Ask the partner whether it has the message, and why it gives no receipt; the same message can safely be sent \
             again under its --message-id.",
        ),
        ReceiptStatus::MicMismatch { .. } => Some(
            "Let `gateway inspect` look at the receipt, which is in receipts/: it knows what partners digest instead.",
        ),
        status => Some(Reason::Receipt(status.clone()).advice()),
    }
}

/// What to see to where the way to a partner is good, and its server answers like this.
pub(crate) fn on_answer(status: StatusCode) -> Option<&'static str> {
    Some(match status.as_u16() {
        301..=308 => "ask the partner for the right `url`: redirects are not followed",
        401 => "set `tls.basic_auth` of the partner to what it gave you",
        403 => "ask the partner whether it lets us in",
        404 => "check the path in `url` of the partner: there may be nothing there",
        500.. => "ask the partner whether its server is in order",
        _ => return None,
    })
}

/// What helps where the partner's server is in trouble.
const AGAIN: &str =
    "ask the partner to look into its log; the same message can safely be sent again under its --message-id";

/// The same for what fails before anything is sent.
pub(crate) fn on_the_way(error: &TransportError) -> Option<&'static str> {
    Some(match error {
        TransportError::Resolve(_) => "check the host in `url` of the partner",
        TransportError::Connect { .. } => {
            "check host and port in `url` of the partner, that its gateway is running, and that no firewall is in between"
        }
        TransportError::Tls(rustls::Error::InvalidMessage(_)) => {
            "make `url` of the partner begin with http, or take the port that speaks TLS"
        }
        TransportError::TlsExpected => "make `url` of the partner begin with https",
        TransportError::PlaintextCredentials => {
            "make `url` of the partner begin with https, or leave `tls.basic_auth` out"
        }
        TransportError::AddressNotAllowed { .. } => "add host and port to `accept.receipt_hosts` of the partner",
        TransportError::ClientCertificateRefused { shown: None, .. } => {
            "set `tls.client_certificate` and `tls.client_key` of the partner, and give it that certificate"
        }
        TransportError::ClientCertificateRefused { .. } => {
            "give the partner the certificate in `tls.client_certificate`, or set the one that it knows"
        }
        TransportError::Untrusted(untrusted) => match untrusted.reason {
            Distrust::Expired => {
                "ask the partner to renew the certificate of its server, and put the new one into `tls.pin` of the partner if \
                 it is pinned"
            }
            Distrust::NotValidYet => {
                "check the clock here; if it is right, ask the partner about its server's certificate"
            }
            Distrust::WrongName { .. } => {
                "take a host that the certificate is for into `url` of the partner, or pin it and set `tls.verify_hostname` to \
                 false"
            }
            _ => {
                "compare the fingerprint with the partner by another way than this connection; if it is the partner's, put it \
             into `tls.pin` of the partner, or its issuer's certificate into `tls.ca`"
            }
        },
        TransportError::Timeout { .. } | TransportError::TotalTimeout { .. } => {
            "ask the partner whether its server is overloaded; a message that may have arrived can safely be sent again \
             under its --message-id"
        }
        _ => return None,
    })
}
