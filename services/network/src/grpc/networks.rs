//! Get, delete, history, and what the calls share.

use api::network::v1::*;
use runtime::caller::Caller;
use runtime::request_ids::{self, Key};
use runtime::status::{Violations, failure};
use tonic::{Code, Status};
use types::{NetworkId, TenantId, TenantScope};

use super::{Api, convert, origin};
use crate::domain::Network as Recorded;
use crate::store::{self, Deletion};
use runtime::page::Page;

impl Api {
    pub(super) async fn get(
        &self,
        request: GetNetworkRequest,
    ) -> Result<GetNetworkResponse, Status> {
        let (tenants, id) = which(&request.tenant_id, &request.network_id)?;
        let network = self.store.get(&tenants, id).await?;
        Ok(GetNetworkResponse {
            network: Some(convert::network(&network)),
        })
    }

    pub(super) async fn delete(
        &self,
        caller: Caller,
        request: DeleteNetworkRequest,
    ) -> Result<DeleteNetworkResponse, Status> {
        let mut violations = Violations::new();
        let tenant = violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
        let id = violations.check("network_id", request.network_id.parse::<NetworkId>());
        let key = Key::new(
            &request.tenant_id,
            "DeleteNetwork",
            &request.request_id,
            &request,
        );
        let key = violations.check("request_id", key);
        violations.finish()?;
        let (Some(tenant), Some(id), Some(key)) = (tenant, id, key) else {
            return Err(unread());
        };
        let now = self.store.now_ms().await?;
        if let Some(answer) = self.store.replay(&key, now).await? {
            return Ok(answer);
        }
        let wish = Deletion {
            tenant: &tenant,
            id,
            etag: &request.etag,
            cascade_peerings: request.cascade_peerings,
            traceparent: caller.traceparent.clone(),
            origin: &origin(&caller, &key),
            key: &key,
        };
        let answer = |network: &Recorded| DeleteNetworkResponse {
            network: Some(convert::network(network)),
        };
        let deleted = self.store.delete(&wish, now, answer).await;
        if is_raced(&deleted) {
            return self.answered_meanwhile(&key, now).await;
        }
        let (network, answer) = deleted?;
        self.nudge(&network).await;
        Ok(answer)
    }

    pub(super) async fn list_events(
        &self,
        request: ListNetworkEventsRequest,
    ) -> Result<ListNetworkEventsResponse, Status> {
        let (tenants, id, page) = page_of(
            "events",
            (&request.tenant_id, &request.network_id),
            request.page_size,
            &request.page_token,
        )?;
        self.store.get(&tenants, id).await?;
        let after = page
            .after
            .as_deref()
            .and_then(|seq| seq.parse().ok())
            .unwrap_or(0);
        let found = self.store.events(id, after, page.wanted()).await?;
        let events = found.into_iter().map(convert::event).collect();
        let (events, next_page_token) =
            page.cut(events, |event: &NetworkEvent| event.sequence.to_string());
        Ok(ListNetworkEventsResponse {
            events,
            next_page_token,
        })
    }

    /// The answer that an equal call was given while this one ran.
    pub(super) async fn answered_meanwhile<A: prost::Message + Default>(
        &self,
        key: &Key,
        now: i64,
    ) -> Result<A, Status> {
        let raced = || {
            failure(
                Code::Aborted,
                "LOST_RACE",
                "the same request runs at this moment",
            )
        };
        self.store.replay(key, now).await?.ok_or_else(raced)
    }
}

/// Whose network, which, and which page of a list of what it has; `what` names the list.
pub(super) fn page_of(
    what: &str,
    (tenant_id, network_id): (&str, &str),
    page_size: i32,
    page_token: &str,
) -> Result<(TenantScope, NetworkId, Page), Status> {
    let mut violations = Violations::new();
    let question = format!("{what} {tenant_id} {network_id}");
    let page = Page::asked(&mut violations, page_size, page_token, question);
    let tenants = violations.check("tenant_id", tenant_id.parse::<TenantScope>());
    let id = violations.check("network_id", network_id.parse::<NetworkId>());
    violations.finish()?;
    let (tenants, id) = tenants.zip(id).ok_or_else(unread)?;
    Ok((tenants, id, page))
}

/// Whose network, and which.
pub(super) fn which(tenant_id: &str, network_id: &str) -> Result<(TenantScope, NetworkId), Status> {
    let mut violations = Violations::new();
    let tenants = violations.check("tenant_id", tenant_id.parse::<TenantScope>());
    let id = violations.check("network_id", network_id.parse::<NetworkId>());
    violations.finish()?;
    tenants.zip(id).ok_or_else(unread)
}

/// What is answered when a field is missing without a violation, which the checks above never leave.
pub(super) fn unread() -> Status {
    failure(
        Code::InvalidArgument,
        "INVALID_FIELD",
        "the request cannot be read",
    )
}

pub(super) fn is_raced<T>(result: &Result<T, store::Error>) -> bool {
    matches!(
        result,
        Err(store::Error::RequestId(request_ids::Error::Raced))
    )
}
