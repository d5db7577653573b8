//! A network's peering in the adapter's words.

use google_cloud_compute_v1::model::NetworkPeering;
use google_cloud_compute_v1::model::network_peering::State;

use super::url;
use crate::provider::{Peer, PeeringObservation, PeeringOptions, PeeringState};

/// What the network `network` shows of one of its halves; none when it lacks its name, its state or its other end.
pub(super) fn observation(network: &str, half: &NetworkPeering) -> Option<PeeringObservation> {
    let (project, name) = url::network(half.network.as_deref()?)?;
    let state = half.state.as_ref()?;
    // A number does not tell which id it stands for.
    let project = if url::is_number(project) { "" } else { project };
    Some(PeeringObservation {
        provider_peering_id: half.name.clone().filter(|name| !name.is_empty())?,
        deployment: String::new(),
        peering_id: String::new(),
        attempt: 0,
        state: match state {
            State::Active => PeeringState::Active,
            State::Inactive => PeeringState::Inactive,
            _ => PeeringState::Unrecognized,
        },
        reason: "",
        message: without_time(half.state_details.as_deref().unwrap_or_default()).to_owned(),
        raw_state: state.name().unwrap_or_default().to_owned(),
        expire_at: None,
        vendor_vpc_id: network.to_owned(),
        peer: Peer {
            account_id: project.to_owned(),
            region: String::new(),
            vpc_id: name.to_owned(),
        },
        peer_cidrs: Vec::new(),
        options: Some(PeeringOptions {
            resolve_dns: false,
            import_custom_routes: half.import_custom_routes.unwrap_or_default(),
            export_custom_routes: half.export_custom_routes.unwrap_or_default(),
        }),
    })
}

/// Whether the half leads to the network of `peer`, as far as it tells.
pub(super) fn leads_to(half: &PeeringObservation, peer: &Peer) -> bool {
    let project = &half.peer.account_id;
    half.peer.vpc_id == peer.vpc_id && (project.is_empty() || *project == peer.account_id)
}

/// The sentence behind the time in brackets that the cloud puts before it, which would make every sentence another.
fn without_time(details: &str) -> &str {
    let rest = details
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'));
    let sentence = rest.map_or(details, |(_, sentence)| sentence);
    sentence.trim_start_matches(':').trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half() -> NetworkPeering {
        NetworkPeering::new()
            .set_name("peerway-1")
            .set_network(
                "https://www.googleapis.com/compute/v1/projects/customer-1/global/networks/main",
            )
            .set_state(State::Inactive)
            .set_state_details(
                "[2026-11-22T10:00:00.000-08:00]: Waiting for peer network to connect.",
            )
    }

    #[test]
    fn a_half_is_read_without_the_time_of_its_sentence() {
        let seen = observation("ours", &half()).unwrap();
        assert_eq!(seen.state, PeeringState::Inactive);
        assert_eq!(seen.message, "Waiting for peer network to connect.");
        assert_eq!(
            (&*seen.raw_state, &*seen.vendor_vpc_id),
            ("INACTIVE", "ours")
        );
        assert_eq!(
            (&*seen.peer.account_id, &*seen.peer.vpc_id),
            ("customer-1", "main")
        );
        assert_eq!(without_time("Connected."), "Connected.");
    }

    #[test]
    fn a_project_s_number_is_not_taken_for_its_id() {
        let seen = |project: &str, name: &str| {
            let address = format!("https://x/compute/v1/projects/{project}/global/networks/{name}");
            observation("ours", &half().set_network(address)).unwrap()
        };
        let asked = seen("customer-1", "main").peer;
        let by_number = seen("123456789012", "main");
        assert_eq!(by_number.peer.account_id, "");
        assert!(leads_to(&by_number, &asked));
        assert!(leads_to(&seen("customer-1", "main"), &asked));
        assert!(!leads_to(&seen("123456789012", "other"), &asked));
        assert!(!leads_to(&seen("customer-2", "main"), &asked));
    }

    #[test]
    fn a_state_never_seen_before_concludes_nothing() {
        let seen = observation("ours", &half().set_state(State::from("MELTED"))).unwrap();
        assert_eq!(
            (seen.state, &*seen.raw_state),
            (PeeringState::Unrecognized, "MELTED")
        );
    }

    #[test]
    fn a_half_that_lacks_what_makes_it_one_is_none() {
        for broken in [
            half().set_or_clear_name(None::<String>),
            half().set_or_clear_network(None::<String>),
            half().set_or_clear_state(None::<State>),
            half().set_network("main"),
        ] {
            assert_eq!(observation("ours", &broken), None);
        }
    }
}
