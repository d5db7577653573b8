//! Attach, detach and list what stands on networks.

use api::network::v1::*;
use runtime::caller::Caller;
use runtime::status::Violations;
use tonic::Status;
use types::{NetworkId, TenantId};

use super::networks::{page_of, unread};
use super::{Api, by, claim, convert, space};
use crate::domain::{self, AttachmentKind};

impl Api {
    pub(super) async fn attach(
        &self,
        caller: Caller,
        request: AttachResourceRequest,
    ) -> Result<AttachResourceResponse, Status> {
        let validate_only = request.validate_only;
        let (tenant, wanted) = claim::claim(request)?;
        let now = self.store.now_ms().await?;
        if validate_only {
            return self.check_attach(&tenant, wanted, now).await;
        }
        let (network, attachment) = self
            .store
            .attach(&tenant, wanted, &by(&caller), now)
            .await?;
        self.nudge_if_due(&network, now).await;
        Ok(AttachResourceResponse {
            network: Some(convert::network(&network)),
            attachment: Some(convert::attachment(&attachment)),
            findings: Vec::new(),
        })
    }

    /// All that an attach would say, and nothing claimed.
    async fn check_attach(
        &self,
        tenant: &TenantId,
        wanted: domain::Attachment,
        now: i64,
    ) -> Result<AttachResourceResponse, Status> {
        let site = self.store.site(tenant, &wanted, now).await?;
        let objections = self.store.objections(&site, &wanted).into_iter();
        let mut findings: Vec<_> = objections.flat_map(space::objection).collect();
        findings.truncate(space::MOST_FINDINGS);
        let network = &site.network;
        let offer = self.catalog.offer(network.provider).ok();
        let rules = offer.and_then(|offer| offer.0.get(&network.region));
        let discouraged = rules.map_or(&[][..], |rules| &rules.discouraged);
        findings.extend(space::findings(&site.warnings(&wanted, discouraged)));
        Ok(AttachResourceResponse {
            network: Some(convert::network(network)),
            attachment: Some(convert::attachment(&wanted)),
            findings,
        })
    }

    pub(super) async fn detach(
        &self,
        caller: Caller,
        request: DetachResourceRequest,
    ) -> Result<DetachResourceResponse, Status> {
        let mut violations = Violations::new();
        let tenant = violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
        let network = violations.check("network_id", request.network_id.parse::<NetworkId>());
        let kind = violations.check("kind", claim::kind(request.kind));
        let id = violations.check("id", claim::attached_id(request.id));
        violations.finish()?;
        let (Some(tenant), Some(network), Some(kind), Some(id)) = (tenant, network, kind, id)
        else {
            return Err(unread());
        };
        let now = self.store.now_ms().await?;
        let network = self
            .store
            .detach(&tenant, network, kind, &id, &by(&caller), now)
            .await?;
        self.nudge_if_due(&network, now).await;
        Ok(DetachResourceResponse {})
    }

    pub(super) async fn list_attached(
        &self,
        request: ListAttachmentsRequest,
    ) -> Result<ListAttachmentsResponse, Status> {
        let (tenants, id, page) = page_of(
            "attachments",
            (&request.tenant_id, &request.network_id),
            request.page_size,
            &request.page_token,
        )?;
        let after = page.after.as_deref().and_then(key_of);
        let found = self
            .store
            .attachments(&tenants, id, after, page.wanted())
            .await?;
        let attachments = found.iter().map(convert::attachment).collect();
        let (attachments, next_page_token) = page.cut(attachments, |attachment: &Attachment| {
            let kind = claim::kind(attachment.kind).map_or("", AttachmentKind::as_str);
            format!("{kind} {}", attachment.id)
        });
        Ok(ListAttachmentsResponse {
            attachments,
            next_page_token,
        })
    }
}

fn key_of(token: &str) -> Option<(String, AttachmentKind)> {
    let (kind, id) = token.split_once(' ')?;
    Some((id.to_owned(), AttachmentKind::parse(kind)?))
}
