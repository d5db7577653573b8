//! The table of methods.

use serde_json::Value;

use crate::gce::rates::Group;
use crate::gce::schema::{
    ADD_PEERING, FIREWALL, Fields, NETWORK, REMOVE_PEERING, SUBNETWORK, Shape, UPDATE_PEERING,
};
use crate::gce::{
    Call, Context, Error, firewall, network, operation_calls, peering, project, route, subnetwork,
};

pub(crate) type Run = fn(&mut Context<'_>) -> Result<Value, Error>;

/// How a method is called.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// Such as `networks.addPeering`.
    pub name: &'static str,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub verb: &'static str,
    /// Below `/compute/v1/`, such as `projects/{project}/global/networks/{network}/addPeering`.
    pub path: &'static str,
    pub(crate) permission: &'static str,
    pub(crate) query: &'static [&'static str],
    pub(crate) body: Option<Shape>,
    pub(crate) group: Group,
    pub(crate) run: Run,
}

const NETWORKS: &str = "projects/{project}/global/networks";
const NETWORK_PATH: &str = "projects/{project}/global/networks/{network}";
const ADDING: &str = "projects/{project}/global/networks/{network}/addPeering";
const REMOVING: &str = "projects/{project}/global/networks/{network}/removePeering";
const UPDATING: &str = "projects/{project}/global/networks/{network}/updatePeering";
const PEERING_ROUTES: &str = "projects/{project}/global/networks/{network}/listPeeringRoutes";
const ALL_SUBNETWORKS: &str = "projects/{project}/aggregated/subnetworks";
const GLOBAL_WAIT: &str = "projects/{project}/global/operations/{operation}/wait";
const REGION_WAIT: &str = "projects/{project}/regions/{region}/operations/{operation}/wait";
const SUBNETWORKS: &str = "projects/{project}/regions/{region}/subnetworks";
const SUBNETWORK_PATH: &str = "projects/{project}/regions/{region}/subnetworks/{subnetwork}";
const FIREWALLS: &str = "projects/{project}/global/firewalls";
const FIREWALL_PATH: &str = "projects/{project}/global/firewalls/{firewall}";
const ROUTES: &str = "projects/{project}/global/routes";
const ROUTE_PATH: &str = "projects/{project}/global/routes/{route}";
const GLOBAL_OPERATIONS: &str = "projects/{project}/global/operations";
const GLOBAL_OPERATION: &str = "projects/{project}/global/operations/{operation}";
const REGION_OPERATIONS: &str = "projects/{project}/regions/{region}/operations";
const REGION_OPERATION: &str = "projects/{project}/regions/{region}/operations/{operation}";

const LIST: &[&str] = &[
    "filter",
    "maxResults",
    "orderBy",
    "pageToken",
    "returnPartialSuccess",
];

const LIST_PEERING_ROUTES: &[&str] = &[
    "direction",
    "peeringName",
    "region",
    "filter",
    "maxResults",
    "orderBy",
    "pageToken",
    "returnPartialSuccess",
];

const LIST_SUBNETWORKS: &[&str] = &[
    "filter",
    "maxResults",
    "orderBy",
    "pageToken",
    "returnPartialSuccess",
    "views",
];

const LIST_ALL: &[&str] = &[
    "filter",
    "includeAllScopes",
    "maxResults",
    "orderBy",
    "pageToken",
    "returnPartialSuccess",
    "serviceProjectNumber",
    "views",
];

const fn read(
    name: &'static str,
    path: &'static str,
    permission: &'static str,
    query: &'static [&'static str],
    run: Run,
) -> Method {
    Method {
        name,
        verb: "GET",
        path,
        permission,
        query,
        body: None,
        group: Group::Read,
        run,
    }
}

const fn write(
    (verb, name): (&'static str, &'static str),
    path: &'static str,
    permission: &'static str,
    body: Option<Shape>,
    run: Run,
) -> Method {
    Method {
        name,
        verb,
        path,
        permission,
        query: &["requestId"],
        body,
        group: Group::Write,
        run,
    }
}

const fn operations(
    (verb, name): (&'static str, &'static str),
    path: &'static str,
    permission: &'static str,
    query: &'static [&'static str],
    run: Run,
) -> Method {
    Method {
        verb,
        group: Group::OperationRead,
        ..read(name, path, permission, query, run)
    }
}

#[rustfmt::skip]
static METHODS: &[Method] = &[
    read("networks.get", NETWORK_PATH, "compute.networks.get", &[], network::get),
    read("networks.list", NETWORKS, "compute.networks.list", LIST, network::list),
    write(("POST", "networks.insert"), NETWORKS, "compute.networks.create", Some(NETWORK), network::insert),
    write(("PATCH", "networks.patch"), NETWORK_PATH, "compute.networks.update", Some(NETWORK), network::patch),
    write(("DELETE", "networks.delete"), NETWORK_PATH, "compute.networks.delete", None, network::delete),
    write(("POST", "networks.addPeering"), ADDING, "compute.networks.addPeering", Some(ADD_PEERING), peering::add),
    write(("POST", "networks.removePeering"), REMOVING, "compute.networks.removePeering", Some(REMOVE_PEERING), peering::remove),
    write(("PATCH", "networks.updatePeering"), UPDATING, "compute.networks.updatePeering", Some(UPDATE_PEERING), peering::update),
    read("networks.listPeeringRoutes", PEERING_ROUTES, "compute.networks.listPeeringRoutes", LIST_PEERING_ROUTES, peering::list_routes),
    read("subnetworks.get", SUBNETWORK_PATH, "compute.subnetworks.get", &["views"], subnetwork::get),
    read("subnetworks.list", SUBNETWORKS, "compute.subnetworks.list", LIST_SUBNETWORKS, subnetwork::list),
    read("subnetworks.aggregatedList", ALL_SUBNETWORKS, "compute.subnetworks.list", LIST_ALL, subnetwork::aggregated_list),
    write(("POST", "subnetworks.insert"), SUBNETWORKS, "compute.subnetworks.create", Some(SUBNETWORK), subnetwork::insert),
    write(("DELETE", "subnetworks.delete"), SUBNETWORK_PATH, "compute.subnetworks.delete", None, subnetwork::delete),
    read("firewalls.get", FIREWALL_PATH, "compute.firewalls.get", &[], firewall::get),
    read("firewalls.list", FIREWALLS, "compute.firewalls.list", LIST, firewall::list),
    write(("POST", "firewalls.insert"), FIREWALLS, "compute.firewalls.create", Some(FIREWALL), firewall::insert),
    write(("PATCH", "firewalls.patch"), FIREWALL_PATH, "compute.firewalls.update", Some(FIREWALL), firewall::patch),
    write(("PUT", "firewalls.update"), FIREWALL_PATH, "compute.firewalls.update", Some(FIREWALL), firewall::update),
    write(("DELETE", "firewalls.delete"), FIREWALL_PATH, "compute.firewalls.delete", None, firewall::delete),
    read("routes.get", ROUTE_PATH, "compute.routes.get", &[], route::get),
    read("routes.list", ROUTES, "compute.routes.list", LIST, route::list),
    write(("DELETE", "routes.delete"), ROUTE_PATH, "compute.routes.delete", None, route::delete),
    read("projects.get", "projects/{project}", "compute.projects.get", &[], project::get),
    operations(("GET", "globalOperations.get"), GLOBAL_OPERATION, "compute.globalOperations.get", &[], operation_calls::get),
    operations(("GET", "globalOperations.list"), GLOBAL_OPERATIONS, "compute.globalOperations.list", LIST, operation_calls::list),
    operations(("POST", "globalOperations.wait"), GLOBAL_WAIT, "compute.globalOperations.get", &[], operation_calls::get),
    operations(("GET", "regionOperations.get"), REGION_OPERATION, "compute.regionOperations.get", &[], operation_calls::get),
    operations(("GET", "regionOperations.list"), REGION_OPERATIONS, "compute.regionOperations.list", LIST, operation_calls::list),
    operations(("POST", "regionOperations.wait"), REGION_WAIT, "compute.regionOperations.get", &[], operation_calls::get),
];

/// The methods there are.
pub fn methods() -> &'static [Method] {
    METHODS
}

pub(crate) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

impl Method {
    /// # Errors
    /// When a parameter or a field of the body does not exist or has the wrong type.
    pub(crate) fn check(&self, call: &Call) -> Result<(), Error> {
        let known = |name: &&String| self.query.contains(&name.as_str());
        if let Some(name) = call.query.keys().find(|name| !known(name)) {
            return Err(Error::bad_request(format!(
                "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter. \
                 Field '{name}' could not be found in request message."
            )));
        }
        match (&self.body, &call.body) {
            (Some(shape), body @ Value::Object(_)) => shape.check("resource", body),
            (Some(_), _) => Err(Error::required("resource")),
            (None, Value::Null) => Ok(()),
            (None, Value::Object(body)) if body.is_empty() => Ok(()),
            (None, _) => {
                let text = "Invalid JSON payload received. The method takes no body.";
                Err(Error::bad_request(text))
            }
        }
    }

    /// What the permission is needed for: the resource that the call names, or the project.
    pub(crate) fn resource(&self, call: &Call) -> String {
        let mut path = self.path.replace("{project}", &call.project);
        for (name, value) in &call.path {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        let name = call.body.text("name");
        let is_collection = !self.path.ends_with('}');
        match name.filter(|_| self.name.ends_with(".insert")) {
            Some(name) => format!("{path}/{name}"),
            None if is_collection && self.path.contains("{network}") => path
                .rsplit_once('/')
                .map_or("", |(path, _)| path)
                .to_owned(),
            None if is_collection => format!("projects/{}", call.project),
            None => path,
        }
    }
}
