//! Listing the routes to peerings of a deployment, in as few calls as there are pages of route tables.
//!
//! Tables are found by the tags that [`super::routes`] puts on them. Those that others made in our VPCs carry none, and
//! are found by their VPCs, which takes the pages of these besides.

use std::collections::BTreeMap;

use api::cloud::CloudError;
use aws_sdk_ec2::types::{Filter, RouteTable};
use types::NetworkId;

use super::client::Ec2;
use super::error::Failure;
use super::route_plan::{Table, to_peerings};
use super::routes::{all_tables, incomplete, table};
use super::vpc_look::{self, VPCS};
use super::{MOST_VALUES, tags};
use crate::provider::{NetworkRoutes, ObserveRoutes};

/// The tables of each network's VPC.
type Tables = BTreeMap<(NetworkId, String), Vec<Table>>;

/// The routes of the deployment's VPCs, whole or not at all.
pub(super) async fn all(ec2: &Ec2, ask: &ObserveRoutes) -> Result<Vec<NetworkRoutes>, CloudError> {
    let listing = Listing { ec2, ask };
    let tables = match ask.with_untagged {
        true => listing.by_vpc().await?,
        false => listing.by_tag().await?,
    };
    let seen = tables
        .into_iter()
        .map(|((network_id, vpc_id), tables)| NetworkRoutes {
            network_id,
            vpc_id,
            routes: to_peerings(&tables),
        });
    Ok(seen.collect())
}

struct Listing<'a> {
    ec2: &'a Ec2,
    ask: &'a ObserveRoutes,
}

impl Listing<'_> {
    async fn by_tag(&self) -> Result<Tables, CloudError> {
        let mut tables = Tables::new();
        for seen in self.fetch(self.filters()).await? {
            if let Some(network) = self.network(seen.tags(), seen.owner_id()) {
                lay(&mut tables, network, &seen).map_err(Failure::while_looking)?;
            }
        }
        Ok(tables)
    }

    async fn by_vpc(&self) -> Result<Tables, CloudError> {
        let mut networks = BTreeMap::new();
        for vpc in vpc_look::all_vpcs(self.ec2, self.filters()).await? {
            if let Some(network) = self.network(vpc.tags(), vpc.owner_id()) {
                let id = vpc.vpc_id.ok_or_else(|| vpc_look::incomplete(VPCS))?;
                networks.insert(id, network);
            }
        }
        let mut tables = Tables::new();
        let ids: Vec<&String> = networks.keys().collect();
        for ids in ids.chunks(MOST_VALUES) {
            let filter = tags::filter("vpc-id", ids.iter().copied());
            for seen in self.fetch(vec![filter]).await? {
                let network = seen.vpc_id().and_then(|vpc| networks.get(vpc));
                if let Some(network) = network.filter(|_| self.ec2.is_own(seen.owner_id())) {
                    lay(&mut tables, *network, &seen).map_err(Failure::while_looking)?;
                }
            }
        }
        Ok(tables)
    }

    async fn fetch(&self, filters: Vec<Filter>) -> Result<Vec<RouteTable>, CloudError> {
        let found = all_tables(self.ec2, filters).await;
        found.map_err(Failure::while_looking)
    }

    /// What lets the asked networks' objects pass.
    fn filters(&self) -> Vec<Filter> {
        let mut filters = tags::filters(&[(tags::DEPLOYMENT, &self.ask.deployment)]);
        let ids = self.ask.network_ids.iter().map(ToString::to_string);
        filters.push(match self.ask.network_ids.is_empty() {
            true => tags::filter("tag-key", [tags::NETWORK]),
            false => tags::filter(format!("tag:{}", tags::NETWORK), ids),
        });
        filters
    }

    /// The asked network whose an object of the account is.
    fn network(&self, found: &[aws_sdk_ec2::types::Tag], owner: Option<&str>) -> Option<NetworkId> {
        let asked = &self.ask.network_ids;
        tags::network_of(found, &self.ask.deployment)
            .filter(|id| asked.is_empty() || asked.contains(id))
            .filter(|_| self.ec2.is_own(owner))
    }
}

fn lay(tables: &mut Tables, network: NetworkId, seen: &RouteTable) -> Result<(), Failure> {
    let vpc = seen.vpc_id().ok_or_else(incomplete)?.to_owned();
    let table = table(seen).ok_or_else(incomplete)?;
    tables.entry((network, vpc)).or_default().push(table);
    Ok(())
}
