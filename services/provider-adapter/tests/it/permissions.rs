//! A permission that the vendor's credentials lack is named to those who wait, and to those who can grant it.

use api::cloud::CloudErrorKind;
use cloudsim::{Fault, FaultKind};

use crate::log::Log;
use crate::pair::Pair;
use crate::support::*;

#[tokio::test]
async fn a_missing_permission_is_named_in_the_answer_and_in_the_log() {
    let (log, guard) = Log::at(tracing::Level::INFO);
    let pair = Pair::start().await;
    let fault = Fault::always("CreateVpcPeeringConnection", FaultKind::Unauthorized);
    pair.suite.cloud.fault(fault);
    let refused = pair.suite.ensure_peering(pair.request(1)).await;
    drop(guard);
    let error = cloud_error(refused.unwrap_err());
    assert_eq!(
        (error.kind, error.reason.as_str(), error.refused),
        (CloudErrorKind::Unauthorized, "CLOUD_UNAUTHORIZED", true)
    );
    let sentence = format!(
        "the vendor's credentials lack ec2:CreateVpcPeeringConnection in account {VENDOR} (UnauthorizedOperation)"
    );
    assert_eq!(error.message, sentence);
    let lines = log
        .text()
        .lines()
        .filter(|line| line.contains(&sentence))
        .count();
    assert_eq!(lines, 1);
    assert_eq!(
        pair.suite
            .cloud
            .calls_of("CreateVpcPeeringConnection")
            .len(),
        1
    );
}

#[tokio::test]
async fn credentials_of_another_account_are_named_in_the_log() {
    let (log, guard) = Log::at(tracing::Level::INFO);
    let suite = Suite::start().await;
    let stranger = Adapter::start_as(CUSTOMER, &suite.cloud.endpoint(), "", &[]).await;
    let (_, error) = observe_pages(stranger.client.clone(), &[]).await;
    drop(guard);
    let error = error.unwrap();
    assert!(error.message.contains(CUSTOMER), "{error}");
    assert!(log.text().contains(&error.message), "{}", log.text());
}
