//! For tests: peerings to begin with, and walks of the whole loop through a simulated cloud.

use types::{Labels, NetworkId, ProviderKind};

use super::admission::{Network, Policy, Wish, WishedPeer, admissible};
use super::observe::Rules;
use super::peering::Peering;
use super::sighting::{CloudState, Sighting};
use super::state::State;

mod simulation;

/// Some time.
pub(crate) const NOW: i64 = 1_800_000_000_000;

/// The rules of the default settings.
pub(crate) const RULES: Rules = Rules {
    absence_grace: 60_000,
    provision_timeout: 24 * 3_600_000,
};

/// A network in AWS.
pub(crate) fn network() -> Network {
    Network {
        id: NetworkId::generate(),
        display_name: "main".to_owned(),
        provider: ProviderKind::Aws,
        region: "eu-west-1".parse().unwrap(),
        cidr: "10.20.0.0/16".parse().unwrap(),
        state: "ACTIVE".to_owned(),
        is_active: true,
        account_id: "111111111111".to_owned(),
        vpc_id: "vpc-0b0b0b0b".to_owned(),
    }
}

/// A wish for a peering with it.
pub(crate) fn wish() -> Wish {
    Wish {
        tenant: "acme".parse().unwrap(),
        request_id: None,
        network: network().id,
        display_name: "to my apps".parse().unwrap(),
        labels: Labels::default(),
        peer: WishedPeer::Aws {
            account: "222222222222".parse().unwrap(),
            region: None,
            vpc: "vpc-0a0a0a0a".parse().unwrap(),
            cidrs: vec!["10.1.0.0/16".parse().unwrap()],
        },
        allow_overlap: false,
    }
}

/// An admitted peering in `state`, with nothing to do and nothing known about the cloud.
pub(crate) fn admitted(state: State) -> Peering {
    let policy = Policy {
        allow_vendor_peer: false,
    };
    let mut peering = admissible(wish(), &network(), policy, NOW).unwrap();
    peering.admit(NOW);
    peering.work.step_at = None;
    peering.state = state;
    peering
}

/// The peering as the cloud may show it.
pub(crate) fn sighting(peering: &Peering, id: &str, state: CloudState) -> Sighting {
    Sighting {
        provider_peering_id: id.to_owned(),
        peering: Some(peering.id),
        attempt: peering.attempt,
        state,
        reason: String::new(),
        message: String::new(),
        raw_state: format!("{state:?}"),
        expire_at: None,
        vendor_vpc: peering.vendor.vpc_id.clone(),
        peer: (
            peering.peer.account().to_owned(),
            peering.peer.region().to_owned(),
            peering.peer.vpc().to_owned(),
        ),
    }
}
