//! Receipts made by hand: whatever a partner, or somebody in its name, may say.

use bytes::Bytes;
use ediint::cms::SignatureOptions;
use ediint::envelope::{Blueprint, Encoder, Layers, SignatureBlueprint, Step};
use ediint::mime::{HeaderBlock, TransferEncoding};
use ediint::transport::ResponseBody;
use ediint::{
    DigestAlgorithm, Entropy, Limits, MessageId, MicSet, MicalgStyle, PreparedMessage, SignatureAlgorithm,
    SystemEntropy,
};
use http::{Request, Response};

use crate::common::{Party, bob};

/// An entity: MIME header and body.
#[derive(Clone)]
pub(crate) struct Entity {
    head: HeaderBlock,
    pub(crate) body: Vec<u8>,
}

impl Entity {
    pub(crate) fn new(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let head = format!("Content-Type: {content_type}\r\n");
        Self {
            head: HeaderBlock::parse(head.as_bytes(), &Limits::default()).unwrap(),
            body: body.into(),
        }
    }

    /// A report with these fields, one a line.
    pub(crate) fn report(fields: &str) -> Self {
        let fields = fields.replace('\n', "\r\n");
        let body = format!(
            "--report\r\nContent-Type: text/plain\r\n\r\nHere is your receipt.\r\n--report\r\n\
             Content-Type: message/disposition-notification\r\n\r\n{fields}\r\n--report--\r\n"
        );
        let content_type = "multipart/report; report-type=disposition-notification; boundary=report";
        Self::new(content_type, body)
    }

    /// The report on a message: this disposition, and the digest of the message.
    pub(crate) fn on(prepared: &PreparedMessage, disposition: &str) -> Self {
        Self::about(prepared.message_id(), prepared.mics(), disposition)
    }

    /// The report on the message of this Message-ID, with these digests.
    pub(crate) fn about(message_id: &MessageId, mics: &MicSet, disposition: &str) -> Self {
        Self::report(&format!(
            "Original-Message-ID: {message_id}\nDisposition: automatic-action/MDN-sent-automatically; {disposition}\n\
             Received-content-MIC: {}",
            mics.first().unwrap().to_field(MicalgStyle::default())
        ))
    }

    /// The response as it goes over the wire.
    pub(crate) fn on_the_wire(self, headers: &[(&str, &str)]) -> String {
        let mut response = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.body.len()
        );
        for (name, value) in headers {
            response.push_str(&format!("{name}: {value}\r\n"));
        }
        let whole = [response.into_bytes(), self.head.followed_by(&self.body)].concat();
        String::from_utf8(whole).unwrap()
    }

    /// The same, signed.
    pub(crate) fn signed(self, signer: &Party) -> Self {
        let mut rng = SystemEntropy.rng();
        let algorithm = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
        let certificate = signer.certificate().clone();
        let blueprint = Blueprint::new(Layers::payload().sign(algorithm).into(), self.head)
            .transfer_encoding(TransferEncoding::SevenBit)
            .signature(SignatureBlueprint::new(certificate, SignatureOptions::default()));
        let mut encoder = Encoder::new(blueprint, &mut *rng).unwrap();
        let mut content = Vec::new();
        encoder.update(&self.body, &mut content).unwrap();
        let Step::Sign(awaiting) = encoder.finish(&mut content).unwrap() else {
            panic!("nothing to sign")
        };
        let signature = signer
            .identity
            .sign(
                &signer.name,
                signer.certificate(),
                awaiting.algorithm(),
                awaiting.input(),
            )
            .unwrap();
        let Step::Done(encoded) = awaiting.complete(&signature, &mut content).unwrap() else {
            panic!("not complete")
        };
        Self {
            head: encoded.head,
            body: [encoded.prefix, content].concat(),
        }
    }

    pub(crate) fn signed_by_bob(self) -> Self {
        self.signed(&bob())
    }

    /// Changes what is there once in the body.
    pub(crate) fn replaced(mut self, from: &str, to: &str) -> Self {
        let at = self
            .body
            .windows(from.len())
            .position(|octets| octets == from.as_bytes())
            .unwrap();
        self.body.splice(at..at + from.len(), to.bytes());
        self
    }

    /// The response to a message of Alice's, with these header fields besides.
    pub(crate) fn response(self, headers: &[(&str, &str)]) -> Response<ResponseBody> {
        let mut response = Response::builder();
        for field in self.head.iter() {
            response = response.header(field.name(), field.value());
        }
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(Bytes::from(self.body).into()).unwrap()
    }

    /// A request that brings the receipt later.
    pub(crate) fn request(self, url: &str, headers: &[(&str, &str)]) -> Request<Vec<u8>> {
        let mut request = Request::post(url).header("Message-ID", "<receipt@bob.example>");
        for field in self.head.iter() {
            request = request.header(field.name(), field.value());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(self.body).unwrap()
    }
}

/// The names in what Bob sends to Alice.
pub(crate) const BOB_TO_ALICE: [(&str, &str); 2] = [("AS2-From", "Bob"), ("AS2-To", "\"Alice & Co\"")];
