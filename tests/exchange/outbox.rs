//! What an outbox makes of the faults of a network and of a partner's server. Each test is one row of the table.

use std::time::{Duration, SystemTime};

use ediint::partnership::RetryPolicy;
use ediint::store::{SentOutcome, SentState};
use ediint::transport::{Step, TransportError};
use ediint::{OutboundMessage, OutboxEvent, Partnership, SendError, WorkError};

use crate::common::Port;
use crate::gate::{Fault, Outbox, quick, status};
use crate::rows::ORDER;

/// REL-01, REL-04: each fault twice, then all is well: delivered once, with the same octets each time.
async fn survives(fault: Fault, requests: usize) -> Vec<String> {
    let mut outbox = Outbox::new([fault.clone(), fault]).await;
    outbox.start();
    let id = outbox.submit().await;
    let told = outbox.delivered(&id).await;
    assert_eq!((told.len(), outbox.gate.same_requests()), (2, requests), "{told:?}");
    assert_eq!(outbox.record(&id).await.attempts.made, 3);
    told
}

#[tokio::test]
async fn connection_refused() {
    let mut outbox = Outbox::new([]).await;
    // Nobody listens there.
    let port = Port::open().await;
    let nobody = port.url();
    drop(port);
    outbox.to_bob = Partnership::new(
        outbox.to_bob.local().clone(),
        outbox.to_bob.remote().clone(),
        nobody.parse().unwrap(),
    )
    .retry(quick());
    outbox.start();
    let id = outbox.submit().await;
    for attempt in 1..=3 {
        match outbox.event().await {
            OutboxEvent::Postponed {
                error: WorkError::Send(SendError::Transport(TransportError::Connect { .. })),
                attempt: told,
                ..
            } => assert_eq!(told, attempt),
            other => panic!("{other}"),
        }
    }
    match outbox.event().await {
        OutboxEvent::Failed { error, attempts: 4, .. } => assert!(error.to_string().starts_with("cannot connect to")),
        other => panic!("{other}"),
    }
    let record = outbox.record(&id).await;
    assert_eq!(record.state, SentState::Closed(SentOutcome::Failed));
    assert_eq!(record.attempts.made, 4);
    assert!(record.attempts.error.unwrap().contains("Connection refused"));
    // It may be retried.
    assert_eq!(outbox.files().len(), 1);
}

#[tokio::test]
async fn reset_before_the_request() {
    survives(Fault::ResetAtOnce, 1).await;
}

#[tokio::test]
async fn reset_within_the_request_body() {
    survives(Fault::ResetAfter(1500), 1).await;
}

#[tokio::test]
async fn reset_after_the_request_body() {
    survives(Fault::ResetUnseen, 3).await;
}

/// The partner has it, and says so only at the third attempt: it is delivered there once all the same.
#[tokio::test]
async fn reset_in_place_of_the_response() {
    survives(Fault::ResetUnanswered, 3).await;
}

#[tokio::test]
async fn half_a_response() {
    let told = survives(Fault::HalfAnswer, 3).await;
    let broken = format!("the connection broke while {}", Step::Body);
    assert_eq!(told, [broken.clone(), broken]);
}

#[tokio::test]
async fn statuses_that_pass() {
    for line in [
        "408 Request Timeout",
        "425 Too Early",
        "429 Too Many Requests",
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
    ] {
        let told = survives(status(line), 3).await;
        assert_eq!(told[0], format!("the partner's server answered {line}"));
    }
}

/// REL-02, REL-03: not found, not allowed, moved: the same again would not be of use.
#[tokio::test]
async fn statuses_that_stay() {
    for line in [
        "404 Not Found",
        "401 Unauthorized",
        "413 Payload Too Large",
        "301 Moved Permanently",
    ] {
        let mut outbox = Outbox::new([status(line)]).await;
        outbox.start();
        let id = outbox.submit().await;
        match outbox.event().await {
            OutboxEvent::Failed { error, attempts: 1, .. } => {
                // Some have advice besides.
                assert!(
                    error
                        .to_string()
                        .starts_with(&format!("the partner's server answered {line}"))
                );
            }
            other => panic!("{other}"),
        }
        assert_eq!(outbox.record(&id).await.state, SentState::Closed(SentOutcome::Failed));
        assert_eq!(outbox.gate.same_requests(), 1);
        assert!(outbox.world.bob.nothing_arrived());
    }
}

/// REL-01: whatever the schedule says, not before the time that the partner names, in either form.
#[tokio::test]
async fn retry_after() {
    let date = "Date: Tue, 24 Nov 2026 10:00:00 GMT\r\nRetry-After: Tue, 24 Nov 2026 10:02:00 GMT";
    for (asked, seconds) in [("Retry-After: 3600", 3600), (date, 120), ("Retry-After: soon", 0)] {
        let mut outbox = Outbox::new([status(&format!("503 Service Unavailable\r\n{asked}"))]).await;
        outbox.start();
        let id = outbox.submit().await;
        match outbox.event().await {
            OutboxEvent::Postponed { after, .. } if seconds == 0 => assert_eq!(after, Duration::from_millis(10)),
            OutboxEvent::Postponed { after, .. } => assert_eq!(after, Duration::from_secs(seconds)),
            other => panic!("{other}"),
        }
        if seconds > 0 {
            let due = outbox.record(&id).await.attempts.due_at.unwrap();
            assert!(due > SystemTime::now() + Duration::from_secs(seconds - 60));
        }
    }
}

/// REL-05: a limit in time ends it before the attempts do.
#[tokio::test]
async fn no_attempt_after_the_limit_in_time() {
    let mut outbox = Outbox::new([Fault::ResetUnseen]).await;
    outbox.to_bob = outbox
        .to_bob
        .clone()
        .retry(RetryPolicy::default().within(Duration::from_secs(60)));
    outbox.start();
    outbox.submit().await;
    let event = outbox.event().await;
    assert!(matches!(event, OutboxEvent::Failed { attempts: 1, .. }), "{event}");
}

/// TRN-15: a partner that says nothing does not hold a message for ever.
#[tokio::test]
async fn silence() {
    let mut outbox = Outbox::new([Fault::Silence]).await;
    let mut http = outbox.to_bob.http_profile().clone();
    http.timeouts.response = Duration::from_millis(300);
    outbox.to_bob = outbox.to_bob.clone().http(http);
    outbox.start();
    let id = outbox.submit().await;
    let told = outbox.delivered(&id).await;
    assert!(told[0].starts_with("no progress for 300ms"), "{told:?}");
}

/// REL-01, for `send_with_retries`: in the caller's own time, with the same octets.
#[tokio::test]
async fn retries_without_an_outbox() {
    let mut outbox = Outbox::new([Fault::ResetUnanswered, status("503 Service Unavailable")]).await;
    let order = || OutboundMessage::new(ORDER);
    let receipt = outbox.client.send_with_retries(&outbox.to_bob, order()).await.unwrap();
    assert!(receipt.is_accepted(), "{}", receipt.status);
    assert_eq!(outbox.gate.same_requests(), 3);
    outbox.delivered_once().await;
    assert_eq!(outbox.record(&receipt.id).await.attempts.made, 3);

    // Once, unless asked otherwise; and closed, as there is nobody who would send it again.
    outbox.gate.add(Fault::ResetUnseen);
    let error = outbox.client.send(&outbox.to_bob, order()).await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(outbox.gate.same_requests(), 1);
    for fault in vec![Fault::ResetAtOnce; 4] {
        outbox.gate.add(fault);
    }
    outbox
        .client
        .send_with_retries(&outbox.to_bob, order())
        .await
        .unwrap_err();
}
