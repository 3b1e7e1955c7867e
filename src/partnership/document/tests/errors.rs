//! What is told of a mistake.

use super::*;

/// TOML says where it is, and every format what it is.
#[test]
fn an_unknown_value_is_named_with_the_choices() {
    let error = toml_error("[send]\nencrypt = \"aes257-cbc\"");
    assert!(error.contains("line 5, column 11"), "{error}");
    let wanted = "send.encrypt: invalid value: string \"aes257-cbc\", expected one of \"3des\", \"aes128-cbc\", \
                  \"aes192-cbc\", \"aes256-cbc\", \"aes128-gcm\", \"aes192-gcm\", \"aes256-gcm\", \"none\"";
    assert!(error.contains(wanted), "{error}");
    let error = toml_error("[accept]\nallow = [\"sha-1\", \"rc4\"]");
    assert!(error.contains("line 5"), "{error}");
    assert!(
        error.contains("accept.allow: invalid value: string \"rc4\", expected one of "),
        "{error}"
    );
    let error = toml_error("[http.tls]\nmin_version = \"1.1\"");
    assert!(
        error.contains("http.tls.min_version: invalid value: string \"1.1\", expected one of \"1.2\", \"1.3\""),
        "{error}"
    );

    let row = json!({ "local": "us", "remote": "acme", "url": "https://a.example/", "send": { "sign": "md5" } });
    let wanted = "send.sign: invalid value: string \"md5\", expected one of \"sha-1\", \"sha-224\", \"sha-256\", \
                  \"sha-384\", \"sha-512\", \"none\"";
    assert_eq!(
        serde_json::from_value::<Partnership>(row.clone())
            .unwrap_err()
            .to_string(),
        wanted
    );
    let text = serde_json::to_string(&row).unwrap();
    let column = text.find("\"md5\"").unwrap() + "\"md5\"".len();
    let error = serde_json::from_str::<Partnership>(&text).unwrap_err();
    assert_eq!(error.to_string(), format!("{wanted} at line 1 column {column}"));
}

#[test]
fn an_unknown_field_is_named_with_the_choices() {
    let error = toml_error("[http.timeouts]\n\nconect = \"5s\"");
    assert!(error.contains("line 6, column 1"), "{error}");
    let wanted =
        "http.timeouts: unknown field `conect`, expected one of `connect`, `tls`, `write`, `response`, `total`";
    assert!(error.contains(wanted), "{error}");
    let row = json!({ "local": "us", "remote": "acme", "url": "https://a.example/", "partner": 1 });
    let error = serde_json::from_value::<Partnership>(row).unwrap_err().to_string();
    assert!(
        error.starts_with("unknown field `partner`, expected one of `local`, `remote`, `url`"),
        "{error}"
    );
    for table in [
        "send",
        "accept",
        "accept.unsigned_mic",
        "accept.chain",
        "http",
        "http.tls",
        "http.timeouts",
        "http.proxy",
        "retry",
        "receipt_retry",
        "http.basic_auth",
    ] {
        let error = toml_error(&format!("[{table}]\nsurplus = 1"));
        assert!(
            error.contains(&format!("\n{table}: unknown field `surplus`, expected one of")),
            "{table}: {error}"
        );
    }
}

/// The fields that the documentation lists are those that there are.
#[test]
fn every_field_is_listed() {
    let names = |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let rows = include_str!("../format.md")
        .lines()
        .filter(|line| line.starts_with("| "));
    let mut tables = 0;
    for (table, fields) in rows.filter_map(|line| line.trim_matches('|').split_once('|')).skip(1) {
        // What a field may be is in parentheses.
        let fields: String = fields.split('(').map(|part| part.rsplit(')').next().unwrap()).collect();
        let mut listed = names(&fields);
        listed.sort();
        let mut tables_of_row = names(table);
        if tables_of_row.is_empty() {
            listed.extend(["send", "accept", "http", "retry", "receipt_retry"].map(str::to_owned));
            listed.sort();
            tables_of_row.push(String::new());
        }
        for table in tables_of_row {
            let error = match table.as_str() {
                "" => toml_error("surplus = 1"),
                table => toml_error(&format!("[{table}]\nsurplus = 1")),
            };
            let mut there = names(error.split("expected one of").nth(1).unwrap());
            // Tables have rows of their own.
            let nested = ["chain", "unsigned_mic", "tls", "timeouts", "proxy", "basic_auth"];
            there.retain(|field| listed.contains(field) || !nested.contains(&field.as_str()));
            there.sort();
            assert_eq!(listed, there, "{table}");
            tables += 1;
        }
    }
    assert_eq!(tables, 12);
}

#[test]
fn a_missing_field_is_named() {
    let error = parse("local = \"us\"\nremote = \"acme\"").unwrap_err().to_string();
    assert!(error.contains("missing field `url`"), "{error}");
    let error = toml_error("[http.proxy]\nuser = \"us\"");
    assert!(error.contains("http.proxy: missing field `authority`"), "{error}");
}

/// What each value has to be is said where it is not.
#[test]
fn what_a_value_has_to_be() {
    for (lines, wanted) in [
        (
            "[send]\nmin_rsa_bits = \"long\"",
            "send.min_rsa_bits: invalid type: string \"long\", expected usize",
        ),
        (
            "[send]\nsign = 256",
            "send.sign: invalid type: integer `256`, expected one of \"sha-1\"",
        ),
        (
            "[send]\nreceipt_url = \"/as2\"",
            "send.receipt_url: invalid value: string \"/as2\", expected an absolute http or https URL",
        ),
        (
            "[send]\nalso_encrypt_for = [\"acme.pem\"]",
            "send.also_encrypt_for: invalid value: string \"acme.pem\", expected a certificate, as PEM text or the base64 of its DER",
        ),
        (
            "receipt_hosts = [\"a b\"]",
            "receipt_hosts: invalid value: string \"a b\", expected a host, or host:port",
        ),
        (
            "[http.timeouts]\ntls = \"30\"",
            "http.timeouts.tls: invalid value: string \"30\", expected a duration: numbers with the units",
        ),
        (
            "[http.timeouts]\ntls = 30",
            "http.timeouts.tls: invalid type: integer `30`, expected a duration",
        ),
        (
            "[http.tls]\npin = [\"sha256:00\"]",
            "http.tls.pin: \"sha256:00\" is no pin: write \"sha256:\" and the 64",
        ),
        ("accept = 1", "invalid type: integer `1`, expected a table, accept"),
    ] {
        let error = toml_error(lines);
        assert!(error.contains(wanted), "{error}");
    }
    let named = parse("local = \"us\"\nremote = \"\"\nurl = \"https://a.example/\"");
    let error = named.unwrap_err().to_string();
    assert!(
        error.contains("line 2") && error.contains("remote: an AS2 name must not be empty"),
        "{error}"
    );
}

#[test]
fn fields_that_belong_together() {
    for (lines, wanted) in [
        (
            "[send]\nreceipt = \"async\"",
            "send: receipt = \"async\" needs receipt_url too",
        ),
        (
            "[send]\nreceipt_url = \"http://a.example/\"",
            "send: receipt_url needs receipt = \"async\" too",
        ),
        (
            "[accept]\nreceipts = \"async\"",
            "accept: receipts = \"async\" needs receipts_url too",
        ),
        ("[http.tls]\npin = []\nca = []", "http.tls: pin goes without ca"),
        (
            "[http.tls]\ndanger_unverified = true\npin = []",
            "http.tls: danger_unverified goes without pin",
        ),
        (
            "[receipt_retry]\nretries = 3",
            "receipt_retry: retries needs first_delay too",
        ),
        (
            "[http.tls]\nclient_key = \"\"",
            "http.tls: client_key needs client_certificate too",
        ),
        (
            "[http.proxy]\nauthority = \"a\"\nuser = \"us\"",
            "http.proxy: user needs password too",
        ),
    ] {
        let error = toml_error(lines);
        assert!(error.contains(wanted), "{error}");
    }
}

/// Not even by an error about them.
#[test]
fn secrets_are_not_shown_by_errors() {
    let client = String::from_utf8_lossy(CLIENT);
    for (lines, wanted) in [
        (
            "[http.basic_auth]\nuser = \"us\"\npassword = 271828".to_owned(),
            "http.basic_auth: password: expected text",
        ),
        (
            "[http.basic_auth]\nuser = \"u:s\"\npassword = \"271828\"".to_owned(),
            "http.basic_auth: a user name with a colon",
        ),
        (
            format!("[http.tls]\nclient_certificate = \"\"\"\n{client}\"\"\"\nclient_key = \"271828\""),
            "http.tls: client_key: expected a private key without password",
        ),
        (
            "[send]\n[[send.http_headers]]\nname = \"X-Api-Key\"\nvalue = 271828".to_owned(),
            "send: http_headers: expected text",
        ),
    ] {
        let error = toml_error(&lines);
        assert!(error.contains(wanted) && !error.contains("271828"), "{error}");
    }
    let row = json!({ "user": "us", "password": 271_828 });
    let error = serde_json::from_value::<BasicAuth>(row).unwrap_err().to_string();
    assert_eq!(error, "basic_auth: password: expected text, in quotes");
}
