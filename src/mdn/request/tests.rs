use super::{ReceiptDestination, ReceiptForm, RequestedReceipt, push_receipt_request};
use crate::algorithm::{DigestAlgorithm, MicalgStyle};
use crate::limits::Limits;
use crate::mdn::FailureModifier;
use crate::mime::{HeaderBlock, HeaderError};
use crate::partnership::ReceiptRequest;

use DigestAlgorithm::{Sha1, Sha256, Sha512};

const MODERN: &[DigestAlgorithm] = &[Sha256, DigestAlgorithm::Sha384, Sha512];

fn headers(text: &str) -> HeaderBlock {
    HeaderBlock::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn asked(text: &str) -> RequestedReceipt {
    RequestedReceipt::from_headers(&headers(text)).unwrap().unwrap()
}

/// MDN-36, MDN-37: any value asks, the empty one too; without the header nothing else counts.
#[test]
fn presence_of_the_header_asks_for_a_receipt() {
    for value in [
        "mrAS2@example.com",
        "http://10.240.1.2:8201/exchange/as2_company",
        "as2_company",
        "\"x",
        "",
    ] {
        let receipt = asked(&format!("disposition-notification-to: {value}\r\n"));
        assert_eq!(receipt.destination(), &ReceiptDestination::Response);
        assert_eq!(receipt.form(MODERN, Sha256), Ok(ReceiptForm::Unsigned));
    }
    let without = "Disposition-Notification-Options: signed-receipt-protocol=optional, pkcs7-signature\r\n\
                   Receipt-Delivery-Option: http://partner.example/mdn\r\n";
    assert_eq!(RequestedReceipt::from_headers(&headers(without)), Ok(None));
    assert_eq!(RequestedReceipt::from_headers(&headers("Subject: x\r\n")), Ok(None));
}

/// MDN-44, INT-33: the URL makes it asynchronous.
#[test]
fn delivery_option_names_the_url() {
    for (value, url) in [
        ("http://www.example.com/Path", "http://www.example.com/Path"),
        (
            "https://partner.example:5443/mdn?id=7",
            "https://partner.example:5443/mdn?id=7",
        ),
        (
            "<http://10.240.1.2:8201/exchange/as2_company>",
            "http://10.240.1.2:8201/exchange/as2_company",
        ),
    ] {
        let receipt = asked(&format!(
            "Disposition-Notification-To: x\r\nReceipt-Delivery-Option:\r\n {value}\r\n"
        ));
        assert_eq!(receipt.destination(), &ReceiptDestination::Url(url.parse().unwrap()));
    }
    let empty = asked("Disposition-Notification-To: x\r\nReceipt-Delivery-Option: \r\n");
    assert_eq!(empty.destination(), &ReceiptDestination::Response);
}

/// MDN-45: mailto and whatever else cannot be posted to is reported, never taken for HTTP.
#[test]
fn other_schemes_are_not_supported() {
    for value in [
        "mailto:as2@example.com",
        "ftp://example.com/x",
        "/mdn",
        "example.com",
        "http:",
        "javascript:alert(1)",
        // SEC-19: who a URL is for is not to be hidden in it.
        "http://user@example.com/mdn",
        "https://user:password@example.com/mdn",
        "https://example.com/mdn#part",
    ] {
        let receipt = asked(&format!(
            "Disposition-Notification-To: x\r\nReceipt-Delivery-Option: {value}\r\n"
        ));
        assert_eq!(
            receipt.destination(),
            &ReceiptDestination::Unsupported(value.to_owned())
        );
    }
}

/// ENV-15: two lines of either header are malformed, equal or not.
#[test]
fn repeated_headers_are_refused() {
    for text in [
        "Disposition-Notification-To: a\r\nDisposition-Notification-To: a\r\n",
        "Disposition-Notification-To: a\r\nReceipt-Delivery-Option: http://a/\r\nReceipt-Delivery-Option: http://b/\r\n",
    ] {
        let read = RequestedReceipt::from_headers(&headers(text));
        assert!(matches!(read, Err(HeaderError::Duplicate { .. })), "{read:?}");
    }
}

/// MDN-24, MDN-25, MDN-33..35, MDN-39, MDN-43, SEC-15: which kind of receipt is due, or why none can be given.
#[test]
fn form_follows_the_options() {
    let form = |options: &str| {
        asked(&format!(
            "Disposition-Notification-To: x\r\nDisposition-Notification-Options: {options}\r\n"
        ))
        .form(MODERN, Sha256)
    };
    let signed = |digest, style, as_asked| {
        Ok(ReceiptForm::Signed {
            digest,
            style,
            as_asked,
        })
    };
    assert_eq!(
        form("signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha1, sha512"),
        signed(Sha512, MicalgStyle::Rfc3851, true)
    );
    assert_eq!(
        form("signed-receipt-protocol=optional, pkcs7-signature"),
        signed(Sha256, MicalgStyle::Rfc5751, true)
    );
    assert_eq!(
        form("signed-receipt-micalg=optional, sha-512"),
        signed(Sha512, MicalgStyle::Rfc5751, true)
    );
    assert_eq!(
        form("signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, md5"),
        signed(Sha256, MicalgStyle::Rfc5751, false)
    );
    assert_eq!(
        form("signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, md5, sha1"),
        Err(FailureModifier::UnsupportedMicAlgorithms)
    );
    assert_eq!(
        form("signed-receipt-protocol=required, pgp-signature; signed-receipt-micalg=optional, sha256"),
        Err(FailureModifier::UnsupportedFormat)
    );
    assert_eq!(
        form("signed-receipt-protocol=optional, pgp-signature; signed-receipt-micalg=optional, sha256"),
        Ok(ReceiptForm::UnsignedInstead)
    );
    assert_eq!(
        form("x-wax-seal=required, red"),
        Err(FailureModifier::UnsupportedFormat)
    );
    assert_eq!(form("x-wax-seal=optional, red"), Ok(ReceiptForm::Unsigned));
    assert_eq!(form("please sign"), Ok(ReceiptForm::Unsigned));
    let unusable = asked("Disposition-Notification-To: x\r\nDisposition-Notification-Options: please sign\r\n");
    assert!(unusable.options_error().is_some());
}

fn written(request: &ReceiptRequest) -> String {
    let mut block = HeaderBlock::new();
    push_receipt_request(request, Sha256, MicalgStyle::Rfc5751, "as2.example", &mut block).unwrap();
    let mut out = Vec::new();
    block.write_to(&mut out);
    String::from_utf8(out).unwrap()
}

/// MDN-38, MDN-41, MDN-42: what a sender writes for each kind of receipt.
#[test]
fn requests_are_written() {
    assert_eq!(written(&ReceiptRequest::none()), "");
    assert_eq!(
        written(&ReceiptRequest::sync()),
        "Disposition-Notification-To: as2@as2.example\r\n\
         Disposition-Notification-Options: signed-receipt-protocol=optional, pkcs7-signature; \
         signed-receipt-micalg=optional, sha-256\r\n"
    );
    assert_eq!(
        written(&ReceiptRequest::sync().unsigned().notify("edi@sender.example")),
        "Disposition-Notification-To: edi@sender.example\r\n"
    );
    assert_eq!(
        written(
            &ReceiptRequest::asynchronous("https://us.example/as2?x=1")
                .unwrap()
                .digests([Sha512, Sha1])
                .required()
        ),
        "Disposition-Notification-To: as2@as2.example\r\n\
         Disposition-Notification-Options: signed-receipt-protocol=required, pkcs7-signature; \
         signed-receipt-micalg=required, sha-512, sha-1\r\n\
         Receipt-Delivery-Option: https://us.example/as2?x=1\r\n"
    );
}

/// SEC-30: a configured address cannot add a header.
#[test]
fn configured_address_is_checked() {
    let request = ReceiptRequest::sync().notify("a@b\r\nX-Evil: 1");
    let mut block = HeaderBlock::new();
    let pushed = push_receipt_request(&request, Sha256, MicalgStyle::Rfc5751, "d", &mut block);
    assert!(matches!(pushed, Err(HeaderError::InvalidValue { .. })));
}
