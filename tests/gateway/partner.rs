//! A partner's server that answers whatever a test wants, and the receipts that it gives.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use ediint::cms::SignatureOptions;
use ediint::envelope::{Blueprint, Encoder, Layers, SignatureBlueprint, Step};
use ediint::keystore::{Identity, KeyFile};
use ediint::mime::{HeaderBlock, TransferEncoding};
use ediint::{As2Name, DigestAlgorithm, Entropy, Limits, SignatureAlgorithm, SystemEntropy};

use crate::common::Pair;

/// What came, octet for octet.
pub(crate) struct Request {
    pub(crate) octets: Vec<u8>,
    head: String,
}

impl Request {
    /// Reads to the end, which is known by the length: the client waits for an answer.
    fn read(stream: &mut TcpStream) -> Self {
        let (mut octets, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let read = stream.read(&mut buffer).unwrap();
            assert_ne!(read, 0, "the request ended early");
            octets.extend_from_slice(&buffer[..read]);
            let Some(end) = octets.windows(4).position(|window| window == b"\r\n\r\n") else {
                continue;
            };
            let head = String::from_utf8_lossy(&octets[..end]).into_owned();
            let request = Self { octets, head };
            let length: usize = request.field("content-length").unwrap().parse().unwrap();
            if request.octets.len() >= end + 4 + length {
                return request;
            }
            octets = request.octets;
        }
    }

    fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(crate) fn message_id(&self) -> &str {
        self.field("message-id").expect("a message has an id")
    }
}

/// Answers one request.
pub(crate) struct Server {
    pub(crate) url: String,
    answered: JoinHandle<Request>,
}

impl Server {
    pub(crate) fn answering(answer: impl FnOnce(&Request) -> String + Send + 'static) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/as2", socket.local_addr().unwrap());
        let answered = thread::spawn(move || {
            let (mut stream, _) = socket.accept().unwrap();
            let request = Request::read(&mut stream);
            // Who has heard enough hangs up.
            drop(stream.write_all(answer(&request).as_bytes()));
            request
        });
        Self { url, answered }
    }

    /// Waits for the request.
    pub(crate) fn heard(self) -> Request {
        self.answered.join().unwrap()
    }
}

pub(crate) fn response(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// A receipt from Bob to Alice.
pub(crate) struct Receipt {
    /// Of MIME.
    headers: String,
    body: String,
}

impl Receipt {
    pub(crate) fn new(id: &str, disposition: &str, mic: Option<&str>) -> Self {
        let mic = mic.map_or_else(String::new, |mic| format!("Received-content-MIC: {mic}\r\n"));
        let body = format!(
            "--b\r\nContent-Type: text/plain\r\n\r\nwhat became of it\r\n--b\r\n\
             Content-Type: message/disposition-notification\r\n\r\n\
             Final-Recipient: rfc822; bob\r\nOriginal-Message-ID: {id}\r\n\
             Disposition: automatic-action/MDN-sent-automatically; {disposition}\r\n{mic}\r\n--b--\r\n"
        );
        Self {
            headers: "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n".to_owned(),
            body,
        }
    }

    /// The same, signed.
    pub(crate) fn signed(self, by: &Identity) -> Self {
        let mut rng = SystemEntropy.rng();
        let head = HeaderBlock::parse(self.headers.as_bytes(), &Limits::default()).unwrap();
        let (bob, certificate) = (As2Name::new("bob").unwrap(), by.certificate());
        let layers = Layers::payload().sign(SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256));
        let blueprint = Blueprint::new(layers.into(), head)
            .transfer_encoding(TransferEncoding::SevenBit)
            .signature(SignatureBlueprint::new(
                certificate.clone(),
                SignatureOptions::default(),
            ));
        let (mut encoder, mut content) = (Encoder::new(blueprint, &mut *rng).unwrap(), Vec::new());
        encoder.update(self.body.as_bytes(), &mut content).unwrap();
        let Step::Sign(awaiting) = encoder.finish(&mut content).unwrap() else {
            panic!("nothing to sign")
        };
        let signature = by
            .sign(&bob, certificate, awaiting.algorithm(), awaiting.input())
            .unwrap();
        let Step::Done(encoded) = awaiting.complete(&signature, &mut content).unwrap() else {
            panic!("not complete")
        };
        let fields = encoded.head.iter();
        Self {
            headers: fields
                .map(|field| format!("{}: {}\r\n", field.name(), String::from_utf8_lossy(field.value())))
                .collect(),
            body: String::from_utf8([encoded.prefix.to_vec(), content].concat()).unwrap(),
        }
    }

    pub(crate) fn response(&self) -> String {
        let names = "AS2-Version: 1.1\r\nAS2-From: bob\r\nAS2-To: alice\r\nMessage-ID: <r@bob>\r\n";
        response("200 OK", &format!("{names}{}", self.headers), &self.body)
    }
}

/// Who signs as Bob.
pub(crate) fn bob(pair: &Pair) -> Identity {
    let files = ["bob/bob.pem", "bob/bob.key"].map(|path| pair.path(path));
    KeyFile::open(&files, None).unwrap().into_entry().unwrap().into()
}
