//! The same create many times at once.

use api::peering::v1::peering::State;
use api::peering::v1::*;

use crate::suite::{Kind, Suite, TENANT, on_both_databases, request};

on_both_databases!(a_hundred_equal_creates_at_once_make_one_peering);

const CALLS: usize = 100;

async fn a_hundred_equal_creates_at_once_make_one_peering(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let wish = CreatePeeringRequest {
        request_id: "once".to_owned(),
        ..request(&network)
    };
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..CALLS {
        let (mut api, wish) = (suite.api.clone(), wish.clone());
        calls.spawn(async move {
            loop {
                match api.create_peering(wish.clone()).await {
                    Ok(answer) => return answer.into_inner(),
                    // Another of them is being served: the contract says to send it again.
                    Err(status) => assert_eq!(status.code(), tonic::Code::Aborted, "{status}"),
                }
            }
        });
    }
    let answers = calls.join_all().await;
    assert_eq!(answers.len(), CALLS);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let created = answers[0].peering.clone().unwrap();
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    assert_eq!(suite.list().await.len(), 1);
    assert_eq!(suite.network.attached().len(), 1);
    assert_eq!(suite.cloud.made(), 1);
    let events = suite.events(&created.id, State::PendingAcceptance).await;
    let creations = events.iter().filter(|event| event.kind == "CREATED");
    assert_eq!(creations.count(), 1);
}
