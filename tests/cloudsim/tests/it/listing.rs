//! Filters, pages, ids and lag.

use std::time::Duration;

use aws_sdk_ec2::types::{ResourceType, Tag};

use crate::support::*;

#[tokio::test]
async fn pages_hold_everything_once() {
    let sim = start_with(|config| config.limits.outstanding_peerings = 100).await;
    let (vendor, customer) = both(&sim);
    let ours = vpc(&vendor, "10.0.0.0/16").await;
    sim.configure(|config| config.limits.vpcs_per_region = 100);
    for n in 1..=12 {
        let theirs = vpc(&customer, &format!("10.{n}.0.0/16")).await;
        request(&vendor, &ours, &theirs).await;
    }
    let pages: Vec<_> = {
        let mut stream = vendor
            .describe_vpc_peering_connections()
            .max_results(5)
            .into_paginator()
            .send();
        let mut pages = vec![];
        while let Some(page) = stream.next().await {
            pages.push(page.unwrap().vpc_peering_connections.unwrap());
        }
        pages
    };
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5, 2]);
    let ids: std::collections::BTreeSet<_> = pages
        .iter()
        .flatten()
        .map(|peering| peering.vpc_peering_connection_id().unwrap())
        .collect();
    assert_eq!(ids.len(), 12);
}

#[tokio::test]
async fn page_sizes_and_tokens_are_checked() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let (code, message) = refused(vendor.describe_route_tables().max_results(101).send().await);
    assert_eq!(code, "InvalidParameterValue");
    assert_eq!(
        message,
        "Value ( 101 ) for parameter MaxResults is invalid. Expecting a value smaller than or equal to 100."
    );
    assert_eq!(
        crate::support::code(vendor.describe_vpcs().max_results(4).send().await),
        "InvalidParameterValue"
    );
    assert_eq!(
        crate::support::code(vendor.describe_vpcs().max_results(1001).send().await),
        "InvalidParameterValue"
    );
    assert_eq!(
        crate::support::code(vendor.describe_vpcs().next_token("x").send().await),
        "InvalidParameterValue"
    );
    let id = vpc(&vendor, "10.0.0.0/16").await;
    let both = vendor
        .describe_vpcs()
        .max_results(5)
        .vpc_ids(id)
        .send()
        .await;
    assert_eq!(crate::support::code(both), "InvalidParameterCombination");

    sim.configure(|config| config.limits.vpcs_per_region = 10);
    for n in 1..=5 {
        vpc(&vendor, &format!("10.{n}.0.0/16")).await;
    }
    let token = vendor
        .describe_vpcs()
        .max_results(5)
        .send()
        .await
        .unwrap()
        .next_token
        .unwrap();
    let stolen = customer.describe_vpcs().next_token(&token).send().await;
    assert_eq!(crate::support::code(stolen), "InvalidParameterValue");
    let rest = vendor
        .describe_vpcs()
        .next_token(&token)
        .send()
        .await
        .unwrap();
    assert_eq!((rest.vpcs().len(), rest.next_token()), (1, None));
}

#[tokio::test]
async fn filters_filter() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let spec = tagged(ResourceType::Vpc, "peerway:network", "net_1");
    let one = vendor
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .tag_specifications(spec)
        .send()
        .await
        .unwrap();
    let one = one.vpc.unwrap().vpc_id.unwrap();
    vpc(&vendor, "10.1.0.0/16").await;
    vpc(&customer, "10.2.0.0/16").await;
    let found = async |filters: &[(&str, &[&str])]| {
        let filters = filters
            .iter()
            .map(|(name, values)| filter(name, values))
            .collect();
        let found = vendor
            .describe_vpcs()
            .set_filters(Some(filters))
            .send()
            .await
            .unwrap();
        found.vpcs().len()
    };
    assert_eq!(found(&[]).await, 2);
    assert_eq!(found(&[("tag:peerway:network", &["net_*"])]).await, 1);
    assert_eq!(found(&[("tag:peerway:network", &["net_2"])]).await, 0);
    assert_eq!(found(&[("tag-key", &["peerway:*"])]).await, 1);
    assert_eq!(found(&[("cidr", &["10.?.0.0/16"])]).await, 2);
    assert_eq!(
        found(&[("cidr", &["10.1.0.0/16"]), ("vpc-id", &[&one])]).await,
        0
    );
    assert_eq!(
        found(&[("vpc-id", &[&one, "vpc-0123456789abcdef0"])]).await,
        1
    );
    assert_eq!(found(&[("owner-id", &[CUSTOMER])]).await, 0);

    let unknown = vendor
        .describe_vpcs()
        .filters(filter("colour", &["red"]))
        .send()
        .await;
    let (code, message) = refused(unknown);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("InvalidParameterValue", "The filter 'colour' is invalid")
    );
    let many: Vec<String> = (0..201).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let many = vendor
        .describe_vpcs()
        .filters(filter("vpc-id", &many))
        .send()
        .await;
    assert_eq!(crate::support::code(many), "FilterLimitExceeded");
}

#[tokio::test]
async fn the_status_filter_finds_pending_ones() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let (pcx, ..) = pending(&sim).await;
    let found = async |status: &str| {
        let call = vendor
            .describe_vpc_peering_connections()
            .filters(filter("status-code", &[status]));
        call.filters(filter("requester-vpc-info.owner-id", &[VENDOR]))
            .send()
            .await
            .unwrap()
            .vpc_peering_connections()
            .len()
    };
    assert_eq!(
        (found("pending-acceptance").await, found("active").await),
        (1, 0)
    );
    accept(&customer, &pcx).await;
    assert_eq!(
        (found("pending-acceptance").await, found("active").await),
        (0, 1)
    );
}

#[tokio::test]
async fn one_unknown_id_fails_the_whole_call() {
    let sim = start().await;
    let (vendor, _) = both(&sim);
    let (pcx, ..) = pending(&sim).await;
    let call = vendor
        .describe_vpc_peering_connections()
        .vpc_peering_connection_ids(&pcx);
    let (code, message) = refused(
        call.vpc_peering_connection_ids("pcx-0123456789abcdef0")
            .send()
            .await,
    );
    assert_eq!(code, "InvalidVpcPeeringConnectionID.NotFound");
    assert_eq!(
        message,
        "The vpcPeeringConnection ID 'pcx-0123456789abcdef0' does not exist"
    );
    let call = vendor
        .describe_vpc_peering_connections()
        .vpc_peering_connection_ids("pcx-nope");
    assert_eq!(
        crate::support::code(call.send().await),
        "InvalidVpcPeeringConnectionId.Malformed"
    );
}

#[tokio::test]
async fn new_objects_show_only_after_the_lag() {
    let sim = start_with(|config| config.describe_lag_ms = 60_000).await;
    let (vendor, customer) = both(&sim);
    let (pcx, ours, _) = pending(&sim).await;
    assert_eq!(
        (status(&vendor, &pcx).await, status(&customer, &pcx).await),
        ("-".into(), "-".into())
    );
    assert_eq!(
        code(vendor.describe_vpcs().vpc_ids(&ours).send().await),
        "InvalidVpcID.NotFound"
    );
    assert!(
        vendor
            .describe_route_tables()
            .send()
            .await
            .unwrap()
            .route_tables()
            .is_empty()
    );
    sim.clock_advance(Duration::from_secs(60));
    assert_eq!(status(&vendor, &pcx).await, "pending-acceptance");
    vendor.describe_vpcs().vpc_ids(&ours).send().await.unwrap();
}

#[tokio::test]
async fn tags_are_put_taken_and_listed() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let (pcx, ours, _) = pending(&sim).await;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let put = vendor
        .create_tags()
        .resources(&pcx)
        .resources(&ours)
        .tags(tag("a", "1"))
        .tags(tag("b", "2"));
    put.send().await.unwrap();
    customer
        .create_tags()
        .resources(&pcx)
        .tags(tag("c", "3"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        tags(seen(&vendor, &pcx).await.unwrap().tags()),
        [("a", "1"), ("b", "2")]
    );
    assert_eq!(
        tags(seen(&customer, &pcx).await.unwrap().tags()),
        [("c", "3")]
    );
    vendor
        .delete_tags()
        .resources(&pcx)
        .tags(tag("a", "other"))
        .send()
        .await
        .unwrap();
    vendor
        .delete_tags()
        .resources(&pcx)
        .tags(Tag::builder().key("b").build())
        .send()
        .await
        .unwrap();
    assert_eq!(
        tags(seen(&vendor, &pcx).await.unwrap().tags()),
        [("a", "1")]
    );
    let listed = vendor
        .describe_tags()
        .filters(filter("key", &["a"]))
        .send()
        .await
        .unwrap();
    assert_eq!(listed.tags().len(), 2);
    let of_type = vendor
        .describe_tags()
        .filters(filter("resource-type", &["vpc-peering-connection"]));
    assert_eq!(of_type.send().await.unwrap().tags().len(), 1);

    let theirs = customer
        .create_tags()
        .resources(&ours)
        .tags(tag("x", "y"))
        .send()
        .await;
    assert_eq!(code(theirs), "InvalidVpcID.NotFound");
    assert_eq!(
        code(
            vendor
                .create_tags()
                .resources("nonsense")
                .tags(tag("x", "y"))
                .send()
                .await
        ),
        "InvalidID"
    );
    let reserved = vendor
        .create_tags()
        .resources(&ours)
        .tags(tag("aws:x", "y"))
        .send()
        .await;
    assert_eq!(code(reserved), "InvalidParameterValue");
    let wrong = tagged(ResourceType::Subnet, "a", "b");
    let wrong = vendor
        .create_vpc()
        .cidr_block("10.9.0.0/16")
        .tag_specifications(wrong)
        .send()
        .await;
    let (code, message) = refused(wrong);
    assert_eq!(code, "InvalidParameterValue");
    assert_eq!(
        message,
        "'subnet' is not a valid taggable resource type for this operation."
    );
}
