//! Where a request goes, and the form that it has there.

use std::borrow::Cow;

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHORIZATION, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Request, Uri, Version};
use http_body::Body;

use crate::partnership::{HttpProfile, Proxy};
use crate::transport::{Egress, RequestBody, TransportError};

/// Where a URL points.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) secure: bool,
    /// Without the brackets of an IPv6 literal.
    pub(super) host: &'a str,
    pub(super) port: u16,
    authority: &'a Authority,
    pub(super) egress: Egress,
}

impl<'a> Target<'a> {
    pub(super) fn of(uri: &'a Uri, egress: Egress) -> Result<Self, TransportError> {
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(TransportError::Url),
        };
        let authority = uri.authority().ok_or(TransportError::Url)?;
        let host = without_brackets(authority.host());
        if host.is_empty() {
            return Err(TransportError::Url);
        }
        Ok(Self {
            secure,
            host,
            port: authority.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            authority,
            egress,
        })
    }

    /// Host and port as they are in the URL, without user information.
    fn host_and_port(&self) -> Cow<'a, str> {
        let literal = self.authority.host();
        match self.authority.port() {
            Some(port) => Cow::Owned(format!("{literal}:{port}")),
            None => Cow::Borrowed(literal),
        }
    }

    /// Host and port, the default one too (RFC 9112 §3.2.3).
    pub(super) fn connect_authority(&self) -> String {
        format!("{}:{}", self.authority.host(), self.port)
    }

    /// The proxy on the way there.
    pub(super) fn proxy<'p>(&self, profile: &'p HttpProfile) -> Option<&'p Proxy> {
        profile.proxy.as_ref().filter(|proxy| proxy.is_for(self.host))
    }

    /// Whether a proxy opens a tunnel to it, or forwards single requests. Where the address matters it is ours to name.
    pub(super) fn wants_tunnel(&self) -> bool {
        self.secure || self.egress == Egress::Stranger
    }
}

/// Host and port of a proxy.
pub(super) fn proxy_address(proxy: &Proxy) -> (&str, u16) {
    let host = without_brackets(proxy.authority.host());
    (host, proxy.authority.port_u16().unwrap_or(80))
}

fn without_brackets(literal: &str) -> &str {
    literal
        .strip_prefix('[')
        .and_then(|literal| literal.strip_suffix(']'))
        .unwrap_or(literal)
}

/// Brings a request into the form that goes over the connection (RFC 9112 §3.2), Host first.
pub(super) fn prepare(
    request: Request<RequestBody>,
    target: &Target<'_>,
    profile: &HttpProfile,
) -> Result<Request<RequestBody>, TransportError> {
    let (mut head, body) = request.into_parts();
    let path = head
        .uri
        .path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    let host = target.host_and_port();
    let forwarded_by = target.proxy(profile).filter(|_| !target.wants_tunnel());
    head.uri = match forwarded_by {
        None => Uri::from(path),
        Some(_) => Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(&*host)
            .path_and_query(path)
            .build()
            .map_err(|_| TransportError::Url)?,
    };
    head.version = Version::HTTP_11;
    let mut headers = HeaderMap::with_capacity(head.headers.len() + 3);
    headers.insert(HOST, HeaderValue::from_str(&host).map_err(|_| TransportError::Url)?);
    // Framing is ours: it follows from the body and the profile. Servers that do not know Expect would wait forever for
    // a body that waits for them.
    for framing in [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, EXPECT] {
        head.headers.remove(framing);
    }
    headers.extend(head.headers);
    if let Some(credentials) = forwarded_by.and_then(|proxy| proxy.credentials.as_ref()) {
        headers.insert(PROXY_AUTHORIZATION, credentials.authorization());
    }
    if profile.close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    // hyper frames everything but a body that is empty from the start (RFC 9110 §8.6).
    if body.is_end_stream() && head.method == http::Method::POST {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    head.headers = headers;
    Ok(Request::from_parts(head, body))
}

/// The same request again, where its body allows.
pub(super) fn replay(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let body = request.body().replay()?;
    let mut again = Request::new(body);
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}
