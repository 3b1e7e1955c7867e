//! How a partner is reached: timeouts, proxy and credentials. Plain data; the transport room gives it effect.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::uri::Authority;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::tls::TlsProfile;

/// How requests to one partner travel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpProfile {
    /// TLS, for `https` URLs.
    pub tls: TlsProfile,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// Sends `Transfer-Encoding: chunked` in place of `Content-Length` (default: no, some partners refuse it).
    pub chunked: bool,
    /// Sends `Connection: close`, and keeps no connection for the next message (default: no).
    pub close: bool,
    /// The proxy to the partner.
    pub proxy: Option<Proxy>,
    /// User name and password for the partner's server.
    pub basic_auth: Option<BasicAuth>,
}

/// How long the steps of one exchange may take.
///
/// Each is a bound on its own; `total` bounds them all, the reading of the response body included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Name resolution and TCP connection together, and the proxy's answer where there is one (default 30 s).
    pub connect: Duration,
    /// The TLS handshake (default 30 s).
    pub tls: Duration,
    /// The longest time in which the partner takes no octet of the request (default 60 s).
    pub write: Duration,
    /// The longest silence of the partner (default 300 s): from the last octet of the request to the first of the
    /// response, and between octets of the response. A partner that answers with a synchronous receipt does all its
    /// work in this time (RFC 4130 §7.2), so keep it above 120 s. Interim (1xx) responses break the silence.
    pub response: Duration,
    /// The whole exchange (default 1 h).
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            tls: Duration::from_secs(30),
            write: Duration::from_secs(60),
            response: Duration::from_secs(300),
            total: Duration::from_secs(3600),
        }
    }
}

/// An HTTP proxy: `https` URLs go through a tunnel (RFC 9110 §9.3.6), so that it sees host and port alone; `http` ones
/// are forwarded by it. The way to the proxy itself is not encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Proxy {
    /// Host and port; the port is 80 where it is left out.
    pub authority: Authority,
    /// User name and password for the proxy.
    pub credentials: Option<Credentials>,
    /// Hosts that are reached without it: a name stands for itself and the names below it, an address for itself, `*` for
    /// all.
    pub no_proxy: Vec<String>,
}

impl Proxy {
    /// The proxy at this host and port.
    #[must_use]
    pub const fn new(authority: Authority) -> Self {
        Self {
            authority,
            credentials: None,
            no_proxy: Vec::new(),
        }
    }

    /// Whether this host, without brackets, is reached through the proxy.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let address = host.parse::<IpAddr>().ok();
        !self.no_proxy.iter().any(|exempt| {
            let exempt = exempt.trim();
            if exempt == "*" {
                return true;
            }
            if let Some(address) = address {
                return exempt.trim_matches(['[', ']']).parse() == Ok(address);
            }
            let domain = exempt.trim_start_matches('.');
            let Some(start) = host.len().checked_sub(domain.len()) else {
                return false;
            };
            let same = |part: &str| part.eq_ignore_ascii_case(domain);
            let below = start == 0 || host.get(..start).is_some_and(|labels| labels.ends_with('.'));
            !domain.is_empty() && below && host.get(start..).is_some_and(same)
        })
    }
}

/// Basic authentication (RFC 7617) at the partner's server (RFC 4130 §5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BasicAuth {
    /// User name and password.
    pub credentials: Credentials,
    /// Sends them with each request. By default the first request goes without, and is repeated once with them if the
    /// server asks for them with 401: a large message then goes twice.
    pub preemptive: bool,
    /// Sends them to `http` URLs too, for everyone on the way to read (default: no, such requests fail).
    pub allow_plaintext: bool,
}

impl BasicAuth {
    /// Authenticates with these, over TLS, when asked to.
    #[must_use]
    pub const fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            preemptive: false,
            allow_plaintext: false,
        }
    }
}

/// User name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The base64 of both.
    token: Zeroizing<String>,
}

/// A user name cannot hold a colon, and neither part control characters (RFC 7617 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user name with a colon, or a user name or password with control characters, cannot be sent (RFC 7617 §2)")]
#[non_exhaustive]
pub struct CredentialsError;

impl Credentials {
    /// Takes a user name and a password, which are sent as UTF-8.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`].
    pub fn new(user: &str, password: &str) -> Result<Self, CredentialsError> {
        if user.contains(':') || user.chars().chain(password.chars()).any(char::is_control) {
            return Err(CredentialsError);
        }
        let both = Zeroizing::new(format!("{user}:{password}"));
        Ok(Self {
            token: Zeroizing::new(STANDARD.encode(both.as_bytes())),
        })
    }

    /// The value of the `Authorization` or `Proxy-Authorization` field, marked as sensitive.
    #[must_use]
    pub fn authorization(&self) -> HeaderValue {
        let value = Zeroizing::new(format!("Basic {}", self.token.as_str()));
        // Base64 is visible ASCII.
        let value = HeaderValue::from_str(&value);
        let mut value = value.unwrap_or_else(|_| HeaderValue::from_static("Basic"));
        value.set_sensitive(true);
        value
    }

    /// Whether an `Authorization` field of a request, for a host that asks for one, has this user name and password.
    /// Takes the same time for each wrong one of a length (SEC-38).
    #[must_use]
    pub fn match_authorization(&self, value: &HeaderValue) -> bool {
        let Some((scheme, token)) = value.as_bytes().split_at_checked(6) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"Basic ") && bool::from(token.trim_ascii().ct_eq(self.token.as_bytes()))
    }
}

impl Hash for Credentials {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.token.as_str().hash(state);
    }
}

/// Shows nothing.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
