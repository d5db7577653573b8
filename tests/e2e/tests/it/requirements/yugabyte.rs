//! The page of peering connections and its details, as YugabyteDB Managed describes them.

use api::network::v1 as network;
use api::network::v1::check_cidr_response::finding::Severity;
use api::network::v1::network::State as NetworkState;
use api::peering::v1::check::Result as Found;
use api::peering::v1::next_action::Actor;
use api::peering::v1::peering::{Peer, State};
use api::peering::v1::{
    DeletePeeringRequest, ListPeeringsRequest, Peering, Provider, UpdatePeeringRequest,
};
use e2e::{Suite, TENANT, condition, network_wish, reason};
use tonic::{Code, Status};

use super::{
    AWS, GCP, PORT, RANGE, at_aws, at_gcp, aws_wish, gcp_wish, is_refused, listed,
    needs_an_active_network, try_create, waiting,
};

async fn renamed(suite: &Suite, peering: &Peering, name: &str) -> Peering {
    let mut request = UpdatePeeringRequest {
        tenant_id: TENANT.to_owned(),
        peering_id: peering.id.clone(),
        etag: peering.etag.clone(),
        display_name: name.to_owned(),
        ..Default::default()
    };
    request.update_mask.get_or_insert_default().paths = vec!["display_name".to_owned()];
    let changed = suite.peerings().update_peering(request).await;
    let changed = changed.expect("the change is recorded").into_inner();
    changed.peering.expect("a peering")
}

/// Deletes a peering if nobody changed it since it was shown so.
async fn try_delete(suite: &Suite, shown: &Peering) -> Result<Peering, Status> {
    let request = DeletePeeringRequest {
        tenant_id: TENANT.to_owned(),
        peering_id: shown.id.clone(),
        etag: shown.etag.clone(),
        ..Default::default()
    };
    let deleted = suite.peerings().delete_peering(request).await?;
    Ok(deleted.into_inner().peering.expect("a peering"))
}

#[tokio::test]
async fn y0_peerings_are_created_shown_listed_changed_and_deleted() {
    let (suite, network, vpc) = at_aws().await;
    let made = suite.peer(&network, &vpc, RANGE).await;
    assert_eq!(suite.get(&made).await.id, made.id);
    let shown = suite.list_peerings().await;
    assert_eq!(Vec::from_iter(shown.iter().map(|one| &one.id)), [&made.id]);
    let changed = renamed(&suite, &made, "another name").await;
    assert_eq!(changed.display_name, "another name");
    suite.delete_peering(&made).await;
    suite.until(&made, State::Deleted).await;
    let all = ListPeeringsRequest {
        tenant_id: TENANT.to_owned(),
        ..Default::default()
    };
    let listed = suite.peerings().list_peerings(all).await;
    assert_eq!(listed.unwrap().into_inner().peerings, []);
}

#[tokio::test]
async fn y1_both_sides_of_a_peering_are_at_one_provider() {
    let (suite, at_gcp, _) = at_gcp().await;
    let at_aws = suite.network(AWS, "10.30.0.0/16").await;
    for request in [aws_wish(&at_gcp, |_| {}), gcp_wish(&at_aws, |_| {})] {
        is_refused(&suite, request, Code::InvalidArgument, "WRONG_PROVIDER").await;
    }
    assert_eq!(suite.list_peerings().await, [], "nothing is recorded");
}

#[tokio::test]
async fn y2_without_a_network_there_is_no_peering() {
    let (suite, network, _) = at_aws().await;
    needs_an_active_network(&suite, &network).await;
}

#[tokio::test]
async fn y3_who_makes_a_network_is_told_sizes_reserved_ranges_and_free_blocks() {
    let suite = Suite::standalone().await;
    let asked = network::ListRegionsRequest {
        tenant_id: TENANT.to_owned(),
        provider: network::Provider::Aws.into(),
    };
    let regions = suite.networks().list_regions(asked).await;
    let regions = regions.expect("regions").into_inner().regions;
    let region = regions.iter().find(|one| one.name == AWS).expect("ours");
    assert_eq!((region.shortest_prefix, region.longest_prefix), (16, 24));
    let reserved = region.reserved.first().expect("a reserved range");

    let check = network::CheckCidrRequest {
        tenant_id: TENANT.to_owned(),
        provider: network::Provider::Aws.into(),
        region: AWS.to_owned(),
        cidr: reserved.cidr.clone(),
        ..Default::default()
    };
    let checked = suite.networks().check_cidr(check).await;
    let checked = checked.expect("a check").into_inner();
    assert!(!checked.usable);
    let found = &checked.findings[0];
    assert_eq!(found.reason, "CIDR_RESERVED");
    assert_eq!(found.severity(), Severity::Error);
    let wish = network::CreateNetworkRequest {
        cidr: reserved.cidr.clone(),
        ..network_wish(AWS, "reserved")
    };
    let refused = suite.networks().create_network(wish).await;
    let refused = refused.expect_err("it is reserved");
    assert_eq!(reason(&refused), "CIDR_RESERVED");

    let free = &checked.suggestions[0];
    let made = suite.network(AWS, free).await;
    assert_eq!((made.state(), &made.cidr), (NetworkState::Active, free));
}

#[tokio::test]
async fn y4_one_list_shows_all_peerings_with_their_networks_and_states() {
    let (suite, at_gcp, theirs) = at_gcp().await;
    let at_aws = suite.network(AWS, "10.30.0.0/16").await;
    let vpc = suite.customer.vpc(AWS, RANGE).await;
    let first = waiting(&suite, &at_gcp, &theirs).await;
    let second = waiting(&suite, &at_aws, &vpc).await;
    let active = suite.accepted(&second).await;

    let row = |one: &Peering| {
        let theirs = match one.peer.as_ref().expect("the customer's side") {
            Peer::Aws(aws) => aws.vpc_id.clone(),
            Peer::Gcp(gcp) => gcp.network_name.clone(),
        };
        let names = (one.display_name.clone(), one.network_display_name.clone());
        (names, one.provider(), theirs, one.state())
    };
    let rows = suite.list_peerings().await;
    let wanted = [
        (
            (first.display_name.clone(), at_gcp.display_name),
            Provider::Gcp,
            theirs,
            State::PendingAcceptance,
        ),
        (
            (active.display_name.clone(), at_aws.display_name),
            Provider::Aws,
            vpc,
            State::Active,
        ),
    ];
    assert_eq!(Vec::from_iter(rows.iter().map(row)), wanted);

    let shown = async |filter: ListPeeringsRequest| {
        let found = listed(&suite, filter).await;
        Vec::from_iter(found.into_iter().map(|one| one.id))
    };
    let pending = ListPeeringsRequest {
        state: "PENDING".to_owned(),
        ..Default::default()
    };
    assert_eq!(shown(pending).await, std::slice::from_ref(&first.id));
    let on_aws = ListPeeringsRequest {
        provider: Provider::Aws.into(),
        ..Default::default()
    };
    assert_eq!(shown(on_aws).await, std::slice::from_ref(&active.id));
    let mut page = ListPeeringsRequest {
        tenant_id: TENANT.to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let mut paged = Vec::new();
    loop {
        let answer = suite.peerings().list_peerings(page.clone()).await;
        let answer = answer.expect("a page").into_inner();
        assert!(answer.peerings.len() <= 1);
        paged.extend(answer.peerings.into_iter().map(|one| one.id));
        if answer.next_page_token.is_empty() {
            break;
        }
        page.page_token = answer.next_page_token;
    }
    assert_eq!(paged, [first.id, active.id]);
}

#[tokio::test]
async fn y5_the_details_of_a_peering_are_shown_with_its_history_and_instructions() {
    let (suite, network, vpc) = at_aws().await;
    let waiting = waiting(&suite, &network, &vpc).await;
    let active = suite.accepted(&waiting).await;
    let shown = suite.get(&active).await;
    assert!(shown.provider_peering_id.starts_with("pcx-"));
    assert!(shown.create_time.is_some() && shown.activate_time.is_some());
    assert!(shown.observe_time.is_some() && shown.vendor.is_some());
    for name in ["ROUTES_READY", "FIREWALL_READY", "ALLOW_LISTED", "IN_SYNC"] {
        condition(&shown, name);
    }
    let history = suite.history(&active).await;
    let lived = [State::Provisioning, State::PendingAcceptance, State::Active];
    assert_eq!(history, lived);
    let told = suite.instructions(&active).await;
    assert!(!told.steps.is_empty() && !told.answers.is_empty());
    assert!(told.terraform.contains(&vpc), "{}", told.terraform);
}

#[tokio::test]
async fn y6_whoever_adds_a_peering_chooses_its_name() {
    let (suite, network, vpc) = at_aws().await;
    let mut request = aws_wish(&network, |peer| peer.vpc_id = vpc);
    request.display_name = "orders to billing".to_owned();
    let made = try_create(&suite, request).await.expect("a new name");
    let made = made.peering.expect("a peering");
    assert_eq!(made.display_name, "orders to billing");

    let mut same = aws_wish(&network, |peer| peer.cidrs = vec!["10.2.0.0/16".to_owned()]);
    same.display_name = made.display_name;
    is_refused(&suite, same, Code::AlreadyExists, "NAME_IN_USE").await;
}

#[tokio::test]
async fn y7_what_was_confirmed_is_deleted_and_nothing_newer() {
    let (suite, network, vpc) = at_aws().await;
    let seen = waiting(&suite, &network, &vpc).await;
    let changed = renamed(&suite, &seen, "still needed").await;
    let refused = try_delete(&suite, &seen).await;
    let refused = refused.expect_err("it was changed meanwhile");
    assert_eq!(refused.code(), Code::Aborted);
    assert_eq!(reason(&refused), "ETAG_MISMATCH");
    assert_eq!(suite.get(&seen).await.state(), State::PendingAcceptance);

    let deleted = try_delete(&suite, &changed).await.expect("as it is");
    assert_eq!(deleted.state(), State::Deleting);
    suite.until(&changed, State::Deleted).await;
    let standing = suite
        .cloudsim()
        .standing_between(&network.provider_vpc_id, &vpc);
    assert_eq!(standing, Vec::<String>::new());
}

#[tokio::test]
async fn y8_deleting_what_is_being_deleted_or_gone_is_no_error() {
    let (suite, network, vpc) = at_aws().await;
    let waiting = waiting(&suite, &network, &vpc).await;
    suite.delete_peering(&waiting).await;
    let again = suite.delete_peering(&waiting).await;
    assert!(matches!(again.state(), State::Deleting | State::Deleted));
    let gone = suite.until(&waiting, State::Deleted).await;
    let later = suite.delete_peering(&waiting).await;
    assert_eq!(later, gone, "nothing happens any more");
}

#[tokio::test]
async fn y9_a_pending_peering_says_how_to_complete_it_with_its_provider() {
    let (suite, at_gcp, theirs) = at_gcp().await;
    let at_aws = suite.network(AWS, "10.30.0.0/16").await;
    let vpc = suite.customer.vpc(AWS, RANGE).await;
    for (network, theirs, code, docs) in [
        (&at_aws, &vpc, "ACCEPT_PEERING", "docs.aws.amazon.com"),
        (&at_gcp, &theirs, "CREATE_PEERING", "cloud.google.com"),
    ] {
        let pending = waiting(&suite, network, theirs).await;
        let next = pending.next_action.clone().expect("a next action");
        assert_eq!((next.actor(), next.code.as_str()), (Actor::Customer, code));
        assert_eq!(next.deadline.is_some(), network.region != GCP);
        let step = super::step(&suite, &pending, code).await;
        assert!(step.docs_url.contains(docs), "{step:?}");

        let done = suite.accepted(&pending).await;
        let next = done.next_action.expect("a next action");
        assert_ne!(next.code, code);
    }
}

#[tokio::test]
async fn y10_an_active_peering_that_is_not_on_the_allow_list_says_so_until_it_is() {
    let (suite, network, vpc) = at_aws().await;
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[PORT])
        .await;
    let waiting = waiting(&suite, &network, &vpc).await;
    suite.accepted(&waiting).await;
    let unlisted = suite
        .until_unmet(&waiting, "ALLOW_LISTED", "ALLOW_LIST_MISSING")
        .await;
    let next = unlisted.next_action.expect("a next action");
    assert_eq!(next.code, "ADD_TO_ALLOW_LIST");
    let check = suite.check(&waiting, "ALLOW_LIST").await;
    assert_eq!(check.result(), Found::Fail);
    assert_eq!(check.reason, "ALLOW_LIST_MISSING");

    assert_eq!(suite.allow_peered(&network).await, [RANGE]);
    suite.until_met(&waiting, "ALLOW_LISTED").await;
    let check = suite.check(&waiting, "ALLOW_LIST").await;
    assert_eq!(check.result(), Found::Pass, "{check:?}");
    let group = network.placement.expect("a placement").security_group_id;
    suite
        .until_group_admits(&group, &[(RANGE, "tcp/6379")])
        .await;
}
