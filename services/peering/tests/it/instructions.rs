//! GetPeeringInstructions: the facts that are sent, and the steps that come back.

use api::network::v1::condition::Status as Firewall;
use api::peering::v1::peering::State;
use api::peering::v1::*;
use tonic::{Code, Status};

use crate::suite::{Kind, Suite, TENANT, on_both_databases, reason};

on_both_databases!(
    the_steps_come_with_all_that_is_known,
    what_is_deleted_has_instructions_too,
    services_that_are_away_are_named,
);

async fn ask(suite: &Suite, id: &str) -> Result<GetPeeringInstructionsResponse, Status> {
    let request = GetPeeringInstructionsRequest {
        tenant_id: TENANT.to_owned(),
        peering_id: id.to_owned(),
    };
    let answer = suite.api.clone().get_peering_instructions(request).await?;
    Ok(answer.into_inner())
}

async fn the_steps_come_with_all_that_is_known(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    let network = active.network_id.as_str();
    suite.network.allow(network, "10.0.0.0/12");
    suite.network.add_datastore(network, 6380, "b.db.example");
    suite.network.add_datastore(network, 6379, "a.db.example");
    suite.network.set_firewall(network, Firewall::True, "");
    let answer = ask(&suite, &active.id).await.unwrap();
    let facts = suite.cloud.guide.facts();
    assert_eq!((facts.state.as_str(), facts.attempt), ("ACTIVE", 1));
    assert_eq!(facts.provider_peering_id, active.provider_peering_id);
    assert_eq!(facts.ports, [6379, 6380]);
    assert_eq!(facts.endpoints, ["a.db.example", "b.db.example"]);
    assert_eq!(facts.peer_cidrs, ["10.1.0.0/16", "100.64.0.0/16"]);
    assert_eq!(
        (facts.routes_ready, facts.firewall_ready),
        (Some(true), Some(true))
    );
    assert!(facts.was_active);
    assert!(!facts.allow_listed, "one range is not covered");
    assert_eq!(facts.former_provider_peering_id, "");
    let peer = facts.peer.unwrap();
    assert_eq!(
        (peer.account_id.as_str(), peer.region.as_str()),
        ("222222222222", "eu-west-1")
    );

    suite.network.allow(network, "100.64.0.0/16");
    ask(&suite, &active.id).await.unwrap();
    assert!(suite.cloud.guide.facts().allow_listed);

    assert_eq!(answer.vendor, active.vendor);
    assert_eq!(answer.terraform, "resource {}");
    assert_eq!(
        answer.variables[0].find.as_ref().unwrap().argv,
        ["find", "tables"]
    );
    assert_eq!(answer.answers[0].answer, "So.");
    let step = &answer.steps[0];
    assert_eq!(step.code, "ADD_ROUTES");
    assert_eq!(
        (step.actor(), step.status()),
        (step::Actor::Customer, step::Status::Unknown)
    );
    assert_eq!(step.undo[0].shell, "undo ADD_ROUTES");
    assert!(step.optional);
}

async fn what_is_deleted_has_instructions_too(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    suite.delete(&active.id).await.unwrap();
    suite.until_state(&active.id, State::Deleted).await;
    ask(&suite, &active.id).await.unwrap();
    let facts = suite.cloud.guide.facts();
    assert_eq!(facts.state, "DELETED");
    assert_eq!(facts.provider_peering_id, active.provider_peering_id);
    assert!(facts.was_active);
    let missing = types::PeeringId::generate().to_string();
    assert_eq!(
        ask(&suite, &missing).await.unwrap_err().code(),
        Code::NotFound
    );
}

async fn services_that_are_away_are_named(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    suite.cloud.guide.set_away(true);
    let status = ask(&suite, &created.id).await.unwrap_err();
    let told = (status.code(), reason(&status));
    assert_eq!(
        told,
        (Code::Unavailable, "PROVIDER_ADAPTER_UNAVAILABLE".to_owned())
    );
    suite.network.set_away(true);
    let status = ask(&suite, &created.id).await.unwrap_err();
    let told = (status.code(), reason(&status));
    assert_eq!(
        told,
        (Code::Unavailable, "NETWORK_SERVICE_UNAVAILABLE".to_owned())
    );
}
