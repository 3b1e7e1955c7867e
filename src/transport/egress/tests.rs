use super::Egress;

/// SEC-19: which addresses requests go to whose URL came in a message.
#[test]
fn addresses() {
    // Address; to a host that is named, as a name and as a literal; to a stranger.
    for (address, name, literal, stranger) in [
        ("8.8.8.8", true, true, true),
        ("2a00:1450:4001:80b::200e", true, true, true),
        ("127.0.0.1", true, true, false),
        ("0.0.0.0", true, true, false),
        ("10.1.2.3", true, true, false),
        ("172.31.255.255", true, true, false),
        ("172.32.0.1", true, true, true),
        ("192.168.1.1", true, true, false),
        ("100.64.0.1", true, true, false),
        ("100.128.0.1", true, true, true),
        ("192.0.0.1", true, true, false),
        ("198.19.0.1", true, true, false),
        ("203.0.113.7", true, true, false),
        ("224.0.0.1", true, true, false),
        ("255.255.255.255", true, true, false),
        // Links and metadata services.
        ("169.254.169.254", false, true, false),
        ("::ffff:169.254.169.254", false, true, false),
        ("64:ff9b::169.254.169.254", false, true, false),
        ("2002:a9fe:a9fe::1", false, true, false),
        ("fe80::1", false, true, false),
        ("fd00:ec2::254", false, true, false),
        ("100.100.100.200", false, true, false),
        ("168.63.129.16", false, true, false),
        ("::ffff:100.100.100.200", false, true, false),
        ("64:ff9b::100.100.100.200", false, true, false),
        ("2002:6464:64c8::1", false, true, false),
        ("fd20:ce::254", false, true, false),
        ("64:ff9b::8.8.8.8", true, true, false),
        ("::1", true, true, false),
        ("::", true, true, false),
        ("::ffff:10.0.0.1", true, true, false),
        ("::ffff:8.8.8.8", true, true, true),
        ("fc00::1", true, true, false),
        ("2001::1", true, true, false),
        ("2001:db8::1", true, true, false),
        ("ff02::1", true, true, false),
    ] {
        let parsed = address.parse().unwrap();
        assert!(Egress::Configured.allows(parsed, false), "{address}");
        assert_eq!(Egress::NamedHost.allows(parsed, false), name, "{address}");
        assert_eq!(Egress::NamedHost.allows(parsed, true), literal, "{address}");
        assert_eq!(Egress::Stranger.allows(parsed, false), stranger, "{address}");
        assert_eq!(Egress::Stranger.allows(parsed, true), stranger, "{address}");
    }
}
