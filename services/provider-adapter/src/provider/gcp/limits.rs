//! The limits of a project, as the cloud tells them and as they are configured.

use api::cloud::{CloudError, CloudErrorKind};
use google_cloud_compute_v1::model::Project;
use google_cloud_compute_v1::model::quota::Metric;
use types::GroupId;

use super::client::{Clients, Gce};
use super::error::Failure;
use crate::provider::place::Room;
use crate::provider::{Limit, PlaceNetwork};

/// What GCP grants a project that has not asked for more.
const NETWORKS: u32 = 5;
const API: &str = "projects.get";

/// The project's limits. A project that cannot be asked shows its configured ones: others are not to suffer.
pub(super) async fn of(gce: &Gce, usage: bool) -> [Limit; 2] {
    let told = match usage {
        true => quota(gce).await.ok().flatten(),
        false => None,
    };
    let config = &gce.project.config;
    let by_cloud = told.map(|(_, limit)| limit);
    let limit = |name, used, limit, from_cloud| Limit {
        group: GroupId::gcp(gce.id()),
        name,
        used,
        limit,
        from_cloud,
    };
    let networks = config.network_limit.or(by_cloud).unwrap_or(NETWORKS);
    let from_cloud = config.network_limit.is_none() && by_cloud.is_some();
    [
        limit("networks", told.map(|(used, _)| used), networks, from_cloud),
        limit(
            "peerings_per_network",
            None,
            config.peerings_per_network,
            false,
        ),
    ]
}

/// How many networks the project may have: what is configured, else the cloud's limit, with what others have there.
/// One that does not tell is taken for one that has not asked for more; beside it, why it could not be asked now.
pub(super) async fn room(gce: &Gce, ask: &PlaceNetwork) -> (Room, Option<CloudError>) {
    let alone = |limit| Room { limit, others: 0 };
    if let Some(limit) = gce.project.config.network_limit {
        return (alone(limit), None);
    }
    match quota(gce).await {
        Ok(Some((used, limit))) => {
            let others = used.saturating_sub(ask.used(&GroupId::gcp(gce.id())));
            (Room { limit, others }, None)
        }
        Ok(None) => (alone(NETWORKS), None),
        Err(failure) => {
            let error = failure.while_looking();
            let passes = matches!(
                error.kind,
                CloudErrorKind::Throttled | CloudErrorKind::Unavailable
            );
            (alone(NETWORKS), passes.then_some(error))
        }
    }
}

/// How many networks the project has and may have; none: it does not tell.
async fn quota(gce: &Gce) -> Result<Option<(u32, u32)>, Failure> {
    let send = |clients: &Clients| clients.projects.get().set_project(gce.id()).send();
    let project = gce.call(API, send).await?;
    if is_project(&project) {
        Ok(networks(&project))
    } else {
        Err(gce.unusable(API, "the answer shows no project"))
    }
}

/// Whether it says anything of a project at all.
fn is_project(project: &Project) -> bool {
    match project.kind.as_deref() {
        Some(kind) => kind == "compute#project",
        None => project.name.is_some() || !project.quotas.is_empty(),
    }
}

fn networks(project: &Project) -> Option<(u32, u32)> {
    let mut quotas = project.quotas.iter();
    let quota = quotas.find(|quota| quota.metric == Some(Metric::Networks))?;
    Some((whole(quota.usage?)?, whole(quota.limit?)?))
}

/// The cloud counts in floating point.
fn whole(count: f64) -> Option<u32> {
    let rounded = format!("{count:.0}");
    rounded.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use google_cloud_compute_v1::model::Quota;

    #[test]
    fn the_quota_of_networks_is_found_among_the_others() {
        let quota = |metric, usage, limit| {
            Quota::new()
                .set_metric(metric)
                .set_usage(usage)
                .set_limit(limit)
        };
        let project = Project::new().set_quotas([
            quota(Metric::Subnetworks, 1.0, 2.0),
            quota(Metric::Networks, 3.0, 15.0),
        ]);
        assert_eq!(networks(&project), Some((3, 15)));
        assert_eq!(networks(&Project::new()), None);
        assert!(is_project(&project) && !is_project(&Project::new()));
        assert!(is_project(&Project::new().set_name("acme-prod")));
        assert!(!is_project(&Project::new().set_kind("compute#network")));
        assert_eq!(whole(-1.0), None);
        assert_eq!(whole(f64::NAN), None);
    }
}
