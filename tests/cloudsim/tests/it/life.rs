//! The life of a peering, seen from both sides.

use aws_sdk_ec2::types::{
    PeeringConnectionOptionsRequest, ResourceType, VpcPeeringConnectionStateReasonCode,
};

use crate::support::*;

#[tokio::test]
async fn a_request_is_accepted_used_and_deleted() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let ours = vpc(&vendor, "10.0.0.0/16").await;
    let theirs = vpc(&customer, "10.1.0.0/16").await;
    let created = vendor
        .create_vpc_peering_connection()
        .vpc_id(&ours)
        .peer_vpc_id(&theirs)
        .peer_owner_id(CUSTOMER)
        .tag_specifications(tagged(
            ResourceType::VpcPeeringConnection,
            "peerway:peering",
            "peer_1",
        ))
        .send()
        .await
        .unwrap();
    let created = created.vpc_peering_connection.unwrap();
    let code = created.status().unwrap().code().unwrap();
    assert_eq!(
        code,
        &VpcPeeringConnectionStateReasonCode::InitiatingRequest
    );
    assert_eq!(
        message(&created),
        format!("Initiating Request to {CUSTOMER}")
    );
    let id = created.vpc_peering_connection_id().unwrap();

    let waiting = seen(&vendor, id).await.unwrap();
    assert_eq!(
        message(&waiting),
        format!("Pending Acceptance by {CUSTOMER}")
    );
    assert_eq!(tags(waiting.tags()), [("peerway:peering", "peer_1")]);
    let hours =
        (waiting.expiration_time().unwrap().to_millis().unwrap() - sim.now_ms()) / 3_600_000;
    assert_eq!(hours, 167);
    assert_eq!(waiting.requester_vpc_info().unwrap().cidr_block(), None);
    assert_eq!(waiting.accepter_vpc_info().unwrap().cidr_block(), None);
    sim.configure(|config| config.requester_cidrs_while_pending = true);
    let waiting = seen(&vendor, id).await.unwrap();
    assert_eq!(
        waiting.requester_vpc_info().unwrap().cidr_block(),
        Some("10.0.0.0/16")
    );
    assert_eq!(waiting.accepter_vpc_info().unwrap().cidr_block(), None);

    let asked = seen(&customer, id).await.unwrap();
    assert_eq!(tags(asked.tags()), [], "the other side's tags are its own");
    let accepted = customer
        .accept_vpc_peering_connection()
        .vpc_peering_connection_id(id)
        .send()
        .await
        .unwrap();
    let accepted = accepted.vpc_peering_connection.unwrap();
    let code = accepted.status().unwrap().code().unwrap();
    assert_eq!(code, &VpcPeeringConnectionStateReasonCode::Provisioning);

    let active = seen(&vendor, id).await.unwrap();
    assert_eq!(message(&active), "Active");
    assert_eq!(
        active.accepter_vpc_info().unwrap().cidr_block(),
        Some("10.1.0.0/16")
    );
    assert!(active.expiration_time().is_none());

    customer
        .delete_vpc_peering_connection()
        .vpc_peering_connection_id(id)
        .send()
        .await
        .unwrap();
    assert_eq!(
        message(&seen(&vendor, id).await.unwrap()),
        format!("Deleted by {CUSTOMER}")
    );
    sim.clock_advance(3 * HOUR);
    assert_eq!(
        (status(&vendor, id).await, status(&customer, id).await),
        ("deleted".into(), "-".into())
    );
    sim.clock_advance(46 * HOUR);
    assert_eq!(status(&vendor, id).await, "-");
    let again = vendor
        .delete_vpc_peering_connection()
        .vpc_peering_connection_id(id)
        .send()
        .await;
    assert_eq!(
        crate::support::code(again),
        "InvalidVpcPeeringConnectionID.NotFound"
    );
}

#[tokio::test]
async fn short_states_last_as_long_as_the_switches_say() {
    let sim = start_with(|config| {
        (config.initiating_ms, config.provisioning_ms) = (60_000, 60_000);
    })
    .await;
    let (vendor, customer) = both(&sim);
    let (pcx, ..) = pending(&sim).await;
    assert_eq!(
        (status(&vendor, &pcx).await, status(&customer, &pcx).await),
        ("initiating-request".into(), "-".into())
    );
    sim.clock_advance(HOUR);
    assert_eq!(status(&customer, &pcx).await, "pending-acceptance");
    accept(&customer, &pcx).await;
    assert_eq!(status(&vendor, &pcx).await, "provisioning");
    sim.clock_advance(HOUR);
    assert_eq!(status(&vendor, &pcx).await, "active");
}

#[tokio::test]
async fn a_repeated_request_answers_the_existing_one() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let (pcx, ours, theirs) = pending(&sim).await;
    let repeat = || {
        let call = vendor
            .create_vpc_peering_connection()
            .vpc_id(&ours)
            .peer_vpc_id(&theirs);
        call.peer_owner_id(CUSTOMER).tag_specifications(tagged(
            ResourceType::VpcPeeringConnection,
            "late",
            "yes",
        ))
    };
    let repeated = repeat()
        .send()
        .await
        .unwrap()
        .vpc_peering_connection
        .unwrap();
    assert_eq!(repeated.vpc_peering_connection_id(), Some(pcx.as_str()));
    assert_eq!(tags(repeated.tags()), []);
    sim.configure(|config| config.tags_applied_to_existing = true);
    let repeated = repeat()
        .send()
        .await
        .unwrap()
        .vpc_peering_connection
        .unwrap();
    assert_eq!(tags(repeated.tags()), [("late", "yes")]);

    customer
        .reject_vpc_peering_connection()
        .vpc_peering_connection_id(&pcx)
        .send()
        .await
        .unwrap();
    assert_ne!(
        request(&vendor, &ours, &theirs).await,
        pcx,
        "an ended one is not in the way"
    );
}

#[tokio::test]
async fn a_swapped_pair_cannot_be_accepted_beside_an_active_one() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let (pcx, ours, theirs) = pending(&sim).await;
    accept(&customer, &pcx).await;
    let call = customer
        .create_vpc_peering_connection()
        .vpc_id(&theirs)
        .peer_vpc_id(&ours);
    let swapped = call
        .peer_owner_id(VENDOR)
        .send()
        .await
        .unwrap()
        .vpc_peering_connection
        .unwrap();
    let swapped = swapped.vpc_peering_connection_id().unwrap();
    assert_eq!(status(&vendor, swapped).await, "pending-acceptance");
    let (code, message) = refused(
        vendor
            .accept_vpc_peering_connection()
            .vpc_peering_connection_id(swapped)
            .send()
            .await,
    );
    assert_eq!(code, "VpcPeeringConnectionAlreadyExists");
    assert_eq!(
        message,
        format!("The vpc peering connection identified by {swapped} already exists.")
    );
}

#[tokio::test]
async fn only_the_accepter_in_its_region_accepts() {
    let sim = start_with(|config| config.deleting_ms = 60_000).await;
    let (vendor, customer) = (client(&sim, VENDOR, HERE), client(&sim, CUSTOMER, THERE));
    let ours = vpc(&vendor, "10.0.0.0/16").await;
    let theirs = vpc(&customer, "10.1.0.0/16").await;
    let call = vendor
        .create_vpc_peering_connection()
        .vpc_id(&ours)
        .peer_vpc_id(&theirs);
    let call = call
        .peer_owner_id(CUSTOMER)
        .peer_region(THERE)
        .send()
        .await
        .unwrap();
    let pcx = call
        .vpc_peering_connection
        .unwrap()
        .vpc_peering_connection_id
        .unwrap();
    assert_eq!(status(&customer, &pcx).await, "pending-acceptance");

    let accept_by = |client: aws_sdk_ec2::Client| {
        client
            .accept_vpc_peering_connection()
            .vpc_peering_connection_id(&pcx)
            .send()
    };
    let (code, message) = refused(accept_by(vendor.clone()).await);
    assert_eq!(
        (code.as_str(), message),
        (
            "OperationNotPermitted",
            format!("User {VENDOR} cannot accept peering {pcx}")
        )
    );
    let (code, message) = refused(accept_by(client(&sim, CUSTOMER, HERE)).await);
    assert_eq!(code, "OperationNotPermitted");
    assert!(
        message.contains("must be accepted in region us-east-1"),
        "{message}"
    );
    let code = crate::support::code(accept_by(client(&sim, CUSTOMER, "eu-west-3")).await);
    assert_eq!(code, "InvalidVpcPeeringConnectionID.NotFound");
    let stranger = accept_by(client(&sim, "333344445555", HERE)).await;
    assert_eq!(
        crate::support::code(stranger),
        "InvalidVpcPeeringConnectionID.NotFound"
    );
    let delete = customer
        .delete_vpc_peering_connection()
        .vpc_peering_connection_id(&pcx)
        .send()
        .await;
    assert_eq!(crate::support::code(delete), "OperationNotPermitted");

    accept_by(customer.clone()).await.unwrap();
    vendor
        .delete_vpc_peering_connection()
        .vpc_peering_connection_id(&pcx)
        .send()
        .await
        .unwrap();
    assert_eq!(status(&customer, &pcx).await, "deleting");
    sim.clock_advance(HOUR);
    assert_eq!(status(&customer, &pcx).await, "deleted");
}

#[tokio::test]
async fn options_take_an_active_peering_and_dns_hostnames() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let (pcx, ours, _) = pending(&sim).await;
    let options = || {
        PeeringConnectionOptionsRequest::builder()
            .allow_dns_resolution_from_remote_vpc(true)
            .build()
    };
    let modify = || {
        let call = vendor
            .modify_vpc_peering_connection_options()
            .vpc_peering_connection_id(&pcx);
        call.requester_peering_connection_options(options()).send()
    };
    let (code, message) = refused(modify().await);
    assert_eq!(code, "OperationNotPermitted");
    assert_eq!(
        message,
        format!(
            "Peering {pcx} is not active. Peering options can be added only to active peerings."
        )
    );
    accept(&customer, &pcx).await;
    let code = crate::support::code(modify().await);
    assert_eq!(
        code,
        "InvalidVpcPeeringConnectionState.DnsHostnamesDisabled"
    );
    let on = aws_sdk_ec2::types::AttributeBooleanValue::builder()
        .value(true)
        .build();
    vendor
        .modify_vpc_attribute()
        .vpc_id(&ours)
        .enable_dns_hostnames(on)
        .send()
        .await
        .unwrap();
    modify().await.unwrap();
    let shown = seen(&customer, &pcx).await.unwrap();
    let shown = shown
        .requester_vpc_info()
        .unwrap()
        .peering_options()
        .unwrap();
    assert_eq!(shown.allow_dns_resolution_from_remote_vpc(), Some(true));
    let call = vendor
        .modify_vpc_peering_connection_options()
        .vpc_peering_connection_id(&pcx);
    let theirs = call
        .accepter_peering_connection_options(options())
        .send()
        .await;
    assert_eq!(crate::support::code(theirs), "OperationNotPermitted");
}
