use super::EdiintFeatures;

/// ENV-51.
#[test]
fn names_are_read_and_written() {
    for (value, names) in [
        ("multiple-attachments", &["multiple-attachments"][..]),
        ("CEM,AS2-Reliability", &["CEM", "AS2-Reliability"]),
        (
            "cem , x-unknown-2 ,as2-reliability",
            &["cem", "x-unknown-2", "as2-reliability"],
        ),
        ("", &[]),
        (",, ,", &[]),
        ("CEM; q=1, AS2-Restart, ünknown, a b", &["AS2-Restart"]),
    ] {
        let features = EdiintFeatures::parse(value);
        assert_eq!(features.iter().collect::<Vec<_>>(), names, "{value}");
        assert_eq!(EdiintFeatures::parse(&features.to_string()), features);
        assert_eq!(features.is_empty(), names.is_empty());
    }
    let features = EdiintFeatures::parse("MULTIPLE-attachments");
    assert!(features.contains(EdiintFeatures::MULTIPLE_ATTACHMENTS));
    assert!(!features.contains(EdiintFeatures::RELIABILITY));
    let both = features
        .with(EdiintFeatures::RELIABILITY)
        .with(EdiintFeatures::MULTIPLE_ATTACHMENTS);
    assert_eq!(both.to_string(), "MULTIPLE-attachments, AS2-Reliability");
}
