//! Update: the name and the labels, under an etag.

use api::network::v1::{UpdateNetworkRequest, UpdateNetworkResponse};
use runtime::caller::Caller;
use runtime::request_ids::Key;
use runtime::status::Violations;
use tonic::Status;
use types::{DisplayName, Labels, NetworkId, TenantId};

use super::networks::{is_raced, unread};
use super::{Api, convert, origin};
use crate::domain::{Network, Update};
use crate::store::Call;

/// Fields of a network that no call changes.
const IMMUTABLE: [&str; 20] = [
    "id",
    "tenant_id",
    "provider",
    "region",
    "cidr",
    "multi_region_group",
    "state",
    "reason",
    "message",
    "conditions",
    "provider_account_id",
    "provider_vpc_id",
    "placement",
    "peering_count",
    "datastore_count",
    "etag",
    "create_time",
    "update_time",
    "delete_time",
    "purge_time",
];

impl Api {
    pub(super) async fn update(
        &self,
        caller: Caller,
        request: UpdateNetworkRequest,
    ) -> Result<UpdateNetworkResponse, Status> {
        let mut violations = Violations::new();
        let tenant = violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
        let id = violations.check("network_id", request.network_id.parse::<NetworkId>());
        let key = Key::new(
            &request.tenant_id,
            "UpdateNetwork",
            &request.request_id,
            &request,
        );
        let key = violations.check("request_id", key);
        let wish = wish(&mut violations, request);
        violations.finish()?;
        let (Some(tenant), Some(id), Some(key)) = (tenant, id, key) else {
            return Err(unread());
        };
        let now = self.store.now_ms().await?;
        let call = Call {
            tenant: &tenant,
            id,
            traceparent: caller.traceparent.clone(),
            origin: &origin(&caller, &key),
            key: &key,
            now,
        };
        let answer = |network: &Network| UpdateNetworkResponse {
            network: Some(convert::network(network)),
        };
        let updated = self.store.update(&call, wish, answer).await;
        if is_raced(&updated) {
            return self.answered_meanwhile(&key, now).await;
        }
        Ok(updated?)
    }
}

/// What an update changes: the fields that its mask names.
fn wish(violations: &mut Violations, request: UpdateNetworkRequest) -> Update {
    let mut wish = Update {
        etag: request.etag,
        ..Update::default()
    };
    let paths = request.update_mask.unwrap_or_default().paths;
    if paths.is_empty() {
        let rule = "must name what is to change: display_name, labels";
        violations.add("update_mask", "INVALID_FIELD", rule);
    }
    for path in &paths {
        match path.as_str() {
            "display_name" => {
                let name = request.display_name.parse::<DisplayName>();
                wish.display_name = violations.check("display_name", name);
            }
            "labels" => {
                let labels = Labels::new(request.labels.clone());
                wish.labels = violations.check("labels", labels);
            }
            other => unknown(violations, other),
        }
    }
    wish
}

/// A path of a mask that is none of those that can change.
fn unknown(violations: &mut Violations, path: &str) {
    let shown: String = path.chars().take(64).collect();
    let (reason, rule) = match path.split('.').next() {
        Some("labels") => (
            "INVALID_FIELD",
            format!("{shown}: labels are replaced as a whole; name labels"),
        ),
        Some(first) if IMMUTABLE.contains(&first) => {
            ("IMMUTABLE_FIELD", format!("{first} cannot be changed"))
        }
        _ => (
            "INVALID_FIELD",
            format!("must name display_name or labels, not {shown:?}"),
        ),
    };
    violations.add("update_mask", reason, rule);
}
