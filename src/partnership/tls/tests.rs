use super::{Pin, PinError};

/// SHA-256 of nothing, as openssl prints it.
const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const COLONS: &str = "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55";
const BASE64: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// TRN-24: pins as people copy them from openssl, keytool and browsers, and as they are shown.
#[test]
fn pins_are_read_and_shown() {
    let canonical = format!("sha256:{HEX}");
    for written in [
        canonical.clone(),
        format!("sha256:{COLONS}"),
        format!("SHA256:{}", HEX.to_uppercase()),
    ] {
        let pin: Pin = written.parse().unwrap();
        assert_eq!(pin, Pin::certificate(&Vec::new().into()));
        assert_eq!(pin.to_string(), canonical);
    }
    let pin: Pin = format!("spki-sha256:{BASE64}").parse().unwrap();
    assert_eq!(pin, Pin::public_key(b""));
    assert_eq!(pin.to_string(), format!("spki-sha256:{BASE64}"));
}

/// A typing error is not a pin of something else.
#[test]
fn what_is_no_pin() {
    for text in [
        "",
        HEX,
        "sha256",
        "sha256:",
        &format!("sha256:{}", &HEX[1..]),
        &format!("sha256:{HEX}0"),
        &format!("sha256:g{}", &HEX[1..]),
        &format!("sha256:{BASE64}"),
        &format!("sha1:{HEX}"),
        &format!("spki-sha256:{HEX}"),
        &format!("spki-sha256:{}", &BASE64[..40]),
        "spki-sha256:",
    ] {
        assert_eq!(text.parse::<Pin>(), Err(PinError(text.to_owned())), "{text}");
    }
}
