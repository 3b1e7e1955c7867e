//! Partners that know nothing but MD5 and RC2. Their messages are openssl's.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use ediint::{DigestAlgorithm, Mic};

use crate::common::{Pair, fixture, json, run};
use crate::inspecting::inspect;
use crate::keys::certificate;

/// A request of Alice's to Bob whose body is that file.
fn request(file: &str) -> Vec<u8> {
    let body = fs::read(fixture("openssl/legacy").join(file)).unwrap();
    let head = format!(
        "POST /as2 HTTP/1.1\r\nHost: bob\r\nConnection: close\r\nAS2-Version: 1.1\r\nAS2-From: alice\r\nAS2-To: bob\r\n\
         Message-ID: <{file}@alice>\r\nSubject: order\r\nDisposition-Notification-To: alice\r\n\
         Disposition-Notification-Options: signed-receipt-protocol=optional, pkcs7-signature; \
         signed-receipt-micalg=optional, md5\r\n\
         Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

/// Bob has the key that the fixtures are encrypted for, and Alice's certificate is the one that they are signed with.
fn pair(allow: &str) -> Pair {
    let pair = Pair::init();
    let key = |end: &str| fixture(&format!("openssl/cms/bob.{end}"));
    let lines = format!("key = {:?}\ncertificate = {:?}", key("key.der"), key("pem"));
    pair.rekey("bob", "alice", &lines, &certificate("openssl/cms/bob.pem", ""));
    fs::copy(fixture("openssl/cms/alice.pem"), pair.path("bob/alice.pem")).unwrap();
    let allow = format!("require_encryption = true\nallow = [{allow}]");
    pair.replace("bob", "require_encryption = true", &allow);
    pair
}

/// What Bob answers.
fn answer(pair: &Pair, file: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", pair.ports[2])).unwrap();
    stream.write_all(&request(file)).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn what_is_allowed_is_received() {
    let content = fs::read(fixture("openssl/cms/content.bin")).unwrap();
    let mic = Mic::of(DigestAlgorithm::Md5, &content);
    let pair = pair("\"md5\", \"rc2\", \"des\"");
    let serving = pair.serve("bob");
    for (file, cipher) in [
        ("md5-rc2-40.p7m", "rc2-40"),
        ("md5-rc2-64.p7m", "rc2-64"),
        ("md5-rc2-128.p7m", "rc2-128"),
        ("md5-des.p7m", "des"),
    ] {
        let answer = answer(&pair, file);
        assert!(answer.contains("micalg=sha-256"), "{answer}");
        assert!(answer.contains("MDN-sent-automatically; processed\r\n"), "{answer}");
        assert!(answer.contains(&format!("Received-content-MIC: {mic}\r\n")), "{answer}");
        let directory = pair.received("bob", "alice").into_iter().next().unwrap();
        let message = json(&directory.join("message.json"));
        assert_eq!(message["weaknesses"], serde_json::json!(["md5", cipher]));
        assert_eq!(message["mic"], mic.to_string());
        assert!(content.ends_with(&fs::read(directory.join("payload")).unwrap()));
        fs::remove_dir_all(directory).unwrap();

        let told = inspect(&pair, "bob", &pair.file("capture", &request(file)));
        assert_eq!(told["verdict"], "accepted", "{told}");
        assert_eq!(told["layers"][0]["algorithm"], cipher);
        assert!(
            told["layers"][1]["algorithm"].as_str().unwrap().starts_with("md5, "),
            "{told}"
        );
        assert_eq!(told["mic"]["md5"], mic.base64());
        assert!(told["mic"]["sha-256"].is_string());
        let weak = format!("allows what is weak: md5, {cipher}");
        assert!(told["reason"].as_str().unwrap().ends_with(&weak), "{told}");
    }
    let said = serving.stop();
    assert!(said.err.contains("weak=\"md5, rc2-40\""), "{}", said.err);
}

#[test]
fn what_is_not_allowed_is_refused() {
    for (allow, file, disposition, reason) in [
        (
            "",
            "md5-rc2-128.p7m",
            "decryption-failed",
            "content encrypted with rc2-128 is not accepted",
        ),
        (
            "\"md5\"",
            "md5-des.p7m",
            "decryption-failed",
            "content encrypted with des is not accepted",
        ),
        (
            "\"rc2\"",
            "md5-rc2-128.p7m",
            "insufficient-message-security",
            "signatures over md5 are not accepted",
        ),
    ] {
        let pair = pair(allow);
        let _serving = pair.serve("bob");
        let answer = answer(&pair, file);
        assert!(
            answer.contains(&format!("processed/error: {disposition}\r\n")),
            "{answer}"
        );
        assert!(pair.received("bob", "alice").is_empty());
        let told = inspect(&pair, "bob", &pair.file("capture", &request(file)));
        assert_eq!(told["verdict"], "refused", "{told}");
        assert!(told["reason"].as_str().unwrap().contains(reason), "{told}");
        assert!(
            told["advice"].as_str().unwrap().contains(" in the partnership"),
            "{told}"
        );
        // Taken apart all the same.
        assert!(told["mic"]["md5"].is_string(), "{told}");
    }
}

/// They are for receiving.
#[test]
fn none_of_them_is_sent() {
    let pair = Pair::init();
    let original = fs::read_to_string(pair.config("alice")).unwrap();
    for (old, new, key, cause) in [
        (
            "sign = \"sha-256\"",
            "sign = \"md5\"",
            "send.sign",
            "md5 is only read, never sent",
        ),
        (
            "encrypt = \"aes256-cbc\"",
            "encrypt = \"des\"",
            "send.encrypt",
            "des is only read, never sent",
        ),
        (
            "encrypt = \"aes256-cbc\"",
            "encrypt = \"rc2-128\"",
            "send.encrypt",
            "rc2-128 is only read, never sent",
        ),
        (
            "encrypt = \"aes256-cbc\"",
            "encrypt = \"rc2\"",
            "send.encrypt",
            "algorithm \"rc2\" is not supported: it is read as rc2-40, rc2-64 or rc2-128, and never sent",
        ),
    ] {
        fs::write(pair.config("alice"), original.replace(old, new)).unwrap();
        let said = run(["certificates".as_ref(), pair.config("alice").as_os_str()]);
        let line = original[..original.find(old).unwrap()].lines().count() + 1;
        let place = format!("gateway.toml:{line}: partner[0].{key}: ");
        assert_eq!(said.code, 1);
        assert!(said.err.contains(&place) && said.err.contains(cause), "{}", said.err);
    }
}
