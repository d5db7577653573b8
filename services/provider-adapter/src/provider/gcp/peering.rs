//! The vendor's half of a peering: adding it, adopting it, removing it. At most three calls of the cloud each time.

use api::cloud::{CloudError, CloudErrorKind};
use google_cloud_compute_v1::model::{
    NetworkPeering, NetworksAddPeeringRequest, NetworksRemovePeeringRequest,
};

use super::client::{Clients, Gce};
use super::error::Failure;
use super::meaning::{DUPLICATE, IN_PROGRESS};
use super::operation::Progress;
use super::peering_state::{leads_to, observation};
use super::token::{Step, Token};
use super::{names, url, vpc_look};
use crate::provider::{DeletePeering, EnsurePeering, PeeringObservation, Removal, Underway};

const ADD: &str = "networks.addPeering";
const REMOVE: &str = "networks.removePeering";

type Answer = Underway<Option<PeeringObservation>>;

/// Waits for what is under way, and looks at what it did; adds the half when nothing is under way.
pub(super) async fn ensure(gce: &Gce, ask: &EnsurePeering) -> Result<Answer, CloudError> {
    let Some(token) = Token::parse(&ask.operation_token)? else {
        return add(gce, ask).await;
    };
    match gce.progress(&token).await? {
        Progress::Running => Ok(Underway {
            now: None,
            operation_token: token.to_string(),
        }),
        Progress::Failed(failure) if failure.is_already() => adopt(gce, ask).await,
        Progress::Failed(failure) => Err(CloudError {
            refused: true,
            ..refusal(failure, ask)
        }),
        Progress::Done | Progress::Vanished => look(gce, ask).await.map(Underway::ended),
    }
}

async fn add(gce: &Gce, ask: &EnsurePeering) -> Result<Answer, CloudError> {
    let peering = NetworkPeering::new()
        .set_name(name(ask))
        .set_network(url::of_network(&ask.peer.account_id, &ask.peer.vpc_id))
        .set_exchange_subnet_routes(true)
        .set_import_custom_routes(ask.options.import_custom_routes)
        .set_export_custom_routes(ask.options.export_custom_routes);
    let body = NetworksAddPeeringRequest::new().set_network_peering(peering);
    let request = names::request(&ask.peering, Step::AddPeering, ask.request_at);
    let send = |clients: &Clients| {
        let call = clients.networks.add_peering().set_project(gce.id());
        let call = call
            .set_network(&ask.vendor_vpc_id)
            .set_request_id(&request);
        call.set_body(body.clone()).send()
    };
    match gce.call(ADD, send).await {
        Ok(operation) => Ok(Underway {
            now: None,
            operation_token: gce.begun(ADD, Step::AddPeering, None, operation)?,
        }),
        Err(failure) if failure.is_already() => adopt(gce, ask).await,
        Err(failure) => Err(refusal(failure, ask)),
    }
}

fn name(ask: &EnsurePeering) -> String {
    let peering = &ask.peering;
    names::of_peering(&peering.deployment, &peering.peering_id, peering.attempt)
}

/// The half as the vendor's network shows it; none: not there.
async fn look(gce: &Gce, ask: &EnsurePeering) -> Result<Option<PeeringObservation>, CloudError> {
    let halves = halves(gce, &ask.vendor_vpc_id).await?;
    let Some(halves) = halves else {
        return Err(vpc_missing(ask));
    };
    let name = name(ask);
    let Some(half) = halves
        .into_iter()
        .find(|half| half.provider_peering_id == name)
    else {
        return Ok(None);
    };
    if leads_to(&half, &ask.peer) {
        Ok(Some(marked(half, ask)))
    } else {
        let failure = gce.unusable(
            "networks.get",
            "the peering leads to another network than asked",
        );
        Err(failure.after_writing())
    }
}

/// The cloud says that it exists already: ours, or another half towards the same network.
async fn adopt(gce: &Gce, ask: &EnsurePeering) -> Result<Answer, CloudError> {
    let Some(halves) = halves(gce, &ask.vendor_vpc_id).await? else {
        return Err(vpc_missing(ask));
    };
    let name = name(ask);
    let towards = halves.into_iter();
    let towards = towards.filter(|half| leads_to(half, &ask.peer));
    // One that tells its project says more than one that does not.
    let best = towards.max_by_key(|half| {
        let is_asked = half.provider_peering_id == name;
        (is_asked, !half.peer.account_id.is_empty())
    });
    let Some(half) = best else {
        let failure = gce.unusable(
            ADD,
            "the cloud says that the peering exists, and does not show it",
        );
        return Err(failure.after_writing());
    };
    if half.provider_peering_id == name {
        return Ok(Underway::ended(Some(marked(half, ask))));
    }
    Err(in_the_way(&half.provider_peering_id, ask))
}

/// Another half towards the same network: an older one of ours is going, one of somebody else's stays.
fn in_the_way(other: &str, ask: &EnsurePeering) -> CloudError {
    let linked = format!(
        "network {} is linked to {} of project {} already by peering {other}",
        ask.vendor_vpc_id, ask.peer.vpc_id, ask.peer.account_id
    );
    if other.starts_with(&names::prefix(&ask.peering.deployment)) {
        let message = format!("{linked}, an older half of Peerway's that has to go first");
        CloudError::refused(CloudErrorKind::InProgress, IN_PROGRESS, message)
    } else {
        let message = format!("{linked}: GCP allows one per pair");
        CloudError::refused(CloudErrorKind::Terminal, DUPLICATE, message)
    }
}

fn marked(half: PeeringObservation, ask: &EnsurePeering) -> PeeringObservation {
    PeeringObservation {
        deployment: ask.peering.deployment.clone(),
        peering_id: ask.peering.peering_id.to_string(),
        attempt: ask.peering.attempt,
        ..half
    }
}

/// All halves of a network; none: there is no such network. It is asked for when something has been done, so that no
/// error says that nothing was.
pub(super) async fn halves(
    gce: &Gce,
    network: &str,
) -> Result<Option<Vec<PeeringObservation>>, CloudError> {
    let found = vpc_look::named(gce, network)
        .await
        .map_err(Failure::after_writing)?;
    let Some(found) = found else {
        return Ok(None);
    };
    let halves = found.peerings.iter().map(|half| observation(network, half));
    let halves: Option<Vec<_>> = halves.collect();
    halves.map(Some).ok_or_else(|| {
        let failure = gce.unusable(
            "networks.get",
            "the answer shows a peering without name or network",
        );
        failure.after_writing()
    })
}

/// What a refused addition means for a peering.
fn refusal(failure: Failure, ask: &EnsurePeering) -> CloudError {
    let peer = &ask.peer;
    let project = ask.peering.group.account.as_deref().unwrap_or_default();
    let ours = url::of_network(project, &ask.vendor_vpc_id);
    let theirs = format!("projects/{}", peer.account_id);
    if !failure.is_not_found() {
        failure.of_write()
    } else if url::is_named(failure.words(), &ours) {
        vpc_missing(ask)
    } else if url::is_named(failure.words(), &theirs) {
        let message = format!(
            "GCP does not find the customer's network {} of project {}: check both with the customer",
            peer.vpc_id, peer.account_id
        );
        CloudError::refused(CloudErrorKind::Terminal, "PEER_IDENTITY_INVALID", message)
    } else {
        failure.of_write()
    }
}

fn vpc_missing(ask: &EnsurePeering) -> CloudError {
    let project = ask.peering.group.account.as_deref().unwrap_or_default();
    vpc_look::missing(project, &ask.vendor_vpc_id)
}

/// Waits for what is under way, be it the addition, then removes the half.
pub(super) async fn delete(
    gce: &Gce,
    ask: &DeletePeering,
) -> Result<Underway<Removal>, CloudError> {
    if let Some(token) = Token::parse(&ask.operation_token)? {
        match gce.progress(&token).await? {
            Progress::Running => return Ok(in_progress(token.to_string())),
            Progress::Done if token.step == Step::RemovePeering => {
                return Ok(Underway::ended(Removal::Deleted));
            }
            Progress::Failed(failure) if token.step == Step::RemovePeering => {
                return unless_absent(gce, ask, failure.of_operation()).await;
            }
            Progress::Vanished if token.step == Step::RemovePeering => {
                // The same request would be answered with the same operation: the caller has to make a new one.
                let (absent, more) = (Removal::Absent, Removal::InProgress);
                let now = if stands(gce, ask).await? {
                    more
                } else {
                    absent
                };
                return Ok(Underway::ended(now));
            }
            Progress::Done | Progress::Failed(_) | Progress::Vanished => {}
        }
    }
    remove(gce, ask).await
}

fn in_progress(operation_token: String) -> Underway<Removal> {
    Underway {
        now: Removal::InProgress,
        operation_token,
    }
}

async fn remove(gce: &Gce, ask: &DeletePeering) -> Result<Underway<Removal>, CloudError> {
    let body = NetworksRemovePeeringRequest::new().set_name(&ask.provider_peering_id);
    let request = names::request(&ask.peering, Step::RemovePeering, ask.request_at);
    let send = |clients: &Clients| {
        let call = clients.networks.remove_peering().set_project(gce.id());
        let call = call
            .set_network(&ask.vendor_vpc_id)
            .set_request_id(&request);
        call.set_body(body.clone()).send()
    };
    match gce.call(REMOVE, send).await {
        Ok(operation) => Ok(in_progress(gce.begun(
            REMOVE,
            Step::RemovePeering,
            None,
            operation,
        )?)),
        Err(failure) if failure.is_not_found() || failure.is_final() => {
            unless_absent(gce, ask, failure.of_write()).await
        }
        Err(failure) => Err(failure.of_write()),
    }
}

/// The refusal of a removal, unless the network shows that there is nothing to remove.
async fn unless_absent(
    gce: &Gce,
    ask: &DeletePeering,
    refusal: CloudError,
) -> Result<Underway<Removal>, CloudError> {
    if stands(gce, ask).await? {
        Err(refusal)
    } else {
        Ok(Underway::ended(Removal::Absent))
    }
}

/// Whether the vendor's network still shows the half.
async fn stands(gce: &Gce, ask: &DeletePeering) -> Result<bool, CloudError> {
    let halves = halves(gce, &ask.vendor_vpc_id).await?.unwrap_or_default();
    let id = &ask.provider_peering_id;
    Ok(halves.iter().any(|half| half.provider_peering_id == *id))
}

#[cfg(test)]
mod tests {
    use super::super::error;
    use super::*;
    use crate::provider::{Peer, PeeringOptions, PeeringRef};
    use types::{GroupId, PeeringId};

    fn ask(peer_project: &str) -> EnsurePeering {
        EnsurePeering {
            peering: PeeringRef {
                group: GroupId::gcp("acme-prod"),
                deployment: "dev".into(),
                peering_id: PeeringId::generate(),
                attempt: 1,
            },
            vendor_vpc_id: "n".into(),
            peer: Peer {
                account_id: peer_project.into(),
                region: String::new(),
                vpc_id: "main".into(),
            },
            operation_token: String::new(),
            request_at: 0,
            options: PeeringOptions::default(),
        }
    }

    #[test]
    fn what_was_not_found_decides_what_its_absence_means() {
        for (path, peer, reason) in [
            (
                "projects/acme-prod/global/networks/n",
                "cust-prod",
                "VPC_MISSING",
            ),
            (
                "projects/acme-prod/global/networks/n",
                "acme-prod",
                "VPC_MISSING",
            ),
            (
                "projects/acme-prod/global/networks/main",
                "acme-prod",
                "PEER_IDENTITY_INVALID",
            ),
            (
                "projects/cust-prod/global/networks/main",
                "cust-prod",
                "PEER_IDENTITY_INVALID",
            ),
            ("projects/cust-prod", "cust-prod", "PEER_IDENTITY_INVALID"),
            ("projects/cust-prod-2", "cust-prod", "CLOUD_UNAVAILABLE"),
            (
                "projects/acme-prod/global/networks/n2",
                "cust-prod",
                "CLOUD_UNAVAILABLE",
            ),
        ] {
            let words = format!("The resource '{path}' was not found");
            let said = (404, "notFound", words.as_str());
            let failure = error::refusal(ADD, "acme-prod", said, 0);
            assert_eq!(refusal(failure, &ask(peer)).reason, reason, "{path}");
        }
    }

    #[test]
    fn only_a_half_of_somebody_else_s_is_in_the_way_for_good() {
        let ask = ask("cust-prod");
        let old = names::of_peering("dev", &PeeringId::generate(), 1);
        let error = in_the_way(&old, &ask);
        assert_eq!(
            (error.kind, &*error.reason, error.refused),
            (CloudErrorKind::InProgress, IN_PROGRESS, true)
        );
        assert!(error.message.contains(&old), "{error}");
        let foreign = names::of_peering("other", &PeeringId::generate(), 1);
        for other in ["by-hand", &foreign] {
            let error = in_the_way(other, &ask);
            assert_eq!(
                (error.kind, &*error.reason),
                (CloudErrorKind::Terminal, DUPLICATE)
            );
        }
    }
}
