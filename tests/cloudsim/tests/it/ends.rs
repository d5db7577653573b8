//! How requests end without having been accepted, and how long that shows.

use crate::support::*;

#[tokio::test]
async fn nobody_accepts_and_it_expires_then_disappears() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let (pcx, ..) = pending(&sim).await;
    sim.clock_advance(168 * HOUR);
    assert_eq!(
        (status(&vendor, &pcx).await, status(&customer, &pcx).await),
        ("expired".into(), "expired".into())
    );
    let late = customer
        .accept_vpc_peering_connection()
        .vpc_peering_connection_id(&pcx)
        .send()
        .await;
    let (code, message) = refused(late);
    assert_eq!(code, "InvalidStateTransition");
    assert_eq!(
        message,
        format!(
            "Invalid state transition for {pcx}, attempted to transition from expired to active"
        )
    );
    sim.clock_advance(49 * HOUR);
    assert_eq!(
        (status(&vendor, &pcx).await, status(&customer, &pcx).await),
        ("-".into(), "-".into())
    );
}

#[tokio::test]
async fn a_rejected_request_shows_longer_to_the_requester() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let (pcx, ..) = pending(&sim).await;
    customer
        .reject_vpc_peering_connection()
        .vpc_peering_connection_id(&pcx)
        .send()
        .await
        .unwrap();
    assert_eq!(status(&vendor, &pcx).await, "rejected");
    let delete = vendor
        .delete_vpc_peering_connection()
        .vpc_peering_connection_id(&pcx)
        .send()
        .await;
    assert_eq!(code(delete), "InvalidStateTransition");
    sim.clock_advance(3 * HOUR);
    assert_eq!(
        (status(&vendor, &pcx).await, status(&customer, &pcx).await),
        ("rejected".into(), "-".into())
    );
}

#[tokio::test]
async fn a_request_to_nowhere_or_to_overlapping_ranges_fails() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let ours = vpc(&vendor, "10.0.0.0/16").await;
    let overlapping = vpc(&customer, "10.0.128.0/17").await;
    for peer in [overlapping.as_str(), "vpc-0123456789abcdef0"] {
        let pcx = request(&vendor, &ours, peer).await;
        let failed = seen(&vendor, &pcx).await.unwrap();
        assert_eq!(
            message(&failed),
            "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"
        );
        assert_eq!(status(&customer, &pcx).await, "-");
        let delete = vendor
            .delete_vpc_peering_connection()
            .vpc_peering_connection_id(&pcx)
            .send()
            .await;
        assert_eq!(code(delete), "InvalidStateTransition");
        sim.clock_advance(2 * HOUR);
        assert_eq!(status(&vendor, &pcx).await, "-");
    }
    let own = vendor
        .create_vpc_peering_connection()
        .vpc_id(&ours)
        .peer_vpc_id("vpc-0123456789abcdef0")
        .send()
        .await;
    assert_eq!(code(own), "InvalidVpcID.NotFound");
}
