//! What the network service would say to a claim, before it is made.

use api::network::v1::check_cidr_response::finding::Severity;
use api::network::v1::{AttachResourceRequest, Attachment, attachment};
use types::{Cidr, NetworkId, PeeringId, TenantId};

use super::network::{AttachError, NetworkClient, is_answer};
use crate::domain::{Finding, Peer, range_field};

impl NetworkClient {
    /// All that forbids `id` to claim the ranges of `peer`, and all to be warned of. Nothing is claimed.
    ///
    /// # Errors
    /// [`AttachError::Refused`] for what the network service says of the request as a whole.
    pub async fn check_claim(
        &self,
        tenant: &TenantId,
        network: NetworkId,
        id: PeeringId,
        peer: &Peer,
        allow_overlap: bool,
    ) -> Result<Vec<Finding>, AttachError> {
        let attachment = Attachment {
            network_id: network.to_string(),
            kind: attachment::Kind::Peering.into(),
            id: id.to_string(),
            cidrs: peer.cidrs().iter().map(ToString::to_string).collect(),
            peer_identity: peer.identity(),
            allow_overlap,
            ..Default::default()
        };
        let request = AttachResourceRequest {
            tenant_id: tenant.to_string(),
            attachment: Some(attachment),
            validate_only: true,
        };
        let answer = self.0.clone().attach_resource(request).await;
        let answer = answer.map_err(|status| match is_answer(&status) {
            true => AttachError::Refused(Box::new(status)),
            false => AttachError::Unanswered(Box::new(status)),
        })?;
        let findings = answer.into_inner().findings.into_iter();
        Ok(findings
            .map(|finding| {
                let cidr = finding.cidr.parse::<Cidr>().ok();
                let field = cidr.map(|cidr| range_field(peer.provider(), peer.cidrs(), &cidr));
                Finding {
                    is_error: finding.severity() != Severity::Warning,
                    reason: finding.reason,
                    field: field.unwrap_or_else(|| "network_id".to_owned()),
                    message: finding.message,
                }
            })
            .collect())
    }
}
