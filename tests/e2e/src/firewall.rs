//! The firewall of a network: what its callers wish, and what the cloud admits.

use std::collections::BTreeSet;

use api::network::v1 as network;
use api::network::v1::{AllowListEntry, Attachment, Network, attachment, condition};
use cloudsim::ec2::state::Source;
use serde_json::Value;
use tonic::Status;

use crate::cloud::Simulated;
use crate::wait::until;
use crate::{Suite, TENANT};

/// Ranges and ports that a firewall admits, in the order of their text.
pub type Admitted = BTreeSet<(String, String)>;

impl Suite {
    /// Attaches a datastore with a range of its own, as the service that runs it does.
    pub async fn try_attach_datastore(
        &self,
        network: &Network,
        id: &str,
        cidr: &str,
        ports: &[i32],
    ) -> Result<Network, Status> {
        let datastore = Attachment {
            network_id: network.id.clone(),
            kind: attachment::Kind::Datastore.into(),
            id: id.to_owned(),
            cidrs: vec![cidr.to_owned()],
            ports: ports.to_vec(),
            private_name: format!("{id}.db.example"),
            ..Default::default()
        };
        let request = network::AttachResourceRequest {
            tenant_id: TENANT.to_owned(),
            attachment: Some(datastore),
            ..Default::default()
        };
        let answer = self.networks().attach_resource(request).await?;
        Ok(answer.into_inner().network.expect("a network"))
    }

    /// The same, which must be allowed.
    pub async fn attach_datastore(
        &self,
        network: &Network,
        id: &str,
        cidr: &str,
        ports: &[i32],
    ) -> Network {
        self.try_attach_datastore(network, id, cidr, ports)
            .await
            .expect("the datastore is attached")
    }

    /// Detaches a datastore.
    pub async fn detach_datastore(&self, network: &Network, id: &str) {
        let request = network::DetachResourceRequest {
            tenant_id: TENANT.to_owned(),
            network_id: network.id.clone(),
            kind: attachment::Kind::Datastore.into(),
            id: id.to_owned(),
        };
        let detached = self.networks().detach_resource(request).await;
        detached.expect("the datastore is detached");
    }

    /// Wishes a range admitted.
    pub async fn try_allow(&self, network: &Network, cidr: &str) -> Result<AllowListEntry, Status> {
        let request = network::PutAllowListEntryRequest {
            tenant_id: TENANT.to_owned(),
            network_id: network.id.clone(),
            cidr: cidr.to_owned(),
            ..Default::default()
        };
        let answer = self.networks().put_allow_list_entry(request).await?;
        Ok(answer.into_inner().entry.expect("an entry"))
    }

    /// Wishes a range admitted, which must be recorded.
    pub async fn allow(&self, network: &Network, cidr: &str) -> AllowListEntry {
        self.try_allow(network, cidr)
            .await
            .expect("the entry is recorded")
    }

    /// Wishes the ranges of all peerings admitted; those that were missing.
    pub async fn allow_peered(&self, network: &Network) -> Vec<String> {
        let request = network::AllowPeeredCidrsRequest {
            tenant_id: TENANT.to_owned(),
            network_id: network.id.clone(),
            ..Default::default()
        };
        let answer = self.networks().allow_peered_cidrs(request).await;
        let added = answer.expect("entries are recorded").into_inner().added;
        added.into_iter().map(|entry| entry.cidr).collect()
    }

    /// Wishes a range no longer admitted.
    pub async fn disallow(&self, network: &Network, cidr: &str) {
        let request = network::DeleteAllowListEntryRequest {
            tenant_id: TENANT.to_owned(),
            network_id: network.id.clone(),
            cidr: cidr.to_owned(),
            ..Default::default()
        };
        let removed = self.networks().delete_allow_list_entry(request).await;
        removed.expect("the removal is recorded");
    }

    /// The allow list of a network.
    pub async fn allow_list(&self, network: &Network) -> Vec<AllowListEntry> {
        let request = network::ListAllowListEntriesRequest {
            tenant_id: TENANT.to_owned(),
            network_id: network.id.clone(),
            ..Default::default()
        };
        let listed = self.networks().list_allow_list_entries(request).await;
        listed.expect("an allow list").into_inner().entries
    }

    /// Waits until the cloud's firewall is what the network's allow list says.
    pub async fn until_firewall_ready(&self, network: &Network) -> Network {
        self.until_network_shown(&network.id, "FIREWALL_READY", is_firewall_ready)
            .await
    }

    /// Waits until the firewall of a network at AWS admits this and nothing else.
    pub async fn until_group_admits(&self, group: &str, wanted: &[(&str, &str)]) {
        let ask = async || Ok::<_, Status>(self.cloudsim().admitted_by_group(group));
        until("the group's rules", ask, |seen| *seen == admitted(wanted)).await;
    }

    /// Waits until the firewall rules of a network at GCP are one that admits this, or none when that is nothing.
    pub async fn until_rules_admit(&self, project: &str, network: &str, wanted: &[(&str, &str)]) {
        let wanted = Vec::from_iter((!wanted.is_empty()).then(|| admitted(wanted)));
        let ask = async || Ok::<_, Status>(self.cloudsim().admitted_by_rules(project, network));
        until("the firewall rule", ask, |seen| *seen == wanted).await;
    }
}

fn is_firewall_ready(network: &Network) -> bool {
    let mut conditions = network.conditions.iter();
    conditions.any(|one| one.r#type == "FIREWALL_READY" && one.status() == condition::Status::True)
}

fn admitted(pairs: &[(&str, &str)]) -> Admitted {
    let pairs = pairs.iter();
    pairs
        .map(|(range, port)| ((*range).to_owned(), (*port).to_owned()))
        .collect()
}

impl Simulated {
    /// What a security group of EC2 admits, in the words of `range` and `protocol/ports`.
    pub fn admitted_by_group(&self, group: &str) -> Admitted {
        self.0.state(|ec2| {
            let rules = ec2.security_group_rules.values();
            let rules = rules.filter(|rule| rule.group_id == group && !rule.egress);
            rules
                .map(|rule| {
                    let permission = &rule.permission;
                    let ports = match permission.ports {
                        Some((first, last)) if first == last => first.to_string(),
                        other => format!("{other:?}"),
                    };
                    let source = match &permission.source {
                        Source::Cidr(range) => range.to_string(),
                        Source::Group { group_id, .. } => group_id.clone(),
                    };
                    (source, format!("{}/{ports}", permission.protocol))
                })
                .collect()
        })
    }

    /// What each firewall rule of a network of GCP admits, in the words of `range` and `protocol/ports`.
    pub fn admitted_by_rules(&self, project: &str, network: &str) -> Vec<Admitted> {
        let network = format!("projects/{project}/global/networks/{network}");
        let texts = |list: &Value| -> Vec<String> {
            let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
            let texts = list.iter().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        };
        self.0.gcp_state(|gce| {
            let rules = gce.firewalls.values();
            let rules = rules.filter(|rule| rule.network == network);
            rules
                .map(|rule| {
                    let rule = Value::Object(rule.rule.clone());
                    let allowed = rule["allowed"].as_array().cloned().unwrap_or_default();
                    let ports = allowed.iter().flat_map(|one| {
                        let protocol = one["IPProtocol"].as_str().unwrap_or_default().to_owned();
                        let ports = texts(&one["ports"]).into_iter();
                        ports.map(move |port| format!("{protocol}/{port}"))
                    });
                    let ports = Vec::from_iter(ports);
                    let ranges = texts(&rule["sourceRanges"]).into_iter();
                    ranges
                        .flat_map(|range| {
                            ports.iter().map(move |port| (range.clone(), port.clone()))
                        })
                        .collect()
                })
                .collect()
        })
    }
}
