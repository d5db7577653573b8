//! The customer at GCP, and whoever else uses the cloud's own tools: Google's client in a process of its own.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::gcp::CUSTOMER_PROJECT;
use crate::python::{Python, Refusal};

/// What the customer calls its halves; there is one in each of its networks.
const HALF: &str = "to-peerway";

/// Google's client against one endpoint, for any project that it has a key of. Its first call takes seconds.
pub struct Google(Python);

impl Google {
    pub(crate) fn new(endpoint: &str, keys: &[PathBuf]) -> Self {
        let endpoint = std::ffi::OsString::from(endpoint);
        let keys = keys.iter().map(|key| key.clone().into_os_string());
        Self(Python::new(
            "customer_gcp.py",
            [endpoint].into_iter().chain(keys),
        ))
    }

    /// One call of a service such as `networks`, as the service account of a project. Operations are waited for.
    pub async fn call(
        &self,
        caller: &str,
        service: &str,
        call: &str,
        request: Value,
    ) -> Result<Value, Refusal> {
        let call = json!({"as": caller, "service": service, "call": call, "request": request});
        self.0.call(&call).await
    }

    async fn customer(&self, service: &str, call: &str, request: Value) -> Value {
        let done = self.call(CUSTOMER_PROJECT, service, call, request).await;
        done.unwrap_or_else(|no| panic!("{call}: {no:?}"))
    }

    /// A network of the customer's with one subnet; its name.
    pub async fn network(&self, name: &str, cidr: &str) -> String {
        let resource = json!({"name": name, "auto_create_subnetworks": false});
        let network = json!({"project": CUSTOMER_PROJECT, "network_resource": resource});
        self.customer("networks", "insert", network).await;
        let url = format!("projects/{CUSTOMER_PROJECT}/global/networks/{name}");
        let resource = json!({"name": name, "network": url, "ip_cidr_range": cidr});
        let subnet = json!({
            "project": CUSTOMER_PROJECT,
            "region": "europe-west1",
            "subnetwork_resource": resource,
        });
        self.customer("subnetworks", "insert", subnet).await;
        name.to_owned()
    }

    /// Makes the customer's half of a peering with a network of the vendor's.
    pub async fn peer(&self, network: &str, vendor_project: &str, vendor_network: &str) {
        let peer = (vendor_project, vendor_network);
        let made = self.half(CUSTOMER_PROJECT, network, HALF, peer).await;
        made.unwrap_or_else(|no| panic!("the customer's half: {no:?}"));
    }

    /// A half towards a project's network in a network of any project.
    pub async fn half(
        &self,
        project: &str,
        network: &str,
        name: &str,
        (peer_project, peer): (&str, &str),
    ) -> Result<Value, Refusal> {
        let peer = format!("projects/{peer_project}/global/networks/{peer}");
        let half = json!({"name": name, "network": peer, "exchange_subnet_routes": true});
        let request = json!({
            "project": project,
            "network": network,
            "networks_add_peering_request_resource": {"network_peering": half},
        });
        self.call(project, "networks", "add_peering", request).await
    }

    /// Removes the customer's half.
    pub async fn unpeer(&self, network: &str) {
        self.remove_half(CUSTOMER_PROJECT, network, HALF).await;
    }

    /// Removes a half of any project.
    pub async fn remove_half(&self, project: &str, network: &str, name: &str) {
        let request = json!({
            "project": project,
            "network": network,
            "networks_remove_peering_request_resource": {"name": name},
        });
        let removed = self
            .call(project, "networks", "remove_peering", request)
            .await;
        removed.unwrap_or_else(|no| panic!("removing {name}: {no:?}"));
    }

    /// Removes a network of the customer's with its subnet.
    pub async fn delete_network(&self, name: &str) {
        let subnet =
            json!({"project": CUSTOMER_PROJECT, "region": "europe-west1", "subnetwork": name});
        self.customer("subnetworks", "delete", subnet).await;
        let network = json!({"project": CUSTOMER_PROJECT, "network": name});
        self.customer("networks", "delete", network).await;
    }

    /// The halves of the customer's network: name and state.
    pub async fn halves(&self, network: &str) -> Vec<(String, String)> {
        let request = json!({"project": CUSTOMER_PROJECT, "network": network});
        let network = self.customer("networks", "get", request).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let halves = network["peerings"].as_array().map(Vec::as_slice);
        let halves = halves.unwrap_or_default().iter();
        halves
            .map(|half| (text(&half["name"]), text(&half["state"])))
            .collect()
    }
}
