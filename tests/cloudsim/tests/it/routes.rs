//! Routes and route tables.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Route, RouteState};

use crate::support::*;

pub(crate) async fn main_table(client: &Client, vpc_id: &str) -> String {
    let call = client
        .describe_route_tables()
        .filters(filter("vpc-id", &[vpc_id]));
    let found = call
        .filters(filter("association.main", &["true"]))
        .send()
        .await
        .unwrap();
    found.route_tables()[0].route_table_id().unwrap().to_owned()
}

async fn route(client: &Client, table: &str, destination: &str) -> Option<Route> {
    let found = client
        .describe_route_tables()
        .route_table_ids(table)
        .send()
        .await
        .unwrap();
    let routes = found.route_tables()[0].routes();
    routes
        .iter()
        .find(|route| route.destination_cidr_block() == Some(destination))
        .cloned()
}

#[tokio::test]
async fn a_route_to_a_peering_is_a_black_hole_unless_it_is_active() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let (pcx, ours, theirs) = pending(&sim).await;
    let table = main_table(&vendor, &ours).await;
    let to = |destination: &str| {
        vendor
            .create_route()
            .route_table_id(&table)
            .destination_cidr_block(destination)
            .vpc_peering_connection_id(&pcx)
    };
    to("10.1.0.0/16").send().await.unwrap();
    let state = async || {
        route(&vendor, &table, "10.1.0.0/16")
            .await
            .unwrap()
            .state
            .unwrap()
    };
    assert_eq!(state().await, RouteState::Blackhole);
    accept(&customer, &pcx).await;
    assert_eq!(state().await, RouteState::Active);

    let (code, message) = refused(to("10.1.0.0/16").send().await);
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "RouteAlreadyExists",
            "The route identified by 10.1.0.0/16 already exists."
        )
    );
    assert_eq!(
        crate::support::code(to("10.0.1.0/24").send().await),
        "InvalidParameterValue",
        "inside our own range"
    );

    customer
        .delete_vpc_peering_connection()
        .vpc_peering_connection_id(&pcx)
        .send()
        .await
        .unwrap();
    assert_eq!(state().await, RouteState::Blackhole);
    assert_eq!(
        crate::support::code(to("10.2.0.0/16").send().await),
        "InvalidVpcPeeringConnectionID.NotFound"
    );
    let renewed = request(&vendor, &ours, &theirs).await;
    accept(&customer, &renewed).await;
    let replace = |destination: &str| {
        let call = vendor
            .replace_route()
            .route_table_id(&table)
            .destination_cidr_block(destination);
        call.vpc_peering_connection_id(&renewed).send()
    };
    replace("10.1.0.0/16").await.unwrap();
    assert_eq!(state().await, RouteState::Active);
    let (code, message) = refused(replace("10.7.0.0/16").await);
    assert_eq!(code, "InvalidParameterValue");
    assert!(
        message.starts_with("There is no route defined for '10.7.0.0/16'"),
        "{message}"
    );

    let delete = |destination: &str| {
        vendor
            .delete_route()
            .route_table_id(&table)
            .destination_cidr_block(destination)
            .send()
    };
    delete("10.1.0.0/16").await.unwrap();
    assert_eq!(
        crate::support::code(delete("10.1.0.0/16").await),
        "InvalidRoute.NotFound"
    );
    assert_eq!(
        crate::support::code(delete("10.0.0.0/16").await),
        "InvalidParameterValue",
        "the local one"
    );
}

#[tokio::test]
async fn route_tables_are_associated_with_subnets_of_their_vpc() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    let id = vpc(&vendor, "10.0.0.0/16").await;
    let subnet = vendor
        .create_subnet()
        .vpc_id(&id)
        .cidr_block("10.0.0.0/24")
        .send()
        .await
        .unwrap();
    let subnet = subnet.subnet.unwrap().subnet_id.unwrap();
    let table = vendor
        .create_route_table()
        .vpc_id(&id)
        .send()
        .await
        .unwrap();
    let table = table.route_table.unwrap().route_table_id.unwrap();
    let associate = || {
        vendor
            .associate_route_table()
            .route_table_id(&table)
            .subnet_id(&subnet)
            .send()
    };
    let association = associate().await.unwrap().association_id.unwrap();
    assert_eq!(code(associate().await), "Resource.AlreadyAssociated");
    let delete = || vendor.delete_route_table().route_table_id(&table).send();
    assert_eq!(code(delete().await), "DependencyViolation");
    vendor
        .disassociate_route_table()
        .association_id(&association)
        .send()
        .await
        .unwrap();
    delete().await.unwrap();
    let main = main_table(&vendor, &id).await;
    assert_eq!(
        code(
            vendor
                .delete_route_table()
                .route_table_id(&main)
                .send()
                .await
        ),
        "DependencyViolation"
    );
}
