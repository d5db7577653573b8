//! What the scripted network service tells of allow lists and datastores, and of claims before they are made.

use api::network::v1::check_cidr_response::{Finding, finding};
use api::network::v1::*;
use runtime::status::failure;
use tonic::{Code, Status};

use super::ScriptedNetwork;

/// What is known beside the networks themselves.
#[derive(Default)]
pub(super) struct Facts {
    allowed: Vec<(String, String)>,
    datastores: Vec<Attachment>,
    findings: Vec<Finding>,
    checked: Vec<Attachment>,
}

impl ScriptedNetwork {
    /// The allow list of a network holds this range too.
    pub(crate) fn allow(&self, network: &str, range: &str) {
        let entry = (network.to_owned(), range.to_owned());
        self.state().facts.allowed.push(entry);
    }

    /// A datastore stands on the network.
    pub(crate) fn add_datastore(&self, network: &str, port: i32, name: &str) {
        self.state().facts.datastores.push(Attachment {
            network_id: network.to_owned(),
            kind: attachment::Kind::Datastore.into(),
            id: format!("store-{port}"),
            ports: vec![port],
            private_name: name.to_owned(),
            ..Default::default()
        });
    }

    /// The firewall of a network is so.
    pub(crate) fn set_firewall(&self, network: &str, status: condition::Status, reason: &str) {
        let mut state = self.state();
        let network = state.networks.get_mut(network).unwrap();
        network.conditions = vec![Condition {
            r#type: "FIREWALL_READY".to_owned(),
            status: status.into(),
            reason: reason.to_owned(),
            message: "So it is.".to_owned(),
            ..Default::default()
        }];
    }

    /// What a check of a claim finds from now on.
    pub(crate) fn find(&self, is_error: bool, reason: &str, cidr: &str) {
        let severity = match is_error {
            true => finding::Severity::Error,
            false => finding::Severity::Warning,
        };
        self.state().facts.findings.push(Finding {
            severity: severity.into(),
            reason: reason.to_owned(),
            message: "found as told".to_owned(),
            cidr: cidr.to_owned(),
            ..Default::default()
        });
    }

    /// The claims that were checked and not made.
    pub(crate) fn checked(&self) -> Vec<Attachment> {
        self.state().facts.checked.clone()
    }

    pub(super) fn check(&self, claim: Attachment) -> Result<AttachResourceResponse, Status> {
        let mut state = self.state();
        state.facts.checked.push(claim);
        if state.away {
            return Err(Status::unavailable("away"));
        }
        Ok(AttachResourceResponse {
            findings: state.facts.findings.clone(),
            ..Default::default()
        })
    }

    pub(super) fn entries(
        &self,
        request: &ListAllowListEntriesRequest,
    ) -> Result<ListAllowListEntriesResponse, Status> {
        let state = self.state();
        if state.away {
            return Err(Status::unavailable("away"));
        }
        if !state.networks.contains_key(&request.network_id) {
            return Err(missing());
        }
        let mut own = state.facts.allowed.iter();
        // One a page, so that whoever reads has to turn pages.
        let at = request.page_token.parse().unwrap_or(0);
        let of_network = own
            .by_ref()
            .filter(|(network, _)| *network == request.network_id);
        let ranges: Vec<_> = of_network.map(|(_, range)| range.clone()).collect();
        let entry = |cidr: &String| AllowListEntry {
            cidr: cidr.clone(),
            ..Default::default()
        };
        let next = at + 1;
        Ok(ListAllowListEntriesResponse {
            entries: ranges.get(at).map(entry).into_iter().collect(),
            next_page_token: match next < ranges.len() {
                true => next.to_string(),
                false => String::new(),
            },
        })
    }

    pub(super) fn attachments(
        &self,
        request: &ListAttachmentsRequest,
    ) -> Result<ListAttachmentsResponse, Status> {
        let state = self.state();
        if state.away {
            return Err(Status::unavailable("away"));
        }
        if !state.networks.contains_key(&request.network_id) {
            return Err(missing());
        }
        let all = state.attached.values().chain(&state.facts.datastores);
        let own = all.filter(|one| one.network_id == request.network_id);
        Ok(ListAttachmentsResponse {
            attachments: own.cloned().collect(),
            next_page_token: String::new(),
        })
    }
}

fn missing() -> Status {
    failure(Code::NotFound, "NETWORK_NOT_FOUND", "no such network")
}
