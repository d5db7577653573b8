//! VPCs, subnets, zones, routes.

use aws_sdk_ec2::types::{AttributeBooleanValue, VpcAttributeName};

use crate::routes::main_table;
use crate::support::*;

#[tokio::test]
async fn a_vpc_comes_furnished_and_goes_with_its_furniture() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    let created = vendor
        .create_vpc()
        .cidr_block("10.0.0.5/16")
        .send()
        .await
        .unwrap()
        .vpc
        .unwrap();
    assert_eq!(
        created.cidr_block(),
        Some("10.0.0.0/16"),
        "host bits are cleared"
    );
    let id = created.vpc_id().unwrap();
    let table = main_table(&vendor, id).await;
    let tables = vendor
        .describe_route_tables()
        .route_table_ids(&table)
        .send()
        .await
        .unwrap();
    let routes = tables.route_tables()[0].routes();
    assert_eq!((routes.len(), routes[0].gateway_id()), (1, Some("local")));
    let groups = vendor
        .describe_security_groups()
        .filters(filter("vpc-id", &[id]))
        .send()
        .await
        .unwrap();
    let group = &groups.security_groups()[0];
    assert_eq!(
        (group.group_name(), group.ip_permissions().len()),
        (Some("default"), 1)
    );
    let acls = vendor
        .describe_network_acls()
        .filters(filter("vpc-id", &[id]))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            acls.network_acls().len(),
            acls.network_acls()[0].entries().len()
        ),
        (1, 4)
    );
    vendor.delete_vpc().vpc_id(id).send().await.unwrap();
    assert!(
        vendor
            .describe_route_tables()
            .send()
            .await
            .unwrap()
            .route_tables()
            .is_empty()
    );
    assert!(
        vendor
            .describe_security_groups()
            .send()
            .await
            .unwrap()
            .security_groups()
            .is_empty()
    );
    assert_eq!(
        code(vendor.delete_vpc().vpc_id(id).send().await),
        "InvalidVpcID.NotFound"
    );
}

#[tokio::test]
async fn attributes_are_set_one_at_a_time() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    let id = vpc(&vendor, "10.0.0.0/16").await;
    let on = || AttributeBooleanValue::builder().value(true).build();
    let both = vendor
        .modify_vpc_attribute()
        .vpc_id(&id)
        .enable_dns_support(on())
        .enable_dns_hostnames(on());
    assert_eq!(code(both.send().await), "InvalidParameterCombination");
    vendor
        .modify_vpc_attribute()
        .vpc_id(&id)
        .enable_dns_hostnames(on())
        .send()
        .await
        .unwrap();
    let asked = vendor
        .describe_vpc_attribute()
        .vpc_id(&id)
        .attribute(VpcAttributeName::EnableDnsHostnames);
    let shown = asked.send().await.unwrap();
    assert_eq!(shown.enable_dns_hostnames().unwrap().value(), Some(true));
}

#[tokio::test]
async fn a_vpc_with_something_in_it_stays() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let (pcx, ours, theirs) = pending(&sim).await;
    let delete = async || code(vendor.delete_vpc().vpc_id(&ours).send().await);
    assert_eq!(delete().await, "DependencyViolation", "the request");
    let group = vendor
        .create_security_group()
        .vpc_id(&ours)
        .group_name("g")
        .description("g");
    let group = group.send().await.unwrap().group_id.unwrap();
    let subnet = vendor
        .create_subnet()
        .vpc_id(&ours)
        .cidr_block("10.0.0.0/24")
        .send()
        .await
        .unwrap();
    let subnet = subnet.subnet.unwrap().subnet_id.unwrap();
    vendor
        .delete_vpc_peering_connection()
        .vpc_peering_connection_id(&pcx)
        .send()
        .await
        .unwrap();
    assert_eq!(delete().await, "DependencyViolation", "the group");
    vendor
        .delete_security_group()
        .group_id(&group)
        .send()
        .await
        .unwrap();
    assert_eq!(delete().await, "DependencyViolation", "the subnet");
    vendor
        .delete_subnet()
        .subnet_id(&subnet)
        .send()
        .await
        .unwrap();

    let again = request(&vendor, &ours, &theirs).await;
    accept(&customer, &again).await;
    assert_eq!(delete().await, "DependencyViolation", "the peering");
    sim.configure(|config| config.delete_vpc_ends_peerings = true);
    vendor.delete_vpc().vpc_id(&ours).send().await.unwrap();
    assert_eq!(status(&customer, &again).await, "deleted");
}

#[tokio::test]
async fn subnets_lie_inside_and_apart() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    let id = vpc(&vendor, "10.0.0.0/16").await;
    let zones = vendor.describe_availability_zones().send().await.unwrap();
    let zones: Vec<_> = zones
        .availability_zones()
        .iter()
        .map(|zone| zone.zone_id().unwrap())
        .collect();
    assert_eq!(zones, ["euw1-az1", "euw1-az2", "euw1-az3"]);
    let create = async |cidr: &str, zone: &str| {
        vendor
            .create_subnet()
            .vpc_id(&id)
            .cidr_block(cidr)
            .availability_zone(zone)
            .send()
            .await
    };
    let subnet = create("10.0.0.0/26", "eu-west-1b")
        .await
        .unwrap()
        .subnet
        .unwrap();
    assert_eq!(
        (
            subnet.available_ip_address_count(),
            subnet.availability_zone_id()
        ),
        (Some(59), Some("euw1-az2"))
    );
    assert_eq!(
        code(create("10.0.0.0/27", "eu-west-1a").await),
        "InvalidSubnet.Conflict"
    );
    assert_eq!(
        code(create("10.1.0.0/24", "eu-west-1a").await),
        "InvalidSubnet.Range"
    );
    assert_eq!(
        code(create("10.0.1.0/29", "eu-west-1a").await),
        "InvalidSubnet.Range"
    );
    assert_eq!(
        code(create("10.0.1.0/24", "us-east-1a").await),
        "InvalidParameterValue"
    );
}

#[tokio::test]
async fn a_second_range_shows_on_both_sides() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let (pcx, _, theirs) = pending(&sim).await;
    accept(&customer, &pcx).await;
    customer
        .associate_vpc_cidr_block()
        .vpc_id(&theirs)
        .cidr_block("100.64.0.0/16")
        .send()
        .await
        .unwrap();
    let shown = seen(&vendor, &pcx).await.unwrap();
    let cidrs = shown.accepter_vpc_info().unwrap().cidr_block_set();
    let cidrs: Vec<_> = cidrs
        .iter()
        .map(|cidr| cidr.cidr_block().unwrap())
        .collect();
    assert_eq!(cidrs, ["10.1.0.0/16", "100.64.0.0/16"]);
    let overlapping = customer
        .associate_vpc_cidr_block()
        .vpc_id(&theirs)
        .cidr_block("10.0.1.0/24")
        .send()
        .await;
    assert_eq!(code(overlapping), "InvalidVpc.Range");
}
