//! Secrets stay out of logs, at every level.

use std::io::Write;
use std::sync::{Arc, Mutex};

use cloudsim::{Cloudsim, Options};

use crate::support::*;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn not_even_the_finest_log_shows_credentials() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // The test's runtime has one thread, so this one hears everything.
    let guard = tracing::subscriber::set_default(subscriber);
    let cloud = Cloudsim::start(Options::default()).await.unwrap();
    let role = format!(r#", role_arn="arn:aws:iam::{VENDOR}:role/peerway""#);
    let adapter = Adapter::start_as("777788889999", &cloud.endpoint(), &role, &[]).await;
    let (_, error) = observe_pages(adapter.client.clone(), &[]).await;
    drop(guard);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(cloud.calls_of("AssumeRole").len(), 1);
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("DescribeVpcPeeringConnections"));
    assert!(!log.contains(SECRET));
    // The answer of AssumeRole, in which the session's secrets stand.
    assert!(!log.contains("<SecretAccessKey>") && !log.contains("<SessionToken>"));
}
