use crate::cms::{Certificate, KeyError};
use crate::envelope::tests::support::{
    AES, SHA256, alice, alice_signs, blueprint, edi_head, encode, fixture, head, rng,
};
use crate::envelope::{Blueprint, EncodeError, Encoder, Layers, Step, Structure};
use crate::mime::{MultipartError, TransferEncoding};

fn refused(blueprint: Blueprint) -> EncodeError {
    Encoder::new(blueprint, &mut rng()).unwrap_err()
}

#[test]
fn blueprints_must_have_what_the_structure_needs() {
    let signed = Blueprint::new(Layers::payload().sign(SHA256).into(), edi_head());
    assert!(matches!(refused(signed), EncodeError::NoSigner));
    let encrypted = Blueprint::new(Layers::payload().encrypt(AES).into(), edi_head());
    assert!(matches!(refused(encrypted.clone()), EncodeError::NoRecipient));
    let elliptic = Certificate::from_pem(fixture!("openssl/certificates/ec.pem")).unwrap();
    let error = refused(encrypted.recipient(alice()).recipient(elliptic));
    assert!(
        matches!(error, EncodeError::Recipient(KeyError::Kind { .. })),
        "{error:?}"
    );
}

/// ENV-43: a boundary that occurs in the payload, even across two chunks, stops the encoding.
#[test]
fn boundary_must_not_be_in_the_payload() {
    let structure = Structure::from(Layers::payload().sign(SHA256));
    let message = encode(structure, b"payload");
    let kind = message.head.content_type().unwrap().unwrap();
    let payload = format!("before--{}after", kind.param("boundary").unwrap());
    let mut encoder = Encoder::new(blueprint(structure, edi_head()), &mut rng()).unwrap();
    let mut sink = Vec::new();
    let error = payload
        .as_bytes()
        .chunks(5)
        .find_map(|chunk| encoder.update(chunk, &mut sink).err());
    assert!(matches!(error, Some(EncodeError::BoundaryInContent)));
}

/// A second pass must read what the first one wrote: its length stands before it.
#[test]
fn second_pass_must_read_what_the_first_wrote() {
    for structure in [
        Structure::from(Layers::payload().compress().sign(SHA256)),
        Layers::payload().compress().encrypt(AES).into(),
        Layers::payload().sign(SHA256).compress().encrypt(AES).into(),
    ] {
        let mut sink = Vec::new();
        let mut encoder = Encoder::new(blueprint(structure, edi_head()), &mut rng()).unwrap();
        encoder.update(b"payload", &mut sink).unwrap();
        let mut step = encoder.finish(&mut sink).unwrap();
        if let Step::Sign(awaiting) = step {
            let signature = alice_signs(&awaiting);
            step = awaiting.complete(&signature, &mut sink).unwrap();
        }
        let Step::Again(mut second) = step else {
            panic!("{structure} took one pass");
        };
        second.update(&sink[1..], &mut Vec::new()).unwrap();
        let error = second.finish(&mut Vec::new()).unwrap_err();
        assert!(matches!(error, EncodeError::ContentChanged), "{structure}: {error:?}");
    }
}

/// ENV-57: the digest of a plain multipart/related needs one.
#[test]
fn plain_related_must_be_one() {
    let related = |boundary: &str| head(&format!("Content-Type: multipart/related{boundary}\r\n"));
    let structure = Structure::from(Layers::payload());
    let error = refused(blueprint(structure, related("")));
    assert!(
        matches!(error, EncodeError::Multipart(MultipartError::InvalidBoundary)),
        "{error:?}"
    );
    let mut encoder = Encoder::new(blueprint(structure, related("; boundary=b")), &mut rng()).unwrap();
    encoder.update(b"--b\r\n\r\nunclosed", &mut Vec::new()).unwrap();
    let error = encoder.finish(&mut Vec::new()).unwrap_err();
    assert!(
        matches!(error, EncodeError::Multipart(MultipartError::Unclosed)),
        "{error:?}"
    );
}

/// SMI-29: the same payload is never encrypted to the same octets.
#[test]
fn keys_and_vectors_are_fresh() {
    let structure = Structure::from(Layers::payload().encrypt(AES));
    let mut rng = rng();
    let mut ciphertext = || {
        let mut sink = Vec::new();
        let mut encoder = Encoder::new(blueprint(structure, edi_head()), &mut rng).unwrap();
        encoder.update(b"payload", &mut sink).unwrap();
        encoder.finish(&mut sink).unwrap();
        sink
    };
    assert_ne!(ciphertext(), ciphertext());
}

/// SEC-40: an encoder that is logged does not show the payload that it holds back, here for a whole line of base64.
#[test]
fn debug_shows_no_content() {
    let blueprint = Blueprint::new(Layers::payload().compress().into(), edi_head());
    let blueprint = blueprint.transfer_encoding(TransferEncoding::Base64);
    let mut encoder = Encoder::new(blueprint, &mut rng()).unwrap();
    encoder.update(b"secret", &mut Vec::new()).unwrap();
    assert_eq!(format!("{encoder:?}"), "Encoder { passes_left: 1, .. }");
}
