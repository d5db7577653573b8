//! Redis as operators run it: with TLS, with users, behind sentinels, shared by deployments.

use std::time::Duration;

use runtime::config::RedisMode;

use super::outage::reaches;
use super::{Fixture, HOUR, NAME, claim_one, claim_when_due, end, is_idle};
use crate::Lane::{Pending, Work};
use crate::{Error, Queue};

/// What a user of the queue needs; ARCHITECTURE.md shows it to operators.
const USER: &str = "on >s3cret ~{test-check}:* &{test-check}:wake -@all +@read +@write +@scripting +@connection \
                    +publish +subscribe +info +time";

#[tokio::test]
async fn a_user_of_redis_with_few_rights_and_tls_with_a_client_certificate_are_enough() {
    let certificates = testkit::Certificates::make();
    let [ca, cert, key] = [certificates.ca(), certificates.cert(), certificates.key()];
    let port = testkit::free_port();
    let tls = [
        "--tls-port",
        &port.to_string(),
        "--tls-ca-cert-file",
        &ca.to_string_lossy(),
        "--tls-cert-file",
        &cert.to_string_lossy(),
        "--tls-key-file",
        &key.to_string_lossy(),
        "--tls-auth-clients",
        "yes",
    ];
    runtime::init_crypto();
    let mut fixture = Fixture::redis().await;
    let redis = testkit::Redis::start_with(&tls).await;
    redis.must(&format!("ACL SETUSER peerway {USER}"));
    redis.must("ACL SETUSER default resetpass -@all +ping");
    fixture.config.redis_url = Some(format!("rediss://peerway:s3cret@127.0.0.1:{port}").into());
    fixture.config.redis_ca = Some(ca);
    fixture.config.redis_cert = Some(cert);
    fixture.config.redis_key = Some(key);
    // Nothing goes to the table: an answer that is no error is the only way on.
    let queue = fixture
        .queue_with(|config| config.redis_patience = HOUR)
        .await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Work).await;
    assert_eq!(held.group, group);
    assert!(end(&queue, &held, HOUR).await);
    queue.nudge(&group, Work, Duration::ZERO).await;
    assert_eq!(claim_one(&queue, Work).await.group, group);
    queue.sweep(&[]).await.unwrap();
    assert_eq!(queue.backend(), "redis");
}

#[tokio::test]
async fn after_a_failover_of_sentinels_the_new_master_serves() {
    let mut fixture = Fixture::redis().await;
    let mut master = fixture.redis.take().unwrap();
    let replica = master.replica().await;
    let sentinel = master.sentinel().await;
    fixture.config.redis_mode = RedisMode::Sentinel;
    // The first sentinel is gone: the second is asked.
    fixture.config.redis_url = Some("redis://127.0.0.1:1".into());
    fixture.config.redis_nodes = vec![sentinel.address().to_string()];
    let queue = super::outage::quick_queue(&fixture).await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_when_due(&queue, Work).await;
    end(&queue, &held, Duration::ZERO).await;
    reaches(&queue, "redis").await;

    master.stop();
    reaches(&queue, "table").await;
    assert_eq!(claim_one(&queue, Pending).await.group, group);
    reaches(&queue, "redis").await;
    queue.nudge(&group, Work, Duration::ZERO).await;
    assert_eq!(claim_when_due(&queue, Work).await.group, group);
    let mut keys = redis::cmd("EXISTS");
    keys.arg(format!("{{{NAME}}}:due:work"));
    fixture.config.redis_url = Some(replica.url().into());
    fixture.config.redis_mode = RedisMode::Single;
    assert_eq!(fixture.ask_redis::<i64>(&keys).await, 1);
}

#[tokio::test]
async fn deployments_with_prefixes_of_their_own_share_a_redis() {
    let fixture = Fixture::redis().await;
    let mut another = Fixture::sqlite().await;
    another.config.redis_url = fixture.config.redis_url.clone();
    another.config.redis_prefix = "staging".to_owned();
    let (queue, other) = (fixture.queue().await, another.queue().await);
    let group = fixture.group("111122223333", Duration::ZERO).await;
    assert!(is_idle(&other, Work).await);
    assert_eq!(claim_one(&queue, Work).await.group, group);
}

#[tokio::test]
async fn settings_that_make_no_sense_are_named_and_no_password_is_shown() {
    let fixture = Fixture::sqlite().await;
    let start = async |change: &dyn Fn(&mut runtime::config::QueueConfig)| {
        let mut config = fixture.config.clone();
        config.redis_url = Some("redis://peerway:s3cret@127.0.0.1:1".into());
        change(&mut config);
        let Err(error) = Queue::start(NAME, fixture.db.clone(), &config).await else {
            panic!("the settings are taken");
        };
        assert!(
            !format!("{error} {error:?}").contains("s3cret"),
            "{error:?}"
        );
        error
    };
    let url = |url: &'static str| {
        move |config: &mut runtime::config::QueueConfig| config.redis_url = Some(url.into())
    };
    for wrong in [
        "s3cret",
        "http://peerway:s3cret@host",
        "redis://a:s3cret@host:port",
    ] {
        assert!(
            matches!(start(&url(wrong)).await, Error::Redis(_)),
            "{wrong}"
        );
    }
    for node in ["host", "a:s3cret@host:6379", "host:6379/0", ":6379"] {
        let error = start(&|config| config.redis_nodes = vec![node.to_owned()]).await;
        assert!(
            error.to_string().starts_with("queue.redis_nodes"),
            "{error}"
        );
    }
    let error = start(&|config| config.redis_ca = Some("/nowhere/ca.pem".into())).await;
    assert!(
        error
            .to_string()
            .starts_with("queue.redis_ca: /nowhere/ca.pem: "),
        "{error}"
    );
    let error = start(&|config| config.redis_key = Some("/dev/null".into())).await;
    assert!(error.to_string().contains("go together"), "{error}");
}
