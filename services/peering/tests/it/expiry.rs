//! Requests that run out: a reminder a day before, and only then.

use std::time::Duration;

use api::peering::v1::Peering;
use api::peering::v1::peering::State;
use api::provider::v1::peering_observation::State as CloudState;

use crate::suite::{Kind, Suite, on_both_databases};

on_both_databases!(
    a_request_that_expires_within_a_day_is_told_so_once,
    a_request_with_less_than_a_day_left_is_not,
);

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A request that waits, and expires this long from now.
async fn waiting(suite: &Suite, left: Duration) -> Peering {
    suite.cloud.looking.shut();
    let created = suite.create().await;
    suite.cloud.looking.open();
    let waiting = suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    let now = suite.database.connect().await.now_ms().await.unwrap();
    let at = now + i64::try_from(left.as_millis()).unwrap();
    suite.cloud.change(&waiting.id, |object| {
        object.expire_time = Some(api::timestamp(at));
    });
    suite
        .until(&waiting.id, "dated", |one| {
            one.expire_time == Some(api::timestamp(at))
        })
        .await
}

async fn a_request_that_expires_within_a_day_is_told_so_once(kind: Kind) {
    let suite = Suite::start(kind).await;
    let waiting = waiting(&suite, DAY + Duration::from_secs(2)).await;
    let warned = suite
        .until(&waiting.id, "warned", |one| {
            one.message.contains("expires at 20")
        })
        .await;
    assert_eq!(
        (warned.state(), warned.reason.as_str()),
        (State::PendingAcceptance, "AWAITING_CUSTOMER_ACCEPTANCE")
    );
    assert!(warned.message.contains('Z'), "{}", warned.message);
    let later = suite.look(&waiting.id, 4).await;
    assert_eq!(later.message, warned.message);
    suite
        .cloud
        .set_state(&waiting.id, CloudState::Expired, "expired");
    suite.until_state(&waiting.id, State::Expired).await;
    let events = suite.events(&waiting.id, State::Expired).await;
    let warnings = events.iter().filter(|one| one.message == warned.message);
    let kinds: Vec<&str> = warnings.map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds, ["DETAILS_CHANGED"]);
}

async fn a_request_with_less_than_a_day_left_is_not(kind: Kind) {
    let suite = Suite::start(kind).await;
    let waiting = waiting(&suite, DAY - Duration::from_secs(60)).await;
    let later = suite.look(&waiting.id, 4).await;
    assert_eq!(later.message, waiting.message);
    assert!(!later.message.contains("expires at"), "{}", later.message);
}
