//! `test-partner`: the way to a partner, step by step, without business data.

use ediint::transport::{Probe, ProbeRequest, ProbeStep};
use serde::Serialize;

use crate::cli::TestPartner;
use crate::station::Station;
use crate::{Result, advice, config};

#[derive(Serialize)]
struct Report {
    ok: bool,
    steps: Vec<StepLine>,
    /// SHA-256 of the certificate that the server showed, whether it is trusted or not.
    fingerprint: Option<String>,
}

#[derive(Serialize)]
struct StepLine {
    name: String,
    ok: bool,
    ms: u64,
    detail: String,
    /// What to do about a failure, or about an answer that is not a station's.
    advice: Option<&'static str>,
}

/// Exit code of a partner that cannot be reached as it is configured.
const UNREACHABLE: u8 = 3;

pub(crate) async fn run(args: &TestPartner) -> Result<u8> {
    let station = Station::open_to_look(config::load(&args.config)?).await?;
    let partner = station.config.partner(&args.partner, args.from.as_deref())?;
    let client = station.client(station.http.clone())?;
    let probe = client.probe(&partner.partnership, ProbeRequest::Options).await;
    let report = Report::of(&probe.ok_or("this HTTP client cannot test connections")?);
    match args.json {
        true => say!("{}", serde_json::to_string_pretty(&report)?),
        false => {
            for step in &report.steps {
                let mark = if step.ok { "ok  " } else { "FAIL" };
                say!("{mark} {:<18} {:>5} ms  {}", step.name, step.ms, step.detail);
                if let Some(advice) = step.advice {
                    say!("     What to do: {advice}.");
                }
            }
            match report.ok {
                true => say!("{} can be reached.", args.partner),
                false => say!("{} cannot be reached as it is configured.", args.partner),
            }
        }
    }
    Ok(if report.ok { 0 } else { UNREACHABLE })
}

impl Report {
    fn of(probe: &Probe) -> Self {
        let steps = probe.steps.iter().map(|step| StepLine {
            name: step.step.to_string(),
            ok: step.outcome.is_ok(),
            ms: u64::try_from(step.time.as_millis()).unwrap_or(u64::MAX),
            detail: step.detail(),
            advice: match (&step.outcome, step.step) {
                (Err(error), _) => advice::on_the_way(error),
                (Ok(_), ProbeStep::Http) => probe.http_status.and_then(advice::on_answer),
                (Ok(_), _) => None,
            },
        });
        Self {
            ok: probe.is_ok(),
            steps: steps.collect(),
            fingerprint: probe
                .pin()
                .map(|pin| pin.to_string().trim_start_matches("sha256:").to_owned()),
        }
    }
}
