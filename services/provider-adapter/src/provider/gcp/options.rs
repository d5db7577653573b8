//! The options of the vendor's half: which custom routes it takes and gives.

use api::cloud::{CloudError, CloudErrorKind};
use google_cloud_compute_v1::model::{NetworkPeering, NetworksUpdatePeeringRequest};

use super::client::{Clients, Gce};
use super::operation::Progress;
use super::token::{Step, Token};
use super::{names, peering, url, vpc_look};
use crate::provider::{EnsurePeeringOptions, Underway};

const UPDATE: &str = "networks.updatePeering";

/// Waits for what is under way, and looks at what it did; changes the half when nothing is under way and it shows other
/// options than wanted.
pub(super) async fn ensure(
    gce: &Gce,
    ask: &EnsurePeeringOptions,
) -> Result<Underway<bool>, CloudError> {
    if let Some(token) = Token::parse(&ask.operation_token)? {
        let is_ours = token.step == Step::UpdatePeering;
        match gce.progress(&token).await? {
            Progress::Running => return Ok(under_way(token.to_string())),
            Progress::Failed(failure) if is_ours => {
                return Err(unless_missing(gce, ask, failure.of_operation()).await);
            }
            // The same request would be answered with the same operation: the caller has to make a new one.
            Progress::Done | Progress::Vanished if is_ours => {
                return look(gce, ask).await.map(Underway::ended);
            }
            Progress::Done | Progress::Failed(_) | Progress::Vanished => {}
        }
    }
    let untouched = |error| CloudError {
        refused: true,
        ..error
    };
    if look(gce, ask).await.map_err(untouched)? {
        return Ok(Underway::ended(true));
    }
    update(gce, ask).await
}

fn under_way(operation_token: String) -> Underway<bool> {
    Underway {
        now: false,
        operation_token,
    }
}

async fn update(gce: &Gce, ask: &EnsurePeeringOptions) -> Result<Underway<bool>, CloudError> {
    let wanted = ask.options;
    let half = NetworkPeering::new()
        .set_name(&ask.provider_peering_id)
        .set_network(url::of_network(&ask.peer.account_id, &ask.peer.vpc_id))
        .set_exchange_subnet_routes(true)
        .set_import_custom_routes(wanted.import_custom_routes)
        .set_export_custom_routes(wanted.export_custom_routes);
    let body = NetworksUpdatePeeringRequest::new().set_network_peering(half);
    let request = names::request(&ask.peering, Step::UpdatePeering, ask.request_at);
    let send = |clients: &Clients| {
        let call = clients.networks.update_peering().set_project(gce.id());
        let call = call
            .set_network(&ask.vendor_vpc_id)
            .set_request_id(&request);
        call.set_body(body.clone()).send()
    };
    match gce.call(UPDATE, send).await {
        Ok(operation) => Ok(under_way(gce.begun(
            UPDATE,
            Step::UpdatePeering,
            None,
            operation,
        )?)),
        Err(failure) if failure.is_not_found() || failure.is_final() => {
            Err(unless_missing(gce, ask, failure.of_write()).await)
        }
        Err(failure) => Err(failure.of_write()),
    }
}

/// Whether the half shows the options as wanted. Error: there is no such half.
async fn look(gce: &Gce, ask: &EnsurePeeringOptions) -> Result<bool, CloudError> {
    let id = &ask.provider_peering_id;
    let project = gce.id();
    let Some(halves) = peering::halves(gce, &ask.vendor_vpc_id).await? else {
        return Err(vpc_look::missing(project, &ask.vendor_vpc_id));
    };
    let mut halves = halves.into_iter();
    match halves.find(|half| half.provider_peering_id == *id) {
        Some(half) => Ok(half.options == Some(ask.options)),
        None => {
            let message = format!(
                "network {} of project {project} shows no peering {id}, so it takes no options",
                ask.vendor_vpc_id
            );
            let reason = "PEERING_MISSING";
            Err(CloudError::refused(
                CloudErrorKind::Terminal,
                reason,
                message,
            ))
        }
    }
}

/// The refusal of a change, unless the network shows that there is nothing to change.
async fn unless_missing(gce: &Gce, ask: &EnsurePeeringOptions, refusal: CloudError) -> CloudError {
    match look(gce, ask).await {
        Ok(_) => refusal,
        Err(missing) => missing,
    }
}
