//! GCP: the vendor's projects, and each call of the contract in terms of Compute Engine.
//!
//! GCP works on for seconds after it has answered. A call that began something therefore answers at once, with a token
//! for the operation; the next one reads the operation, and what it did is believed only when a look shows it.

mod client;
mod credentials;
mod error;
mod firewall;
mod limits;
mod listing;
mod meaning;
mod names;
mod operation;
mod options;
mod peering;
mod peering_list;
mod peering_routes;
mod peering_state;
mod steps;
mod token;
mod url;
mod vpc;
mod vpc_delete;
mod vpc_list;
mod vpc_look;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::cloud::{CloudError, CloudErrorKind};
use futures::{StreamExt, future, stream};
use types::GroupId;

use super::place::{self, Words};
use super::steps::{Facts, Guide};
use super::{
    DeletePeering, DeleteVpc, EnsureFirewall, EnsurePeering, EnsurePeeringOptions, EnsureRoutes,
    EnsureVpc, Limit, NetworkRoutes, ObservePeerings, ObserveRoutes, ObserveVpcs, Pages,
    PeeringObservation, PlaceNetwork, Provider, Removal, Route, RouteState, RoutesProgress,
    Underway, VpcObservation, VpcProgress, route_pages, vpc_pages,
};
use crate::config::GcpConfig;
use client::{Gce, Project};

const WORDS: Words = Words {
    account: "project",
    network: "network",
    list: "gcp.projects",
    limits: "the quota \"Networks\" there and gcp.projects.network_limit with it",
};

/// GCP as the vendor's projects see it.
#[derive(Clone)]
pub struct Gcp {
    config: Arc<GcpConfig>,
    projects: Arc<BTreeMap<String, Arc<Project>>>,
}

impl Gcp {
    /// Over the configured projects. Asks no cloud: credentials are looked for at the first call.
    pub fn new(config: GcpConfig) -> Self {
        let projects = config.projects.iter().map(|project| {
            let id = project.project_id.to_string();
            (id, Arc::new(Project::new(&config, project)))
        });
        Self {
            projects: Arc::new(projects.collect()),
            config: Arc::new(config),
        }
    }

    /// What is wrong with the key files, a sentence each. They are read again when they are needed.
    pub async fn unusable_keys(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        for project in &self.config.projects {
            if let Some(path) = &project.key_file
                && let Err(why) = credentials::read(path).await
            {
                sentences.push(format!(
                    "gcp.projects, project {}: {why}",
                    project.project_id
                ));
            }
        }
        sentences
    }

    /// Whether every project that was asked gave a usable answer last time. Asks no cloud.
    pub fn works(&self) -> bool {
        self.projects.values().all(|project| project.works())
    }

    /// The project of a group. `operation_token`: of what may be under way there.
    fn gce(&self, group: &GroupId, operation_token: &str) -> Result<Gce, CloudError> {
        let id = group.account.as_deref().unwrap_or_default();
        let project = self.projects.get(id).ok_or_else(|| CloudError {
            refused: operation_token.is_empty(),
            ..CloudError::refused(
                CloudErrorKind::Unauthorized,
                meaning::UNAUTHORIZED,
                format!("project {id} is not configured: the vendor has to add it to gcp.projects"),
            )
        })?;
        Ok(Gce::new(project.clone()))
    }
}

#[tonic::async_trait]
impl Provider for Gcp {
    async fn place_network(&self, ask: &PlaceNetwork) -> Result<GroupId, CloudError> {
        // In the order of the settings, which decides between equals.
        let here = self
            .config
            .projects
            .iter()
            .filter(|project| project.regions.contains(&ask.region))
            .filter_map(|project| self.projects.get(project.project_id.as_str()));
        let here = here.map(|project| async {
            let gce = Gce::new(project.clone());
            let (room, silence) = limits::room(&gce, ask).await;
            (GroupId::gcp(gce.id()), room, silence)
        });
        let (mut rooms, mut silences) = (Vec::new(), Vec::new());
        for (group, room, silence) in future::join_all(here).await {
            let refused = ask
                .refused
                .iter()
                .any(|id| group.account.as_ref() == Some(id));
            silences.extend(silence.filter(|_| !refused));
            rooms.push((group, room));
        }
        // One that could not be asked just now may have room: that is not to be said to be used up.
        place::choose(&WORDS, rooms, ask).map_err(|full| silences.pop().unwrap_or(full))
    }

    async fn ensure_vpc(&self, ask: EnsureVpc) -> Result<Underway<VpcProgress>, CloudError> {
        let gce = self.gce(&ask.vpc.group, &ask.operation_token)?;
        vpc::ensure(&gce, ask).await
    }

    async fn delete_vpc(&self, ask: DeleteVpc) -> Result<Underway<Removal>, CloudError> {
        let gce = self.gce(&ask.vpc.group, &ask.operation_token)?;
        vpc_delete::delete(&gce, &ask).await
    }

    fn observe_vpcs(&self, ask: ObserveVpcs) -> Pages<VpcObservation> {
        let gce = self.gce(&ask.group, "");
        vpc_pages(async move { vpc_list::all(&gce?, &ask).await })
    }

    async fn ensure_firewall(&self, ask: EnsureFirewall) -> Result<Underway<bool>, CloudError> {
        let gce = self.gce(&ask.vpc.group, &ask.operation_token)?;
        firewall::ensure(&gce, &ask).await
    }

    async fn ensure_peering(
        &self,
        ask: EnsurePeering,
    ) -> Result<Underway<Option<PeeringObservation>>, CloudError> {
        let gce = self.gce(&ask.peering.group, &ask.operation_token)?;
        peering::ensure(&gce, &ask).await
    }

    async fn ensure_peering_options(
        &self,
        ask: EnsurePeeringOptions,
    ) -> Result<Underway<bool>, CloudError> {
        let gce = self.gce(&ask.peering.group, &ask.operation_token)?;
        options::ensure(&gce, &ask).await
    }

    async fn delete_peering(&self, ask: DeletePeering) -> Result<Underway<Removal>, CloudError> {
        let gce = self.gce(&ask.peering.group, &ask.operation_token)?;
        peering::delete(&gce, &ask).await
    }

    fn observe_peerings(&self, ask: ObservePeerings) -> Pages<PeeringObservation> {
        match self.gce(&ask.group, "") {
            Ok(gce) => peering_list::pages(gce, ask),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    /// GCP exchanges the routes of subnets by itself, so there is nothing to do and nobody to ask.
    async fn ensure_routes(&self, ask: EnsureRoutes) -> Result<RoutesProgress, CloudError> {
        let routes = ask
            .wanted
            .into_iter()
            .map(|(cidr, provider_peering_id)| Route {
                cidr,
                provider_peering_id,
                state: RouteState::Active,
            });
        Ok(RoutesProgress {
            routes: routes.collect(),
            complete: true,
        })
    }

    /// None of them is the vendor's to make, so there are none to show.
    fn observe_routes(&self, ask: ObserveRoutes) -> Pages<NetworkRoutes> {
        let known = self.gce(&ask.group, "").map(|_| Vec::new());
        route_pages(async { known })
    }

    fn describe_steps(&self, facts: &Facts) -> Guide {
        let mut projects = self.config.projects.iter();
        let project = projects.find(|one| one.project_id.to_string() == facts.vendor_account_id);
        steps::guide(facts, project.and_then(|one| one.endpoint.as_deref()))
    }

    async fn limits(&self, only: Option<&GroupId>, usage: bool) -> Result<Vec<Limit>, CloudError> {
        let account = only.and_then(|only| only.account.as_deref());
        let projects = self.projects.iter();
        let wanted =
            projects.filter(|(id, _)| account.is_none_or(|account| account == id.as_str()));
        let asked = wanted.map(|(_, project)| project).map(|project| async {
            let gce = Gce::new(project.clone());
            limits::of(&gce, usage).await
        });
        Ok(future::join_all(asked).await.concat())
    }
}
