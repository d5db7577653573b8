//! The limits of a project, as the cloud tells them and as they are configured.

use google_cloud_compute_v1::model::Project;
use google_cloud_compute_v1::model::quota::Metric;

use super::client::{Clients, Gce};
use super::error::Failure;
use crate::provider::{Limit, PlaceNetwork};

/// What GCP grants a project that has not asked for more.
const NETWORKS: u32 = 5;
const API: &str = "projects.get";

/// The project's limits. A project that cannot be asked shows its configured ones: others are not to suffer.
pub(super) async fn of(gce: &Gce, usage: bool) -> [Limit; 2] {
    let told = match usage {
        true => quota(gce).await.ok(),
        false => None,
    };
    let config = &gce.project.config;
    let by_cloud = told.map(|(_, limit)| limit);
    let limit = |name, used, limit, from_cloud| Limit {
        group: types::GroupId::gcp(gce.id()),
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

/// How many networks of ours the project may have: what is configured, else the cloud's limit less what others have
/// there. A project that does not answer is taken for one that has not asked for more.
pub(super) async fn of_ours(gce: &Gce, ask: &PlaceNetwork) -> u32 {
    if let Some(limit) = gce.project.config.network_limit {
        return limit;
    }
    let Ok((used, limit)) = quota(gce).await else {
        return NETWORKS;
    };
    let mut usage = ask.usage.iter();
    let ours = usage.find(|(group, _)| group.account.as_deref() == Some(gce.id()));
    let others = used.saturating_sub(ours.map_or(0, |(_, count)| *count));
    limit.saturating_sub(others)
}

/// How many networks the project has and may have.
async fn quota(gce: &Gce) -> Result<(u32, u32), Failure> {
    let send = |clients: &Clients| clients.projects.get().set_project(gce.id()).send();
    let project = gce.call(API, send).await?;
    networks(&project).ok_or_else(|| gce.unusable(API, "the answer shows no quota of networks"))
}

fn networks(project: &Project) -> Option<(u32, u32)> {
    let quotas = project.quotas.iter();
    let quota = quotas
        .into_iter()
        .find(|quota| quota.metric == Some(Metric::Networks))?;
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
        assert_eq!(whole(-1.0), None);
        assert_eq!(whole(f64::NAN), None);
    }
}
