//! Media types by the endings of file names.

/// The media type that the ending of a file's name suggests, whatever its case; `application/octet-stream` where nothing is
/// known.
///
/// ```
/// use ediint::mime::type_by_ending;
///
/// assert_eq!(type_by_ending("orders.EDI"), "application/edi-consent");
/// assert_eq!(type_by_ending("orders"), "application/octet-stream");
/// ```
#[must_use]
pub fn type_by_ending(filename: &str) -> &'static str {
    let ending = filename.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("edi") => "application/edi-consent",
        Some("edifact" | "edf" | "d96a" | "d01b") => "application/edifact",
        Some("x12") => "application/edi-x12",
        Some("xml") => "application/xml",
        Some("json") => "application/json",
        Some("txt") => "text/plain",
        Some("csv") => "text/csv",
        Some("htm" | "html") => "text/html",
        Some("pdf") => "application/pdf",
        Some("doc") => "application/msword",
        Some("rtf") => "application/rtf",
        Some("zip") => "application/zip",
        Some("gif") => "image/gif",
        Some("tif" | "tiff") => "image/tiff",
        Some("jpg" | "jpeg") => "image/jpeg",
        _ => "application/octet-stream",
    }
}
