//! The allow list: put, remove, list, and the ranges of all peerings at once.

use api::network::v1::{
    AllowListEntry, AllowPeeredCidrsRequest, AllowPeeredCidrsResponse, DeleteAllowListEntryRequest,
    DeleteAllowListEntryResponse, ListAllowListEntriesRequest, ListAllowListEntriesResponse,
    PutAllowListEntryRequest, PutAllowListEntryResponse,
};
use runtime::caller::Caller;
use runtime::request_ids::Key;
use runtime::status::Violations;
use tonic::Status;
use types::{Cidr, Invalid, NetworkId, TenantId};

use super::networks::{is_raced, page_of, unread};
use super::{Api, convert, origin};
use crate::domain::{Entry, Network, check_entry};
use crate::store::{Call, Origin};

const LONGEST_DESCRIPTION: usize = 255;

/// What every change of an allow list says.
struct Asked {
    tenant: TenantId,
    id: NetworkId,
    origin: Origin,
    key: Key,
    traceparent: Option<String>,
}

impl Asked {
    fn at(&self, now: i64) -> Call<'_> {
        Call {
            tenant: &self.tenant,
            id: self.id,
            traceparent: self.traceparent.clone(),
            origin: &self.origin,
            key: &self.key,
            now,
        }
    }
}

/// Whose network and which, and what a repetition is recognised by.
fn asked(
    violations: &mut Violations,
    caller: &Caller,
    tenant_id: &str,
    network_id: &str,
    key: Result<Key, Invalid>,
) -> Option<Asked> {
    let tenant = violations.check("tenant_id", tenant_id.parse::<TenantId>());
    let id = violations.check("network_id", network_id.parse::<NetworkId>());
    let key = violations.check("request_id", key)?;
    Some(Asked {
        tenant: tenant?,
        id: id?,
        origin: origin(caller, &key),
        key,
        traceparent: caller.traceparent.clone(),
    })
}

impl Api {
    pub(super) async fn put_entry(
        &self,
        caller: Caller,
        request: PutAllowListEntryRequest,
    ) -> Result<PutAllowListEntryResponse, Status> {
        const METHOD: &str = "PutAllowListEntry";
        let mut violations = Violations::new();
        let key = Key::new(&request.tenant_id, METHOD, &request.request_id, &request);
        let (tenant, network) = (&request.tenant_id, &request.network_id);
        let asked = asked(&mut violations, &caller, tenant, network, key);
        let cidr = violations.check("cidr", request.cidr.parse::<Cidr>());
        let description = violations.check("description", description(request.description));
        violations.finish()?;
        let (Some(asked), Some(cidr), Some(description)) = (asked, cidr, description) else {
            return Err(unread());
        };
        check_entry("cidr", cidr)?;
        let now = self.store.now_ms().await?;
        let answer = |network: &Network, entry: &Entry| PutAllowListEntryResponse {
            entry: Some(convert::entry(network, entry)),
        };
        let call = asked.at(now);
        let put = self.store.put_entry(&call, cidr, description, answer).await;
        if is_raced(&put) {
            return self.answered_meanwhile(&asked.key, now).await;
        }
        let (network, answer) = put?;
        self.nudge_if_due(&network, now).await;
        Ok(answer)
    }

    pub(super) async fn delete_entry(
        &self,
        caller: Caller,
        request: DeleteAllowListEntryRequest,
    ) -> Result<DeleteAllowListEntryResponse, Status> {
        const METHOD: &str = "DeleteAllowListEntry";
        let mut violations = Violations::new();
        let key = Key::new(&request.tenant_id, METHOD, &request.request_id, &request);
        let (tenant, network) = (&request.tenant_id, &request.network_id);
        let asked = asked(&mut violations, &caller, tenant, network, key);
        let cidr = violations.check("cidr", request.cidr.parse::<Cidr>());
        violations.finish()?;
        let (Some(asked), Some(cidr)) = (asked, cidr) else {
            return Err(unread());
        };
        let now = self.store.now_ms().await?;
        let answer = DeleteAllowListEntryResponse {};
        let deleted = self.store.delete_entry(&asked.at(now), cidr, answer).await;
        if is_raced(&deleted) {
            return self.answered_meanwhile(&asked.key, now).await;
        }
        let (network, answer) = deleted?;
        self.nudge_if_due(&network, now).await;
        Ok(answer)
    }

    pub(super) async fn allow_peered(
        &self,
        caller: Caller,
        request: AllowPeeredCidrsRequest,
    ) -> Result<AllowPeeredCidrsResponse, Status> {
        const METHOD: &str = "AllowPeeredCidrs";
        let mut violations = Violations::new();
        let key = Key::new(&request.tenant_id, METHOD, &request.request_id, &request);
        let (tenant, network) = (&request.tenant_id, &request.network_id);
        let asked = asked(&mut violations, &caller, tenant, network, key);
        violations.finish()?;
        let asked = asked.ok_or_else(unread)?;
        let now = self.store.now_ms().await?;
        let answer = |network: &Network, added: &[Entry]| AllowPeeredCidrsResponse {
            added: added
                .iter()
                .map(|entry| convert::entry(network, entry))
                .collect(),
        };
        let allowed = self.store.allow_peered(&asked.at(now), answer).await;
        if is_raced(&allowed) {
            return self.answered_meanwhile(&asked.key, now).await;
        }
        let (network, answer) = allowed?;
        self.nudge_if_due(&network, now).await;
        Ok(answer)
    }

    pub(super) async fn list_entries(
        &self,
        request: ListAllowListEntriesRequest,
    ) -> Result<ListAllowListEntriesResponse, Status> {
        let (tenants, id, page) = page_of(
            "allow list",
            (&request.tenant_id, &request.network_id),
            request.page_size,
            &request.page_token,
        )?;
        let after = page.after.as_deref().and_then(|after| after.parse().ok());
        let (network, found) = self
            .store
            .entries(&tenants, id, after, page.wanted())
            .await?;
        let entries = found.iter().map(|entry| convert::entry(&network, entry));
        let (entries, next_page_token) = page.cut(entries.collect(), |entry: &AllowListEntry| {
            entry.cidr.clone()
        });
        Ok(ListAllowListEntriesResponse {
            entries,
            next_page_token,
        })
    }
}

fn description(given: String) -> Result<String, Invalid> {
    if given.chars().count() <= LONGEST_DESCRIPTION && !given.chars().any(char::is_control) {
        return Ok(given);
    }
    Err(Invalid::field(format!(
        "must be at most {LONGEST_DESCRIPTION} characters without control characters"
    )))
}
