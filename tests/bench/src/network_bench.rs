//! Networks in numbers: how long address space and lists take among a hundred thousand networks, and by which index.

mod fill;

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use api::network::v1::network_service_client::NetworkServiceClient;
use api::network::v1::*;
use runtime::db::Db;
use testkit::{Process, TestDatabase, binary};
use tonic::transport::Channel;

use crate::figures::{Figure, quantile};
use fill::{BIG, Scans, small};

const CALLS: u32 = 500;
const PAGE: i32 = 100;

/// What was measured so far.
#[derive(Default)]
struct Measured(Vec<Figure>);

/// Takes each figure `runs` times, and prints by which indexes each kind of call went.
pub(crate) async fn measure(runs: usize) -> anyhow::Result<Vec<Figure>> {
    let mut measured = Measured::default();
    for _ in 0..runs {
        let bench = Bench::start().await?;
        bench.checks(&mut measured).await?;
        bench.creates(&mut measured).await?;
        bench.lists(&mut measured).await?;
    }
    Ok(measured.0)
}

/// The network service on a full database, without a provider-adapter: no cloud is asked here.
struct Bench {
    client: NetworkServiceClient<Channel>,
    db: Db,
    _process: Process,
    _database: TestDatabase,
}

impl Bench {
    async fn start() -> anyhow::Result<Self> {
        let database = testkit::postgres().await;
        let address = free_port()?;
        let settings = [
            ("SERVER__LISTEN", address.to_string()),
            ("DATABASE__URL", database.url().to_owned()),
            ("QUOTAS__NETWORKS", "1000000".to_owned()),
        ]
        .map(|(name, value)| (format!("PEERWAY_NETWORK__{name}"), value));
        let program = |argument| {
            let mut command = Command::new(binary("network"));
            Process::spawn(command.arg(argument).envs(settings.clone()))
        };
        let migrated = program("migrate");
        anyhow::ensure!(migrated.wait().await.success(), "{}", migrated.logs());
        let process = program("serve");
        process.port(address).await;
        let bench = Self {
            client: NetworkServiceClient::connect(format!("http://{address}")).await?,
            db: database.connect().await,
            _process: process,
            _database: database,
        };
        // What the program itself records is the pattern of the others.
        bench.create("pattern", "first", "10.250.0.0/16", 0).await?;
        fill::fill(&bench.db).await?;
        Ok(bench)
    }

    /// Pages of a long list: at its beginning, in its middle, at its end.
    async fn lists(&self, measured: &mut Measured) -> anyhow::Result<()> {
        for (tenant, keys) in [
            (
                BIG,
                [
                    "list_first_median_ms",
                    "list_middle_median_ms",
                    "list_last_median_ms",
                ],
            ),
            (
                "-",
                [
                    "list_all_first_median_ms",
                    "list_all_middle_median_ms",
                    "list_all_last_median_ms",
                ],
            ),
        ] {
            let before = Scans::read(&self.db).await?;
            let pages = self.pages(tenant).await?;
            let (first, rest) = pages.split_at(50);
            let (_, last) = rest.split_at(rest.len() - 50);
            let middle = &pages[pages.len() / 2 - 25..][..50];
            for (key, pages) in keys.into_iter().zip([first, middle, last]) {
                let what = "ListNetworks, a page of 100 of the longest list";
                measured.add(key, what, quantile(pages, 0.5));
            }
            let label = if tenant == BIG {
                "ListNetworks"
            } else {
                "ListNetworks of all tenants"
            };
            println!("{label}: {}", before.since(&self.db).await?);
        }
        Ok(())
    }

    /// Milliseconds of each page of a tenant's list, from its beginning to its end.
    async fn pages(&self, tenant: &str) -> anyhow::Result<Vec<f64>> {
        let mut request = ListNetworksRequest {
            tenant_id: tenant.to_owned(),
            page_size: PAGE,
            ..ListNetworksRequest::default()
        };
        let (mut client, mut took) = (self.client.clone(), Vec::new());
        loop {
            let began = Instant::now();
            let page = client.list_networks(request.clone()).await?.into_inner();
            took.push(millis(began.elapsed()));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                return Ok(took);
            }
        }
    }

    async fn checks(&self, measured: &mut Measured) -> anyhow::Result<()> {
        for (keys, what, label, tenant, size) in [
            (
                ["check_median_ms", "check_p99_ms"],
                "CheckCidr, a tenant with 20 networks",
                "CheckCidr",
                None,
                0,
            ),
            (
                ["check_big_median_ms", "check_big_p99_ms"],
                "the same, a tenant with 50,000",
                "CheckCidr of 50,000",
                Some(BIG),
                0,
            ),
            (
                ["suggest_big_median_ms", "suggest_big_p99_ms"],
                "the same, with suggestions from the densest part",
                "CheckCidr with suggestions",
                Some(BIG),
                24,
            ),
        ] {
            let (before, mut client, mut took) = (
                Scans::read(&self.db).await?,
                self.client.clone(),
                Vec::new(),
            );
            for n in 0..CALLS {
                let request = CheckCidrRequest {
                    tenant_id: tenant.map_or_else(|| small(n), str::to_owned),
                    provider: Provider::Aws.into(),
                    region: "eu-west-1".to_owned(),
                    cidr: format!("10.{}.{}.0/24", 20 + n % 180, n % 256),
                    prefix_length: size,
                    multi_region_group: "world".to_owned(),
                };
                let began = Instant::now();
                client.check_cidr(request).await?;
                took.push(millis(began.elapsed()));
            }
            measured.both(keys, what, &took);
            println!("{label}: {}", before.since(&self.db).await?);
        }
        Ok(())
    }

    async fn creates(&self, measured: &mut Measured) -> anyhow::Result<()> {
        for (keys, what, label, tenant, size) in [
            (
                ["create_median_ms", "create_p99_ms"],
                "CreateNetwork, a tenant with 20 networks",
                "CreateNetwork",
                None,
                0,
            ),
            (
                ["create_big_median_ms", "create_big_p99_ms"],
                "the same, a tenant with 50,000",
                "CreateNetwork of 50,000",
                Some(BIG),
                0,
            ),
            (
                ["create_free_big_median_ms", "create_free_big_p99_ms"],
                "the same, with a free block",
                "CreateNetwork with a free block",
                Some(BIG),
                24,
            ),
        ] {
            let (before, mut took) = (Scans::read(&self.db).await?, Vec::new());
            for n in 0..CALLS {
                let tenant = tenant.map_or_else(|| small(n), str::to_owned);
                let cidr = if size == 0 {
                    format!("10.{}.{}.0/24", 210 + n / 256, n % 256)
                } else {
                    String::new()
                };
                let began = Instant::now();
                self.create(&tenant, &format!("new-{size}-{n}"), &cidr, size)
                    .await?;
                took.push(millis(began.elapsed()));
            }
            measured.both(keys, what, &took);
            println!("{label}: {}", before.since(&self.db).await?);
        }
        Ok(())
    }

    async fn create(&self, tenant: &str, name: &str, cidr: &str, size: i32) -> anyhow::Result<()> {
        let request = CreateNetworkRequest {
            tenant_id: tenant.to_owned(),
            display_name: name.to_owned(),
            provider: Provider::Aws.into(),
            region: "eu-west-1".to_owned(),
            cidr: cidr.to_owned(),
            prefix_length: size,
            multi_region_group: if size == 0 {
                "world".to_owned()
            } else {
                String::new()
            },
            ..CreateNetworkRequest::default()
        };
        self.client.clone().create_network(request).await?;
        Ok(())
    }
}

impl Measured {
    fn add(&mut self, key: &'static str, what: &'static str, run: f64) {
        match self.0.iter_mut().find(|figure| figure.key == key) {
            Some(figure) => figure.runs.push(run),
            None => self.0.push(Figure {
                key,
                what,
                runs: vec![run],
            }),
        }
    }

    fn both(&mut self, [median, p99]: [&'static str; 2], what: &'static str, took: &[f64]) {
        self.add(median, what, quantile(took, 0.5));
        self.add(p99, what, quantile(took, 0.99));
    }
}

/// An address of the loopback that is free now.
fn free_port() -> anyhow::Result<SocketAddr> {
    let held = TcpListener::bind("127.0.0.1:0").context("a free port")?;
    Ok(held.local_addr()?)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
