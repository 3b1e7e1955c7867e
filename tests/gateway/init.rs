//! What `init` makes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use crate::common::{entries, run};

#[test]
fn init_makes_two_stations_with_keys_of_their_own() {
    let dir = TempDir::new().unwrap();
    let made = dir.path().join("demo");
    let said = run([
        "init".as_ref(),
        made.as_os_str(),
        "--base-port".as_ref(),
        "5080".as_ref(),
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    let mut keys = Vec::new();
    for (name, other, ports) in [
        ("alice", "bob", [5080, 5081, 5083]),
        ("bob", "alice", [5082, 5083, 5081]),
    ] {
        let home = made.join(name);
        let text = fs::read_to_string(home.join("gateway.toml")).unwrap();
        let [http, https, theirs] = ports;
        for line in [
            format!("listen = \"127.0.0.1:{http}\""),
            format!("listen = \"127.0.0.1:{https}\""),
            format!("url = \"https://127.0.0.1:{theirs}/as2\""),
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in {text}");
        }
        for key in [home.join(format!("{name}.key")), home.join("tls.key")] {
            assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{key:?}");
            keys.push(fs::read(key).unwrap());
        }
        let of_other = fs::read(home.join(format!("{other}-tls.pem"))).unwrap();
        assert_eq!(of_other, fs::read(made.join(other).join("tls.pem")).unwrap());
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 4);
}

#[test]
fn init_touches_nothing_that_is_there() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("precious"), "").unwrap();
    let said = run(["init".as_ref(), dir.path().as_os_str()]);
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("is not empty"), "{}", said.err);
    assert_eq!(entries(dir.path()).len(), 1);
}
