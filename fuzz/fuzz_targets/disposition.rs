//! The values of AS2 fields: read or refused, on one line when written, and the same again.
#![no_main]

use ediint::mdn::{Disposition, ReceiptOptions, RequestedReceipt};
use ediint::mime::HeaderBlock;
use ediint::{As2Name, DigestAlgorithm, MessageId, Mic};
use libfuzzer_sys::fuzz_target;

fn one_line(text: &str) {
    assert!(!text.contains(char::is_control), "{text:?}");
}

fuzz_target!(|value: &str| {
    if let Ok(disposition) = value.parse::<Disposition>() {
        let written = disposition.to_string();
        one_line(&written);
        assert_eq!(written.parse(), Ok(disposition), "{written:?}");
    }
    if let Ok(options) = ReceiptOptions::parse(value) {
        let written = options.to_string();
        if !written.is_empty() {
            let again = ReceiptOptions::parse(&written).unwrap();
            assert_eq!(again.to_string(), written);
            assert!(again.digests().eq(options.digests()));
            assert_eq!(
                again.choose_micalg(&DigestAlgorithm::ALL),
                options.choose_micalg(&DigestAlgorithm::ALL)
            );
        }
    }
    if let Ok(mic) = Mic::parse(value, DigestAlgorithm::Sha256) {
        assert_eq!(mic.digest().len(), mic.algorithm().output_len());
        assert_eq!(Mic::parse(&mic.to_string(), DigestAlgorithm::Sha512), Ok(mic));
    }
    if let Ok(name) = As2Name::parse_header(value) {
        one_line(&name.to_header());
        assert_eq!(As2Name::parse_header(&name.to_header()), Ok(name));
    }
    if let Ok(id) = MessageId::parse(value) {
        one_line(id.as_str());
        assert_eq!(MessageId::parse(id.as_str()), Ok(id));
    }
    let mut headers = HeaderBlock::new();
    let pushed = headers
        .push("Disposition-Notification-To", "x")
        .and_then(|()| headers.push("Disposition-Notification-Options", value))
        .and_then(|()| headers.push("Receipt-Delivery-Option", value));
    if pushed.is_ok() {
        let requested = RequestedReceipt::from_headers(&headers).unwrap().unwrap();
        let form = requested.form(&[DigestAlgorithm::Sha256], DigestAlgorithm::Sha256);
        assert!(requested.options_error().is_none() || form.is_ok());
    }
});
