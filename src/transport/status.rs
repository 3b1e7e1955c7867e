//! Answers that say no.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{DATE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};

use super::ResponseBody;
use super::body::read_prefix;

/// An answer whose status is not 2xx (RFC 4130 §5.4), with what its sender had to say: for people to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the partner's server answered {status}{}{}", self.spelled_reason(), self.advice())]
#[non_exhaustive]
pub struct StatusError {
    /// The status.
    pub status: StatusCode,
    /// The reason phrase, where it is not the usual one of the status.
    pub reason: Option<String>,
    /// The header fields.
    pub headers: HeaderMap,
    /// The first octets of the body.
    pub body: Bytes,
    /// Whether there was more to the body.
    pub truncated: bool,
}

impl StatusError {
    /// Takes a refusal in, with at most `limit` octets of its body. What breaks while the body is read only shortens it:
    /// the status is the news.
    pub async fn read(response: Response<ResponseBody>, limit: usize) -> Self {
        let reason = reason(&response);
        let (head, body) = response.into_parts();
        let mut read = BytesMut::new();
        let complete = read_prefix(body, limit, &mut read).await.unwrap_or(false);
        Self {
            status: head.status,
            reason,
            headers: head.headers,
            body: read.freeze(),
            truncated: !complete,
        }
    }

    /// Whether the same request may well succeed later: server errors other than "not implemented", too early, too
    /// many requests, request timeout.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self.status {
            StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => false,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => true,
            status => status.is_server_error(),
        }
    }

    /// How long the partner asks us to wait (`Retry-After`, RFC 9110 §10.2.3): in seconds, or until a time of its own
    /// clock, which `Date` tells.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let text = |name| self.headers.get(name)?.to_str().ok().map(str::trim);
        let wanted = text(RETRY_AFTER)?;
        if let Ok(seconds) = wanted.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let time = |text| httpdate::parse_http_date(text).ok();
        let (until, now) = (time(wanted)?, time(text(DATE)?)?);
        until.duration_since(now).ok()
    }

    /// What would help, where it is the configuration.
    fn advice(&self) -> String {
        match self.status {
            status if status.is_redirection() => {
                let location = self.headers.get(LOCATION);
                let to = location.map_or_else(String::new, |to| {
                    format!(" to {:?}", String::from_utf8_lossy(to.as_bytes()))
                });
                format!(": redirects{to} are not followed; configure the URL that the partner says")
            }
            StatusCode::UNAUTHORIZED => ": it wants a user name and password, or others".to_owned(),
            _ => String::new(),
        }
    }

    fn spelled_reason(&self) -> String {
        self.reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(" ({reason:?})"))
    }
}

/// Splits refusals from answers: any 2xx is an answer (RFC 4130 §7.6), and no redirect is followed, so a 3xx is a refusal.
///
/// # Errors
///
/// [`StatusError`] with at most `limit` octets of the body.
pub async fn require_success(
    response: Response<ResponseBody>,
    limit: usize,
) -> Result<Response<ResponseBody>, StatusError> {
    if response.status().is_success() {
        return Ok(response);
    }
    Err(StatusError::read(response, limit).await)
}

#[cfg(feature = "client")]
fn reason(response: &Response<ResponseBody>) -> Option<String> {
    let reason = response.extensions().get::<hyper::ext::ReasonPhrase>()?;
    Some(String::from_utf8_lossy(reason.as_bytes()).into_owned())
}

#[cfg(not(feature = "client"))]
fn reason(_: &Response<ResponseBody>) -> Option<String> {
    None
}
