use super::{GraviolaAbsence, NoCryptoProvider, Source, choose};

/// graviola, aws-lc-rs, ring: the first that is there and that the processor can run; else an error that says what to do.
#[test]
fn the_first_that_this_machine_can_run() {
    use GraviolaAbsence::{Architecture, Cpu, FeatureOff};
    for (graviola, aws_lc_rs, ring, expected) in [
        (Ok(()), false, false, Some(Source::Graviola)),
        (Ok(()), true, true, Some(Source::Graviola)),
        (Err(Cpu), true, true, Some(Source::AwsLcRs)),
        (Err(Cpu), false, true, Some(Source::Ring)),
        (Err(Architecture), true, false, Some(Source::AwsLcRs)),
        (Err(FeatureOff), false, true, Some(Source::Ring)),
        (Err(Cpu), false, false, None),
        (Err(Architecture), false, false, None),
        (Err(FeatureOff), false, false, None),
    ] {
        let chosen = choose(graviola, aws_lc_rs, ring);
        match expected {
            Some(source) => assert_eq!(chosen, Ok(source)),
            None => {
                let graviola = graviola.unwrap_err();
                let error = chosen.unwrap_err();
                assert_eq!(error, NoCryptoProvider { graviola });
                let message = error.to_string();
                assert!(message.contains("`aws-lc-rs` or `ring`"), "{message}");
                assert!(message.contains(&graviola.to_string()), "{message}");
            }
        }
    }
}
