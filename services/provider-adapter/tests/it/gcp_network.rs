//! A network whose VPC stands in a project, what a look shows of it, and what others do to it.

use api::cloud::CloudError;
use api::provider::v1::observe_vpcs_response::Observation;
use api::provider::v1::{EnsureFirewallRequest, Vpc};
use google_cloud_auth::credentials::service_account;
use google_cloud_compute_v1::client::{Firewalls, Subnetworks};
use google_cloud_compute_v1::model::Firewall as Rule;
use sha2::{Digest, Sha256};
use types::NetworkId;

use crate::gcp_support::*;
use crate::support::{DEPLOYMENT, observe_vpcs};

/// A network whose VPC stands, and an operator of the vendor's with tools of their own.
pub(crate) struct Network {
    pub(crate) suite: Suite,
    pub(crate) id: NetworkId,
    pub(crate) vpc: Vpc,
    pub(crate) subnetworks: Subnetworks,
    pub(crate) firewalls: Firewalls,
}

impl Network {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let suite = Suite::with(&["compute.*"], "", settings).await;
        let id = NetworkId::generate();
        let vpc = suite.complete_vpc(id, CIDR).await;
        let key = suite
            .cloud
            .gcp_service_account(PROJECT, "operator", &["compute.*"]);
        let credentials = service_account::Builder::new(key).build().unwrap();
        let subnetworks = Subnetworks::builder().with_endpoint(suite.cloud.endpoint());
        let subnetworks = subnetworks.with_credentials(credentials.clone()).build();
        let firewalls = Firewalls::builder().with_endpoint(suite.cloud.endpoint());
        let firewalls = firewalls.with_credentials(credentials).build();
        suite.cloud.clear_calls();
        Self {
            id,
            vpc,
            subnetworks: subnetworks.await.unwrap(),
            firewalls: firewalls.await.unwrap(),
            suite,
        }
    }

    pub(crate) async fn look(&self, with_wiring: bool) -> Result<Vec<Observation>, CloudError> {
        observe_vpcs(&self.suite.adapter.client, group(), DEPLOYMENT, with_wiring).await
    }

    /// What a look with wiring shows of it alone.
    pub(crate) async fn seen(&self) -> Observation {
        let mut seen = self.look(true).await.unwrap();
        assert_eq!(seen.len(), 1);
        seen.remove(0)
    }

    pub(crate) async fn admit(&self, cidrs: &[&str], ports: &[i32]) {
        let mut request = EnsureFirewallRequest {
            r#ref: Some(vpc_ref(self.id)),
            known: Some(self.vpc.clone()),
            cidrs: cidrs.iter().map(|cidr| (*cidr).to_owned()).collect(),
            ports: ports.to_vec(),
            operation_token: String::new(),
        };
        loop {
            let answer = self.suite.client().ensure_firewall(request.clone()).await;
            let answer = answer.unwrap().into_inner();
            if answer.complete {
                return;
            }
            request.operation_token = answer.operation_token;
            self.suite.settle();
        }
    }

    pub(crate) async fn patch(&self, rule: Rule) {
        let call = self.firewalls.patch().set_project(PROJECT);
        let call = call.set_firewall(&self.vpc.vpc_id).set_body(rule);
        call.send().await.unwrap();
        self.suite.settle();
    }

    /// Puts copies of it beside it, so that there are `count` networks.
    pub(crate) fn multiply(&self, count: usize) {
        let own = &self.vpc.vpc_id;
        let prefix = own.rsplit_once('-').unwrap().0;
        self.suite.cloud.gcp_state(|state| {
            for _ in 1..count {
                let id = NetworkId::generate();
                let digest = Sha256::digest(format!("network\0{DEPLOYMENT}\0{id}"));
                let digits = digest[..16].iter().map(|byte| format!("{byte:02x}"));
                let name = format!("{prefix}-{}", digits.collect::<String>());
                let description = format!("Peerway network {id} of deployment {DEPLOYMENT}");
                let path = |kind: &str| format!("projects/{PROJECT}/{kind}/{own}");
                let (old, new) = (path("global/networks"), path("global/networks"));
                let new = new.replace(own.as_str(), &name);
                let mut network = state.networks[&old].clone();
                (network.name, network.description) = (name.clone(), description.clone());
                state.networks.insert(new.clone(), network);
                let old = path(&format!("regions/{REGION}/subnetworks"));
                let mut subnet = state.subnetworks[&old].clone();
                (subnet.name, subnet.description) = (name.clone(), description);
                subnet.network = new;
                state
                    .subnetworks
                    .insert(old.replace(own.as_str(), &name), subnet);
            }
        });
        self.suite.cloud.clear_calls();
    }

    /// The calls since the last time this was asked.
    pub(crate) fn calls(&self) -> Vec<String> {
        let calls = self.suite.cloud.calls().into_iter().map(|call| call.action);
        let mut calls: Vec<_> = calls.collect();
        calls.sort();
        self.suite.cloud.clear_calls();
        calls
    }
}
