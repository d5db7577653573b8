//! Routes: the one to the internet that comes with a network, and one per subnetwork range.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use crate::gce::effect::Effect;
use crate::gce::list::List;
use crate::gce::state::{Network, State};
use crate::gce::url::link;
use crate::gce::view::timestamp;
use crate::gce::{Change, Context, Error};

struct Route {
    name: String,
    id: u64,
    /// The path of its network.
    network: String,
    range: Ipv4Net,
    created_ms: i64,
    is_default: bool,
}

pub(crate) fn get(context: &mut Context<'_>) -> Result<Value, Error> {
    let route = found(context)?;
    Ok(view(context, &route))
}

pub(crate) fn list(context: &mut Context<'_>) -> Result<Value, Error> {
    let mut routes = routes(context.state, &context.call.project);
    routes.sort_by(|one, other| one.name.cmp(&other.name));
    let items = routes.iter().map(|route| (route.name.as_str(), route));
    let list = List {
        kind: "compute#routeList",
        items: items.collect(),
        path: format!("projects/{}/global/routes", context.call.project),
    };
    list.answer(context, |route| view(context, route))
}

pub(crate) fn delete(context: &mut Context<'_>) -> Result<Value, Error> {
    let route = found(context)?;
    let path = path(context, &route.name);
    if !route.is_default {
        let text = format!("The local route cannot be deleted: '{path}'.");
        return Err(Error::bad_request(text));
    }
    context.allowed("compute.networks.updatePolicy", &route.network)?;
    context.ready(&path, &[])?;
    let effect = Effect::DeleteDefaultRoute(route.network);
    Ok(context.begin(Change::new("delete", &path, route.id, effect)))
}

/// How many routes a project has.
pub(crate) fn count(state: &State, project: &str) -> usize {
    routes(state, project).len()
}

fn routes(state: &State, project: &str) -> Vec<Route> {
    let networks = state
        .networks
        .iter()
        .filter(|(_, one)| one.project == project);
    let default = networks
        .filter(|(_, one)| one.default_route)
        .map(|(path, one)| default_route(path, one));
    let subnetworks = state
        .subnetworks
        .iter()
        .filter(|(_, one)| one.project == project);
    let local = subnetworks.flat_map(|(_, one)| {
        one.ranges().enumerate().map(move |(n, range)| {
            let id = one.id.wrapping_add(n as u64);
            Route {
                name: format!("default-route-r-{id:016x}"),
                id,
                network: one.network.clone(),
                range,
                created_ms: one.created_ms,
                is_default: false,
            }
        })
    });
    default.chain(local).collect()
}

fn default_route(path: &str, network: &Network) -> Route {
    Route {
        name: format!("default-route-{:016x}", network.id),
        id: network.id,
        network: path.to_owned(),
        range: Ipv4Net::default(),
        created_ms: network.created_ms,
        is_default: true,
    }
}

fn found(context: &Context<'_>) -> Result<Route, Error> {
    let name = context.param("route");
    let mut routes = routes(context.state, &context.call.project).into_iter();
    let found = routes.find(|route| route.name == name);
    found.ok_or_else(|| Error::not_found(&path(context, name)))
}

fn path(context: &Context<'_>, name: &str) -> String {
    format!("projects/{}/global/routes/{name}", context.call.project)
}

fn view(context: &Context<'_>, route: &Route) -> Value {
    let base_url = &context.call.base_url;
    let (description, priority) = match route.is_default {
        true => ("Default route to the Internet.", 1000),
        false => ("Default local route to the subnetwork.", 0),
    };
    let mut view = json!({
        "kind": "compute#route",
        "id": route.id.to_string(),
        "creationTimestamp": timestamp(route.created_ms),
        "name": route.name,
        "description": description,
        "network": link(base_url, &route.network),
        "destRange": route.range.to_string(),
        "priority": priority,
        "selfLink": link(base_url, &path(context, &route.name)),
    });
    if route.is_default {
        let path = format!(
            "projects/{}/global/gateways/default-internet-gateway",
            context.call.project
        );
        view["nextHopGateway"] = json!(link(base_url, &path));
    } else {
        view["nextHopNetwork"] = json!(link(base_url, &route.network));
    }
    view
}
