//! A peering service that is away for an hour: the two services in this process, on SQLite, by a clock of the test's.

use std::pin::Pin;
use std::time::Duration;

use api::network::v1::Network;
use api::network::v1::network::State as NetworkState;
use api::peering::v1::peering::State;
use cloudsim::FaultKind;
use e2e::Suite;
use runtime::clock::Clock;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const REGION: &str = "eu-west-1";
const HOUR: Duration = Duration::from_secs(3_600);

type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A service that runs until told to stop.
struct Running {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Running {
    async fn network(suite: &Suite, clock: &Clock) -> Self {
        let config = network::Config::load(None, suite.environment_of("network"));
        let config = config.expect("settings");
        network::App::migrate(&config).await.expect("a schema");
        let app = network::App::build_at(config, clock.clone()).await;
        let app = app.expect("the network service");
        Self::of(|told| app.run(told))
    }

    async fn peering(suite: &Suite, clock: &Clock) -> Self {
        let config = peering::Config::load(None, suite.environment_of("peering"));
        let config = config.expect("settings");
        peering::App::migrate(&config).await.expect("a schema");
        let app = peering::App::build_at(config, clock.clone()).await;
        let app = app.expect("the peering service");
        Self::of(|told| app.run(told))
    }

    fn of<F, E>(run: impl FnOnce(Stop) -> F) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Debug,
    {
        let (stop, told) = oneshot::channel();
        let run = run(Box::pin(async move { told.await.unwrap_or_default() }));
        let ended = tokio::spawn(async move { run.await.expect("the service runs to its end") });
        Self { stop, ended }
    }

    async fn stop(self) {
        self.stop.send(()).expect("the service runs");
        self.ended.await.expect("it ends well");
    }
}

/// A clock that goes as fast as time does, and that a test moves on.
fn clock() -> Clock {
    let clock = Clock::manual(Clock::system().now_ms());
    let ticking = clock.clone();
    tokio::spawn(async move {
        let mut before = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let whole = Duration::from_millis(before.elapsed().as_millis() as u64);
            ticking.advance(whole);
            before += whole;
        }
    });
    clock
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_with_peerings_outlives_hours_without_the_services() {
    let suite = Suite::adapter().await;
    let clock = clock();
    let network_service = Running::network(&suite, &clock).await;
    let peering_service = Running::peering(&suite, &clock).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let mut peerings = Vec::new();
    for cidr in ["10.1.0.0/16", "10.2.0.0/16"] {
        let vpc = suite.customer.vpc(REGION, cidr).await;
        let peering = suite.peer(&network, &vpc, cidr).await;
        peerings.push(suite.until(&peering, State::PendingAcceptance).await);
    }
    suite.accepted(&peerings[0]).await;

    peering_service.stop().await;
    suite.delete_with_peerings(&network.id).await;
    clock.advance(HOUR);
    // The network service works on in the later hour, and waits.
    let later = suite.network(REGION, "10.40.0.0/16").await;
    let recorded = |network: &Network| network.create_time.expect("a time").seconds;
    assert!(recorded(&later) >= recorded(&network) + 3_600);
    let waiting = suite
        .until_network(&network.id, NetworkState::Deleting)
        .await;
    assert_eq!(waiting.peering_count, 2);

    suite
        .cloudsim()
        .fault_in(REGION, "DeleteVpcPeeringConnection", FaultKind::Error500);
    let peering_service = Running::peering(&suite, &clock).await;
    for peering in &peerings {
        suite.until(peering, State::Deleting).await;
    }
    peering_service.stop().await;
    network_service.stop().await;
    clock.advance(HOUR);
    suite.cloudsim().clear_faults();
    let network_service = Running::network(&suite, &clock).await;
    let peering_service = Running::peering(&suite, &clock).await;
    for peering in &peerings {
        suite.until(peering, State::Deleted).await;
    }
    suite.until_network_gone(&network.id).await;
    let left = suite.left_in_the_cloud(REGION).await;
    assert!(!left.contains(&network.provider_vpc_id), "{left:?}");
    peering_service.stop().await;
    network_service.stop().await;
}
