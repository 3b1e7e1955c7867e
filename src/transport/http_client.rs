//! The joint between AS2 and an HTTP stack.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response, Uri};

use super::{Probe, ProbeRequest, RequestBody, ResponseBody, TransportError};
use crate::future::BoxFuture;
use crate::partnership::HttpProfile;

/// Sends requests to partners.
///
/// What an implementation owes, whatever stack it is made of:
///
/// - The URI is absolute, `http` or `https`; user information in it is ignored. No redirect is ever followed: the body,
///   the client certificate and the credentials are for this host only.
/// - The body goes out exactly as it is, with `Content-Length` unless the profile says chunked, never with a
///   `Content-Encoding` of the client's own.
/// - Interim responses (1xx) are skipped.
/// - The profile's TLS rules and timeouts are kept, those for the response body too.
/// - A response whose body ends early fails while the body is read.
/// - Where the extensions of the request hold an [`Egress`](super::Egress), the addresses that it forbids are not
///   connected to.
/// - The future and the response body may be dropped at any time; the connection ends then.
pub trait HttpClient: fmt::Debug + Send + Sync + 'static {
    /// Sends one request and returns the final response, whatever its status, as soon as its head is there.
    ///
    /// The reason phrase may come as `hyper::ext::ReasonPhrase` in the extensions of the response.
    fn send<'a>(
        &'a self,
        request: Request<RequestBody>,
        profile: &'a HttpProfile,
    ) -> Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, TransportError>> + Send + 'a>>;

    /// Tries the way to a partner, step by step, and reports what each of them found. None, the default, where the
    /// implementation cannot.
    fn probe<'a>(
        &'a self,
        _url: &'a Uri,
        _profile: &'a HttpProfile,
        _request: ProbeRequest,
    ) -> Option<BoxFuture<'a, Probe>> {
        None
    }
}

impl<T: HttpClient + ?Sized> HttpClient for Arc<T> {
    fn send<'a>(
        &'a self,
        request: Request<RequestBody>,
        profile: &'a HttpProfile,
    ) -> Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, TransportError>> + Send + 'a>> {
        (**self).send(request, profile)
    }

    fn probe<'a>(
        &'a self,
        url: &'a Uri,
        profile: &'a HttpProfile,
        request: ProbeRequest,
    ) -> Option<BoxFuture<'a, Probe>> {
        (**self).probe(url, profile, request)
    }
}
