//! The options of the vendor's half, in each cloud's own way.

use api::cloud::CloudErrorKind;
use api::provider::v1::{
    EnsurePeeringOptionsRequest, EnsurePeeringOptionsResponse, EnsurePeeringRequest,
    PeeringOptions, Removal,
};
use aws_sdk_ec2::types::AttributeBooleanValue;
use cloudsim::{Fault, FaultKind};
use tonic::{Code, Status};
use types::{NetworkId, PeeringId};

use crate::gcp_support as gcp;
use crate::pair::Pair;
use crate::support::*;

const UPDATE: &str = "networks.updatePeering";
const DNS: PeeringOptions = PeeringOptions {
    resolve_dns: true,
    import_custom_routes: false,
    export_custom_routes: false,
};
const IMPORT: PeeringOptions = PeeringOptions {
    resolve_dns: false,
    import_custom_routes: true,
    export_custom_routes: false,
};
const NONE: PeeringOptions = PeeringOptions {
    resolve_dns: false,
    import_custom_routes: false,
    export_custom_routes: false,
};

/// Asks for options of the half that was asked for so.
fn of(of: EnsurePeeringRequest, id: &str, options: PeeringOptions) -> EnsurePeeringOptionsRequest {
    EnsurePeeringOptionsRequest {
        r#ref: of.r#ref,
        provider_peering_id: id.to_owned(),
        vendor_vpc_id: of.vendor_vpc_id,
        peer: of.peer,
        options: Some(options),
        operation_token: String::new(),
        request_time: of.request_time,
    }
}

async fn set(
    mut client: Client,
    ask: EnsurePeeringOptionsRequest,
) -> Result<EnsurePeeringOptionsResponse, Status> {
    Ok(client.ensure_peering_options(ask).await?.into_inner())
}

fn complete() -> EnsurePeeringOptionsResponse {
    EnsurePeeringOptionsResponse {
        complete: true,
        operation_token: String::new(),
    }
}

/// Turns the vendor's DNS host names on.
async fn name_hosts(pair: &Pair) {
    let on = AttributeBooleanValue::builder().value(true).build();
    let vendor = pair.suite.vendor();
    let call = vendor.modify_vpc_attribute().vpc_id(&pair.vendor_vpc);
    call.enable_dns_hostnames(on).send().await.unwrap();
}

async fn accept(pair: &Pair, id: &str) {
    let customer = pair.suite.customer();
    let call = customer
        .accept_vpc_peering_connection()
        .vpc_peering_connection_id(id);
    call.send().await.unwrap();
}

#[tokio::test]
async fn aws_takes_the_dns_option_while_the_peering_is_active() {
    let pair = Pair::start().await;
    let made = pair.suite.ensure_peering(pair.request(1)).await.unwrap();
    let id = made.provider_peering_id.as_str();
    let ask = of(pair.request(1), id, DNS);
    let early = cloud_error(set(pair.suite.client(), ask.clone()).await.unwrap_err());
    assert_eq!(
        (early.kind, &*early.reason, early.refused),
        (CloudErrorKind::InProgress, "OPTIONS_TOO_EARLY", true)
    );
    assert_eq!(made.options, None);

    accept(&pair, id).await;
    assert_eq!(pair.suite.observe(&[]).await[0].options, Some(NONE));
    let off = cloud_error(set(pair.suite.client(), ask.clone()).await.unwrap_err());
    assert_eq!(
        (off.kind, &*off.reason, off.refused),
        (CloudErrorKind::Terminal, "DNS_PRIVATE_RESOLUTION_OFF", true)
    );
    assert!(off.message.contains(&pair.vendor_vpc), "{off}");

    name_hosts(&pair).await;
    pair.suite.cloud.clear_calls();
    let answer = set(pair.suite.client(), ask.clone()).await.unwrap();
    assert_eq!(answer, complete());
    assert_eq!(pair.suite.cloud.calls().len(), 2);
    assert_eq!(pair.suite.observe(&[]).await[0].options, Some(DNS));
    let back = of(pair.request(1), id, NONE);
    assert_eq!(set(pair.suite.client(), back).await.unwrap(), complete());
    assert_eq!(pair.suite.observe(&[]).await[0].options, Some(NONE));
}

#[tokio::test]
async fn aws_takes_no_options_of_what_does_not_stand() {
    let pair = Pair::start().await;
    let absent = of(pair.request(1), "pcx-00000000000000000", DNS);
    let error = cloud_error(set(pair.suite.client(), absent).await.unwrap_err());
    assert_eq!((&*error.reason, error.refused), ("PEERING_MISSING", true));

    let made = pair.suite.ensure_peering(pair.request(1)).await.unwrap();
    pair.delete(&made.provider_peering_id).await.unwrap();
    let ended = of(pair.request(1), &made.provider_peering_id, DNS);
    let error = cloud_error(set(pair.suite.client(), ended).await.unwrap_err());
    assert_eq!(
        (error.kind, &*error.reason),
        (CloudErrorKind::Terminal, "PEERING_MISSING")
    );
}

#[tokio::test]
async fn options_whose_answer_is_lost_may_be_set() {
    let pair = Pair::start().await;
    let made = pair.suite.ensure_peering(pair.request(1)).await.unwrap();
    let id = made.provider_peering_id.as_str();
    accept(&pair, id).await;
    name_hosts(&pair).await;
    let ask = of(pair.request(1), id, DNS);
    for action in [
        "ModifyVpcPeeringConnectionOptions",
        "DescribeVpcPeeringConnections",
    ] {
        pair.suite
            .cloud
            .fault(Fault::once(action, FaultKind::LostAnswer));
        let error = cloud_error(set(pair.suite.client(), ask.clone()).await.unwrap_err());
        assert_eq!(
            (error.kind, error.refused),
            (CloudErrorKind::Unavailable, false)
        );
    }
    let fault = Fault::once("ModifyVpcPeeringConnectionOptions", FaultKind::Unauthorized);
    pair.suite.cloud.fault(fault);
    let error = cloud_error(set(pair.suite.client(), ask.clone()).await.unwrap_err());
    let permission = "ec2:ModifyVpcPeeringConnectionOptions";
    assert!(error.message.contains(permission), "{error}");
    assert_eq!(set(pair.suite.client(), ask).await.unwrap(), complete());
}

#[tokio::test]
async fn options_of_another_cloud_are_refused_by_name() {
    let pair = Pair::start().await;
    let refused = async |ask| {
        let status = set(pair.suite.client(), ask).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        status.message().to_owned()
    };
    let message = refused(of(pair.request(1), "pcx-1", IMPORT)).await;
    assert!(
        message.contains("options.import_custom_routes"),
        "{message}"
    );
    let gcp = gcp::peering_request(PeeringId::generate(), "n", "main");
    let message = refused(of(gcp, "p", DNS)).await;
    assert!(message.contains("options.resolve_dns"), "{message}");
    let unset = EnsurePeeringOptionsRequest {
        options: None,
        ..of(pair.request(1), "pcx-1", NONE)
    };
    let message = refused(unset).await;
    assert!(message.contains("options: must be set"), "{message}");
}

/// A half at GCP that was made with options; with the request for it.
async fn half(options: PeeringOptions) -> (gcp::Suite, EnsurePeeringRequest, String) {
    let suite = gcp::Suite::start().await;
    let vendor = suite.network(NetworkId::generate(), gcp::CIDR).await;
    let request = EnsurePeeringRequest {
        options: Some(options),
        ..gcp::peering_request(PeeringId::generate(), &vendor, "main")
    };
    let seen = suite.peering(request.clone()).await;
    assert_eq!(seen.options, Some(options));
    suite.cloud.clear_calls();
    (suite, request, seen.provider_peering_id)
}

#[tokio::test]
async fn gcp_makes_a_half_with_its_options_and_changes_them_by_an_operation() {
    let (suite, request, id) = half(IMPORT).await;
    let same = of(request.clone(), &id, IMPORT);
    assert_eq!(set(suite.client(), same).await.unwrap(), complete());
    assert_eq!(suite.count(UPDATE), 0);

    let wanted = PeeringOptions {
        export_custom_routes: true,
        ..NONE
    };
    let mut ask = of(request, &id, wanted);
    let begun = set(suite.client(), ask.clone()).await.unwrap();
    assert!(!begun.complete && !begun.operation_token.is_empty());
    ask.operation_token = begun.operation_token.clone();
    assert_eq!(set(suite.client(), ask.clone()).await.unwrap(), begun);
    suite.settle();
    assert_eq!(set(suite.client(), ask).await.unwrap(), complete());
    assert_eq!(suite.count(UPDATE), 1);
    let shown = suite.cloud.gcp_networks(gcp::PROJECT)[0]["peerings"][0].clone();
    assert_eq!(shown["importCustomRoutes"], false);
    assert_eq!(shown["exportCustomRoutes"], true);
    assert_eq!(shown["exchangeSubnetRoutes"], true);
    assert_eq!(suite.seen().await[0].options, Some(wanted));
}

#[tokio::test]
async fn gcp_takes_a_repeated_request_for_the_same_and_one_change_at_a_time() {
    let (suite, request, id) = half(NONE).await;
    let ask = of(request, &id, IMPORT);
    suite
        .cloud
        .fault(Fault::once(UPDATE, FaultKind::LostAnswer));
    let lost = cloud_error(set(suite.client(), ask.clone()).await.unwrap_err());
    assert!(!lost.refused, "{lost}");
    let again = set(suite.client(), ask.clone()).await.unwrap();
    assert!(!again.operation_token.is_empty());
    let other = EnsurePeeringOptionsRequest {
        request_time: Some(api::timestamp(REQUEST_AT + 1)),
        ..ask
    };
    let busy = cloud_error(set(suite.client(), other).await.unwrap_err());
    assert_eq!(
        (busy.kind, &*busy.reason, busy.refused),
        (
            CloudErrorKind::InProgress,
            "CLOUD_OPERATION_IN_PROGRESS",
            true
        )
    );
    suite.settle();
    assert_eq!(suite.seen().await[0].options, Some(IMPORT));
}

#[tokio::test]
async fn gcp_takes_no_options_of_what_does_not_stand() {
    let (suite, request, id) = half(NONE).await;
    let absent = of(request.clone(), "another", IMPORT);
    let error = cloud_error(set(suite.client(), absent).await.unwrap_err());
    assert_eq!(
        (error.kind, &*error.reason, error.refused),
        (CloudErrorKind::Terminal, "PEERING_MISSING", true)
    );
    let elsewhere = EnsurePeeringOptionsRequest {
        vendor_vpc_id: "elsewhere".into(),
        ..of(request.clone(), &id, IMPORT)
    };
    let error = cloud_error(set(suite.client(), elsewhere).await.unwrap_err());
    assert_eq!(error.reason, "VPC_MISSING");

    // A removal takes the token of a change, waits for it, and removes the half.
    let peering = request.r#ref.as_ref().unwrap().peering_id.parse().unwrap();
    let begun = set(suite.client(), of(request.clone(), &id, IMPORT))
        .await
        .unwrap();
    let mut removal = gcp::removal_request(peering, &id, &request.vendor_vpc_id);
    removal.operation_token = begun.operation_token;
    for _ in 0..2 {
        let now = suite.delete_peering(&mut removal).await.unwrap();
        assert_eq!(now, Removal::InProgress);
        suite.settle();
    }
    assert_eq!(
        suite.delete_peering(&mut removal).await.unwrap(),
        Removal::Deleted
    );
}

#[tokio::test]
async fn a_permission_to_change_options_that_is_missing_is_named() {
    let (suite, request, id) = half(NONE).await;
    suite
        .cloud
        .fault(Fault::once(UPDATE, FaultKind::Unauthorized));
    let ask = of(request, &id, IMPORT);
    let error = cloud_error(set(suite.client(), ask).await.unwrap_err());
    assert_eq!(error.kind, CloudErrorKind::Unauthorized);
    assert!(
        error.message.contains("compute.networks.updatePeering"),
        "{error}"
    );
}
