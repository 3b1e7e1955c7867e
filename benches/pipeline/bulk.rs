//! Large messages: encoder and decoder against the sum of their primitives (PER-01).

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Write};
use std::time::SystemTime;

use aes::Aes128;
use bytes::Bytes;
use cbc::cipher::array::Array;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use ediint::cms::{ContentKey, Deflater, SignatureOptions};
use ediint::envelope::{
    Blueprint, Decoder, Encoder, Layers, Progress, SignatureBlueprint, Step, Structure, TransportFacts, Verdict,
};
use ediint::mime::HeaderBlock;
use ediint::partnership::AcceptPolicy;
use ediint::store::MemoryStore;
use ediint::{As2Client, Entropy, Limits, OutboundMessage, Spool, SystemEntropy};
use sha2::{Digest, Sha256};
use tokio::runtime::Builder;

use crate::Result;
use crate::measure::{Target, in_turns, print_ratio};
use crate::parties::{CIPHER, InProcess, Parties, SIGN};

/// What arrives from a connection, or is read from a file, at once.
const CHUNK: usize = 64 << 10;

pub(crate) fn run(quick: bool) -> Result<()> {
    let (size, rounds) = if quick { (16 << 20, 9) } else { (64 << 20, 21) };
    let bench = Bench::new(size)?;
    println!(
        "\nA payload of {} MiB, signed with SHA-256 and encrypted with AES-128-CBC: the time of SHA-256, AES-128-CBC and",
        size >> 20
    );
    println!(
        "one RSA operation alone, one after the other, divided by that of the pipeline; 1.00 adds nothing to them"
    );
    bench.encode(rounds)?;
    bench.decode(rounds)?;
    bench.shells(rounds)?;
    println!(
        "\nThe same of {} MiB of EDIFACT, compressed too: zlib is one of the primitives",
        size >> 20
    );
    bench.compressed(if quick { 3 } else { 7 })
}

struct Bench {
    parties: Parties,
    payload: Vec<u8>,
}

/// A message as it is on the wire.
struct Wire {
    head: HeaderBlock,
    body: Vec<u8>,
}

impl Bench {
    fn new(size: usize) -> Result<Self> {
        let mut payload = vec![0; size];
        SystemEntropy.rng().fill_bytes(&mut payload);
        Ok(Self {
            parties: Parties::new()?,
            payload,
        })
    }

    fn encode(&self, rounds: usize) -> Result<()> {
        let payload = &self.payload;
        let structure = Layers::payload().sign(SIGN).encrypt(CIPHER).into();
        let (mut ciphertext, mut memory) = (vec![0; payload.len()], Vec::with_capacity(payload.len() + (1 << 20)));
        let rounds = in_turns(
            rounds,
            [
                &mut || sha256(payload),
                &mut || encrypt(payload, &mut ciphertext),
                &mut || self.parties.sign(),
                &mut || {
                    memory.clear();
                    self.pass(self.encoder(structure)?, &**payload, &mut memory).map(drop)
                },
                &mut || {
                    self.pass(self.encoder(structure)?, &**payload, &mut Spool::new())
                        .map(drop)
                },
            ],
        )?;
        print_speed("SHA-256 alone", payload, rounds.figure(|[sha, ..]| *sha).median);
        print_speed(
            "AES-128-CBC encryption alone",
            payload,
            rounds.figure(|[_, aes, ..]| *aes).median,
        );
        print_ratio(
            "encoder, into memory",
            rounds.figure(|[sha, aes, rsa, memory, _]| (sha + aes + rsa) / memory),
            Target::AtLeast(0.9),
        );
        print_ratio(
            "encoder, into a spool, which is a file",
            rounds.figure(|[sha, aes, rsa, _, spool]| (sha + aes + rsa) / spool),
            Target::None,
        );
        Ok(())
    }

    fn decode(&self, rounds: usize) -> Result<()> {
        let payload = &self.payload;
        let mut memory = Vec::with_capacity(payload.len() + (1 << 20));
        let encoder = self.encoder(Layers::payload().sign(SIGN).encrypt(CIPHER).into())?;
        let wire = wire(self.pass(encoder, &**payload, &mut memory)?, &memory)?;
        let mut plain = vec![0; payload.len()];
        let rounds = in_turns(
            rounds,
            [
                &mut || sha256(payload),
                &mut || decrypt(payload, &mut plain),
                &mut || self.parties.unwrap_key(),
                &mut || {
                    memory.clear();
                    self.decode_from(&wire, &mut memory)
                },
                &mut || self.decode_from(&wire, &mut Spool::new()),
            ],
        )?;
        print_speed(
            "AES-128-CBC decryption alone",
            payload,
            rounds.figure(|[_, aes, ..]| *aes).median,
        );
        print_ratio(
            "decoder, into memory",
            rounds.figure(|[sha, aes, rsa, memory, _]| (sha + aes + rsa) / memory),
            Target::AtLeast(0.8),
        );
        print_ratio(
            "decoder, into a spool, which is a file",
            rounds.figure(|[sha, aes, rsa, _, spool]| (sha + aes + rsa) / spool),
            Target::None,
        );
        Ok(())
    }

    /// Client and receiver as hosts use them, without HTTP. The receiver takes a digest of the body as it came too, to
    /// recognise copies: one more primitive.
    fn shells(&self, rounds: usize) -> Result<()> {
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let client = As2Client::builder(self.parties.buyer_keys(), MemoryStore::new())
            .http_client(InProcess(self.parties.receiver()?))
            .build()?;
        let partnership = self.parties.partnership("http://localhost/as2")?;
        let payload = Bytes::from(self.payload.clone());
        let mut output = vec![0; payload.len()];
        let rounds = in_turns(
            rounds,
            [
                &mut || {
                    for _ in ["for the signature", "to verify it", "of the body"] {
                        sha256(&payload)?;
                    }
                    encrypt(&payload, &mut output)?;
                    decrypt(&payload, &mut output)?;
                    self.parties.private_key_operations()
                },
                &mut || {
                    let message = OutboundMessage::new(payload.clone());
                    let receipt = runtime.block_on(client.send(&partnership, message))?;
                    receipt.is_accepted().then_some(()).ok_or_else(|| "not accepted".into())
                },
            ],
        )?;
        print_ratio(
            "client to receiver and back, through two spools",
            rounds.figure(|[bare, exchange]| bare / exchange),
            Target::None,
        );
        Ok(())
    }

    fn compressed(&self, rounds: usize) -> Result<()> {
        let payload = edifact(self.payload.len())?;
        let deflated = deflate(&payload)?;
        let encode = |spool: &mut Spool| -> Result<Step> {
            let encoder = self.encoder(Layers::payload().compress().sign(SIGN).encrypt(CIPHER).into())?;
            let mut first = Spool::new();
            match self.pass(encoder, &*payload, &mut first)? {
                Step::Again(encoder) => self.pass(encoder, BufReader::with_capacity(CHUNK, first.reader()), spool),
                other => Ok(other),
            }
        };
        let mut encoded = Spool::new();
        let wire = wire(encode(&mut encoded)?, &encoded.into_bytes()?)?;
        let mut buffer = vec![0; deflated.len().next_multiple_of(16)];
        let padded = buffer.clone();
        let rounds = in_turns(
            rounds,
            [
                &mut || {
                    let deflated = deflate(&payload)?;
                    sha256(&deflated)?;
                    encrypt(&padded, &mut buffer)?;
                    self.parties.sign()
                },
                &mut || encode(&mut Spool::new()).map(drop),
                &mut || self.decode_from(&wire, &mut io::sink()),
            ],
        )?;
        print_ratio(
            "encoder, two passes through two spools",
            rounds.figure(|[bare, encoder, _]| bare / encoder),
            Target::None,
        );
        print_speed(
            "decoder, octets of payload",
            &payload,
            rounds.figure(|[.., decoder]| *decoder).median,
        );
        Ok(())
    }

    fn encoder(&self, structure: Structure) -> Result<Encoder> {
        let mut options = SignatureOptions::default();
        options.signing_time = Some(SystemTime::now());
        let mut head = HeaderBlock::new();
        head.push("Content-Type", "application/edifact")?;
        let signer = self.parties.buyer_identity.certificate().clone();
        let blueprint = Blueprint::new(structure, head)
            .signature(SignatureBlueprint::new(signer, options))
            .recipient(self.parties.seller_identity.certificate().clone());
        Ok(Encoder::new(blueprint, &mut *SystemEntropy.rng())?)
    }

    /// One pass of an encoder, signature included.
    fn pass(&self, mut encoder: Encoder, mut source: impl BufRead, sink: &mut dyn Write) -> Result<Step> {
        loop {
            let chunk = source.fill_buf()?;
            let taken = chunk.len();
            if taken == 0 {
                break;
            }
            encoder.update(chunk, sink)?;
            source.consume(taken);
        }
        match encoder.finish(sink)? {
            Step::Sign(pending) => {
                let (identity, name) = (&self.parties.buyer_identity, &self.parties.buyer);
                let signature = identity.sign(name, identity.certificate(), pending.algorithm(), pending.input())?;
                Ok(pending.complete(&signature, sink)?)
            }
            other => Ok(other),
        }
    }

    /// Decodes and verifies.
    fn decode_from(&self, wire: &Wire, sink: &mut dyn Write) -> Result<()> {
        let policy = AcceptPolicy::default();
        let mut decoder = Decoder::new(wire.head.clone(), &[], policy.clone(), Limits::default());
        for chunk in wire.body.chunks(CHUNK) {
            if let Progress::NeedContentKey(request) = decoder.update(chunk, sink)? {
                let (identity, name) = (&self.parties.seller_identity, &self.parties.seller);
                let unwrapped = identity.unwrap_key(name, request.recipients, request.cipher, SystemTime::now())?;
                let keys: Vec<ContentKey> = unwrapped.into_iter().map(|unwrapped| unwrapped.content_key).collect();
                decoder.content_keys(&keys, sink)?;
            }
        }
        let signers = [self.parties.buyer_identity.certificate().clone()];
        let decoded = decoder.finish(sink)?;
        match decoded.judge(&signers, &policy, TransportFacts::new(false, false), SystemTime::now()) {
            Verdict::Accepted(_) => Ok(()),
            refused => Err(format!("{refused:?}").into()),
        }
    }
}

fn wire(step: Step, content: &[u8]) -> Result<Wire> {
    match step {
        Step::Done(encoded) => Ok(Wire {
            head: encoded.head,
            body: [&encoded.prefix, content].concat(),
        }),
        other => Err(format!("the message is not complete: {other:?}").into()),
    }
}

fn sha256(octets: &[u8]) -> Result<()> {
    black_box(Sha256::digest(octets));
    Ok(())
}

fn encrypt(octets: &[u8], out: &mut [u8]) -> Result<()> {
    let mut mode = Encryptor::<Aes128>::new(&[7; 16].into(), &[9; 16].into());
    let (input, output) = (Array::slice_as_chunks(octets).0, Array::slice_as_chunks_mut(out).0);
    mode.encrypt_blocks_b2b(input, output)?;
    Ok(())
}

fn decrypt(octets: &[u8], out: &mut [u8]) -> Result<()> {
    let mut mode = Decryptor::<Aes128>::new(&[7; 16].into(), &[9; 16].into());
    let (input, output) = (Array::slice_as_chunks(octets).0, Array::slice_as_chunks_mut(out).0);
    mode.decrypt_blocks_b2b(input, output)?;
    Ok(())
}

fn deflate(octets: &[u8]) -> Result<Vec<u8>> {
    let (mut deflater, mut deflated) = (Deflater::new(), Vec::new());
    deflater.update(octets, &mut deflated)?;
    deflater.finish(&mut deflated)?;
    Ok(deflated)
}

/// Segments of an order with numbers that never repeat in the same way.
fn edifact(size: usize) -> Result<Vec<u8>> {
    let (mut text, mut state) = (String::with_capacity(size + 256), 1_u32);
    let mut line = 0_u32;
    while text.len() < size {
        line += 1;
        // The generator of Numerical Recipes: anything that is not a pattern will do.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        write!(
            text,
            "LIN+{line}++{:013}:SRV'\r\nQTY+21:{}'\r\nPRI+AAA:{}.{:02}'\r\n",
            u64::from(state) * 2_311,
            state >> 22,
            state >> 20,
            state % 100
        )?;
    }
    text.truncate(size);
    Ok(text.into_bytes())
}

fn print_speed(what: &str, octets: &[u8], seconds: f64) {
    // Payloads here are far below 4 GiB.
    let mebibytes = u32::try_from(octets.len() >> 10).map_or(f64::NAN, f64::from) / 1024.0;
    println!("  {what:<62} {:5.0} MiB/s", mebibytes / seconds);
}
