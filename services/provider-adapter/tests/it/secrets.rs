//! Secrets stay out of logs, at every level.

use cloudsim::{Cloudsim, Options};

use crate::log::Log;
use crate::support::*;

#[tokio::test]
async fn not_even_the_finest_log_shows_credentials() {
    let (log, guard) = Log::at(tracing::Level::TRACE);
    let cloud = Cloudsim::start(Options::default()).await.unwrap();
    let role = format!(r#", role_arn="arn:aws:iam::{VENDOR}:role/peerway""#);
    let adapter = Adapter::start_as("777788889999", &cloud.endpoint(), &role, &[]).await;
    let (_, error) = observe_pages(adapter.client.clone(), &[]).await;
    drop(guard);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(cloud.calls_of("AssumeRole").len(), 1);
    let log = log.text();
    assert!(log.contains("DescribeVpcPeeringConnections"));
    assert!(!log.contains(SECRET));
    // The answer of AssumeRole, in which the session's secrets stand.
    assert!(!log.contains("<SecretAccessKey>") && !log.contains("<SessionToken>"));
}
