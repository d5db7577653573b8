//! What a caller feels: how long a create takes, how soon an accepted peering shows ACTIVE, what an idle service costs.

use std::time::{Duration, Instant};

use api::peering::v1::peering::State;
use e2e::Suite;

use crate::figures::{Figure, quantile};
use crate::memory::resident_kib;

const REGION: &str = "eu-west-1";
const CREATES: usize = 100;
const ACCEPTS: usize = 5;
/// Until what the start left behind has been given back.
const SETTLE: Duration = Duration::from_secs(10);

pub(crate) async fn measure(runs: usize) -> anyhow::Result<Vec<Figure>> {
    let figure = |key, what| Figure {
        key,
        what,
        runs: Vec::new(),
    };
    let mut create = figure("create_median_ms", "CreatePeering on SQLite, one caller");
    let mut create_p99 = figure("create_p99_ms", "the same, 99th percentile");
    let mut detect = figure(
        "accept_to_active_median_s",
        "customer's accept to ACTIVE in GetPeering",
    );
    let mut detect_worst = figure("accept_to_active_worst_s", "the same, the slowest");
    let mut standalone = figure("standalone_idle_rss_mib", "the suite in one process");
    let mut services = [
        figure("network_idle_rss_mib", "on PostgreSQL and Redis"),
        figure("peering_idle_rss_mib", "on PostgreSQL and Redis"),
        figure(
            "provider_adapter_idle_rss_mib",
            "one account in two regions",
        ),
    ];
    for _ in 0..runs {
        let suite = Suite::standalone().await;
        tokio::time::sleep(SETTLE).await;
        standalone
            .runs
            .push(resident_kib(suite.pid("standalone").await)? / 1_024.0);
        let detected = accepts(&suite).await;
        detect.runs.push(quantile(&detected, 0.5));
        detect_worst.runs.push(quantile(&detected, 1.0));
        let created = creates(&suite).await;
        create.runs.push(quantile(&created, 0.5));
        create_p99.runs.push(quantile(&created, 0.99));
        drop(suite);

        let suite = Suite::three().await;
        tokio::time::sleep(SETTLE).await;
        for (figure, name) in services
            .iter_mut()
            .zip(["network", "peering", "provider-adapter"])
        {
            figure
                .runs
                .push(resident_kib(suite.pid(name).await)? / 1_024.0);
        }
    }
    let mut figures = vec![create, create_p99, detect, detect_worst, standalone];
    figures.extend(services);
    Ok(figures)
}

/// Milliseconds of each create. The VPCs do not exist, which only the cloud can know.
async fn creates(suite: &Suite) -> Vec<f64> {
    let network = suite.network(REGION, "10.21.0.0/16").await;
    let mut took = Vec::new();
    for n in 0..CREATES {
        let (vpc, cidr) = (format!("vpc-{n:017x}"), format!("10.100.{n}.0/24"));
        let began = Instant::now();
        suite.peer(&network, &vpc, &cidr).await;
        took.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    took
}

/// Seconds from each accept to ACTIVE.
async fn accepts(suite: &Suite) -> Vec<f64> {
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let mut took = Vec::new();
    for n in 0..ACCEPTS {
        let cidr = format!("10.{}.0.0/16", 1 + n);
        let vpc = suite.customer.vpc(REGION, &cidr).await;
        let peering = suite.peer(&network, &vpc, &cidr).await;
        let waiting = suite.until(&peering, State::PendingAcceptance).await;
        suite
            .customer
            .accept(REGION, &waiting.provider_peering_id)
            .await;
        let began = Instant::now();
        suite.until(&peering, State::Active).await;
        took.push(began.elapsed().as_secs_f64());
    }
    took
}
