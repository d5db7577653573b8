//! CreatePeering with validate_only: every check of a creation, all findings at once, nothing recorded.

use api::peering::v1::{self as proto, CreatePeeringRequest, CreatePeeringResponse, finding};
use runtime::request_ids::{self, Key};
use runtime::status::Violations;
use tonic::Status;
use tonic_types::StatusExt;
use types::{PeeringId, ProviderKind, TenantId};

use super::Api;
use super::create::METHOD;
use super::status::{in_progress, name_taken, network_away, pair_taken};
use super::wish::{self, Draft, GivenSide};
use crate::clients::{AttachError, NetworkError};
use crate::domain::{
    Admission, Error, Finding, Network, Peer, Peering, Side, objections, quota_near, range_field,
    warnings, well_known,
};

/// What the quota of requests that nobody has accepted yet counts.
const OUTSTANDING: &str = "of the tenant's requests that nobody has accepted yet";

impl Api {
    pub(super) async fn preflight(
        &self,
        request: &CreatePeeringRequest,
    ) -> Result<CreatePeeringResponse, Status> {
        let mut violations = Violations::new();
        let tenant = violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
        let key = Key::new(&request.tenant_id, METHOD, &request.request_id, request);
        let key = violations.check("request_id", key);
        violations.finish()?;
        let (Some(tenant), Some(key)) = (tenant, key) else {
            return Err(Status::internal("a request was neither taken nor refused"));
        };
        self.refuse_reuse(&tenant, &key).await?;
        let mut found = Findings::default();
        let mut malformed = Violations::new();
        let draft = wish::draft(&mut malformed, request);
        if let Err(status) = malformed.finish() {
            found.refuse("", &status);
        }
        let peer = self
            .check_network(&tenant, &draft, request, &mut found)
            .await?;
        self.check_holders(&tenant, &draft, peer.as_ref(), &mut found)
            .await?;
        if draft
            .side
            .is_some_and(|side| side.provider == ProviderKind::Aws)
        {
            found.extend(self.outstanding_near(&tenant).await?);
        }
        Ok(CreatePeeringResponse {
            peering: None,
            findings: found.told(),
        })
    }

    /// A check with the id of a creation is another request than that.
    async fn refuse_reuse(&self, tenant: &TenantId, key: &Key) -> Result<(), Status> {
        let Some(request_id) = key.request_id() else {
            return Ok(());
        };
        // With another body it is an error; with the same there is no answer, since none is stored.
        self.replay(key).await?;
        let found = self
            .store
            .unfinished(tenant.as_str(), request_id.as_str())
            .await?;
        match found {
            Some(_) => Err(request_ids::Error::Reused.into()),
            None => Ok(()),
        }
    }

    /// What the network says to it; answers with the customer's side as it would be, if it is well-formed.
    async fn check_network(
        &self,
        tenant: &TenantId,
        draft: &Draft<'_>,
        request: &CreatePeeringRequest,
        found: &mut Findings,
    ) -> Result<Option<Peer>, Status> {
        if let Some(side) = &draft.side {
            found.extend(well_known(side.provider, &side.cidrs, side.given));
        }
        let Some(id) = draft.network else {
            return Ok(None);
        };
        let network = match self.network.get(tenant, id).await {
            Ok(network) => network,
            Err(error @ NetworkError::NotFound(_)) => {
                found.refuse("network_id", &error.into());
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let Some(side) = &draft.side else {
            return Ok(None);
        };
        let peer = side.whole.clone().map(|wished| wished.placed(&network));
        self.check_side(side, peer.as_ref(), &network, found)
            .await?;
        let Some(peer) = peer else {
            return Ok(None);
        };
        found.extend(warnings(&peer, &network.vendor()));
        match self
            .network
            // Of nobody: what is checked has no id yet.
            .check_claim(tenant, id, PeeringId::generate(), &peer, request.allow_overlap)
            .await
        {
            Ok(findings) => found.extend(findings),
            Err(AttachError::Refused(status)) => found.refuse("network_id", &status),
            Err(AttachError::Unanswered(status)) => return Err(network_away(status.message())),
        }
        Ok(Some(peer))
    }

    async fn check_side(
        &self,
        side: &GivenSide<'_>,
        peer: Option<&Peer>,
        network: &Network,
        found: &mut Findings,
    ) -> Result<(), Status> {
        let policy = self.policy(self.store.now_ms().await?).await?;
        let given = Side {
            provider: side.provider,
            cidrs: &side.cidrs,
            whole: peer,
        };
        for objection in objections(given, network, &policy) {
            let field = field(side, &objection);
            found.refuse(&field, &objection.into());
        }
        Ok(())
    }

    /// Whether other peerings have the name or the pair of VPCs.
    async fn check_holders(
        &self,
        tenant: &TenantId,
        draft: &Draft<'_>,
        peer: Option<&Peer>,
        found: &mut Findings,
    ) -> Result<(), Status> {
        let mut refuse = |field: &str, other: Option<Peering>, refusal: fn(&Peering) -> Status| {
            if let Some(other) = other {
                let status = match other.work.admission {
                    Admission::Admitted => refusal(&other),
                    Admission::Unadmitted | Admission::Withdrawn => in_progress(),
                };
                found.refuse(field, &status);
            }
        };
        if let (Some(network), Some(peer)) = (draft.network, peer) {
            let other = self.store.pair_holder(network, peer).await?;
            refuse("peer", other, pair_taken);
        }
        if let Some(name) = &draft.display_name {
            let other = self.store.name_holder(tenant, name).await?;
            refuse("display_name", other, name_taken);
        }
        Ok(())
    }

    async fn outstanding_near(&self, tenant: &TenantId) -> Result<Option<Finding>, Status> {
        let used = self.store.outstanding(tenant).await?;
        let most = self.store.quotas().outstanding_peerings(tenant);
        Ok(quota_near(OUTSTANDING, used, most))
    }

    /// What the owner of a peering that is being made should know. What cannot be told now is no reason to fail.
    pub(super) async fn warnings(&self, peering: &Peering) -> Vec<proto::Finding> {
        let mut found = Findings::default();
        let peer = &peering.peer;
        found.extend(warnings(peer, &peering.vendor));
        if peering.allow_overlap {
            let (tenant, network) = (&peering.tenant, peering.network);
            let checked = self
                .network
                .check_claim(tenant, network, peering.id, peer, true)
                .await;
            let findings = checked.unwrap_or_default().into_iter();
            found.extend(findings.filter(|finding| !finding.is_error));
        }
        if peer.provider() == ProviderKind::Aws {
            found.extend(self.outstanding_near(&peering.tenant).await.ok().flatten());
        }
        found.told()
    }
}

/// The field that an objection is about.
fn field(side: &GivenSide<'_>, objection: &Error) -> String {
    let provider = side.provider;
    let (vpc, account) = match provider {
        ProviderKind::Aws => ("vpc_id", "account_id"),
        ProviderKind::Gcp => ("network_name", "project_id"),
    };
    match objection {
        Error::WrongProvider { .. } => provider.to_string(),
        Error::NetworkNotActive { .. } => "network_id".to_owned(),
        Error::SelfPeering => format!("{provider}.{vpc}"),
        Error::CidrOverlap { cidr, .. } => range_field(provider, side.given, cidr),
        Error::PeerIsVendor { .. } => format!("{provider}.{account}"),
    }
}

/// Findings, each once.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            // Most of it both services find, in words of their own. One range may overlap those of several others.
            let is_alike = |known: &Finding| {
                known.message == finding.message || finding.reason != "CIDR_OVERLAP_SIBLING"
            };
            let is_known = |known: &Finding| {
                (&known.reason, &known.field) == (&finding.reason, &finding.field)
                    && is_alike(known)
            };
            if !self.0.iter().any(is_known) {
                self.0.push(finding);
            }
        }
    }

    /// What an error of the same request without validate_only would say.
    fn refuse(&mut self, field: &str, status: &Status) {
        let violated = status.get_details_bad_request();
        let violated = violated.map_or_else(Vec::new, |violated| violated.field_violations);
        if violated.is_empty() {
            self.extend([Finding {
                is_error: true,
                reason: runtime::status::reason(status).unwrap_or_default(),
                field: field.to_owned(),
                message: status.message().to_owned(),
            }]);
        }
        self.extend(violated.into_iter().map(|one| Finding {
            is_error: true,
            reason: one.reason,
            field: one.field,
            message: one.description,
        }));
    }

    /// As callers see them, errors first.
    fn told(mut self) -> Vec<proto::Finding> {
        self.0.sort_by_key(|finding| !finding.is_error);
        let told = |finding: Finding| {
            let severity = match finding.is_error {
                true => finding::Severity::Error,
                false => finding::Severity::Warning,
            };
            proto::Finding {
                severity: severity.into(),
                reason: finding.reason,
                field: finding.field,
                message: finding.message,
            }
        };
        self.0.into_iter().map(told).collect()
    }
}
