//! Reasons at AWS that explain a state.

use std::time::Duration;

use api::peering::v1::next_action::Actor::{Customer, Nobody, Vendor};
use api::peering::v1::peering::State;
use cloudsim::FaultKind;
use e2e::{CUSTOMER, Options, Suite, VENDOR, wish};
use serde_json::json;

use super::{RANGE, REGION, advises, nobody, row, sides, tells};

const CREATE: &str = "CreateVpcPeeringConnection";

#[tokio::test]
async fn a_request_that_waits_says_where_to_accept_it_and_until_when() {
    let suite = Suite::standalone().await;
    let (network, vpc) = sides(&suite).await;
    let peering = suite.peer(&network, &vpc, RANGE).await;
    let awaiting = row(
        ("AWAITING_CUSTOMER_ACCEPTANCE", State::PendingAcceptance),
        (Customer, "ACCEPT_PEERING"),
        &[CUSTOMER, REGION],
    );
    let waiting = tells(&suite, &peering, &awaiting).await;
    let advice = waiting.next_action.clone().expect("advice");
    assert!(advice.deadline.is_some());
    assert_eq!(advice.deadline, waiting.expire_time);

    let activating = ("ACCEPTED_ACTIVATING", State::PendingAcceptance);
    suite
        .cloudsim()
        .force(&waiting.provider_peering_id, "provisioning");
    let activating = nobody(activating.0, activating.1, &["takes seconds"]);
    tells(&suite, &peering, &activating).await;
}

#[tokio::test]
async fn each_end_says_what_its_owner_can_do() {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let mut waiting = Vec::new();
    for range in ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"] {
        let vpc = suite.customer.vpc(REGION, range).await;
        let peering = suite.peer(&network, &vpc, range).await;
        waiting.push(suite.until(&peering, State::PendingAcceptance).await);
    }
    let [rejected, deleted, lost, expired] = waiting.try_into().expect("four");
    let renew = (Customer, "RENEW_PEERING");

    suite
        .customer
        .reject(REGION, &rejected.provider_peering_id)
        .await;
    let by_peer = row(
        ("REJECTED_BY_PEER", State::Rejected),
        renew,
        &["Talk to the owner"],
    );
    let told = tells(&suite, &rejected, &by_peer).await;
    assert!(told.message.contains(CUSTOMER), "{}", told.message);

    suite.accepted(&deleted).await;
    suite.accepted(&lost).await;
    suite
        .customer
        .delete(REGION, &deleted.provider_peering_id)
        .await;
    suite.until_refreshed(&deleted, State::Disconnected).await;
    let by_peer = row(
        ("DELETED_BY_PEER", State::Disconnected),
        renew,
        &["RenewPeering", "replace the routes"],
    );
    let told = tells(&suite, &deleted, &by_peer).await;
    assert!(told.message.contains(CUSTOMER), "{}", told.message);

    suite.cloudsim().vanish(&lost.provider_peering_id);
    suite.until_refreshed(&lost, State::Disconnected).await;
    let lost_row = row(
        ("LOST_OUT_OF_BAND", State::Disconnected),
        renew,
        &["RenewPeering"],
    );
    tells(&suite, &lost, &lost_row).await;

    suite
        .cloudsim()
        .advance(Duration::from_secs(168 * 3_600 + 1));
    let too_late = row(
        ("REQUEST_EXPIRED", State::Expired),
        renew,
        &["RenewPeering", "one call"],
    );
    tells(&suite, &expired, &too_late).await;
}

#[tokio::test]
async fn a_vpc_that_is_not_there_is_to_be_checked_with_its_owner() {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    // The cloud has one text for a wrong account, a wrong VPC and a wrong region.
    let elsewhere = suite.customer.vpc("us-east-1", RANGE).await;
    let peering = suite.peer(&network, &elsewhere, RANGE).await;
    let invalid = row(
        ("PEER_IDENTITY_INVALID", State::Failed),
        (Customer, "FIX_AND_RENEW"),
        &["Check account", CUSTOMER, "and region", REGION],
    );
    let told = tells(&suite, &peering, &invalid).await;
    let message = &told.message;
    assert!(message.contains("do not overlap"), "{message}");
    assert!(message.contains(&elsewhere), "{message}");
}

#[tokio::test]
async fn a_peering_of_another_suite_is_not_taken_over() {
    let suite = Suite::standalone().await;
    let (network, vpc) = sides(&suite).await;
    let tag = json!({"Key": "peerway:deployment", "Value": "another"});
    let request = json!({
        "VpcId": network.provider_vpc_id,
        "PeerVpcId": vpc,
        "PeerOwnerId": CUSTOMER,
        "PeerRegion": REGION,
        "TagSpecifications": [{"ResourceType": "vpc-peering-connection", "Tags": [tag]}],
    });
    let made = suite
        .customer
        .call(VENDOR, REGION, "create_vpc_peering_connection", request)
        .await
        .expect("another suite peers first");
    let theirs = made["VpcPeeringConnection"]["VpcPeeringConnectionId"]
        .as_str()
        .expect("an id");
    let peering = suite.peer(&network, &vpc, RANGE).await;
    let duplicate = row(
        ("DUPLICATE_PEERING", State::Failed),
        (Customer, "FIX_AND_RENEW"),
        &["Delete the other peering"],
    );
    let told = tells(&suite, &peering, &duplicate).await;
    assert!(told.message.contains(theirs), "{}", told.message);
}

#[tokio::test]
async fn a_limit_says_whose_it_is_and_a_raised_one_lets_the_request_through() {
    let suite = Suite::standalone().await;
    let (network, vpc) = sides(&suite).await;
    let cloud = suite.cloudsim();
    cloud.configure(|config| config.limits.outstanding_peerings = 0);
    let peering = suite.peer(&network, &vpc, RANGE).await;
    let outstanding = row(
        ("OUTSTANDING_LIMIT", State::Provisioning),
        (Nobody, "WAIT_FOR_PLACE"),
        &["unaccepted requests", "makes room"],
    );
    tells(&suite, &peering, &outstanding).await;
    cloud.configure(|config| {
        config.limits.outstanding_peerings = 25;
        config.limits.active_peerings_per_vpc = 0;
    });
    let active = row(
        ("ACTIVE_LIMIT", State::Provisioning),
        (Vendor, "RAISE_LIMIT"),
        &["more peerings", "or the customer"],
    );
    tells(&suite, &peering, &active).await;
    cloud.configure(|config| config.limits.active_peerings_per_vpc = 50);
    suite.until(&peering, State::PendingAcceptance).await;
}

#[tokio::test]
async fn refused_credentials_are_the_vendor_s_to_mend() {
    let suite = Suite::standalone().await;
    let (network, vpc) = sides(&suite).await;
    let far = suite.network("us-east-1", "10.30.0.0/16").await;
    let far_vpc = suite.customer.vpc("us-east-1", "10.2.0.0/16").await;
    let cloud = suite.cloudsim();
    cloud.fault_in(REGION, CREATE, FaultKind::Unauthorized);
    cloud.fault_in("us-east-1", CREATE, FaultKind::AuthError);
    let forbidden = suite.peer(&network, &vpc, RANGE).await;
    let unknown = suite
        .peer_in(&far, "us-east-1", &far_vpc, "10.2.0.0/16")
        .await;
    let unauthorized = row(
        ("CLOUD_UNAUTHORIZED", State::Provisioning),
        (Vendor, "RESTORE_ACCESS"),
        &["restore its access"],
    );
    let told = tells(&suite, &forbidden, &unauthorized).await;
    assert!(told.message.contains(CREATE), "{}", told.message);
    tells(&suite, &unknown, &unauthorized).await;
}

#[tokio::test]
async fn throttling_and_outages_of_the_cloud_are_not_shown_to_its_owner() {
    let suite = Suite::standalone().await;
    let (network, vpc) = sides(&suite).await;
    let cloud = suite.cloudsim();
    cloud.fault_once(CREATE, FaultKind::Throttle);
    cloud.fault_once(CREATE, FaultKind::Unavailable503);
    let peering = suite.peer(&network, &vpc, RANGE).await;
    suite.until(&peering, State::PendingAcceptance).await;
    let outcomes = cloud.outcomes(CREATE);
    assert_eq!(outcomes.last().map(String::as_str), Some("ok"));
    assert!(outcomes.len() > 2, "both went wrong: {outcomes:?}");
    let events = suite.peering_events(&peering).await;
    let told: Vec<&str> = events.iter().map(|event| event.reason.as_str()).collect();
    let is_cloud = |reason: &&&str| reason.starts_with("CLOUD_");
    assert_eq!(told.iter().find(is_cloud), None, "{told:?}");
}

#[tokio::test]
async fn a_request_that_makes_no_progress_is_given_up_and_can_be_renewed() {
    let options = Options {
        settings: vec![("peering", "PROVISION_TIMEOUT", "15s")],
        ..Options::default()
    };
    let suite = Suite::standalone_with(options).await;
    let (network, vpc) = sides(&suite).await;
    suite
        .cloudsim()
        .fault_in(REGION, CREATE, FaultKind::Garbage);
    let peering = suite.peer(&network, &vpc, RANGE).await;
    let timeout = row(
        ("PROVISION_TIMEOUT", State::Failed),
        (Customer, "RENEW_PEERING"),
        &["safe to repeat"],
    );
    let failed = tells(&suite, &peering, &timeout).await;
    suite.cloudsim().clear_faults();
    suite.renew(&failed).await;
    suite.until(&failed, State::PendingAcceptance).await;
}

#[tokio::test]
async fn what_stands_in_the_way_is_named_before_anything_is_recorded() {
    let suite = Suite::standalone().await;
    let (network, vpc) = sides(&suite).await;
    let first = suite.peer(&network, &vpc, RANGE).await;
    let refused = async |vpc: &str, cidr: &str| {
        let again = suite.try_peer(&network, vpc, cidr, "").await;
        let refused = again.expect_err("something stands in the way");
        (e2e::reason(&refused), refused.message().to_owned())
    };
    let names = |(reason, message): (String, String), wanted: &str, words: &[&str]| {
        assert_eq!(reason, wanted);
        for word in words {
            assert!(message.contains(word), "{wanted}: {message}");
        }
    };
    let other = suite.customer.vpc(REGION, "10.1.128.0/17").await;
    let own = refused(&other, "10.20.128.0/17").await;
    names(
        own,
        "CIDR_OVERLAP_PEER",
        &["10.20.128.0/17", "10.20.0.0/16"],
    );
    let sibling = refused(&other, "10.1.128.0/17").await;
    names(
        sibling,
        "CIDR_OVERLAP_SIBLING",
        &["10.1.128.0/17", RANGE, &first.id],
    );

    let waiting = suite.until(&first, State::PendingAcceptance).await;
    suite
        .customer
        .reject(REGION, &waiting.provider_peering_id)
        .await;
    suite.until(&first, State::Rejected).await;
    let mut again = wish(&network, REGION, &vpc, RANGE);
    again.display_name = "again".to_owned();
    let again = suite.peerings().create_peering(again).await;
    let again = again.expect_err("it wants to be renewed");
    names(
        (e2e::reason(&again), again.message().to_owned()),
        "RENEW_INSTEAD",
        &[&first.id],
    );
}

#[tokio::test]
async fn a_peering_is_made_again_once_the_last_one_is_gone() {
    let suite = Suite::standalone().await;
    let (network, vpc) = sides(&suite).await;
    let first = suite.peer(&network, &vpc, RANGE).await;
    let waiting = suite.until(&first, State::PendingAcceptance).await;
    suite.accepted(&waiting).await;
    let going = suite.delete_peering(&first).await;
    assert_eq!(going.state(), State::Deleting);
    let mut request = wish(&network, REGION, &vpc, RANGE);
    request.display_name = "again".to_owned();
    if let Err(refused) = suite.peerings().create_peering(request).await {
        assert_eq!(e2e::reason(&refused), "PEERING_EXISTS");
        assert!(refused.message().contains(&first.id), "{refused:?}");
    } else {
        panic!("two peerings between the same two VPCs");
    }
    suite.until(&first, State::Deleted).await;
    let again = suite.peer(&network, &vpc, RANGE).await;
    let again = suite.until(&again, State::PendingAcceptance).await;
    assert_ne!(again.provider_peering_id, waiting.provider_peering_id);
    // Else the allow list is what is advised on, as soon as anybody has looked at it.
    assert_eq!(suite.allow_peered(&network).await, [RANGE]);
    let active = suite.accepted(&again).await;
    advises(
        &active,
        &row(
            ("", State::Active),
            (Customer, "ADD_ROUTES"),
            &["10.20.0.0/16"],
        ),
    );
}
