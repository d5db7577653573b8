//! What belongs to one tenant is not there for another, and each has limits.

use api::network::v1::network::State;
use api::network::v1::*;
use prost_types::FieldMask;
use tonic::{Code, Status};
use types::ProviderKind;

use crate::on_each_database;
use crate::suite::{Suite, datastore, peering, reason, wish};

/// Every call that names a network, by the tenant and about the network.
async fn each_call(
    suite: &Suite,
    tenant_id: &str,
    network_id: &str,
) -> Vec<(&'static str, Status)> {
    let (tenant_id, network_id) = (tenant_id.to_owned(), network_id.to_owned());
    let client = || suite.client.clone();
    macro_rules! refused {
        ($call:ident, $request:ident { $($field:ident: $value:expr),* }) => {{
            // Some of them have no further field.
            #[allow(clippy::needless_update)]
            let request = $request {
                tenant_id: tenant_id.clone(),
                network_id: network_id.clone(),
                $($field: $value,)*
                ..$request::default()
            };
            (stringify!($call), client().$call(request).await.map(drop).unwrap_err())
        }};
    }
    let cidr = || "10.1.0.0/16".to_owned();
    let mask = FieldMask {
        paths: vec!["labels".to_owned()],
    };
    let attach = AttachResourceRequest {
        tenant_id: tenant_id.clone(),
        attachment: Some(peering(&network_id, 1, &["10.1.0.0/16"])),
        ..Default::default()
    };
    let attach = client()
        .attach_resource(attach)
        .await
        .map(drop)
        .unwrap_err();
    vec![
        ("attach_resource", attach),
        refused!(get_network, GetNetworkRequest {}),
        refused!(
            update_network,
            UpdateNetworkRequest {
                update_mask: Some(mask)
            }
        ),
        refused!(delete_network, DeleteNetworkRequest {}),
        refused!(list_network_events, ListNetworkEventsRequest {}),
        refused!(watch_networks, WatchNetworksRequest {}),
        refused!(
            put_allow_list_entry,
            PutAllowListEntryRequest { cidr: cidr() }
        ),
        refused!(
            delete_allow_list_entry,
            DeleteAllowListEntryRequest { cidr: cidr() }
        ),
        refused!(list_allow_list_entries, ListAllowListEntriesRequest {}),
        refused!(allow_peered_cidrs, AllowPeeredCidrsRequest {}),
        refused!(
            detach_resource,
            DetachResourceRequest {
                kind: attachment::Kind::Peering.into(),
                id: "peer_1".to_owned()
            }
        ),
        refused!(list_attachments, ListAttachmentsRequest {}),
    ]
}

fn limit(name: &str, used: i32, limit: i32, network: &str) -> get_tenant_limits_response::Limit {
    get_tenant_limits_response::Limit {
        name: name.to_owned(),
        used,
        limit,
        network_id: network.to_owned(),
    }
}

async fn limits(suite: &Suite, tenant_id: &str) -> Vec<get_tenant_limits_response::Limit> {
    let request = GetTenantLimitsRequest {
        tenant_id: tenant_id.to_owned(),
    };
    let answer = suite.client.clone().get_tenant_limits(request).await;
    answer.unwrap().into_inner().limits
}

on_each_database! {
    async fn no_call_tells_that_another_tenant_s_network_is_there(suite: Suite) {
        let network = suite.settled("main", "10.20.0.0/16").await;
        let missing = format!("net_{:032x}", 7);
        for (tenant, id) in [("globex", network.id.as_str()), ("acme", &missing)] {
            for (call, refused) in each_call(&suite, tenant, id).await {
                assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "NETWORK_NOT_FOUND"), "{call}");
                assert_eq!(refused.message(), format!("there is no network {id}"), "{call}");
            }
        }
        assert_eq!(suite.get(&network.id).await, network);
    }

    async fn limits_tell_what_is_used_of_them(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| {
            let own = config.quotas.tenants.entry("acme".parse().unwrap()).or_default();
            own.networks = Some(7);
            own.peerings_per_network.insert(ProviderKind::Gcp, 99);
            own.datastores_per_network = Some(3);
        }).await;
        assert_eq!(limits(&suite, "acme").await, [limit("networks", 0, 7, "")]);
        assert_eq!(limits(&suite, "nobody").await, [limit("networks", 0, 20, "")]);
        let main = suite.settled("main", "10.20.0.0/16").await;
        suite.attach(peering(&main.id, 1, &["10.1.0.0/16"])).await.unwrap();
        suite.attach(datastore(&main.id, "ds-1", "10.20.1.0/24")).await.unwrap();
        let gcp = suite.create_in_gcp("gcp", "10.30.0.0/16").await;
        let gone = suite.active("gone", "10.40.0.0/16").await;
        suite.delete(&gone.id).await.unwrap();
        suite.until(&gone.id, State::Deleted).await;
        let foreign = CreateNetworkRequest { tenant_id: "globex".to_owned(), ..wish("main", "10.20.0.0/16") };
        suite.client.clone().create_network(foreign).await.unwrap();
        assert_eq!(limits(&suite, "acme").await, [
            limit("networks", 2, 7, ""),
            limit("peerings_per_network", 1, 50, &main.id),
            limit("datastores_per_network", 1, 3, &main.id),
            limit("peerings_per_network", 0, 99, &gcp.id),
            limit("datastores_per_network", 0, 3, &gcp.id),
        ]);
        let all = GetTenantLimitsRequest { tenant_id: "-".to_owned() };
        assert_eq!(suite.client.clone().get_tenant_limits(all).await.unwrap_err().code(), Code::InvalidArgument);
    }
}
