//! AWS: the vendor's accounts, and each call of the contract in terms of EC2.

mod client;
mod code;
mod error;
mod firewall;
mod firewall_plan;
mod guard;
mod identity;
mod limits;
mod listing;
mod options;
mod peering;
mod peering_list;
mod peering_state;
mod place;
mod route_list;
mod route_plan;
mod routes;
mod steps;
mod tags;
mod unauthorized;
mod vpc;
mod vpc_delete;
mod vpc_list;
mod vpc_look;
mod vpc_part;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::cloud::{CloudError, CloudErrorKind};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::timeout::TimeoutConfig;
use futures::{FutureExt, StreamExt, TryStreamExt, future};
use tokio::sync::OnceCell;
use types::GroupId;

use super::steps::{Facts, Guide};
use super::{
    DeletePeering, DeleteVpc, EnsureFirewall, EnsurePeering, EnsurePeeringOptions, EnsureRoutes,
    EnsureVpc, Limit, NetworkRoutes, ObservePeerings, ObserveRoutes, ObserveVpcs, Pages,
    PeeringObservation, PlaceNetwork, Provider, Removal, RoutesProgress, Underway, VpcObservation,
    VpcProgress, route_pages, vpc_pages,
};
use crate::config::{AccountConfig, AwsConfig};
use client::Ec2;

/// Values that EC2 takes in the filters of one call.
const MOST_VALUES: usize = 200;

/// AWS as the vendor's accounts see it.
#[derive(Clone)]
pub struct Aws(Arc<Inner>);

struct Inner {
    config: AwsConfig,
    base: SdkConfig,
    /// One cell per account and region, filled at its first use.
    clients: BTreeMap<(String, String), OnceCell<Arc<Ec2>>>,
}

impl Aws {
    /// Reads the ordinary AWS settings of the process (environment, profile), unless `credentials` are given.
    /// Asks no cloud.
    pub async fn new(config: AwsConfig, credentials: Option<SharedCredentialsProvider>) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(config.connect_timeout)
            .operation_timeout(config.call_timeout)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            // Each client names its own; without one the SDK would ask the machine's metadata service.
            .region(Region::from_static("us-east-1"))
            .retry_config(RetryConfig::standard().with_max_attempts(2))
            .timeout_config(timeouts);
        if let Some(credentials) = credentials {
            loader = loader.credentials_provider(credentials);
        }
        let base = loader.load().await;
        let clients = config
            .accounts
            .iter()
            .flat_map(|account| {
                let id = account.account_id.to_string();
                account
                    .regions
                    .iter()
                    .map(move |region| (id.clone(), region.to_string()))
            })
            .map(|key| (key, OnceCell::new()))
            .collect();
        Self(Arc::new(Inner {
            config,
            base,
            clients,
        }))
    }

    /// Whether every account and region that was asked gave a usable answer last time. Asks no cloud.
    pub fn works(&self) -> bool {
        let mut asked = self.0.clients.values().filter_map(OnceCell::get);
        asked.all(|client| client.works())
    }

    /// The client of a group, once its credentials are known to be the account's.
    async fn client(&self, group: &GroupId) -> Result<Arc<Ec2>, CloudError> {
        let key = (
            group.account.clone().unwrap_or_default(),
            group.region.clone().unwrap_or_default(),
        );
        let cell = self.0.clients.get(&key);
        let (Some(cell), Some(account)) = (cell, self.account(&key.0)) else {
            return Err(CloudError::refused(
                CloudErrorKind::Unauthorized,
                "CLOUD_UNAUTHORIZED",
                format!("account {} is not configured for region {}", key.0, key.1),
            ));
        };
        let client = cell
            .get_or_init(|| async {
                Arc::new(Ec2::build(&self.0.base, &self.0.config, account, &key.1).await)
            })
            .await;
        identity::verify(client).await?;
        Ok(client.clone())
    }

    fn account(&self, id: &str) -> Option<&AccountConfig> {
        self.0
            .config
            .accounts
            .iter()
            .find(|account| account.account_id.as_str() == id)
    }
}

#[tonic::async_trait]
impl Provider for Aws {
    async fn place_network(&self, ask: &PlaceNetwork) -> Result<GroupId, CloudError> {
        place::choose(&self.0.config.accounts, ask)
    }

    async fn ensure_vpc(&self, ask: EnsureVpc) -> Result<Underway<VpcProgress>, CloudError> {
        let ec2 = self.client(&ask.vpc.group).await?;
        vpc::ensure(&ec2, ask).await.map(Underway::ended)
    }

    async fn delete_vpc(&self, ask: DeleteVpc) -> Result<Underway<Removal>, CloudError> {
        let ec2 = self.client(&ask.vpc.group).await?;
        vpc_delete::delete(&ec2, &ask).await.map(Underway::ended)
    }

    fn observe_vpcs(&self, ask: ObserveVpcs) -> Pages<VpcObservation> {
        let aws = self.clone();
        vpc_pages(async move {
            let ec2 = aws.client(&ask.group).await?;
            vpc_list::all(&ec2, &ask).await
        })
    }

    async fn ensure_firewall(&self, ask: EnsureFirewall) -> Result<Underway<bool>, CloudError> {
        let ec2 = self.client(&ask.vpc.group).await?;
        firewall::ensure(&ec2, &ask).await.map(Underway::ended)
    }

    async fn ensure_peering(
        &self,
        ask: EnsurePeering,
    ) -> Result<Underway<Option<PeeringObservation>>, CloudError> {
        let ec2 = self.client(&ask.peering.group).await?;
        let seen = peering::ensure(&ec2, &ask).await?;
        Ok(Underway::ended(Some(seen)))
    }

    async fn ensure_peering_options(
        &self,
        ask: EnsurePeeringOptions,
    ) -> Result<Underway<bool>, CloudError> {
        let ec2 = self.client(&ask.peering.group).await?;
        options::ensure(&ec2, &ask).await.map(Underway::ended)
    }

    async fn delete_peering(&self, ask: DeletePeering) -> Result<Underway<Removal>, CloudError> {
        let ec2 = self.client(&ask.peering.group).await?;
        peering::delete(&ec2, &ask).await.map(Underway::ended)
    }

    fn observe_peerings(&self, ask: ObservePeerings) -> Pages<PeeringObservation> {
        let aws = self.clone();
        async move {
            let ec2 = aws.client(&ask.group).await?;
            Ok(peering_list::pages(ec2, ask))
        }
        .into_stream()
        .try_flatten()
        .boxed()
    }

    async fn ensure_routes(&self, ask: EnsureRoutes) -> Result<RoutesProgress, CloudError> {
        let ec2 = self.client(&ask.vpc.group).await?;
        routes::ensure(&ec2, &ask).await
    }

    fn observe_routes(&self, ask: ObserveRoutes) -> Pages<NetworkRoutes> {
        let aws = self.clone();
        route_pages(async move {
            let ec2 = aws.client(&ask.group).await?;
            route_list::all(&ec2, &ask).await
        })
    }

    fn describe_steps(&self, facts: &Facts) -> Guide {
        let account = self.account(&facts.vendor_account_id);
        steps::guide(facts, account.and_then(|one| one.endpoint_url.as_deref()))
    }

    async fn limits(&self, only: Option<&GroupId>, usage: bool) -> Result<Vec<Limit>, CloudError> {
        let groups = self.0.config.accounts.iter().flat_map(|account| {
            let id = account.account_id.as_str();
            let group = move |region: &types::Region| (account, GroupId::aws(id, region.as_str()));
            account.regions.iter().map(group)
        });
        let groups = groups.filter(|(_, group)| only.is_none_or(|only| only == group));
        let limits = groups.map(|(account, group)| async move {
            let used = match usage.then(|| self.client(&group)) {
                Some(client) => limits::used(client.await).await,
                None => limits::Used::default(),
            };
            limits::of(account, &group, used)
        });
        Ok(future::join_all(limits).await.concat())
    }
}
