use proptest::prelude::*;

use super::{Importance, MicalgChoice, OptionsError, ReceiptOptions};
use crate::algorithm::{DigestAlgorithm, MicalgStyle};

use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
use Importance::{Optional, Required};

/// MDN-41, MDN-42: the forms that we send, on one line.
#[test]
fn written_form_is_exact() {
    assert_eq!(
        ReceiptOptions::signed([Sha256]).to_string(),
        "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha-256"
    );
    assert_eq!(
        ReceiptOptions::signed_as([Sha1, Sha256], MicalgStyle::Rfc3851, Required).to_string(),
        "signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, sha1, sha256"
    );
}

/// MDN-39, MDN-40, INT-11, INT-12, INT-15: headers as the RFC and products write them.
#[test]
fn real_headers_are_read() {
    type Row<'a> = (&'a str, Importance, Importance, &'a [DigestAlgorithm]);
    let table: &[Row<'_>] = &[
        // RFC 4130 §7.3, A.1 and A.3
        (
            "signed-receipt-protocol=optional,pkcs7-signature;\r\n     signed-receipt-micalg=optional,sha1,md5",
            Optional,
            Optional,
            &[Sha1],
        ),
        (
            "signed-receipt-protocol=optional,\r\n     pkcs7-signature; signed-receipt-micalg=optional,sha1",
            Optional,
            Optional,
            &[Sha1],
        ),
        (
            "signed-receipt-protocol=optional,\n pkcs7-signature; signed-receipt-micalg=optional,sha1",
            Optional,
            Optional,
            &[Sha1],
        ),
        // BizTalk
        (
            "signed-receipt-protocol=required,pkcs7-signature;signed-receipt-micalg=required,sha1",
            Required,
            Required,
            &[Sha1],
        ),
        // mendelson, also with the header's name before it
        (
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha1, md5",
            Optional,
            Optional,
            &[Sha1],
        ),
        (
            "disposition-notification-options: signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha1, md5",
            Optional,
            Optional,
            &[Sha1],
        ),
        (
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha-256-rsassa-pss, sha-256, sha1",
            Optional,
            Optional,
            &[Sha256, Sha1],
        ),
        // OpenAS2
        (
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, SHA-256",
            Optional,
            Optional,
            &[Sha256],
        ),
        (
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, sha-256",
            Optional,
            Optional,
            &[Sha256],
        ),
        // pyas2lib
        (
            "signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=optional, sha256",
            Required,
            Optional,
            &[Sha256],
        ),
        // Oxalis
        (
            "signed-receipt-protocol=required,pkcs7-signature; signed-receipt-micalg=required,sha-512",
            Required,
            Required,
            &[Sha512],
        ),
        (
            "signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, sha1, sha-384;",
            Required,
            Required,
            &[Sha1, Sha384],
        ),
        // case, white space, quotes, no importance, separators
        (
            "Signed-Receipt-Protocol=Optional,PKCS7-Signature;Signed-Receipt-MICalg=Optional,SHA1,MD5",
            Optional,
            Optional,
            &[Sha1],
        ),
        (
            " signed-receipt-protocol = required , pkcs7-signature ; signed-receipt-micalg = required , sha256 ; ",
            Required,
            Required,
            &[Sha256],
        ),
        (
            "signed-receipt-protocol=optional,\"pkcs7-signature\";signed-receipt-micalg=optional,\"sha256\"",
            Optional,
            Optional,
            &[Sha256],
        ),
        (
            "signed-receipt-protocol=pkcs7-signature; signed-receipt-micalg=sha1",
            Optional,
            Optional,
            &[Sha1],
        ),
        (
            "signed-receipt-micalg=required\tsha256 sha1;;signed-receipt-protocol=optional pkcs7-signature",
            Optional,
            Required,
            &[Sha256, Sha1],
        ),
        (
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional",
            Optional,
            Optional,
            &[],
        ),
        (
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional,",
            Optional,
            Optional,
            &[],
        ),
    ];
    assert!(table.len() >= 15);
    for (header, protocol, micalg, digests) in table {
        let options = ReceiptOptions::parse(header).unwrap();
        assert!(options.wants_signature() && options.protocol_supported(), "{header:?}");
        assert_eq!(options.protocol_importance(), *protocol, "{header:?}");
        assert_eq!(options.micalg_importance(), *micalg, "{header:?}");
        // What is only read is known with a feature.
        let sent = options.digests().filter(|digest| !digest.is_legacy());
        assert_eq!(sent.collect::<Vec<_>>(), *digests, "{header:?}");
        assert!(options.unknown_required().is_empty(), "{header:?}");
    }
}

/// MDN-35: what has no parameter is an error, which callers answer with an unsigned receipt.
#[test]
fn no_parameter_is_an_error() {
    for header in ["", ";", "signed", "pkcs7-signature; sha1"] {
        assert_eq!(
            ReceiptOptions::parse(header),
            Err(OptionsError::NoParameter(header.to_owned()))
        );
    }
}

/// MDN-39: unknown parameters matter only where they are required.
#[test]
fn unknown_parameters_count_where_required() {
    let options =
        ReceiptOptions::parse("x-seal=optional, wax; x-stamp=required, red; signed-receipt-micalg=optional, sha1");
    assert_eq!(options.unwrap().unknown_required(), ["x-stamp"]);
}

/// MDN-24: other signature formats.
#[test]
fn other_protocols_are_not_supported() {
    let options = ReceiptOptions::parse("signed-receipt-protocol=required, pgp-signature").unwrap();
    assert!(options.wants_signature() && !options.protocol_supported());
    let typo = ReceiptOptions::parse("signed-receipt-protocol=required, application/pkcs-7-signature").unwrap();
    assert!(typo.protocol_supported());
}

/// MDN-25, MDN-43, MDN-08, SEC-15: from left to right, in the partner's spelling, never below the policy.
#[test]
fn micalg_is_the_first_acceptable_one() {
    let choose = |micalg: &str, accepted: &[DigestAlgorithm]| {
        ReceiptOptions::parse(&format!(
            "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg={micalg}"
        ))
        .unwrap()
        .choose_micalg(accepted)
    };
    let modern = &[Sha256, Sha384, Sha512];
    let any = &DigestAlgorithm::ALL;
    assert_eq!(
        choose("optional, sha1, md5", any),
        MicalgChoice::Listed(Sha1, MicalgStyle::Rfc3851)
    );
    assert_eq!(
        choose("optional, md5, sha-1", any),
        MicalgChoice::Listed(Sha1, MicalgStyle::Rfc5751)
    );
    assert_eq!(
        choose("optional, sha1, sha-512, sha-256", any),
        MicalgChoice::Listed(Sha1, MicalgStyle::Rfc3851)
    );
    assert_eq!(
        choose("optional, sha1, sha-512, sha256", modern),
        MicalgChoice::Listed(Sha512, MicalgStyle::Rfc5751)
    );
    assert_eq!(
        choose("required, sha256", modern),
        MicalgChoice::Listed(Sha256, MicalgStyle::Rfc3851)
    );
    assert_eq!(choose("optional", modern), MicalgChoice::Default);
    assert_eq!(choose("required", modern), MicalgChoice::Default);
    assert_eq!(choose("optional, md5", modern), MicalgChoice::Default);
    assert_eq!(choose("required, md5", modern), MicalgChoice::Refused);
    assert_eq!(choose("required, sha1, md5", modern), MicalgChoice::Refused);
    // Not even where it is accepted.
    let all: Vec<_> = DigestAlgorithm::known().collect();
    assert_eq!(choose("optional, md5", &all), MicalgChoice::Default);
    assert_eq!(choose("required, md5", &all), MicalgChoice::Refused);
    assert_eq!(
        choose("required, md5, sha1", &all),
        MicalgChoice::Listed(Sha1, MicalgStyle::Rfc3851)
    );
}

proptest! {
    #[test]
    fn any_header_is_read_or_refused(header in any::<String>()) {
        let _read = ReceiptOptions::parse(&header);
    }

    #[test]
    fn what_is_written_is_read_back(digests in proptest::sample::subsequence(DigestAlgorithm::ALL.to_vec(), 1..=5), old in any::<bool>(), required in any::<bool>()) {
        let style = if old { MicalgStyle::Rfc3851 } else { MicalgStyle::Rfc5751 };
        let options = ReceiptOptions::signed_as(digests, style, if required { Required } else { Optional });
        prop_assert_eq!(ReceiptOptions::parse(&options.to_string()), Ok(options));
    }
}
