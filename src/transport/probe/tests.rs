use std::time::Duration;

use super::{ProbeStep, ProbedStep, TransportError};
use crate::cms::CertificateError;
use crate::keystore::KeyFileError;

#[test]
fn the_detail_of_a_failure_tells_each_cause_once() {
    let failed = |source: KeyFileError| ProbedStep {
        step: ProbeStep::Tls,
        time: Duration::ZERO,
        outcome: Err(TransportError::Client {
            source: source.into(),
            transient: false,
        }),
    };
    assert_eq!(
        failed(KeyFileError::Certificate(CertificateError::Malformed)).detail(),
        "the HTTP client failed: a certificate in the file: not an X.509 certificate in DER form"
    );
}
