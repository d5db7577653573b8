//! The limits of the vendor's accounts, and the choice between accounts.

use api::cloud::CloudErrorKind;
use api::provider::v1::account_limit::Source;
use api::provider::v1::place_network_request::Usage;
use api::provider::v1::{AccountLimit, GetLimitsRequest, Group, PlaceNetworkRequest, Provider};
use cloudsim::{Cloudsim, Options};
use types::PeeringId;

use crate::parrot::Parrot;
use crate::support::*;

const OTHER: &str = "222233334444";
const NOWHERE: &str = "http://127.0.0.1:1";

async fn limits(adapter: &Adapter, without_usage: bool) -> Vec<AccountLimit> {
    let request = GetLimitsRequest {
        provider: Provider::Aws.into(),
        without_usage,
        ..Default::default()
    };
    let answer = adapter.client.clone().get_limits(request).await.unwrap();
    answer.into_inner().limits
}

fn figures(limits: &[AccountLimit]) -> Vec<(&str, &str, i32, i32)> {
    let account = |limit: &AccountLimit| limit.group.clone().unwrap().account_id;
    assert!(limits.iter().all(|limit| limit.source() == Source::Config));
    limits
        .iter()
        .map(|limit| {
            let account = if account(limit) == VENDOR {
                VENDOR
            } else {
                OTHER
            };
            (account, limit.name.as_str(), limit.used, limit.limit)
        })
        .collect()
}

#[tokio::test]
async fn limits_are_as_configured_and_usage_is_as_the_cloud_shows_it() {
    let suite = Suite::with(&[("AWS__PAGES__VPCS", "5"), ("AWS__PAGES__PEERINGS", "5")]).await;
    suite
        .cloud
        .configure(|config| config.limits.vpcs_per_region = 50);
    let mut peers = Vec::new();
    for n in 0..7 {
        peers.push(suite.customer_vpc(&format!("10.{n}.0.0/16")).await);
    }
    let mut vendors = Vec::new();
    for n in 0..6 {
        vendors.push(suite.vendor_vpc(&format!("10.10{n}.0.0/16")).await);
    }
    let mut made = Vec::new();
    for peer in &peers {
        let request = peering_request(PeeringId::generate(), 1, &vendors[0], peer);
        let seen = suite.ensure_peering(request).await.unwrap();
        made.push(seen.provider_peering_id);
    }
    for (id, status) in made.iter().zip(["active", "initiating-request", "expired"]) {
        suite.cloud.force_peering(id, status, "");
    }
    // A customer's request to the vendor is none of the vendor's.
    let call = suite.customer().create_vpc_peering_connection();
    let call = call.vpc_id(&peers[0]).peer_vpc_id(&vendors[1]);
    call.peer_owner_id(VENDOR).send().await.unwrap();

    assert_eq!(
        figures(&limits(&suite.adapter, false).await),
        [
            (VENDOR, "networks", 6, 5),
            (VENDOR, "outstanding_peerings", 5, 25),
            (VENDOR, "peerings_per_network", -1, 50),
        ]
    );
}

#[tokio::test]
async fn without_usage_no_cloud_is_asked() {
    let cloud = Cloudsim::start(Options::default()).await.unwrap();
    let more = ", vpc_limit=7, outstanding_limit=30, peerings_per_vpc=60";
    let adapter = Adapter::start(&cloud.endpoint(), more, &[]).await;
    assert_eq!(
        figures(&limits(&adapter, true).await),
        [
            (VENDOR, "networks", -1, 7),
            (VENDOR, "outstanding_peerings", -1, 30),
            (VENDOR, "peerings_per_network", -1, 60),
        ]
    );
    assert!(cloud.calls().is_empty());
}

#[tokio::test]
async fn an_account_without_an_answer_hides_no_other() {
    let cloud = Cloudsim::start(Options::default()).await.unwrap();
    let endpoint = cloud.endpoint();
    let accounts = [(VENDOR, endpoint.as_str(), ""), (OTHER, NOWHERE, "")];
    let adapter = Adapter::start_over(VENDOR, &accounts, IMPATIENT).await;
    let limits = limits(&adapter, false).await;
    assert_eq!(limits.len(), 6);
    assert_eq!(
        figures(&limits)[..2],
        [
            (VENDOR, "networks", 0, 5),
            (VENDOR, "outstanding_peerings", 0, 25)
        ]
    );
    assert!(figures(&limits)[3..].iter().all(|limit| limit.2 == -1));
}

#[tokio::test]
async fn what_the_cloud_shows_beyond_the_question_is_not_counted() {
    let peering = |id: &str, owner: &str, status: &str| {
        format!(
            "<item><vpcPeeringConnectionId>{id}</vpcPeeringConnectionId>\
             <requesterVpcInfo><ownerId>{owner}</ownerId></requesterVpcInfo>\
             <status><code>{status}</code></status></item>"
        )
    };
    let listing = |items: &[String]| {
        format!(
            "<DescribeVpcPeeringConnectionsResponse><vpcPeeringConnectionSet>{}</vpcPeeringConnectionSet>\
             </DescribeVpcPeeringConnectionsResponse>",
            items.concat()
        )
    };
    let ours = peering("pcx-1", VENDOR, "pending-acceptance");
    let others = [
        ours.clone(),
        ours.clone(),
        peering("pcx-2", CUSTOMER, "pending-acceptance"),
        peering("pcx-3", VENDOR, "active"),
    ];
    let without_status = ours.replace("<code>pending-acceptance</code>", "");
    for (body, used) in [
        (listing(&others), 1),
        (listing(&[ours.clone(), without_status]), -1),
        (listing(&[]), 0),
    ] {
        let url = Parrot::new(body.clone()).start().await;
        let adapter = Adapter::start(&url, "", &[]).await;
        let limits = limits(&adapter, false).await;
        assert_eq!(limits[1].used, used, "{body}");
        // The parrot's answer is none to DescribeVpcs.
        assert_eq!(limits[0].used, -1);
    }
}

fn place(usage: &[(&str, i32)], refused: &[&str]) -> PlaceNetworkRequest {
    let usage = usage.iter().map(|(account, networks)| Usage {
        group: Some(Group {
            account_id: (*account).to_owned(),
            ..group()
        }),
        networks: *networks,
    });
    PlaceNetworkRequest {
        provider: Provider::Aws.into(),
        region: REGION.into(),
        usage: usage.collect(),
        refused_account_ids: refused.iter().map(|id| (*id).to_owned()).collect(),
    }
}

#[tokio::test]
async fn a_network_is_placed_in_the_account_with_most_room() {
    let accounts = [
        (VENDOR, NOWHERE, ", vpc_limit=3"),
        (OTHER, NOWHERE, ", vpc_limit=5"),
    ];
    let adapter = Adapter::start_over(VENDOR, &accounts, &[]).await;
    let mut client = adapter.client.clone();
    for (usage, refused, chosen) in [
        (&[][..], &[][..], OTHER),
        (&[(OTHER, 3)], &[], VENDOR),
        (&[(OTHER, 3), (VENDOR, 2)], &[], OTHER),
        // Equal room: the first as configured.
        (&[(OTHER, 3), (VENDOR, 1)], &[], VENDOR),
        (&[(OTHER, 4), (VENDOR, 2)], &[VENDOR], OTHER),
    ] {
        let placed = client.place_network(place(usage, refused)).await.unwrap();
        let account = placed.into_inner().group.unwrap().account_id;
        assert_eq!(account, chosen, "{usage:?}");
    }
    let full = place(&[(OTHER, 5), (VENDOR, 2)], &[VENDOR]);
    let error = cloud_error(client.place_network(full).await.unwrap_err());
    assert_eq!(
        (error.kind, error.reason.as_str()),
        (CloudErrorKind::Quota, "NO_ROOM")
    );
    for words in ["VPCs per Region", "vpc_limit", VENDOR, "5 of 5 used"] {
        assert!(error.message.contains(words), "{error}");
    }
}

#[tokio::test]
async fn of_one_group_no_other_is_asked() {
    let suite = Suite::start().await;
    let group = Group {
        provider: Provider::Aws.into(),
        account_id: VENDOR.to_owned(),
        region: REGION.to_owned(),
    };
    let request = GetLimitsRequest {
        group: Some(group.clone()),
        ..Default::default()
    };
    let answer = suite.adapter.client.clone().get_limits(request).await;
    let limits = answer.unwrap().into_inner().limits;
    assert!(!limits.is_empty());
    assert!(
        limits
            .iter()
            .all(|limit| limit.group.as_ref() == Some(&group))
    );
    let unknown = GetLimitsRequest {
        group: Some(Group {
            account_id: "one".to_owned(),
            ..group
        }),
        ..Default::default()
    };
    let error = suite.adapter.client.clone().get_limits(unknown).await;
    assert!(error.unwrap_err().message().contains("group"));
}
