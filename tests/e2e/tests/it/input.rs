//! Bad input is refused with a reason and every field at once, and records nothing.

use api::network::v1 as network;
use api::peering::v1 as peering;
use e2e::{CUSTOMER, Suite, TENANT, VENDOR, fields, reason};
use tonic::Code;

const REGION: &str = "eu-west-1";

/// The field that is complained of, the reason, and what spoils a good request.
type Case<T> = (&'static str, &'static str, fn(&mut T));

fn good_network() -> network::CreateNetworkRequest {
    network::CreateNetworkRequest {
        tenant_id: TENANT.to_owned(),
        display_name: "production".to_owned(),
        provider: network::Provider::Aws.into(),
        region: REGION.to_owned(),
        cidr: "10.20.0.0/16".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn each_field_of_a_network_is_checked() {
    let suite = Suite::standalone().await;
    let cases: [Case<network::CreateNetworkRequest>; 13] = [
        ("tenant_id", "INVALID_FIELD", |request| {
            request.tenant_id.clear()
        }),
        ("tenant_id", "INVALID_FIELD", |request| {
            request.tenant_id = "-".to_owned()
        }),
        ("request_id", "INVALID_FIELD", |request| {
            request.request_id = "x".repeat(65)
        }),
        ("display_name", "INVALID_FIELD", |request| {
            request.display_name.clear()
        }),
        ("display_name", "INVALID_FIELD", |request| {
            request.display_name = "$(reboot)".to_owned()
        }),
        ("provider", "INVALID_FIELD", |request| request.provider = 0),
        ("provider", "INVALID_FIELD", |request| request.provider = 77),
        ("region", "REGION_NOT_OFFERED", |request| {
            request.region = "mars-north-1".to_owned()
        }),
        ("cidr", "INVALID_CIDR", |request| {
            request.cidr = "10.0.0.0".to_owned()
        }),
        ("cidr", "CIDR_HOST_BITS", |request| {
            request.cidr = "10.20.0.1/16".to_owned()
        }),
        ("cidr", "CIDR_SIZE", |request| {
            request.cidr = "10.20.0.0/28".to_owned()
        }),
        ("cidr", "CIDR_NOT_PRIVATE", |request| {
            request.cidr = "8.8.0.0/16".to_owned()
        }),
        ("labels", "INVALID_FIELD", |request| {
            request.labels.insert("-upper".to_owned(), String::new());
        }),
    ];
    for (field, expected, spoil) in cases {
        let mut request = good_network();
        spoil(&mut request);
        let refused = suite
            .networks()
            .create_network(request.clone())
            .await
            .expect_err(field);
        assert_eq!(
            refused.code(),
            Code::InvalidArgument,
            "{request:?}: {refused:?}"
        );
        assert_eq!(reason(&refused), expected, "{request:?}: {refused:?}");
        assert_eq!(fields(&refused), [field], "{request:?}: {refused:?}");
    }
    let all = suite
        .networks()
        .create_network(network::CreateNetworkRequest::default())
        .await;
    let named = fields(&all.expect_err("an empty request"));
    for field in ["tenant_id", "display_name", "provider", "region", "cidr"] {
        assert!(
            named.iter().any(|one| one == field),
            "{field} is not among {named:?}"
        );
    }
    assert_eq!(suite.list_networks().await.len(), 0, "nothing is recorded");
}

fn good_peering(network_id: &str) -> peering::CreatePeeringRequest {
    peering::CreatePeeringRequest {
        tenant_id: TENANT.to_owned(),
        network_id: network_id.to_owned(),
        display_name: "app".to_owned(),
        peer: Some(peering::create_peering_request::Peer::Aws(good_peer())),
        ..Default::default()
    }
}

fn good_peer() -> peering::AwsPeer {
    peering::AwsPeer {
        account_id: CUSTOMER.to_owned(),
        region: REGION.to_owned(),
        vpc_id: "vpc-0123456789abcdef0".to_owned(),
        cidrs: vec!["10.1.0.0/16".to_owned()],
    }
}

#[tokio::test]
async fn each_field_of_a_peering_is_checked() {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let cases: [Case<peering::AwsPeer>; 9] = [
        ("aws.account_id", "INVALID_FIELD", |peer| {
            peer.account_id = "12345".to_owned()
        }),
        ("aws.region", "INVALID_FIELD", |peer| {
            peer.region = "EU".to_owned()
        }),
        ("aws.vpc_id", "INVALID_FIELD", |peer| {
            peer.vpc_id = "vpc-xyz".to_owned()
        }),
        ("aws.cidrs", "INVALID_FIELD", |peer| peer.cidrs.clear()),
        ("aws.cidrs[0]", "INVALID_CIDR", |peer| {
            peer.cidrs = vec!["ten".to_owned()]
        }),
        ("aws.cidrs[0]", "CIDR_HOST_BITS", |peer| {
            peer.cidrs = vec!["10.1.2.3/16".to_owned()]
        }),
        ("aws.cidrs[0]", "CIDR_NOT_PRIVATE", |peer| {
            peer.cidrs = vec!["8.8.8.0/24".to_owned()]
        }),
        ("aws.cidrs[1]", "INVALID_FIELD", |peer| {
            peer.cidrs = vec!["10.1.0.0/16".to_owned(); 2]
        }),
        ("aws.cidrs", "INVALID_FIELD", |peer| {
            peer.cidrs = (0..65).map(|n| format!("10.1.{n}.0/24")).collect();
        }),
    ];
    for (field, expected, spoil) in cases {
        let mut peer = good_peer();
        spoil(&mut peer);
        let mut request = good_peering(&network.id);
        request.peer = Some(peering::create_peering_request::Peer::Aws(peer.clone()));
        let refused = suite
            .peerings()
            .create_peering(request)
            .await
            .expect_err(field);
        assert_eq!(
            refused.code(),
            Code::InvalidArgument,
            "{peer:?}: {refused:?}"
        );
        assert_eq!(reason(&refused), expected, "{peer:?}: {refused:?}");
        assert_eq!(fields(&refused), [field], "{peer:?}: {refused:?}");
    }
    assert_eq!(suite.list_peerings().await.len(), 0, "nothing is recorded");
}

#[tokio::test]
async fn what_the_rest_of_the_world_forbids_is_said() {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let create = async |request: peering::CreatePeeringRequest| {
        let refused = suite
            .peerings()
            .create_peering(request)
            .await
            .expect_err("it is refused");
        (refused.code(), reason(&refused))
    };
    let with_peer = |change: fn(&mut peering::AwsPeer)| {
        let mut peer = good_peer();
        change(&mut peer);
        let peer = Some(peering::create_peering_request::Peer::Aws(peer));
        peering::CreatePeeringRequest {
            peer,
            ..good_peering(&network.id)
        }
    };
    let is = |code: Code, reason: &str| (code, reason.to_owned());

    let unknown = format!("net_{}", "0".repeat(32));
    assert_eq!(
        create(good_peering(&unknown)).await,
        is(Code::NotFound, "NETWORK_NOT_FOUND")
    );
    let foreign = peering::CreatePeeringRequest {
        tenant_id: "other".to_owned(),
        ..good_peering(&network.id)
    };
    assert_eq!(
        create(foreign).await,
        is(Code::NotFound, "NETWORK_NOT_FOUND")
    );
    let gcp = peering::GcpPeer {
        project_id: "acme-prod".to_owned(),
        network_name: "default".to_owned(),
        cidrs: Vec::new(),
    };
    let gcp = Some(peering::create_peering_request::Peer::Gcp(gcp));
    let gcp = peering::CreatePeeringRequest {
        peer: gcp,
        ..good_peering(&network.id)
    };
    assert_eq!(
        create(gcp).await,
        is(Code::InvalidArgument, "WRONG_PROVIDER")
    );
    let overlap = with_peer(|peer| peer.cidrs = vec!["10.20.128.0/17".to_owned()]);
    assert_eq!(
        create(overlap).await,
        is(Code::FailedPrecondition, "CIDR_OVERLAP_PEER")
    );
    let vendor = with_peer(|peer| peer.account_id = VENDOR.to_owned());
    assert_eq!(
        create(vendor).await,
        is(Code::FailedPrecondition, "PEER_IS_VENDOR")
    );

    let pending = suite.create_network(REGION, "10.40.0.0/16").await;
    suite.delete_network(&pending.id).await;
    assert_eq!(
        create(good_peering(&pending.id)).await,
        is(Code::FailedPrecondition, "NETWORK_NOT_ACTIVE")
    );
    assert_eq!(suite.list_peerings().await.len(), 0, "nothing is recorded");

    let first = suite
        .peerings()
        .create_peering(good_peering(&network.id))
        .await
        .expect("the first is fine");
    let first = first.into_inner().peering.expect("a peering");
    let mut same = good_peering(&network.id);
    same.display_name = "another".to_owned();
    assert_eq!(
        create(same).await,
        is(Code::AlreadyExists, "PEERING_EXISTS")
    );
    let sibling = peering::CreatePeeringRequest {
        display_name: "sibling".to_owned(),
        ..with_peer(|peer| peer.vpc_id = "vpc-0123456789abcdef1".to_owned())
    };
    assert_eq!(
        create(sibling).await,
        is(Code::FailedPrecondition, "CIDR_OVERLAP_SIBLING")
    );
    let name = with_peer(|peer| {
        peer.vpc_id = "vpc-0123456789abcdef2".to_owned();
        peer.cidrs = vec!["10.2.0.0/16".to_owned()];
    });
    assert_eq!(create(name).await, is(Code::AlreadyExists, "NAME_IN_USE"));
    // That VPC does not exist: once the cloud has said so, the record wants to be renewed.
    suite.until(&first, peering::peering::State::Failed).await;
    let mut again = good_peering(&network.id);
    again.display_name = "again".to_owned();
    assert_eq!(
        create(again).await,
        is(Code::AlreadyExists, "RENEW_INSTEAD")
    );
    assert_eq!(suite.list_peerings().await.len(), 1);
}
