//! Projects and their quotas.

use serde_json::{Value, json};

use crate::gce::url::link;
use crate::gce::{Context, Error, route};

pub(crate) fn get(context: &mut Context<'_>) -> Result<Value, Error> {
    let (state, id) = (&context.state, &context.call.project);
    let Some(project) = state.projects.get(id) else {
        return Err(Error::not_found(&format!("projects/{id}")));
    };
    let quotas = context.quotas();
    let networks = state.networks.values().filter(|one| one.project == *id);
    let subnetworks = state.subnetworks.values().filter(|one| one.project == *id);
    let firewalls = state.firewalls.values().filter(|one| one.project == *id);
    let quota = |metric: &str, limit: usize, usage: usize| json!({ "metric": metric, "limit": limit as f64, "usage": usage as f64 });
    Ok(json!({
        "kind": "compute#project",
        "id": project.number.to_string(),
        "name": id,
        "selfLink": link(&context.call.base_url, &format!("projects/{id}")),
        "defaultServiceAccount": format!("{}-compute@developer.gserviceaccount.com", project.number),
        "xpnProjectStatus": "UNSPECIFIED_XPN_PROJECT_STATUS",
        "defaultNetworkTier": "PREMIUM",
        "quotas": [
            quota("NETWORKS", quotas.networks, networks.count()),
            quota("SUBNETWORKS", quotas.subnetworks, subnetworks.count()),
            quota("FIREWALLS", quotas.firewalls, firewalls.count()),
            quota("ROUTES", quotas.routes, route::count(state, id)),
        ],
    }))
}
