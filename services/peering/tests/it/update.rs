//! What the owner of a peering changes of it: at once what is only its own, and ranges without a gap for anybody.

use api::network::v1::condition::Status as Held;
use api::peering::v1::peering::State;
use api::peering::v1::*;
use tonic::{Code, Status};

use crate::network::Attach;
use crate::suite::{Kind, PATIENCE, Suite, TENANT, is_routed, on_both_databases, reason, request};

on_both_databases!(
    what_is_the_owners_changes_at_once_and_history_tells,
    the_same_change_has_the_same_answer,
    a_wrong_wish_names_the_field_and_changes_nothing,
    what_is_on_its_way_out_is_not_changed,
    new_ranges_stand_before_the_old_ones_go,
    where_nothing_is_routed_only_the_claims_follow,
    refused_claims_change_nothing,
    claims_whose_answer_is_lost_are_made_what_is_recorded,
    a_change_of_ranges_survives_a_restart,
);

const OLD: [&str; 2] = ["10.1.0.0/16", "100.64.0.0/16"];
const NEW: [&str; 2] = ["10.1.0.0/16", "10.7.0.0/16"];

pub(crate) fn change(id: &str, paths: &[&str]) -> UpdatePeeringRequest {
    UpdatePeeringRequest {
        tenant_id: TENANT.to_owned(),
        peering_id: id.to_owned(),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(ToString::to_string).collect(),
        }),
        ..Default::default()
    }
}

pub(crate) fn to_ranges(id: &str, ranges: &[&str]) -> UpdatePeeringRequest {
    UpdatePeeringRequest {
        cidrs: ranges.iter().map(ToString::to_string).collect(),
        ..change(id, &["cidrs"])
    }
}

async fn update(suite: &Suite, request: UpdatePeeringRequest) -> Result<Peering, Status> {
    let answer = suite.api.clone().update_peering(request).await?;
    Ok(answer.into_inner().peering.unwrap())
}

fn ranges(peering: &Peering) -> Vec<String> {
    match peering.peer.clone().unwrap() {
        peering::Peer::Aws(aws) => aws.cidrs,
        peering::Peer::Gcp(gcp) => gcp.cidrs,
    }
}

fn routes(suite: &Suite, peering: &Peering) -> Vec<String> {
    let routes = suite.cloud.routes(&suite.network.vpc(&peering.network_id));
    let mut ranges: Vec<String> = routes.into_iter().map(|(range, _)| range).collect();
    ranges.sort_unstable();
    ranges
}

fn claims(suite: &Suite) -> Vec<String> {
    let mut claims = suite.network.attached().pop().unwrap().cidrs;
    claims.sort_unstable();
    claims
}

/// Returns once the claims are these.
async fn until_claimed(suite: &Suite, wanted: &[&str]) {
    let claimed = async {
        while claims(suite) != wanted {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, claimed).await;
    in_time.unwrap_or_else(|_| panic!("{:?} are claimed", claims(suite)));
}

async fn what_is_the_owners_changes_at_once_and_history_tells(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    let wish = UpdatePeeringRequest {
        display_name: "renamed".to_owned(),
        labels: [("team".to_owned(), "data".to_owned())].into(),
        cidrs: vec!["192.168.0.0/16".to_owned()],
        etag: active.etag.clone(),
        ..change(&active.id, &["display_name", "labels"])
    };
    let changed = update(&suite, wish).await.unwrap();
    assert_eq!(changed.display_name, "renamed");
    assert_eq!(changed.labels["team"], "data");
    assert_eq!(ranges(&changed), OLD, "the mask does not name them");
    assert_ne!(changed.etag, active.etag);
    assert_eq!(changed.state(), State::Active);
    let read = suite.get(&active.id).await.unwrap();
    assert_eq!(
        (read.display_name, read.etag),
        (changed.display_name, changed.etag)
    );
    let updated = async {
        loop {
            let events = suite.events(&active.id, State::Active).await;
            if events.iter().any(|event| event.kind == "UPDATED") {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, updated).await.unwrap();
}

async fn the_same_change_has_the_same_answer(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    let wish = UpdatePeeringRequest {
        display_name: "renamed".to_owned(),
        request_id: "once".to_owned(),
        ..change(&created.id, &["display_name"])
    };
    let first = update(&suite, wish.clone()).await.unwrap();
    let back = UpdatePeeringRequest {
        display_name: "back".to_owned(),
        request_id: String::new(),
        ..wish.clone()
    };
    update(&suite, back).await.unwrap();
    assert_eq!(update(&suite, wish.clone()).await.unwrap(), first);
    assert_eq!(suite.get(&created.id).await.unwrap().display_name, "back");
    let other = UpdatePeeringRequest {
        display_name: "other".to_owned(),
        ..wish
    };
    let error = update(&suite, other).await.unwrap_err();
    assert_eq!(reason(&error), "REQUEST_ID_REUSED");
}

async fn a_wrong_wish_names_the_field_and_changes_nothing(kind: Kind) {
    let suite = Suite::start(kind).await;
    let other = suite.create().await;
    let created = suite.create().await;
    let id = created.id.as_str();
    let name = |name: &str| UpdatePeeringRequest {
        display_name: name.to_owned(),
        ..change(id, &["display_name"])
    };
    let imports = UpdatePeeringRequest {
        options: Some(Options {
            import_custom_routes: true,
            ..Options::default()
        }),
        ..change(id, &["options"])
    };
    let stale = UpdatePeeringRequest {
        etag: "stale".to_owned(),
        ..name("fine")
    };
    for (wish, code, wanted, field) in [
        (
            change(id, &[]),
            Code::InvalidArgument,
            "INVALID_FIELD",
            "update_mask",
        ),
        (
            change(id, &["colour"]),
            Code::InvalidArgument,
            "INVALID_FIELD",
            "update_mask",
        ),
        (
            change(id, &["state"]),
            Code::InvalidArgument,
            "IMMUTABLE_FIELD",
            "update_mask",
        ),
        (
            change(id, &["labels", "labels"]),
            Code::InvalidArgument,
            "INVALID_FIELD",
            "update_mask",
        ),
        (
            name(""),
            Code::InvalidArgument,
            "INVALID_FIELD",
            "display_name",
        ),
        (
            to_ranges(id, &["10.1.0.1/16"]),
            Code::InvalidArgument,
            "CIDR_HOST_BITS",
            "cidrs[0]",
        ),
        (
            to_ranges(id, &[]),
            Code::InvalidArgument,
            "INVALID_FIELD",
            "cidrs",
        ),
        (
            to_ranges(id, &["10.20.0.0/24"]),
            Code::FailedPrecondition,
            "CIDR_OVERLAP_PEER",
            "10.20.0.0",
        ),
        (imports, Code::InvalidArgument, "INVALID_FIELD", "options"),
        (stale, Code::Aborted, "ETAG_MISMATCH", ""),
        (name(&other.display_name), Code::AlreadyExists, "", "name"),
    ] {
        let error = update(&suite, wish.clone()).await.unwrap_err();
        assert_eq!(error.code(), code, "{wish:?}: {error:?}");
        assert!(wanted.is_empty() || reason(&error) == wanted, "{error:?}");
        assert!(error.message().contains(field), "{error:?}");
    }
    let after = suite.get(id).await.unwrap();
    assert_eq!(after.etag, created.etag);
    assert_eq!(ranges(&after), OLD);
    let nobody = to_ranges(&types::PeeringId::generate().to_string(), &NEW);
    let error = update(&suite, nobody).await.unwrap_err();
    assert_eq!(
        (error.code(), reason(&error).as_str()),
        (Code::NotFound, "PEERING_NOT_FOUND")
    );
}

async fn what_is_on_its_way_out_is_not_changed(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    suite.delete(&created.id).await.unwrap();
    let error = update(&suite, to_ranges(&created.id, &NEW))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    suite.until_state(&created.id, State::Deleted).await;
    assert!(suite.network.attached().is_empty());
}

async fn new_ranges_stand_before_the_old_ones_go(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    let network = active.network_id.as_str();
    suite
        .network
        .set_firewall(network, Held::False, "FIREWALL_OUT_OF_DATE");
    let changed = update(&suite, to_ranges(&active.id, &NEW)).await.unwrap();
    assert_eq!(ranges(&changed), NEW);
    let both = ["10.1.0.0/16", "10.7.0.0/16", "100.64.0.0/16"];
    assert_eq!(claims(&suite), both, "they are claimed before the answer");
    let stands = |_: &Peering| routes(&suite, &active) == both;
    suite.until(&active.id, "led to both", stands).await;
    // The firewall does not admit the new ones yet: the old ones stay, however often anybody looks.
    let waiting = suite.look(&active.id, 5).await;
    assert_eq!(
        (routes(&suite, &active), claims(&suite)),
        (
            both.to_vec().iter().map(ToString::to_string).collect(),
            both.iter().map(ToString::to_string).collect()
        )
    );
    assert!(is_routed(&waiting));
    suite.network.set_firewall(network, Held::True, "");
    suite.network.report(network);
    let gone = |_: &Peering| routes(&suite, &active) == NEW;
    suite.until(&active.id, "led to the new ones", gone).await;
    until_claimed(&suite, &NEW).await;
    assert_eq!(suite.get(&active.id).await.unwrap().state(), State::Active);
    assert_eq!(suite.cloud.made(), 1, "it is the same peering in the cloud");
}

async fn where_nothing_is_routed_only_the_claims_follow(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    update(&suite, to_ranges(&created.id, &NEW)).await.unwrap();
    until_claimed(&suite, &NEW).await;
    suite.cloud.accept(&created.id);
    suite.until(&created.id, "routed", is_routed).await;
    assert_eq!(routes(&suite, &created), NEW);
}

async fn refused_claims_change_nothing(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    let refusal = Attach::Refuse(Code::FailedPrecondition, "CIDR_OVERLAP_PEERING");
    suite.network.next_attach(refusal);
    let error = update(&suite, to_ranges(&active.id, &NEW))
        .await
        .unwrap_err();
    assert_eq!(reason(&error), "CIDR_OVERLAP_PEERING");
    let after = suite.look(&active.id, 2).await;
    assert_eq!(
        (ranges(&after), after.etag),
        (OLD.map(str::to_owned).to_vec(), active.etag.clone())
    );
    until_claimed(&suite, &OLD).await;
    assert_eq!(routes(&suite, &active), OLD);
}

async fn claims_whose_answer_is_lost_are_made_what_is_recorded(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    suite
        .network
        .set_firewall(&active.network_id, Held::True, "");
    suite.network.next_attach(Attach::Lost);
    let error = update(&suite, to_ranges(&active.id, &NEW))
        .await
        .unwrap_err();
    assert_eq!(reason(&error), "NETWORK_SERVICE_UNAVAILABLE");
    assert_eq!(ranges(&suite.get(&active.id).await.unwrap()), OLD);
    // Whoever sends it again gets what was wished.
    update(&suite, to_ranges(&active.id, &NEW)).await.unwrap();
    let gone = |_: &Peering| routes(&suite, &active) == NEW;
    suite.until(&active.id, "led to the new ones", gone).await;
    until_claimed(&suite, &NEW).await;
}

async fn a_change_of_ranges_survives_a_restart(kind: Kind) {
    let mut suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    suite.network.set_firewall(&network, Held::True, "");
    let created = suite.create_with(request(&network)).await.unwrap();
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite.cloud.accept(&created.id);
    suite.until(&created.id, "routed", is_routed).await;
    suite.cloud.routing.shut();
    update(&suite, to_ranges(&created.id, &NEW)).await.unwrap();
    suite.cloud.routing.until_reached().await;
    suite.cloud.routing.open();
    suite.restart().await;
    let gone = |_: &Peering| routes(&suite, &created) == NEW;
    suite.until(&created.id, "led to the new ones", gone).await;
    until_claimed(&suite, &NEW).await;
}
