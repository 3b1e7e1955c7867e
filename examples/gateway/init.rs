//! Two stations that know each other, with keys that nobody else has.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::Result;
use crate::cli::Init;
use crate::identity::{self, Made};

/// One of the two, and where it listens.
struct Party {
    name: &'static str,
    http: u16,
    https: u16,
    message: Made,
    tls: Made,
}

pub(crate) fn run(args: &Init) -> Result<u8> {
    let dir = &args.dir;
    match fs::read_dir(dir).map(|mut entries| entries.next().is_some()) {
        Ok(true) => {
            return Err(format!(
                "{} is not empty: name a directory that is, or does not exist",
                dir.display()
            )
            .into());
        }
        Ok(false) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(format!("cannot look into {}: {error}", dir.display()).into()),
    }
    let alice = Party::found("alice", args.base_port)?;
    let bob = Party::found("bob", args.base_port + 2)?;
    for (own, other) in [(&alice, &bob), (&bob, &alice)] {
        let home = dir.join(own.name);
        own.write(other, &home)
            .map_err(|error| format!("cannot write to {}: {error}", home.display()))?;
    }
    // As it was called just now, to be copied.
    let program = std::env::args_os().next().unwrap_or_else(|| "gateway".into());
    let (program, shown) = (program.display(), dir.display());
    say!("Made {shown}/alice and {shown}/bob, with keys of their own. Now, in two terminals:");
    say!("  {program} serve {shown}/alice/gateway.toml");
    say!("  {program} serve {shown}/bob/gateway.toml");
    say!("and in a third:");
    say!("  {program} send {shown}/alice/gateway.toml --to bob FILE");
    say!("What bob receives is in {shown}/bob/data/inbox/alice/. What is moved to");
    say!("{shown}/alice/data/outbox/bob/ is sent too. {program} --help tells the rest.");
    Ok(0)
}

impl Party {
    fn found(name: &'static str, port: u16) -> Result<Self> {
        Ok(Self {
            name,
            http: port,
            https: port + 1,
            message: identity::make(name, 2048)?,
            tls: identity::make(&format!("{name} TLS"), 2048)?,
        })
    }

    /// Our own keys, the other's certificates, and the configuration.
    fn write(&self, other: &Self, home: &Path) -> io::Result<()> {
        let (name, partner) = (self.name, other.name);
        fs::create_dir_all(home.join("data").join("outbox").join(partner))?;
        create(&home.join(format!("{name}.key")), &self.message.key_pem, true)?;
        create(&home.join(format!("{name}.pem")), &self.message.certificate_pem, false)?;
        create(&home.join("tls.key"), &self.tls.key_pem, true)?;
        create(&home.join("tls.pem"), &self.tls.certificate_pem, false)?;
        create(
            &home.join(format!("{partner}.pem")),
            &other.message.certificate_pem,
            false,
        )?;
        create(
            &home.join(format!("{partner}-tls.pem")),
            &other.tls.certificate_pem,
            false,
        )?;
        create(&home.join("gateway.toml"), &self.configuration(other), false)
    }

    fn configuration(&self, other: &Self) -> String {
        let (name, partner) = (self.name, other.name);
        let (http, https, theirs) = (self.http, self.https, other.https);
        format!(
            r#"# The station {name}. Paths are relative to this file.
data_dir = "data"
listen = "127.0.0.1:{http}"

[tls]
listen = "127.0.0.1:{https}"
certificate = "tls.pem"
key = "tls.key"
client_certificates = ["{partner}-tls.pem"]
require_client_certificate = true

[[station]]
as2_id = "{name}"
key = "{name}.key"
certificate = "{name}.pem"

[[partner]]
as2_id = "{partner}"
url = "https://127.0.0.1:{theirs}/as2"
certificates = ["{partner}.pem"]

[partner.send]
sign = "sha-256"
encrypt = "aes256-cbc"
receipt = "sync"
signed_receipt = true
# Where receipts come back that `send --async` asks for.
receipt_url = "https://127.0.0.1:{https}/as2"

[partner.accept]
require_signature = true
require_encryption = true
# Over HTTPS alone, and with this certificate alone:
# client_certificates = ["{partner}-tls.pem"]

[partner.tls]
pin = ["{partner}-tls.pem"]
client_certificate = "tls.pem"
client_key = "tls.key"
"#
        )
    }
}

/// A file that was not there before; private keys are for their owner only.
fn create(path: &Path, text: &str, private: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    options.open(path)?.write_all(text.as_bytes())
}
